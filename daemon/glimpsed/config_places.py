"""Paths as the configuration may write them."""

import os
import re
from collections.abc import Mapping

_HEAD = re.compile(r"\$(?:\{(\w+)\}|(\w+))(?=/|$)", re.ASCII)


class NotAcceptedError(ValueError):
    """A value that is not accepted, and the reason, worded to follow "it"."""


class Places:
    """Where the user's directories are, by the environment and the XDG rules."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.home = environment.get("HOME") or os.path.expanduser("~")

    def directory(self, variable: str) -> str:
        """The directory that `$variable` stands for. Raises NotAcceptedError where it stands for none."""
        if variable == "HOME":
            return self.home
        given = self._environment.get(variable, "")
        if os.path.isabs(given):  # the XDG rules: a relative one is to be ignored
            return given
        match variable:
            case "XDG_CONFIG_HOME":
                return os.path.join(self.home, ".config")
            case "XDG_STATE_HOME":
                return os.path.join(self.home, ".local/state")
            case "XDG_CACHE_HOME":
                return os.path.join(self.home, ".cache")
            case "XDG_PICTURES_DIR":
                import platformdirs  # noqa: PLC0415  reads user-dirs.dirs; not needed by the client's start

                return platformdirs.user_pictures_dir()
            case "XDG_RUNTIME_DIR":
                raise NotAcceptedError("begins with $XDG_RUNTIME_DIR, which is not set")
        raise NotAcceptedError(f"begins with ${variable}, which is none of the variables that paths may begin with")

    def path(self, text: str) -> str:
        """An absolute, normalised path; a leading `~` or `$VARIABLE` is expanded. Raises NotAcceptedError."""
        if "\0" in text:
            raise NotAcceptedError("holds a NUL byte")
        if text == "~" or text.startswith("~/"):
            text = self.home + text[1:]
        elif text.startswith("~"):
            text = os.path.expanduser(text)
        elif found := _HEAD.match(text):
            text = self.directory(found[1] or found[2]) + text[found.end() :]
        if not os.path.isabs(text):
            raise NotAcceptedError('is not absolute; begin it with "/", "~" or "$XDG_…"')
        return "/" + os.path.normpath(text).lstrip("/")
