"""BGE-M3 as FlagEmbedding loads it, from local files that are all there and fit each other. Encoder process only."""

import gc
import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from glimpsed.encoding import devices, weights
from glimpsed.encoding.precision import Precision
from glimpsed.errors import DeviceError, EncoderError, ExtraMissingError, HeadsMissingError, WeightsMissingError

_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_failed")


def load(folder: Path, device: str, precision: Precision) -> Any:
    """A BGEM3FlagModel on the device, ready for inference, from local files only.

    Raises ExtraMissingError; HeadsMissingError or WeightsMissingError, which name the file or the folder; or
    DeviceError where the device cannot hold the model.
    """
    # Read when the libraries are imported; a folder that exists is never looked up, this makes sure of the rest.
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    torch = devices.load_torch()
    try:
        from FlagEmbedding import BGEM3FlagModel  # noqa: PLC0415  heavy
        from transformers.utils import logging as transformers_logging  # noqa: PLC0415  heavy
    except Exception as error:
        raise ExtraMissingError(f"cannot be imported: {first_line(error)}", hint=devices.EXTRA_HINT) from error
    for library in ("FlagEmbedding", "transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    with _loading(folder, device):
        embedder = BGEM3FlagModel(
            str(folder.resolve()),
            use_fp16=precision == "float16",
            use_bf16=precision == "bfloat16",
            devices=device,
            trust_remote_code=False,
        )
        lacking = set(embedder.model.model.state_dict()) - _names_in(folder)
    if lacking:  # transformers would go on with random ones
        raise WeightsMissingError(f"lacks {len(lacking)} tensors, such as {min(lacking)}", where=str(folder))
    try:
        embedder.model.to(torch.device(device)).eval()
    except Exception as error:
        raise DeviceError(f"cannot hold the model: {first_line(error)}", where=device) from error
    return embedder


def check_heads(folder: Path, dimension: int) -> None:
    """Nothing, where both head files are there and fit a model of this dimension.

    Raises HeadsMissingError (FlagEmbedding would take random ones) or WeightsMissingError; both name the file.
    """
    torch = devices.load_torch()
    for name, width in zip(weights.HEADS, (dimension, 1), strict=True):
        path = folder / name
        if not path.is_file():
            raise HeadsMissingError(f"the model lacks its head file {name}", where=str(folder))
        with _loading(path, "cpu"):
            tensors = torch.load(path, map_location="cpu", weights_only=True)
            found = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
        wanted = {"weight": (width, dimension), "bias": (width,)}
        if found != wanted:
            raise WeightsMissingError(f"is not BGE-M3's: it holds {found}, not {wanted}", where=str(path))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch may help: torch has one error for GPUs and only a message for the CPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    message = str(error).lower()
    return any(words in message for words in _NO_MEMORY)


def first_line(error: BaseException) -> str:
    """What it says, for people."""
    return (str(error).strip() or type(error).__name__).partition("\n")[0]


def free() -> None:
    """Give back what torch keeps for later; what is still referenced stays."""
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


def _names_in(folder: Path) -> set[str]:
    """The names of the tensors in the weight files, as the bare model calls them; the unused pooler's in any case."""
    torch = devices.load_torch()
    names = {"pooler.dense.weight", "pooler.dense.bias"}
    for path in weights.files(folder):
        if path.suffix == ".safetensors":  # a JSON object with its length before it
            with path.open("rb") as file:
                names |= json.loads(file.read(int.from_bytes(file.read(8), "little"))).keys()
        else:
            names |= torch.load(path, map_location="meta", weights_only=True).keys()
    # Saved with a head on top, the bare model's names follow a prefix such as `roberta.`.
    return names | {name.partition(".")[2] for name in names}


@contextmanager
def _loading(what: Path, device: str) -> Iterator[None]:
    """Whatever torch and transformers raise over damaged or foreign files is an error of the weights."""
    try:
        yield
    except EncoderError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise DeviceError("out of memory while loading", where=device) from error
        raise WeightsMissingError(f"cannot be loaded, fetch them anew: {first_line(error)}", where=str(what)) from error
