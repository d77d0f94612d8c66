"""How well pictures are found: any folder with questions and answers, through the real daemon over its socket.

    python bench/finding.py FOLDER TRUTH.jsonl     {"query": "…", "lang": "…", "relevant": ["…"]} a line
    python bench/finding.py stamps                 950 stamps, asked about in other languages
    python bench/finding.py rendered               receipts, signs, slides and chats in eight scripts

Prints recall@1, recall@10, nDCG@10 and MRR by language and by kind, for full text alone, dense alone, each fusion and
the product; for the sets that it builds itself, the bare fallback encoder; and Recoll where that is installed.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chart
import common
import measures
import product
import rendered
import report
import stamps
from others import Bare, Recoll
from questions import KINDS, Built, Pictures, Question, UnusableError, chosen, keep, kept, read, resolve

from glimpsed.encoding.fallback import FALLBACK_ID

SETS = ("stamps", "rendered")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 2 where what was given cannot be used."""
    asked = _arguments().parse_args(arguments)
    try:
        with _place(asked.state) as home:
            results = measure(asked, home)
    except UnusableError as error:
        print(error, file=sys.stderr)
        return 2
    print(report.text(results))
    if asked.misses:
        print(f"\n{report.misses(results)}")
    if asked.json:
        Path(asked.json).write_text(json.dumps(report.as_json(results), ensure_ascii=False, indent=1), "utf-8")
    if asked.chart:
        chart.draw(results, Path(asked.chart))
    return 0


def measure(asked: argparse.Namespace, home: Path) -> report.Results:
    """Build or read the set, index it, and ask everything of every run.

    Raises UnusableError where what was given cannot be used.
    """
    # What is wrong with the arguments is told before the work.
    product.runs(asked.runs, strong=True)
    for file in filter(None, (asked.json, asked.chart)):
        if not Path(file).absolute().parent.is_dir():
            raise UnusableError(f"{file}: there is no such directory to write to")
    built, questions, pictures = _set(asked, home)
    setting = product.Setting(home / "glimpsed", pictures.folder, _encoder(asked.encoder), ocr=not asked.no_ocr)
    words = [question.query for question in questions]
    status, asked_first = product.ask(setting, product.PRODUCT, words)
    replies = {product.PRODUCT.name: asked_first}
    rankings: dict[str, list[list[str]]] = {}

    def ranked(name: str, found: list[list[str]]) -> None:
        """Keep these rankings, and tell at once what they come to: the whole takes long."""
        rankings[name] = found
        pairs = zip(found, questions, strict=True)
        every = measures.mean(measures.measure(one, question.relevant) for one, question in pairs if question.relevant)
        if every:
            print(f"{name}: recall@1 {every.recall_1:.3f}, recall@10 {every.recall_10:.3f}", flush=True)

    encoder, counts = status["encoder"], status["pictures"]
    print(f"{counts['fresh']} pictures, {counts['errors']} cannot be read; {len(questions)} questions")
    print(f"encoder {encoder['name']} on {encoder['device']}: {encoder['reason']}")
    common.machine()
    ranked(product.PRODUCT.name, [_ids(pictures, reply) for reply in asked_first])
    for run in product.runs(asked.runs, strong=encoder["id"] != FALLBACK_ID)[1:]:
        replies[run.name] = product.ask(setting, run, words)[1]
        ranked(run.name, [_ids(pictures, reply) for reply in replies[run.name]])
    remarks = list(built.remarks) if built else []
    if built and not asked.no_others:
        ranked(report.BARE, [pictures.ranking(found) for found in Bare(built.texts).ask(words)])
    if Recoll.here() and not asked.no_others:
        recoll = Recoll(home / "recoll", pictures.folder)
        recoll.index()
        ranked("Recoll", [pictures.ranking(found) for found in recoll.ask(words)])
        remarks += recoll.remarks()
    refused = [f"{question!r}: {one.refused}" for question, one in zip(words, replies["product"], strict=True)
               if one.refused]  # fmt: skip
    if refused:
        remarks.append(f"{len(refused)} questions were not understood, such as {refused[0]}")
    print("".join(f"note: {remark}\n" for remark in remarks))
    about = {"set": asked.what, "pictures": counts, "encoder": encoder, "remarks": remarks}
    kinds = _kinds(setting, pictures, questions, rankings, replies)
    return report.Results(questions, kinds, rankings, replies, about, _told(built, pictures))


def _set(asked: argparse.Namespace, home: Path) -> tuple[Built | None, list[Question], Pictures]:
    """The set as it was built, or None for a folder of the user's; what is asked; the pictures."""
    languages = asked.languages.split(",") if asked.languages else None
    if asked.what in SETS:
        if asked.truth:
            raise UnusableError(f"{asked.what} brings its own questions")
        place = (Path(asked.keep) if asked.keep else home / "set") / "pictures"
        built = kept(place, asked.what)
        if built is None:
            if asked.what == "stamps":
                built = stamps.build(place, languages, names=asked.names, place=Path(asked.stamps))
            else:
                built = rendered.build(place, languages)
            keep(built, asked.what)
        pictures = Pictures(place)
        questions = [resolve(line, pictures) for line in built.lines]
        if languages and languages != ["all"]:  # of `en>zh`, the language of the picture counts
            questions = [one for one in questions if one.lang.rpartition(">")[2] in languages]
        if not questions:
            raise UnusableError(f"the set in {place.parent} asks nothing in {asked.languages}")
        return built, chosen(questions, None, asked.limit), pictures
    if not asked.truth:
        raise UnusableError(f"{asked.what}: a folder needs a file of questions; sets of its own are {', '.join(SETS)}")
    if not Path(asked.what).is_dir():
        raise UnusableError(f"{asked.what}: is no folder")
    pictures = Pictures(Path(asked.what))
    return None, chosen(read(Path(asked.truth), pictures), languages, asked.limit), pictures


def _encoder(name: str) -> dict[str, str]:
    """The variables that choose the encoder."""
    if name != "checkpoint":
        return {"ENCODE_ENCODER": name}
    try:
        from tests.encoding.checkpoint import checkpoint
    except ImportError as error:
        raise UnusableError(f"the checkpoint needs the tests' packages: {error}") from error
    return {"ENCODE_ENCODER": "bge-m3", "ENCODE_MODEL": str(checkpoint()), "ENCODE_MIN_TEXTS_PER_SECOND": "0.1"}


def _ids(pictures: Pictures, reply: product.Reply) -> list[str]:
    """One id a hit."""
    return [pictures.id(paths[0]) or paths[0] for paths in reply.paths]


def _kinds(
    setting: product.Setting,
    pictures: Pictures,
    questions: Sequence[Question],
    rankings: dict[str, list[list[str]]],
    replies: dict[str, list[product.Reply]],
) -> list[str]:
    """The kind of each question: as it is given, else by the part that matched in the first run that found it.

    Where none did, by the most telling part of a picture that was to be found.
    """
    found: dict[int, str] = {}
    for number, question in enumerate(questions):
        if question.kind:
            found[number] = question.kind
        for run, every in replies.items():
            for one, label in zip(rankings[run][number], every[number].labels, strict=True):
                if one in question.relevant:
                    found.setdefault(number, KINDS.get(label, "metadata"))
        if not question.relevant:
            found.setdefault(number, "no answer")
    if len(found) < len(questions):
        paths = pictures.seen()
        with setting.started({}) as daemon:
            for number, question in enumerate(questions):
                if number not in found:
                    told = daemon.client.explain(str(paths[min(question.relevant)]))
                    labels = [part["label"] for part in told["description"]]
                    found[number] = KINDS.get(labels[0], "metadata") if labels else "no words"
    return [found[number] for number in range(len(questions))]


def _told(built: Built | None, pictures: Pictures) -> dict[str, str]:
    """What each picture is called when it is spoken of."""
    if built is None:
        return {id_: str(path.relative_to(pictures.folder)) for id_, path in pictures.seen().items()}
    return {id_: text for path, text in built.texts.items() if (id_ := pictures.id(path))}


@contextmanager
def _place(given: str | None) -> Iterator[Path]:
    """Where indexes are: for this run only, unless one is given."""
    if given:
        yield Path(given).resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="finding-") as name:
            yield Path(name)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="finding.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add: Any = parser.add_argument
    add("what", metavar="FOLDER|stamps|rendered", help="what to search")
    add("truth", nargs="?", metavar="TRUTH.jsonl", help="questions and answers, for a folder")
    add("--encoder", choices=("fallback", "checkpoint", "bge-m3", "auto"), default="fallback",
        help="checkpoint: BGE-M3's path on the tests' small real checkpoint")  # fmt: skip
    add("--languages", metavar="LANG,…", help="ask in these only; for stamps also `all`")
    add("--limit", type=_count, metavar="N", help="at most N questions a language")
    add("--runs", nargs="+", metavar="RUN", help=f"of {', '.join(run.name for run in product.RUNS)}")
    add("--no-ocr", action="store_true", help="do not read the words in the pictures")
    add("--no-others", action="store_true", help="neither the bare encoder nor Recoll")
    add("--names", action="store_true", help="stamps: keep their names, which are English words")
    add("--stamps", default=str(stamps.STAMPS), metavar="DIR", help="where the stamps are")
    add("--keep", metavar="DIR", help="leave the set here, or take the one that is here")
    add("--state", metavar="DIR", help="keep the index here for another run on the same folder")
    add("--json", metavar="FILE", help="write all figures here")
    add("--chart", metavar="FILE", help="draw recall by language here, PNG")
    add("--misses", action="store_true", help="tell some of the questions that the product misses")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("is to be at least 1")
    return number


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the daemon is ended, too
    sys.exit(main())
