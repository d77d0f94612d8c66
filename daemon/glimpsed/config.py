"""config.toml → one frozen, typed value.

The shipped config.toml, then the user's own (or `--config`), then GLIMPSED_<SECTION>_<KEY> variables, then flags:
what comes later wins. Anything wrong in any of them is a fault, and all faults are told at once.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from glimpsed import config_values as kinds
from glimpsed.config_places import NotAcceptedError, Places
from glimpsed.config_sources import Faults, Given, brief, from_environment, from_file, from_flags
from glimpsed.config_values import Kind, Weights
from glimpsed.errors import ConfigError

LONGEST_SOCKET = 107
"""Bytes of a socket's path: sun_path has 108, one of them for the NUL; unix(7)."""

_DAY = 86400.0


def _key(kind: Kind) -> Any:
    return field(metadata={"kind": kind})


@dataclass(frozen=True, slots=True)
class Watch:
    """Which files matter, and when they are looked at; times in seconds."""

    folders: tuple[str, ...] = _key(kinds.paths())
    ignore: tuple[str, ...] = _key(kinds.texts())
    follow_symlinks: bool = _key(kinds.switch())
    settle: float = _key(kinds.duration(0, 3600))
    settle_at_most: float = _key(kinds.duration(0.1, _DAY))
    watch_share: float = _key(kinds.number(0.01, 1))
    """Of the inotify watches that the user may have."""
    rescan: float = _key(kinds.duration(1, 366 * _DAY))
    forget_after: float = _key(kinds.duration(0, 36500 * _DAY))
    mass_missing: float = _key(kinds.number(0, 1))
    """A share of a folder's pictures."""


@dataclass(frozen=True, slots=True)
class Read:
    """How pictures are read."""

    ocr: bool = _key(kinds.switch())
    ocr_languages: tuple[str, ...] = _key(kinds.languages())
    """ISO 639-1 codes or tesseract's own, and "auto"; see `reading.languages.order`."""
    ocr_models: str = _key(kinds.path(otherwise=""))
    """A folder of recognition models; empty for none."""
    workers: int = _key(kinds.whole(0, 256))
    """0: by cores and memory."""
    timeout: float = _key(kinds.duration(1, 3600))
    """Seconds."""
    max_pixels: int = _key(kinds.whole(10_000, 10_000_000_000))
    max_bytes: int = _key(kinds.whole(1_000_000, 100_000_000_000))
    max_frames: int = _key(kinds.whole(1, 10_000_000))
    max_pages: int = _key(kinds.whole(1, 10_000))
    max_metadata: int = _key(kinds.whole(100_000, 1_000_000_000))
    max_inflated: int = _key(kinds.whole(100_000, 1_000_000_000))
    max_packet: int = _key(kinds.whole(100_000, 1_000_000_000))
    max_values: int = _key(kinds.whole(100, 10_000_000))
    max_text: int = _key(kinds.whole(1_000, 100_000_000))
    max_xml_entities: int = _key(kinds.whole(0, 10_000))
    recycle_after: int = _key(kinds.whole(1, 1_000_000_000))
    """Pictures."""
    recycle_memory: int = _key(kinds.whole(100_000_000, 1_000_000_000_000))
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Encode:
    """Which encoder describes the texts, and how."""

    encoder: str = _key(kinds.encoder())
    model: str = _key(kinds.model())
    trust_remote_code: bool = _key(kinds.switch())
    device: str = _key(kinds.device())
    min_texts_per_second: float = _key(kinds.number(0, 1_000_000))
    max_tokens_per_batch: int = _key(kinds.whole(128, 1_048_576))
    max_length: int = _key(kinds.whole(32, 8192))
    unload_after: float = _key(kinds.duration(1, 366 * _DAY))
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Work:
    """When work waits for others."""

    on_battery: bool = _key(kinds.switch())
    give_way: bool = _key(kinds.switch())
    stay_paused: bool = _key(kinds.switch())
    cpu_share: float = _key(kinds.number(0.01, 1))
    """Of the cores."""


@dataclass(frozen=True, slots=True)
class Store:
    """Where the state is."""

    path: str = _key(kinds.path())


@dataclass(frozen=True, slots=True)
class Search:
    """How hits are ranked."""

    weights: Weights = _key(kinds.weights())  # noqa: RUF009  a field(), as all of them
    colbert: str | int = _key(kinds.at_most("auto", "off", most=1000))
    """How many candidates are given to ColBERT."""
    min_score: float = _key(kinds.number(0, 1))


@dataclass(frozen=True, slots=True)
class Serve:
    """The door."""

    socket: str = _key(kinds.path(otherwise="auto"))
    """An absolute path; `auto` is replaced when the configuration is loaded."""
    grace: float = _key(kinds.duration(0, 3600))
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Log:
    """What is logged, how and where to."""

    level: str = _key(kinds.one_of("debug", "info", "warning", "error"))
    format: str = _key(kinds.one_of("auto", "console", "json"))
    file: str | None = _key(kinds.path(otherwise=""))
    """None: standard error."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; every path in it is absolute and normalised."""

    watch: Watch
    read: Read
    encode: Encode
    work: Work
    store: Store
    search: Search
    serve: Serve
    log: Log


_SECTIONS: dict[str, type] = {
    "watch": Watch,
    "read": Read,
    "encode": Encode,
    "work": Work,
    "store": Store,
    "search": Search,
    "serve": Serve,
    "log": Log,
}
KEYS: Mapping[str, Kind] = {
    f"{section}.{one.name}": one.metadata["kind"] for section, made in _SECTIONS.items() for one in fields(made)
}
"""Every key, dotted, and the kind of its value."""


def shipped(name: str) -> Path:
    """A file that the package carries: beside its modules when installed, in the checkout otherwise."""
    here = Path(__file__).parent
    for place in (here / name, here.parents[1] / name, here.parents[1] / "systemd" / name):
        if place.is_file():
            return place
    raise FileNotFoundError(f"{name} is missing from this installation of glimpsed")


def user_file(environment: Mapping[str, str] | None = None) -> Path:
    """Where the user's own configuration is, whether it exists or not."""
    places = Places(os.environ if environment is None else environment)
    return Path(places.directory("XDG_CONFIG_HOME"), "glimpsed", "config.toml")


def load(
    explicit: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Config:
    """The configuration as it holds here and now. Raises ConfigError with every fault in any of its sources.

    `explicit` is read in place of the user's own file, and has to exist. `environment` is os.environ unless given.
    `flags` maps dotted keys such as `watch.folders` to values; one that is None was not given. Relative paths in
    flags are relative to the working directory.
    """
    environment = os.environ if environment is None else environment
    faults = Faults()
    given: dict[str, Given] = {}
    given.update(from_file(shipped("config.toml"), KEYS, faults))
    own = explicit or user_file(environment)
    if explicit is not None or os.path.lexists(own):
        given.update(from_file(own, KEYS, faults))
    given.update(from_environment(environment, KEYS, faults))
    given.update(from_flags(flags or {}, KEYS, faults))
    values = _parsed(given, Places(environment), faults)
    values["log.file"] = values.get("log.file") or None
    _place_socket(values, given, environment, faults)
    _check_together(values, given, faults)
    if faults.found:
        raise ConfigError(faults.found)
    made = {
        section: kind(**{one.name: values[f"{section}.{one.name}"] for one in fields(kind)})
        for section, kind in _SECTIONS.items()
    }
    return Config(**made)


def _parsed(given: Mapping[str, Given], places: Places, faults: Faults) -> dict[str, Any]:
    """The values that are what they should be."""
    values: dict[str, Any] = {}
    for key, kind in KEYS.items():
        one = given[key]
        try:
            raw = kind.from_text(one.raw) if one.is_text and isinstance(one.raw, str) else one.raw
            values[key] = kind.parse(raw, places)
        except (ValueError, OverflowError) as error:
            reason = f": it {error}" if isinstance(error, NotAcceptedError) else ""
            faults.add(key, f"expected {kind.expected}, not {brief(one.raw)}{reason}", one)
    return values


def _place_socket(
    values: dict[str, Any], given: Mapping[str, Given], environment: Mapping[str, str], faults: Faults
) -> None:
    socket, blamed = values.get("serve.socket"), "serve.socket"
    if socket == "auto":
        runtime = environment.get("XDG_RUNTIME_DIR", "")
        if os.path.isabs(runtime):
            socket = os.path.join(os.path.normpath(runtime), "glimpsed", "glimpsed.sock")
        elif "store.path" in values:
            socket, blamed = os.path.join(values["store.path"], "glimpsed.sock"), "store.path"
        values["serve.socket"] = socket
    if socket and (length := len(os.fsencode(socket))) > LONGEST_SOCKET:
        what = f"the socket's path {brief(socket)} has {length} bytes, and {LONGEST_SOCKET} are possible"
        faults.add(blamed, f"{what}; set a shorter one in [serve] socket or with --socket", given[blamed])


def _check_together(values: Mapping[str, Any], given: Mapping[str, Given], faults: Faults) -> None:
    """The checks that concern several keys, where all of them have a value."""

    def expect(first: str, second: str, holds: Callable[[Any, Any], bool], what: str) -> None:
        if first in values and second in values and not holds(values[first], values[second]):
            # Blame the one that somebody set.
            blamed = second if given[first].source == given_by_us else first
            faults.add(blamed, what, given[blamed])

    given_by_us = str(shipped("config.toml"))
    expect(
        "watch.settle_at_most",
        "watch.settle",
        lambda at_most, settle: at_most >= settle,
        "settle_at_most must not be shorter than settle",
    )
    expect(
        "encode.max_tokens_per_batch",
        "encode.max_length",
        lambda batch, length: batch >= length,
        "max_tokens_per_batch must not be smaller than max_length",
    )
    expect(
        "store.path",
        "watch.folders",
        lambda state, folders: not any(_sees(folder, state) for folder in folders),
        "the state directory lies in a watched folder, which would index its thumbnails",
    )


def _sees(folder: str, path: str) -> bool:
    """Whether a watch of `folder` reaches `path`: it lies inside, and no directory between is hidden."""
    if path != folder and not path.startswith(folder.rstrip("/") + "/"):
        return False
    return not any(name.startswith(".") for name in path[len(folder) :].split("/"))
