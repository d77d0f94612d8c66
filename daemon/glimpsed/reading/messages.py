"""What the daemon and a picture worker say to each other.

Paths travel as bytes: not every one is UTF-8. Both sides decode into these types and nothing else.
"""

import msgspec

from glimpsed.records import Confinement, Content, Fault, Part, Stamp


class Greet(msgspec.Struct, tag=True, frozen=True):
    """The first request to every worker: it is up, and what bounds it?"""


class Read(msgspec.Struct, tag=True, frozen=True):
    """Read the picture at `path`; one of the `known` contents only as far as its place goes."""

    path: bytes
    known: frozenset[str]


class Place(msgspec.Struct, tag=True, frozen=True):
    """Read the sidecars of the picture at `path`."""

    path: bytes


class Hash(msgspec.Struct, tag=True, frozen=True):
    """Tell the content id of the file at `path`."""

    path: bytes


class Recognise(msgspec.Struct, tag=True, frozen=True):
    """Read the words in the picture at `path`, if its content is still `content_id`."""

    path: bytes
    content_id: str


Request = Greet | Read | Place | Hash | Recognise


class Greeted(msgspec.Struct, tag=True, frozen=True):
    """What bounds the worker, by its own account: of one that no picture has reached yet."""

    confinement: tuple[Confinement, ...]


class Got(msgspec.Struct, tag=True, frozen=True):
    """A `records.Reading`, without its path."""

    stamp: Stamp
    beside: str
    content_id: str
    content: Content | None
    sidecar_parts: tuple[Part, ...]
    sidecar_content: Content | None
    thumbnail: bytes | None
    milliseconds: float


class Beside(msgspec.Struct, tag=True, frozen=True):
    """What the sidecars say, and the state they were in."""

    parts: tuple[Part, ...]
    content: Content | None
    beside: str


class Hashed(msgspec.Struct, tag=True, frozen=True):
    """The content id of the bytes that the file had at `stamp`."""

    content_id: str
    stamp: Stamp


class Recognised(msgspec.Struct, tag=True, frozen=True):
    """The words, or why there are none to be had."""

    text: str
    fault: Fault | None
    milliseconds: float


class Failed(msgspec.Struct, tag=True, frozen=True):
    """A `records.Unread`, without its path."""

    stamp: Stamp | None
    fault: Fault | None


Reply = Greeted | Got | Beside | Hashed | Recognised | Failed
