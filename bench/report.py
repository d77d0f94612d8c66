"""From rankings to what is told of them: by language and by kind, for every run, as text and as JSON."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from measures import NAMES, Judged, Measures, costs, mean, measure, nothing_fits
from product import PRODUCT, Reply
from questions import Question
from tables import Cell, table

BARE = "bare encoder"
WORST = 8
"""Missed questions told of each language, at most."""


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was measured in one go."""

    questions: Sequence[Question]
    kinds: Sequence[str]
    """Of each question."""
    rankings: Mapping[str, Sequence[Sequence[str]]]
    """By the name of the run: for each question the ids found, best first."""
    replies: Mapping[str, Sequence[Reply]]
    """Of the runs that are the daemon's: for each question the whole answer."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What was measured, where, and what the reader has to know."""
    told: Mapping[str, str] = field(default_factory=dict)
    """What a picture is called in the list of misses, by its id."""

    _measured: dict[str, dict[int, Measures]] = field(default_factory=dict, init=False)

    @property
    def answerable(self) -> list[int]:
        """The numbers of the questions that have an answer."""
        return [number for number, question in enumerate(self.questions) if question.relevant]

    def measures(self, run: str, among: Callable[[int], bool] = lambda _: True) -> Measures | None:
        """The means over the answerable questions for which `among` holds."""
        if run not in self._measured:
            ranked = self.rankings[run]
            self._measured[run] = {n: measure(ranked[n], self.questions[n].relevant) for n in self.answerable}
        return mean(found for number, found in self._measured[run].items() if among(number))

    def groups(self) -> dict[str, dict[str, list[int]]]:
        """The numbers of the answerable questions by language and by kind."""
        found: dict[str, dict[str, list[int]]] = {"lang": {}, "kind": {}}
        for number in self.answerable:
            found["lang"].setdefault(self.questions[number].lang, []).append(number)
            found["kind"].setdefault(self.kinds[number], []).append(number)
        found["kind"] = dict(sorted(found["kind"].items()))
        return found

    def by(self, group: str) -> dict[str, dict[str, Measures]]:
        """By name of the language or kind: by run, the means."""
        every = self.groups()[group]
        return {
            name: {run: found for run in self.rankings if (found := self.measures(run, set(numbers).__contains__))}
            for name, numbers in every.items()
        }

    def judged(self) -> list[Judged]:
        """What the product said of how sure it is of each answer."""
        return [
            Judged(bool(question.relevant), tuple(one in question.relevant for one in ranking),
                   reply.scores, reply.sure, reply.nothing_fits)
            for question, ranking, reply in zip(
                self.questions, self.rankings[PRODUCT.name], self.replies[PRODUCT.name], strict=True)
        ]  # fmt: skip


def text(results: Results) -> str:
    """All tables."""
    groups = results.groups()
    parts = []
    runs = list(results.rankings)
    for name, shown in NAMES.items():
        rows: list[list[Cell]] = []
        for group in ("lang", "kind"):
            by = results.by(group)
            rows += [[key, len(groups[group][key]), *(_get(by[key].get(run), name) for run in runs)] for key in by]
            if group == "lang":
                means: list[Cell] = [_mean_of(by, run, name) for run in runs]
                rows += [["mean of languages", len(by), *means]]
                everything: list[Cell] = [_get(results.measures(run), name) for run in runs]
                rows += [["all questions", len(results.answerable), *everything], ["", "", *("" for _ in runs)]]
        parts.append(table([shown, "n", *runs], rows))
    parts += [part for part in (_both(results), _against_bare(results), _speed(results), _certainty(results)) if part]
    return "\n\n".join(parts)


def misses(results: Results) -> str:
    """Of each language, some questions whose answer the product has not among its first ten, and what it has first."""
    lines = []
    for lang, numbers in results.groups()["lang"].items():
        missed = [
            number for number in numbers
            if not set(results.rankings[PRODUCT.name][number][:10]) & results.questions[number].relevant
        ]  # fmt: skip
        lines.append(f"{lang}: {len(missed)} of {len(numbers)} have no right answer among the first ten")
        for number in missed[:: max(1, len(missed) // WORST)][:WORST]:
            question = results.questions[number]
            wanted = results.told.get(min(question.relevant), "")
            first = next(iter(results.rankings[PRODUCT.name][number]), None)
            lines.append(f"    {question.query!r} is {wanted!r}; first: {results.told.get(first or '', first)!r}")
    return "\n".join(lines)


def as_json(results: Results) -> dict[str, Any]:
    """The same for programs."""

    def plain(found: Measures | None) -> dict[str, float] | None:
        return None if found is None else {NAMES[name]: round(value, 4) for name, value in asdict(found).items()}

    groups = results.groups()
    return {
        **results.about,
        "questions": len(results.questions),
        "answerable": len(results.answerable),
        "runs": {
            run: {
                "all": plain(results.measures(run)),
                **{
                    group: {name: {"n": len(groups[group][name]), **(plain(by.get(run)) or {})}
                            for name, by in results.by(group).items()}
                    for group in groups
                },
            }
            for run in results.rankings
        },
        "nothing_fits": {
            "without an answer": nothing_fits(results.judged(), answerable=False),
            "with an answer": nothing_fits(results.judged(), answerable=True),
        },
        "thresholds": [asdict(line) for line in costs(results.judged())],
        "took_ms": {run: _times(replies) for run, replies in results.replies.items()},
    }  # fmt: skip


def _get(found: Measures | None, name: str) -> float | None:
    return None if found is None else float(getattr(found, name))


def _mean_of(by: Mapping[str, Mapping[str, Measures]], run: str, name: str) -> float | None:
    values = [getattr(found[run], name) for found in by.values() if run in found]
    return statistics.fmean(values) if values else None


def _both(results: Results) -> str:
    """The product's recall@1 by language and kind at once."""
    groups = results.groups()
    if len(groups["kind"]) < 2 or len(groups["lang"]) < 2:
        return ""
    rows: list[list[Cell]] = []
    for lang, numbers in groups["lang"].items():
        shared = [set(numbers) & set(others) for others in groups["kind"].values()]
        rows.append([lang, *(_get(results.measures(PRODUCT.name, one.__contains__), "recall_1") for one in shared)])
    return table(["recall@1, product", *groups["kind"]], rows)


def _against_bare(results: Results) -> str:
    """The product against the bare encoder: differences by language."""
    if BARE not in results.rankings:
        return ""
    by = results.by("lang")
    rows: list[list[Cell]] = []
    for run in results.replies:
        for name in NAMES:
            lines = {lang: getattr(found[run], name) - getattr(found[BARE], name) for lang, found in by.items()}
            worst = min(lines, key=lambda lang: lines[lang])
            best = max(lines, key=lambda lang: lines[lang])
            mean_ = statistics.fmean(lines.values())
            rows.append([f"{run}, {NAMES[name]}", f"{mean_:+.3f}", f"{lines[worst]:+.3f} {worst}",
                         f"{lines[best]:+.3f} {best}"])  # fmt: skip
    return table([f"against the {BARE}", "mean of languages", "worst language", "best language"], rows)


def _speed(results: Results) -> str:
    rows: list[list[Cell]] = []
    for run, replies in results.replies.items():
        times = _times(replies)
        if times:
            rows.append([run, len(replies), times["p50"], times["p95"]])
    return table(["daemon's time, ms", "n", "p50", "p95"], rows, digits=1)


def _times(replies: Sequence[Reply]) -> dict[str, float]:
    ordered = sorted(reply.took_ms for reply in replies if reply.took_ms is not None)
    if not ordered:
        return {}
    return {"p50": statistics.median(ordered), "p95": ordered[round(0.95 * (len(ordered) - 1))]}


def _certainty(results: Results) -> str:
    """How often the product says that nothing fits, and what each threshold would cost and save."""
    judged = results.judged()
    without = sum(not one.answerable for one in judged)
    rows: list[list[Cell]] = [
        [f"questions without an answer ({without})", nothing_fits(judged, answerable=False)],
        [f"questions with an answer ({len(judged) - without})", nothing_fits(judged, answerable=True)],
    ]
    thresholds: list[list[Cell]] = [[line.name, line.lost_1, line.lost_10, line.saved] for line in costs(judged)]
    return "\n\n".join(
        (
            table(["says that nothing fits", "share"], rows),
            table(["shown only with", "right first hits lost", "right in ten lost", "false answers saved"], thresholds),
        )
    )
