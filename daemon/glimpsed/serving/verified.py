"""The JSON of a verification, and of what could not be read. Field names are an interface: they stay."""

from typing import Literal

from pydantic import BaseModel, Field

from glimpsed.serving.models import PathsRequest


class VerifyRequest(PathsRequest):
    """What to compare, how thoroughly, and whether to mend what differs."""

    full: bool = Field(False, description="hash every file, read every vector, look for every row by its words")
    repair: bool = Field(False, description="mend what differs")


class DifferenceShown(BaseModel):
    """One thing that differs."""

    kind: str
    path: str | None = Field(description="of the picture or the thumbnail; null where it is about the whole table")
    path_bytes: str | None = Field(
        None, description="the exact path in base64, only where it is not UTF-8", exclude_if=lambda value: value is None
    )
    what: str


class UnderWay(BaseModel):
    """What differs for a while because work on it is under way; none of it is told as a difference."""

    waiting: int = Field(description="files that are not rows yet")
    stale: int = Field(description="rows that the background still has work with")
    scanning: bool = Field(description="whether a folder is compared by the daemon itself just now")
    differing: int = Field(description="paths that differed and were left out for that")


class Compared(BaseModel):
    """How much was looked at."""

    pictures: int = Field(description="files on the disk")
    rows: int
    hashed: int = Field(description="files, with `full`")
    thumbnails: int
    texts: int = Field(description="rows that were looked for by a word of theirs")
    vectors: int = Field(description="vectors, with `full`")


class Verified(BaseModel):
    """Whether the table is what the disk says."""

    state: Literal["equal", "differs", "mended", "not mended"]
    full: bool
    compared: Compared
    counts: dict[str, int] = Field(description="of what differs, by kind; after mending, of what was mended")
    differences: list[DifferenceShown] = Field(description="at most 100, some of every kind")
    left: dict[str, int] = Field(description="what still differs after mending, by kind")
    under_way: UnderWay
    errors: int = Field(description="pictures that could not be read, as their rows say")
    missing: int = Field(description="rows whose file is gone, as they say")
    warnings: list[str]
    took_ms: float


class Progress(BaseModel):
    """How far it is."""

    what: str = Field(description="files, bytes, indexes, vectors, mending or waiting")
    done: int
    of: int | None


class VerifyLine(BaseModel):
    """One line of the answer: `progress` until the last one, which is `result`, or `problem` where it failed."""

    progress: Progress | None = None
    result: Verified | None = None
    problem: str | None = None


FailureKind = Literal["passing", "lasting", "words", "encoding", "format"]


class Failed(BaseModel):
    """One picture that could not be read."""

    path: str
    path_bytes: str | None = Field(
        None, description="the exact path in base64, only where it is not UTF-8", exclude_if=lambda value: value is None
    )
    kind: FailureKind = Field(
        description="passing: the file system refused, or a reader died; lasting: only a change of the file helps;"
        " words: OCR failed; encoding: its text could not be encoded; format: its decoder is not installed"
    )
    error: str
    attempts: int
    retry_at: str | None = Field(description="tried again after; null: when the file changes, or is asked for")


class Errors(BaseModel):
    """Pictures that could not be read, by path."""

    errors: list[Failed]
    total: int
    by_kind: dict[str, int]
    next: str | None = Field(description="when the next one is tried again")
    warnings: list[str]
