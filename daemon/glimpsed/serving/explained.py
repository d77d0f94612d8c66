"""What `/v1/explain` answers. Field names are an interface: they stay, more may come."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from glimpsed.serving.models import PartShown

ReadAnew = Literal["none", "fields", "words", "picture"]
"""How much is read again for it: nothing, the fields, also the words in the picture, also a drawing of their boxes."""


class Member(BaseModel):
    """A file that belongs to the same picture."""

    path: str
    path_bytes: str | None = Field(
        None, description="the exact path in base64, only where it is not UTF-8", exclude_if=lambda value: value is None
    )
    what: str = Field(description="same content, same shot, sidecar or its picture")


class Value(BaseModel):
    """A field or a part, and who says it."""

    name: str = Field(description="of a field, or the label of a part")
    value: Any
    sources: list[str] = Field(default=[], description="empty where it is not known or nothing was read again")


class PartExplained(PartShown):
    """A labelled part of the description, and what it is used for."""

    sources: list[str] = Field(default=[], description="empty where it is not known or nothing was read again")
    encoded: bool = Field(description="whether it is encoded; full-text indexed it is in any case")


class Vector(BaseModel):
    """What an encoder made of the description."""

    encoder: str = Field(description="its id")
    cut: int = Field(description="parts that it could not take whole")
    current: bool = Field(description="whether it is the chosen encoder or the fallback")


class LineExplained(BaseModel):
    """A line of text in the picture, as OCR has it."""

    text: str
    box: tuple[float, float, float, float] = Field(
        description="left, top, right, bottom: pixels of the upright picture, from its upper left corner"
    )
    score: float = Field(description="confidence, 0 to 1")
    by: str = Field(description="what read it: pp-ocr, another model, or tesseract with its language")
    told: bool = Field(description="whether it counts as words")
    page: int = Field(1, description="of a file with several, from 1")


class Anew(BaseModel):
    """What was found when the picture was read again for this answer; nothing of it is kept."""

    changed: bool = Field(False, description="whether the file has another content than what is indexed")
    error: str | None = Field(None, description="why it cannot be read")
    lines: list[LineExplained] | None = Field(
        None, description="in reading order, what does not count as words at the end; null where not asked for"
    )
    picture: str | None = Field(None, description="its first page with the boxes of the lines, PNG in base64")
    milliseconds: dict[str, float] = Field({}, description="by what was done")


class Explained(BaseModel):
    """Everything known of one path."""

    path: str
    indexed: bool = Field(description="whether there is a row")
    state: str = Field(description="fresh, stale, missing, error, waiting, ignored, outside or not indexed")
    why: str
    hint: str | None = Field(None, description="what helps, or what comes next")
    id: str | None = None
    group: list[Member] = Field([], description="files of the same picture")
    fields: list[Value] = Field([], description="all fields that have a value")
    format: str | None = None
    width: int | None = None
    height: int | None = None
    taken_at: str | None = None
    taken_from: str | None = Field(
        None, description="what tells it: a field, such as EXIF:DateTimeOriginal, sidecar, file name, or else mtime"
    )
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    place: str | None = None
    description: list[PartExplained] = []
    passed_over: list[Value] = Field([], description="what a source says, while another one was preferred")
    encoder: str | None = None
    vectors: list[Vector] = []
    cut: int = Field(0, description="parts that the encoder could not take whole")
    reader: str | None = None
    ocr: str | None = None
    error: str | None = None
    attempts: int = 0
    retry_at: str | None = None
    modified_at: str | None = Field(None, description="of the file that was read")
    missing_since: str | None = None
    forgotten_at: str | None = Field(None, description="when a missing one is forgotten")
    indexed_at: str | None = None
    read: Anew | None = Field(None, description="null where nothing was read again")
