"""The Hugging Face cache as it lies on the disk (https://huggingface.co/docs/hub/local-cache), and names in it.

Read without huggingface_hub, so that the daemon's own process can ask.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_FOLDER = ("/", "~", ".")
_PREFIX = "models--"


def is_folder(model: str) -> bool:
    """Whether it is written as a folder is: absolute, or beginning with `~` or `.`."""
    return model.startswith(_FOLDER)


def is_name(model: str) -> bool:
    """Whether the Hugging Face hub could have a model of this name."""
    return _HUB_NAME.fullmatch(model) is not None and "--" not in model and ".." not in model


def place(environment: Mapping[str, str] | None = None) -> Path:
    """Where huggingface_hub keeps its models, by the same variables in the same order."""
    environment = os.environ if environment is None else environment

    def get(name: str) -> str | None:
        value = environment.get(name)
        return os.path.expandvars(os.path.expanduser(value)) if value else None

    home = get("HF_HOME") or os.path.join(get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "huggingface")
    return Path(get("HF_HUB_CACHE") or get("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub"))


def directory(name: str, environment: Mapping[str, str] | None = None) -> Path:
    """Where a model of this name is in the cache, or would be."""
    return place(environment) / (_PREFIX + name.replace("/", "--"))


def names(environment: Mapping[str, str] | None = None) -> list[str]:
    """All models in the cache, whole or not, in alphabetical order."""
    try:
        found = [one.name for one in place(environment).iterdir() if one.name.startswith(_PREFIX) and one.is_dir()]
    except OSError:
        return []
    return sorted(one.removeprefix(_PREFIX).replace("--", "/") for one in found)


def snapshots(name: str, environment: Mapping[str, str] | None = None) -> Iterator[Path]:
    """A cached model's snapshots: what `main` points to, then the others, newest first."""
    model = directory(name, environment)
    folder = model / "snapshots"
    try:
        main = (model / "refs" / "main").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        main = ""
    if main and (folder / main).is_dir():
        yield folder / main
    try:
        others = [path for path in folder.iterdir() if path.is_dir() and path.name != main]
        yield from sorted(others, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    except OSError:
        return


def name_of(folder: Path) -> str:
    """What a model's folder is called: the hub's name where it is a snapshot in a cache, else its own."""
    model = folder.parent.parent.name
    if folder.parent.name == "snapshots" and model.startswith(_PREFIX):
        return model.removeprefix(_PREFIX).replace("--", "/")
    return folder.name or str(folder)
