"""Questions with their answers: one JSON object a line, as any set of pictures can have them.

    {"query": "a red bicycle", "lang": "en", "relevant": ["2024/bike.jpg"], "kind": "caption"}

`relevant` are paths, absolute or relative to the folder; none at all means that nothing in the folder answers.
`kind` may be left out: then it is told by the part of the description that matched.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KINDS = {
    "ocr": "OCR",
    **dict.fromkeys(("caption", "title", "sidecar"), "caption"),
    **dict.fromkeys(("keywords", "people", "place", "author", "comment", "date", "camera"), "metadata"),
    **dict.fromkeys(("name", "directory", "above"), "name"),
}
"""What a question asks for, by the label of the part that answers it."""


class UnusableError(Exception):
    """The questions or the folder cannot be used; the message names every fault."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and the pictures that answer it."""

    query: str
    lang: str
    relevant: frozenset[str]
    """Ids of pictures, as `Pictures` has them; none where nothing answers."""
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file, as it stands there."""

    query: str
    lang: str
    relevant: tuple[str, ...]
    kind: str | None = None

    def written(self) -> str:
        """As a line of JSON."""
        said: dict[str, Any] = {"query": self.query, "lang": self.lang, "relevant": list(self.relevant)}
        return json.dumps(said | ({"kind": self.kind} if self.kind else {}), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Built:
    """A folder of pictures with what is asked of it."""

    folder: Path
    lines: tuple[Line, ...]
    texts: dict[str, str]
    """What is said in or of each picture, by its path below the folder."""
    remarks: tuple[str, ...] = ()
    """What the reader of the figures has to know."""


def keep(built: Built, name: str) -> None:
    """Write beside the pictures what is needed to ask the same again: questions.jsonl and built.json."""
    write(built.folder.parent / "questions.jsonl", built.lines)
    said = {"set": name, "texts": built.texts, "remarks": built.remarks}
    (built.folder.parent / "built.json").write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")


def kept(folder: Path, name: str) -> Built | None:
    """What `keep` left beside this folder of pictures; None where nothing did.

    Raises UnusableError where something else is there.
    """
    place = folder.parent
    if not place.exists() or not any(place.iterdir()):
        return None
    try:
        said = json.loads((place / "built.json").read_bytes())
        if said["set"] != name:
            raise UnusableError(f"{place} holds {said['set']}")
        lines = (place / "questions.jsonl").read_text(encoding="utf-8").split("\n")
        return Built(folder, tuple(_line(line) for line in lines if line), said["texts"], tuple(said["remarks"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableError(f"{place} is not empty, and no set that was built here before") from error


class Pictures:
    """The files of a folder by what is in them: copies of one file have one id."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder))
        self._ids: dict[str, str | None] = {}

    def id(self, path: str | os.PathLike[str]) -> str | None:
        """The id of a file, by an absolute path or one below the folder; None where there is no such file in it."""
        place = os.path.realpath(os.path.join(self.folder, path))
        if place not in self._ids:
            inside = place.startswith(f"{self.folder}{os.sep}") and os.path.isfile(place)
            self._ids[place] = hashlib.blake2b(Path(place).read_bytes(), digest_size=16).hexdigest() if inside else None
        return self._ids[place]

    def seen(self) -> dict[str, Path]:
        """One absolute path for each id that was told so far."""
        return {id_: Path(path) for path, id_ in self._ids.items() if id_}

    def ranking(self, paths: Iterable[str]) -> list[str]:
        """The ids of these files in their order, each once; a file that is not in the folder keeps its place."""
        return list(dict.fromkeys(self.id(path) or path for path in paths))


def read(file: Path, pictures: Pictures) -> list[Question]:
    """The questions of a JSONL file; raises UnusableError that names each bad line by its number."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnusableError(f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise UnusableError(f"{file}:{number}: is not UTF-8") from error
    questions, faults = [], []
    # Not splitlines(): U+2028 and the like are no ends of lines in JSON.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                questions.append(resolve(_line(line), pictures))
            except UnusableError as error:
                faults.append(f"{file}:{number}: {error}")
    if faults:
        raise UnusableError("\n".join([*faults[:20], *([f"and {len(faults) - 20} more"] if len(faults) > 20 else [])]))
    if not questions:
        raise UnusableError(f"{file}: holds no question")
    return questions


def resolve(line: Line, pictures: Pictures) -> Question:
    """The question with ids for paths; raises UnusableError where one is not in the folder."""
    ids = {path: pictures.id(path) for path in line.relevant}
    if absent := [path for path, id_ in ids.items() if id_ is None]:
        raise UnusableError(f"not in {pictures.folder}: {', '.join(map(repr, absent))}")
    return Question(line.query, line.lang, frozenset(filter(None, ids.values())), line.kind)


def _line(text: str) -> Line:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UnusableError(f"is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UnusableError('is no object such as {"query": "…", "lang": "…", "relevant": ["…"]}')
    query, lang, relevant, kind = (value.get(name) for name in ("query", "lang", "relevant", "kind"))
    for name, one in (("query", query), ("lang", lang)):
        if not isinstance(one, str) or not one.strip():
            raise UnusableError(f'"{name}" is to be a text that is not empty')
    if not isinstance(relevant, list) or not all(isinstance(path, str) and path for path in relevant):
        raise UnusableError('"relevant" is to be a list of paths')
    if kind is not None and (not isinstance(kind, str) or not kind.strip()):
        raise UnusableError('"kind" is to be a text that is not empty, or left out')
    return Line(str(query), str(lang), tuple(relevant), kind)


def write(file: Path, lines: Iterable[Line]) -> None:
    """Write questions as JSONL."""
    file.write_text("".join(f"{line.written()}\n" for line in lines), encoding="utf-8")


def chosen(questions: Sequence[Question], languages: Sequence[str] | None, limit: int | None) -> list[Question]:
    """Those of these languages; of each language at most `limit` with an answer and as many without, evenly spread.

    Raises UnusableError for a language in which nothing is asked.
    """
    groups: dict[str, tuple[list[Question], list[Question]]] = {}
    for question in questions:
        groups.setdefault(question.lang, ([], []))[not question.relevant].append(question)
    wanted = groups if languages is None else languages
    if unknown := [lang for lang in wanted if lang not in groups]:
        raise UnusableError(f"no question is in {', '.join(unknown)}; there are {', '.join(sorted(groups))}")
    return [one for lang in wanted for group in groups[lang] for one in spread(group, limit)]


def spread(items: Sequence[Question], limit: int | None) -> list[Question]:
    """At most `limit` of the items, from the first on at even distances."""
    if limit is None or len(items) <= limit:
        return list(items)
    return [items[number * len(items) // limit] for number in range(limit)]
