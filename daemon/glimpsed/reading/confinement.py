"""What is told of the bounds of the picture workers."""

from typing import NamedTuple


class Confinement(NamedTuple):
    """One thing that bounds the picture workers, or does not."""

    name: str
    """`memory`, `file size`, `open files`, `time`, `writing`, `attributes`, `network` or `signals`."""
    holds: bool
    how: str
    """By what, and how far; or why not."""
