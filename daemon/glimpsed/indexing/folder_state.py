"""What is said of one folder, or of a directory in one whose disk is away."""

from dataclasses import dataclass

STARTING = "starting"
"""The state of a folder that was not looked at yet."""


@dataclass(frozen=True, slots=True)
class FolderState:
    """How one folder is watched."""

    path: str
    state: str
    """`watching`, `scanning on a timer: …`, `catching up n of m` or `offline since …`."""
    pictures: int = 0
    """Its rows that no folder counts: those of a directory whose disk is away."""
    reason: str | None = None
    """Why it is scanned on a timer, or offline."""
