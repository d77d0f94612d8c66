"""What the daemon answers, as docs/api.md has it; more keys may come with later versions."""

from typing import Any, NotRequired, TypedDict


class Hit(TypedDict):
    """One picture that answers a question."""

    id: str
    path: str
    path_bytes: NotRequired[str]
    """Base64 of the exact path where it is not UTF-8."""
    score: float
    signals: dict[str, float]
    label: str
    snippet: str
    positions: list[list[int]]
    """From and to, in characters of the snippet, of the words that matched."""
    why: str
    certainty: str
    """`sure` or `maybe`."""
    taken_at: str | None
    width: int | None
    height: int | None
    offline: bool
    """Whether its folder cannot be seen just now."""
    also: list[str]
    """Other paths of the same picture."""


class Answer(TypedDict):
    """The hits, best first."""

    hits: list[Hit]
    next: str | None
    nothing_fits: bool
    """Whether no hit is better than `maybe`."""
    took_ms: float
    encoders: list[str]
    warnings: list[str]


class EncoderStatus(TypedDict):
    """What new texts are encoded with."""

    id: str
    name: str
    device: str
    reason: str
    step: NotRequired[str | None]
    """What is missing for the stronger one: extra, weights, head files, trust or device."""
    phase: str
    """choosing, loading, ready, unloaded or failed."""
    lost: NotRequired[list[dict[str, Any]]]
    """Devices that could not be used: `device`, `reason`, `looked` (for it, in vain, so many times)."""


class FolderStatus(TypedDict):
    """How a folder is watched."""

    path: str
    path_bytes: NotRequired[str]
    state: str
    pictures: int


class ConfinementStatus(TypedDict):
    """One thing that bounds the processes that read pictures, or does not."""

    name: str
    holds: bool
    how: str


class Status(TypedDict):
    """How the daemon is."""

    version: str
    state: str
    encoder: EncoderStatus
    refresh: dict[str, Any] | None
    pictures: dict[str, int]
    formats: NotRequired[dict[str, list[Any]]]
    """`readable` names; `unreadable` ones, each with `name`, `suffixes`, `pictures` and `reason`."""
    folders: list[FolderStatus]
    confinement: NotRequired[list[ConfinementStatus]]
    guards: NotRequired[list[ConfinementStatus]]
    held: NotRequired[list[dict[str, str]]]
    """`what` waits, and `why`."""
    work: NotRequired[dict[str, Any] | None]
    """`done`, `total`, `rate`, `seconds_left`; None while there is nothing to do."""
    queues: NotRequired[list[dict[str, Any]]]
    """Each with `name`, `depth` and `bound`."""
    watches: NotRequired[dict[str, int] | None]
    """`used`, `most` and `limit`."""
    processes: NotRequired[list[dict[str, Any]]]
    """Each with `role`, `pid` and `resident` (bytes)."""
    table: NotRequired[dict[str, int] | None]
    """`rows`, `fragments`, `versions`, `files` and `bytes`."""
    last_errors: NotRequired[list[dict[str, Any]]]
    """Each with `path`, `error`, `attempts` and `at`."""
    warnings: list[str]
