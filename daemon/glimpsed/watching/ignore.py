"""What is passed over: hidden files, partial downloads, and what the user's patterns say, in gitignore syntax.

The only module that knows pathspec. Meaning of patterns: gitignore(5).
"""

import os
import re
import stat as stat_module
import threading
from collections.abc import Collection, Sequence
from typing import NamedTuple

from pathspec import RegexPattern
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from glimpsed.files import inside, is_picture, is_sidecar, shown

FILE = ".glimpseignore"
"""Its patterns hold for the directory it stands in and all below; deeper files win, like git's."""

_REMEMBERED = 100_000  # directories
_LARGEST = 1 << 20  # bytes of one such file that are read

# Always passed over, by name. Only names with a picture's suffix get this far, so these are the ways in which
# programs mark such files, or directories of them, as theirs and not finished.
_PASSED_OVER = re.compile(
    r"""
      \.                                   # hidden; temporaries of rsync, Nextcloud, Dropbox, Syncthing, AppleDouble
    | ~\$ | ~syncthing~                    # owner files of office programs, Syncthing on Windows
    | (?:@eaDir | \#recycle | \$RECYCLE\.BIN | System\ Volume\ Information | lost\+found | __MACOSX) \Z
    | .* (?: ~ | \. (?: part | partial | crdownload | download | opdownload | filepart | !ut | !qB ) ) \Z
    """,
    re.VERBOSE | re.DOTALL,
)

_DIRECTORIES_BELOW = re.compile(r"(?:/\*\*)+/(?=[ \t]*\Z)")
_DIRECTORY_MARK = "ps_d"  # pathspec's group for the slash behind a directory that matched


class _Pattern(NamedTuple):
    regex: "re.Pattern[str]"
    ignores: bool
    line: int
    text: str


class _Rules(NamedTuple):
    """The patterns of one source, last first, and the directory they are relative to."""

    base: str
    source: str
    """A file's path, or the name of the setting."""
    patterns: tuple[_Pattern, ...]

    def verdict(self, path: str) -> _Pattern | None:
        """The pattern that decides about `path` (a directory's ends in a slash); None where none is about it."""
        relative = path[len(self.base) :].lstrip("/")
        return next((pattern for pattern in self.patterns if _about(pattern.regex, relative)), None)

    def place(self, pattern: _Pattern) -> str:
        """Where the pattern stands, for people."""
        return f"line {pattern.line} of {shown(self.source)}" if "/" in self.source else "[watch] ignore"


class _Read(NamedTuple):
    """What was read of one directory's FILE."""

    stamp: tuple[int, int, int] | None
    """Time of change (ns), size, inode; None where there is none."""
    rules: _Rules | None


class Ignore:
    """Tells what of one folder is watched and read. The folder itself is never ignored. May be used by all threads.

    `patterns` are relative to `folder`; `nested` are folders inside it that are watched for themselves. Lines that are
    no patterns are passed over and kept in `faults`. Rules are read once a directory and again by `refresh`.
    """

    def __init__(
        self, folder: str, patterns: Sequence[str], *, follow_symlinks: bool, nested: Collection[str] = ()
    ) -> None:
        self.folder = folder
        self.follow_symlinks = follow_symlinks
        self._faults: dict[str, list[str]] = {}
        self._nested = frozenset(nested) - {folder}
        self._lock = threading.RLock()
        self._configured = self._compile(folder, patterns, "ignore")
        self._read: dict[str, _Read] = {}
        self._chains: dict[str, tuple[_Rules, ...]] = {}
        self._entered: dict[str, bool] = {folder: True}

    @property
    def faults(self) -> list[str]:
        """What is wrong with the rules, with source and line."""
        with self._lock:
            return [fault for faults in self._faults.values() for fault in faults]

    def directory(self, path: str) -> bool:
        """Whether to descend into the directory `path` and watch it: it and all above it are not ignored.

        Decided by names; whether a symlink is followed is told by `follows`.
        """
        if not inside(path, self.folder):
            return False
        with self._lock:
            if len(self._entered) > _REMEMBERED:
                self._forget()
            above: list[str] = []
            while (entered := self._entered.get(path)) is None:
                above.append(path)
                path = os.path.dirname(path)
            for deeper in reversed(above):
                entered = entered and deeper not in self._nested and not self._ignored(deeper, "/")
                self._entered[deeper] = entered
            return entered

    def file(self, path: str) -> bool:
        """Whether the file `path` may matter: a picture or sidecar that is not ignored. It need not exist."""
        if not self.named(path):
            return False
        return self.follow_symlinks or not os.path.islink(path)

    def named(self, path: str) -> bool:
        """The same by name only: for callers who know that it is no symlink."""
        if not (is_picture(path) or is_sidecar(path)):
            return False
        with self._lock:
            return self.directory(os.path.dirname(path)) and not self._ignored(path, "")

    def why(self, path: str) -> str | None:
        """Why `file` says no to `path`, which lies in the folder; None where it says yes."""
        if not (is_picture(path) or is_sidecar(path)):
            return "its name is not that of a picture"
        with self._lock:
            for directory in self._above(path):
                if directory in self._nested:
                    return f"{shown(directory)} is a folder for itself"
                if reason := self._reason(directory, "/"):
                    return f"the directory {shown(directory)} is left out: {reason}"
            if reason := self._reason(path, ""):
                return reason
        if not self.follow_symlinks and os.path.islink(path):
            return "it is a symlink, which [watch] follow_symlinks = false leaves out"
        return None

    def not_followed(self, path: str) -> str | None:
        """The directory above `path` that is a symlink and not followed, so that no scan gets there."""
        return next((one for one in self._above(path) if os.path.islink(one) and not self.follows(one)), None)

    def _above(self, path: str) -> list[str]:
        """The directories between the folder and `path`, outermost first."""
        above: list[str] = []
        while (path := os.path.dirname(path)) != self.folder and inside(path, self.folder):
            above.insert(0, path)
        return above

    def follows(self, link: str) -> bool:
        """Whether the symlink `link` to a directory is followed.

        Not if it leads to a directory of the same folder that is entered anyway: pictures have one path then.
        """
        if not (self.follow_symlinks and self.directory(link)):
            return False
        top = os.path.realpath(self.folder)
        target = os.path.realpath(link)
        return not (inside(target, top) and self.directory(self.folder + target[len(top) :]))

    def refresh(self, directory: str) -> bool:
        """Read the FILE of `directory` again if it changed; True if so."""
        with self._lock:
            known = self._read.get(directory)
            if known is None or known.stamp == _stamp(directory):
                return False
            # Faults of a file that is no longer there go with it.
            self._faults.pop(os.path.join(directory, FILE), None)
            self._read[directory] = self._load(directory)
            for cache in (self._chains, self._entered):
                for path in [path for path in cache if inside(path, directory) and path != self.folder]:
                    del cache[path]
            self._chains.pop(self.folder, None)
            return True

    def _forget(self) -> None:
        """Start anew: directories that are gone would else be remembered for ever."""
        self._read.clear()
        self._chains.clear()
        self._entered.clear()
        self._entered[self.folder] = True

    def _ignored(self, path: str, slash: str) -> bool:
        return self._reason(path, slash) is not None

    def _reason(self, path: str, slash: str) -> str | None:
        """Why a file, or with a slash a directory, is ignored, if those above it are not; None where it is not."""
        directory, name = os.path.split(path)
        if _PASSED_OVER.match(name):
            return "its name is that of something hidden or unfinished"
        for rules in self._chain(directory):
            if (verdict := rules.verdict(path + slash)) is not None:
                return f"{shown(verdict.text)} ({rules.place(verdict)})" if verdict.ignores else None
        return None

    def _chain(self, directory: str) -> tuple[_Rules, ...]:
        """The rules that hold in `directory`, the deepest first. It is entered, so all above it are in here."""
        chain = self._chains.get(directory)
        if chain is None:
            read = self._read.get(directory)
            if read is None:
                read = self._read[directory] = self._load(directory)
            if directory == self.folder:
                chain = (self._configured,) if self._configured.patterns else ()
            else:
                chain = self._chain(os.path.dirname(directory))
            if read.rules is not None:
                chain = (read.rules, *chain)
            self._chains[directory] = chain
        return chain

    def _load(self, directory: str) -> _Read:
        path = os.path.join(directory, FILE)
        stamp = _stamp(directory)
        if stamp is None:
            return _Read(None, None)
        try:
            text = _text(path)
        except OSError as error:
            self._faults[path] = [f"{path}: {error.strerror}"]
            return _Read(stamp, None)
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
        return _Read(stamp, self._compile(directory, lines, path))

    def _compile(self, base: str, lines: Sequence[str], source: str) -> _Rules:
        patterns: list[_Pattern] = []
        faults: list[str] = []
        for number, line in enumerate(lines, 1):
            try:
                # `a/**/` means the directories below `a`; pathspec would take `a` itself for one.
                pattern: RegexPattern = GitIgnoreSpecPattern(_DIRECTORIES_BELOW.sub("/**/*/", line))
            except (ValueError, re.error) as error:
                faults.append(f"{source}:{number}: {error}")
            else:
                if pattern.regex is not None:  # not a comment
                    patterns.append(_Pattern(pattern.regex, bool(pattern.include), number, line))
        if faults:
            self._faults[source] = faults
        return _Rules(base, source, tuple(reversed(patterns)))


def _about(regex: "re.Pattern[str]", relative: str) -> bool:
    """Whether a pattern, as pathspec translates it, is about this very path.

    pathspec lets a pattern reach below a directory that it matches, and `a/**` match `a/` itself; gitignore does not:
    a directory that is ignored is not entered, and what is below one taken back is judged by its own name.
    """
    if _DIRECTORY_MARK not in regex.groupindex:
        return regex.search(relative.removesuffix("/")) is not None
    return any(match.end(_DIRECTORY_MARK) in (-1, len(relative)) for match in regex.finditer(relative))


def _stamp(directory: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(os.path.join(directory, FILE))
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _text(path: str) -> str:
    """The beginning of a regular file; whatever else stands there (a FIFO would hang) reads as empty."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat_module.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return os.fsdecode(file.read(_LARGEST))
