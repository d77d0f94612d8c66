"""An encoder whose texts say what goes wrong, and its process: `python -m fakes` with this directory in PYTHONPATH.

Words that do something: `die` kills the process; `die-once:FILE` does where the file is not there yet; `lost` loses
the device; `bug` raises what nobody expects; `wait:FIFO` waits until the FIFO is written to.
GLIMPSED_FAKE_GONE names a file with the devices that cannot be used for as long as they stand in it.
GLIMPSED_FAKE_CROWDED names one with the devices whose memory others have.
A device called `full` cannot hold it, `crash` dies of it, on `headless` files are missing, `broken` takes no batch.
GLIMPSED_FAKE_DIARY names a file for what was done.
"""

import hashlib
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glimpsed.encoding import weights
from glimpsed.encoding.child import Server, main
from glimpsed.encoding.devices import Device
from glimpsed.encoding.encoder import Text, fit
from glimpsed.encoding.messages import EncoderSpec
from glimpsed.errors import DeviceError, HeadsMissingError
from glimpsed.records import Encoding, Sparse

DIMENSION = 16
MAX_TOKENS = 64


def count(text: str) -> int:
    return len(text.split()) + 2


class FakeEncoder:
    name = "fake"
    dimension = DIMENSION
    has_sparse = True
    has_colbert = True
    precision = "float32"
    max_tokens = MAX_TOKENS

    def __init__(self, spec: EncoderSpec) -> None:
        self.device = spec.device
        self.id = (
            weights.facts(Path(os.fsdecode(spec.folder)), spec.max_length).id if spec.folder else f"fake:{spec.device}"
        )
        note(f"load {spec.device}")
        if not spec.device.startswith("broken"):
            check(spec.device)
        if spec.device.startswith("full"):
            raise DeviceError("out of memory", where=spec.device)
        if spec.device.startswith("headless"):
            raise HeadsMissingError("the head files are gone")
        if spec.device.startswith("crash"):
            os.kill(os.getpid(), signal.SIGKILL)

    def encode(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        note(f"{'query' if query else 'passages'} {' | '.join(' '.join(text) for text in texts)}")
        check(self.device)
        return [self._one(text) for text in texts]

    def encode_all(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        check(self.device)
        note(f"{'query' if query else 'colbert'} {' | '.join(' '.join(text) for text in texts)}")
        return [replace(self._one(text), colbert=self._colbert(text)) for text in texts]

    def _colbert(self, text: Text) -> NDArray[np.float16]:
        """A vector for each word, and one for the end."""
        words = [*fit(text, count, MAX_TOKENS).text.split(), ""]
        return np.stack([vector_of(word) for word in words]).astype(np.float16)

    def _one(self, text: Text) -> Encoding:
        fitted = fit(text, count, MAX_TOKENS)
        for word in fitted.text.split():
            act(word)
        tokens = sorted(
            {
                int.from_bytes(hashlib.blake2b(part.encode("utf-8", "replace"), digest_size=2).digest())
                for part in text[:1]
            }
        )
        sparse = Sparse(np.array(tokens, dtype=np.int32), np.ones(len(tokens), dtype=np.float32))
        return Encoding(vector_of(fitted.text), sparse, fitted.cut)

    def close(self) -> None:
        note("close")


def vector_of(text: str) -> NDArray[np.float32]:
    """Of unit length, the same for the same text."""
    seed = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())
    vector = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


def act(word: str) -> None:
    what, _, argument = word.partition(":")
    if what == "die-once" and not os.path.exists(argument):
        Path(argument).touch()
        what = "die"
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "lost":
        raise DeviceError("the device is lost", where="fake")
    elif what == "bug":
        raise ZeroDivisionError("a bug")
    elif what == "wait":
        Path(argument).read_bytes()


def gone(variable: str = "GLIMPSED_FAKE_GONE") -> list[str]:
    """The devices that cannot be used now."""
    place = Path(os.environ.get(variable, "/nonexistent"))
    return place.read_text().split() if place.exists() else []


def check(device: str) -> None:
    if device in gone() or device.startswith("broken"):
        raise DeviceError("the device is lost", where=device)


def note(what: str) -> None:
    diary = os.environ.get("GLIMPSED_FAKE_DIARY")
    if diary:
        with open(diary, "a", encoding="utf-8") as file:
            file.write(what + "\n")


def probe() -> tuple[Device, ...]:
    """What GLIMPSED_FAKE_DEVICES lists, such as `cuda:0 cpu`."""
    note("probe")
    names = os.environ.get("GLIMPSED_FAKE_DEVICES", "cpu").split()
    crowded = gone("GLIMPSED_FAKE_CROWDED")
    return tuple(
        Device(name, f"the fake {name}", 0 if name in crowded else 1 << 40, 4, 1 << 40)
        for name in names
        if name not in gone()
    )


if __name__ == "__main__":
    main(Server(FakeEncoder, probe))
