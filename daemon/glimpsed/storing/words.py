"""All words of the table's texts, counted where the library's own code does it: beside the event loop and Python."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from anyio import to_thread

from glimpsed.storing import sql
from glimpsed.storing.engine import Engine

_ROWS: Final = 4_096
"""Rows of one piece of work."""
_WAITING: Final = 2_000_000
"""Characters of new texts that are kept until somebody takes them; beyond, all texts have to be read again."""
_LONGEST: Final = 40
"""Bytes of a word: the full-text index leaves out longer ones."""

# What stands between words: anything but letters, marks and digits, and every sign of a script that has no blanks.
# Half-width kana are words: the full-text index does not know them for what they are.
_BETWEEN: Final = (
    r"[^\pL\pM\pN\x{ff65}-\x{ff9f}]|[\x{0e00}-\x{0eff}\x{1000}-\x{109f}\x{1780}-\x{17ff}\x{3005}\x{3007}"
    r"\x{3041}-\x{30fa}\x{30fc}-\x{30ff}\x{31f0}-\x{31ff}\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{f900}-\x{faff}"
    r"\x{20000}-\x{3ffff}]"
)


@dataclass
class Counted:
    """The words of some texts."""

    rows: int = 0
    """How many texts."""
    _words: Any = field(default=None, repr=False)

    def add(self, texts: Any) -> None:
        """Count the words of an Arrow array of texts: in how many of them each is."""
        self.rows += len(texts)
        split = pc.split_pattern_regex(texts, pattern=_BETWEEN)
        words, text = pc.list_flatten(split), pc.list_parent_indices(split)
        size = pc.binary_length(words)
        counted = pc.and_(pc.greater(size, 1), pc.less_equal(size, _LONGEST))
        coded = words.filter(counted).dictionary_encode()
        both = pc.add(pc.shift_left(text.filter(counted), 32), coded.indices.cast(pa.int64()))
        counts = pc.value_counts(pc.bit_wise_and(pc.unique(both), (1 << 32) - 1))
        made = pa.table({"word": coded.dictionary.take(counts.field("values")), "count": counts.field("counts")})
        if self._words is not None:
            made = pa.concat_tables([self._words, made]).group_by("word").aggregate([("count", "sum")])
            made = made.rename_columns(["word", "count"])
        self._words = made

    def words(self, most: int) -> list[str]:
        """The words as they are written, most common first."""
        if self._words is None:
            return []
        order = pc.select_k_unstable(self._words, k=most, sort_keys=[("count", "descending"), ("word", "ascending")])
        found: list[str] = self._words.column("word").take(order).to_pylist()
        return found

    def common(self, least: int, most: int) -> dict[str, int]:
        """The words, as they are written, that at least so many texts hold, at most so many of them; how many do."""
        if self._words is None:
            return {}
        found = self._words.filter(pc.greater_equal(self._words.column("count"), least))
        found = found.take(pc.select_k_unstable(found, k=most, sort_keys=[("count", "descending")]))
        return dict(zip(found.column("word").to_pylist(), found.column("count").to_pylist(), strict=True))


class NewTexts:
    """Texts that were committed and that nobody has counted the words of; none are kept until somebody asks."""

    def __init__(self) -> None:
        self._texts: list[str] | None = None
        self._size = 0

    def start(self) -> None:
        """Keep what comes from now on."""
        self._texts, self._size = [], 0

    def note(self, texts: Iterable[str]) -> None:
        """These were committed."""
        for text in texts:
            if self._texts is not None:
                self._texts.append(text)
                self._size += len(text)
                if self._size > _WAITING:
                    self._texts = None

    def drop(self) -> None:
        """All texts have to be read again: some are not there any more."""
        self._texts = None

    def take(self) -> list[str] | None:
        """All of them, and none again; None where there were too many to keep, or some were dropped."""
        texts = self._texts
        if texts is not None:
            self.start()
        return texts


def count(texts: list[str]) -> Counted:
    """The words of texts."""
    counted = Counted()
    counted.add(pa.array(texts, pa.utf8()))
    return counted


async def count_words(engine: Engine) -> Counted:
    """The words of all rows that are not missing."""
    counted = Counted()

    async def take(batch: Any) -> None:
        await to_thread.run_sync(counted.add, batch.column("text"))

    await engine.stream(["text"], sql.PRESENT, take, rows=_ROWS)
    return counted
