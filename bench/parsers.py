"""Coverage-guided fuzzing (atheris) of the parsers of our own: containers, EXIF, IPTC, XMP, texts and dates.

    pip install --group fuzz
    python bench/parsers.py -max_total_time=60 [CORPUS…]

Ends at the first input for which one of them raises, or has an answer that does not fit the table, and keeps that as
`crash-…`; other flags are libFuzzer's. The inputs that reached something new are kept in the first CORPUS, if given.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent.parent))

with atheris.instrument_imports(include=["glimpsed.reading", "glimpsed.records"]):
    from tests.reading import mutating, parsing

    from glimpsed.reading import complete, counting, texts
    from glimpsed.reading.bounds import Bounds, bounded

BOUNDS = Bounds(metadata=1 << 20, inflated=1 << 20, text=1 << 16, xml_entities=4)


def once(data: bytes) -> None:
    """All of them on the same bytes."""
    with bounded(BOUNDS) as spent:
        content = parsing.by_all(data)
        for part in spent.words(content.parts):
            part.text.encode()
            assert part.text == texts.clean(part.text)
        assert content.latitude is None or -90 <= content.latitude <= 90
        assert 1 <= counting.count(data, 100) <= 101
        complete.shortfall(data)


def main() -> None:
    """Until a fault is found, or the flags say."""
    with tempfile.TemporaryDirectory() as home:
        for number, data in enumerate([*(data for _, data in mutating.seeds()), *mutating.blocks()]):
            Path(home, str(number)).write_bytes(data)
        atheris.Setup([*sys.argv, home], once)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
