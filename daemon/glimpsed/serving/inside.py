"""What the status tells of the daemon's inside. Field names are an interface: they stay, more may come."""

from pydantic import BaseModel, Field


class WorkStatus(BaseModel):
    """How far the work is as a whole."""

    done: int = Field(description="pictures that are through, those with errors too")
    total: int
    rate: float | None = Field(description="pictures a second, lately; null where nothing tells")
    seconds_left: float | None = Field(description="at that rate")


class QueueStatus(BaseModel):
    """What waits between two stages."""

    name: str = Field(description="inbox, backlog, settled, jobs, drafts, texts or changes, in the order of the way")
    depth: int
    bound: int = Field(description="at most so many; then whoever hands over waits")


class WatchesStatus(BaseModel):
    """inotify watches."""

    used: int
    most: int = Field(description="that glimpsed takes; a folder with more directories is scanned on a timer")
    limit: int = Field(description="that this user may have, all programs together")


class ProcessStatus(BaseModel):
    """One process of the daemon."""

    role: str = Field(description="daemon, reader or encoder")
    pid: int
    resident: int = Field(description="bytes of memory that it holds")


class TableStatus(BaseModel):
    """The table on the disk."""

    rows: int
    fragments: int
    versions: int
    files: int
    bytes: int


class ErrorStatus(BaseModel):
    """A picture that could not be read."""

    path: str
    error: str
    attempts: int
    at: str = Field(description="when it was tried last, UTC")
