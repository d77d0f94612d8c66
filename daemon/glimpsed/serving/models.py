"""The JSON that goes through the door. Field names are an interface: they stay, more may come."""

from typing import Literal

from pydantic import BaseModel, Field


class Hit(BaseModel):
    """One picture that answers the question."""

    id: str = Field(description="content id; the picture's identity")
    path: str = Field(description="as text; U+FFFD stands for what is not UTF-8")
    path_bytes: str | None = Field(
        None, description="the exact path in base64, only where it is not UTF-8", exclude_if=lambda value: value is None
    )
    score: float = Field(description="0 to 1, comparable within one answer")
    signals: dict[str, float] = Field(description="score by signal, those that apply: dense, sparse, colbert, text")
    label: str = Field(description="which part of the description matched best")
    snippet: str
    positions: list[tuple[int, int]] = Field(
        default=[], description="from and to, in characters of the snippet, of the words that matched"
    )
    why: str
    certainty: Literal["sure", "maybe"] = Field("maybe", description="whether it is what was asked for, as measured")
    taken_at: str | None
    width: int | None
    height: int | None
    offline: bool = Field(False, description="the picture's folder cannot be seen just now")
    also: list[str] = Field(default=[], description="other paths of the same picture")


class Found(BaseModel):
    """The answer to a search, best first."""

    hits: list[Hit]
    next: str | None = Field(description="cursor of the next page")
    nothing_fits: bool = Field(False, description="no hit is better than maybe")
    took_ms: float
    encoders: list[str]
    warnings: list[str]


class EncoderStatus(BaseModel):
    """What new texts are encoded with, and why."""

    id: str
    name: str
    device: str
    reason: str
    step: str | None = Field(None, description="what is missing for BGE-M3: extra, weights, head files, device")
    phase: str = Field(description="choosing, loading, ready, unloaded or failed")


class PictureCounts(BaseModel):
    """Rows, each counted once; `waiting` are hints that are not rows yet."""

    fresh: int
    stale: int
    missing: int
    errors: int
    waiting: int


class FolderStatus(BaseModel):
    """How a folder is watched."""

    path: str
    state: str
    pictures: int


class Status(BaseModel):
    """How the daemon is."""

    version: str
    state: str = Field(description="starting, scanning, indexing, idle, paused or stopping")
    encoder: EncoderStatus
    pictures: PictureCounts
    folders: list[FolderStatus]
    warnings: list[str]


class ScanRequest(BaseModel):
    """What to compare with the disk."""

    paths: list[str] = Field(default=[], max_length=1000, description="absolute; none at all: every folder")
    paths_bytes: list[str] = Field(default=[], max_length=1000, description="more, in base64, not UTF-8")


class Scanned(BaseModel):
    """What was scanned."""

    paths: list[str]
    warnings: list[str]


class PartShown(BaseModel):
    """A labelled part of a description."""

    label: str
    text: str


class Explained(BaseModel):
    """Everything known of one path."""

    path: str
    indexed: bool = Field(description="whether there is a row")
    state: str = Field(description="fresh, stale, missing, error, waiting, ignored, outside or not indexed")
    why: str
    id: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    taken_at: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    place: str | None = None
    description: list[PartShown] = []
    encoder: str | None = None
    cut: int = Field(0, description="parts that the encoder could not take whole")
    reader: str | None = None
    ocr: str | None = None
    error: str | None = None
    attempts: int = 0
    retry_at: str | None = None
    missing_since: str | None = None
    indexed_at: str | None = None


class Picture(BaseModel):
    """One picture, wherever it lies."""

    id: str
    paths: list[str]
    format: str | None
    width: int | None
    height: int | None
    taken_at: str | None
    camera: str | None
    latitude: float | None
    longitude: float | None
    place: str | None
    description: list[PartShown]


class Problem(BaseModel):
    """RFC 9457: why a request was not answered."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    column: int | None = Field(None, description="of the question, from 1, where its fault is")
    hint: str | None = None
