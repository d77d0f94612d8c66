"""What every model that torch runs needs around its passes. Encoder process only."""

import gc
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glimpsed.encoding import devices, weights
from glimpsed.errors import ExtraMissingError

_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_failed")


def names_in(folder: Path) -> set[str]:
    """The names of the tensors in the weight files, as the bare model calls them. Raises as reading does."""
    names: set[str] = set()
    for path in weights.files(folder):
        if path.suffix == ".safetensors":  # a JSON object with its length before it
            with path.open("rb") as file:
                names |= json.loads(file.read(int.from_bytes(file.read(8), "little"))).keys()
        else:
            names |= devices.load_torch().load(path, map_location="meta", weights_only=True).keys()
    # Saved with a head on top, the bare model's names follow a prefix such as `roberta.`.
    return names | {name.partition(".")[2] for name in names}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch may help: torch has one error for GPUs and only a message for the CPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    message = str(error).lower()
    return any(words in message for words in _NO_MEMORY)


def first_line(error: BaseException) -> str:
    """An error's message as far as it fits a line."""
    return (str(error).strip() or type(error).__name__).partition("\n")[0]


def free() -> None:
    """Give back what memory nothing refers to."""
    gc.collect()
    with suppress(ExtraMissingError, RuntimeError):
        torch = devices.load_torch()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@contextmanager
def quiet() -> Iterator[None]:
    """The libraries' warnings are for their developers; what matters to ours are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
