"""How long a part of the daemon has been asked in vain. Pure."""


class Silence:
    """Told when a part is asked and when it answers; says when it has been silent for too long.

    The clock may be any in seconds, the same in all calls. What nobody asks is not silent, so an idle part never is.
    A part is asked one thing at a time.
    """

    def __init__(self) -> None:
        self._since: float | None = None  # when it was first asked since it answered last
        self._until: float | None = None  # when it last failed to answer; None while an answer is awaited
        self._before: tuple[float | None, float | None] = None, None  # both, before it was asked last
        self._patience = 0.0

    def asked(self, now: float, patience: float) -> None:
        """It is asked; more than `patience` seconds without any answer are too long."""
        self._before = self._since, self._until
        if self._since is None or (self._until is not None and now - self._until > patience):
            self._since = now
        self._until, self._patience = None, patience

    def answered(self) -> None:
        """It lives."""
        self._since = self._until = None

    def failed(self, now: float) -> None:
        """It died over it, or there was nobody to ask. Failing again and again for too long is silence, too."""
        self._until = now

    def given_up(self) -> None:
        """Nobody waits for this answer any more, so it says nothing."""
        self._since, self._until = self._before

    def overdue(self, now: float) -> float | None:
        """For how many seconds it has been silent, where that is too long."""
        if self._since is None:
            return None
        seconds = (now if self._until is None else self._until) - self._since
        return seconds if seconds > self._patience else None
