"""Which of a model's files on the Hugging Face hub are wanted here, where they go, and whether they are whole."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from glimpsed.encoding import cache

PART = ".incomplete"
"""Ends the name of what is not whole yet."""

_BLOCK = 1 << 20
_LEFT_OUT = (
    *("*.onnx", "*.onnx_data", "onnx/*", "openvino/*", "coreml/*", "*.mlmodel", "*.gguf", "*.tflite"),  # other runtimes
    *("*.h5", "*.msgpack", "*.ot", "*.ckpt", "tf_model*", "flax_model*"),  # the same weights for other libraries
    *("*.png", "*.jpg", "*.jpeg", "*.gif", "*.webp", "*.pdf", ".gitattributes", ".gitignore"),
)
_SINGLE = "model.safetensors"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub lists it."""

    name: str
    size: int
    sum: str
    """sha256 of its bytes for a large one; for others the sha1 that git gives it. The cache calls it so."""

    def fits(self, path: Path, step: Callable[[int], None] = lambda done: None) -> bool:
        """Whether the bytes at `path` are its; `step` is told how many were looked at. Raises OSError."""
        if path.stat().st_size != self.size:
            return False
        digest = hashlib.sha256() if len(self.sum) == 64 else hashlib.sha1(usedforsecurity=False)
        if len(self.sum) == 40:
            digest.update(b"blob %d\0" % self.size)  # https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                step(file.tell())
        return digest.hexdigest() == self.sum


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be fetched."""

    model: str
    revision: str
    """As it was asked for: a branch, a tag or a commit."""
    commit: str
    files: tuple[RemoteFile, ...]
    left_out: int
    """Bytes of what nobody here needs."""
    folder: Path | None
    """Where to, if not to the cache."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(one.size for one in self.files)

    @property
    def target(self) -> Path:
        """Where the model lies afterwards."""
        return self.folder or cache.directory(self.model) / "snapshots" / self.commit

    def path(self, file: RemoteFile) -> Path:
        """Where the bytes of a file lie."""
        return self.folder / file.name if self.folder else cache.directory(self.model) / "blobs" / file.sum

    def missing(self) -> int:
        """Bytes that are still to be fetched, as far as sizes tell."""
        return sum(one.size - _held(self.path(one), one.size) for one in self.files)


def wanted(names: Iterable[str]) -> list[str]:
    """The files that an encoder is loaded from: without copies for other runtimes and second copies of weights."""
    left = [name for name in names if not any(fnmatch(name, pattern) for pattern in _LEFT_OUT)]
    kept = []
    for name in left:
        place, last = PurePosixPath(name).parent, PurePosixPath(name).name
        beside = {PurePosixPath(one).name for one in left if PurePosixPath(one).parent == place}
        safe = {_SINGLE, f"{_SINGLE}.index.json"} & beside
        if safe and fnmatch(last, "pytorch_model*.bin*"):
            continue
        if _SINGLE in beside and (fnmatch(last, "model-*-of-*.safetensors") or last == f"{_SINGLE}.index.json"):
            continue
        kept.append(name)
    return kept


def size(count: int) -> str:
    """Bytes for people."""
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= one:
            return f"{count / one:.1f} {unit}"
    return f"{count} bytes"


def _held(path: Path, most: int) -> int:
    for one in (path, path.with_name(path.name + PART)):
        try:
            return min(one.stat().st_size, most)
        except OSError:
            continue
    return 0
