"""The JSON that goes through the door. Field names are an interface: they stay, more may come."""

from typing import Literal

from pydantic import BaseModel, Field

from glimpsed.serving.guarded import GuardStatus, HeldStatus
from glimpsed.serving.inside import ErrorStatus, ProcessStatus, QueueStatus, TableStatus, WatchesStatus, WorkStatus


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
    also: list[str] = Field(default=[], description="other paths of the same picture, or of its group")


class Completion(BaseModel):
    """What may stand in the place of some characters of the question."""

    text: str
    start: int = Field(serialization_alias="from", description="of the first character, from 0")
    end: int = Field(serialization_alias="to", description="after the last character")


class Completions(BaseModel):
    """How a question may go on, at most 20."""

    completions: list[Completion]


class Found(BaseModel):
    """The answer to a search, best first."""

    hits: list[Hit]
    next: str | None = Field(description="cursor of the next page")
    nothing_fits: bool = Field(False, description="no hit is better than maybe")
    took_ms: float
    encoders: list[str]
    warnings: list[str]


class LostDevice(BaseModel):
    """A device that was given up, and is looked for while something asks for the encoder."""

    device: str
    reason: str
    looked: int = Field(description="how often, in vain")


class EncoderStatus(BaseModel):
    """What new texts are encoded with, and why."""

    id: str
    name: str
    device: str
    reason: str
    step: str | None = Field(None, description="what is missing: extra, weights, head files, trust, device")
    phase: str = Field(description="choosing, loading, ready, unloaded or failed")
    lost: list[LostDevice] = Field(default=[], description="devices that could not be used; empty where all is well")


class RefreshStatus(BaseModel):
    """How far the chosen encoder is with the rows that another one has encoded."""

    encoder: str = Field(description="its id")
    name: str
    done: int
    total: int
    rate: float | None = Field(description="rows a second, lately; null while it does nothing")
    seconds_left: float | None = Field(description="at that rate")


class PictureCounts(BaseModel):
    """Rows, each counted once; `waiting` are hints that are not rows yet."""

    fresh: int
    stale: int
    missing: int
    errors: int
    waiting: int


class FormatStatus(BaseModel):
    """A format that this installation cannot read."""

    name: str
    suffixes: list[str]
    pictures: int = Field(description="how many there are")
    reason: str = Field(description="what is missing, and how to get it")


class FormatsStatus(BaseModel):
    """Which pictures this installation can read."""

    readable: list[str]
    unreadable: list[FormatStatus]


class FolderStatus(BaseModel):
    """How a folder is watched."""

    path: str
    state: str
    pictures: int


class ConfinementStatus(BaseModel):
    """One thing that bounds the processes that read pictures, or does not."""

    name: str = Field(description="memory, file size, open files, time, writing, attributes, network or signals")
    holds: bool
    how: str = Field(description="by what, and how far; or why not")


class Status(BaseModel):
    """How the daemon is."""

    version: str
    state: str = Field(description="starting, scanning, indexing, idle, paused or stopping")
    encoder: EncoderStatus
    refresh: RefreshStatus | None = Field(None, description="null where it has encoded all, or is the fallback")
    pictures: PictureCounts
    formats: FormatsStatus
    folders: list[FolderStatus]
    confinement: list[ConfinementStatus] = Field([], description="empty until a picture was read")
    guards: list[GuardStatus] = Field([], description="what is enforced, as the daemon finds out about itself")
    held: list[HeldStatus] = Field([], description="what waits for the sake of others, or because it was paused")
    work: WorkStatus | None = Field(None, description="null while there is nothing to do")
    queues: list[QueueStatus] = []
    watches: WatchesStatus | None = None
    processes: list[ProcessStatus] = []
    table: TableStatus | None = None
    last_errors: list[ErrorStatus] = Field([], description="of those pictures that still cannot be read, latest first")
    warnings: list[str]


class PathsRequest(BaseModel):
    """Which folders, directories or files a request is about."""

    paths: list[str] = Field(default=[], max_length=1000, description="absolute; none at all: every folder")
    paths_bytes: list[str] = Field(default=[], max_length=1000, description="more, in base64, not UTF-8")


class Scanned(BaseModel):
    """What was scanned."""

    paths: list[str]
    warnings: list[str]


class Retried(BaseModel):
    """What is tried again."""

    pictures: int = Field(description="that could not be read, and are read again now")
    warnings: list[str]


class ForgetRequest(BaseModel):
    """What is to be forgotten for good: files, or directories with all below them."""

    paths: list[str] = Field(default=[], max_length=1000, description="absolute; one at least, here or in base64")
    paths_bytes: list[str] = Field(default=[], max_length=1000, description="more, in base64, not UTF-8")


class Forgotten(BaseModel):
    """What was forgotten."""

    pictures: int = Field(description="rows that were there")
    warnings: list[str] = Field(description="what may still tell of them")


class Paused(BaseModel):
    """Whether indexing is paused now."""

    paused: bool
    changed: bool = Field(description="whether it was not before")


class PartShown(BaseModel):
    """A labelled part of a description."""

    label: str
    text: str


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
    field: str | None = Field(None, description="of the question in parts, where its fault is")
    hint: str | None = None
    suggestion: str | None = Field(None, description="what to write instead of what stands there")
