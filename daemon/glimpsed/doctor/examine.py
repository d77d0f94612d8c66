"""All checks: the quick ones here, the heavy ones side by side in processes of their own."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from glimpsed.config import Config
from glimpsed.doctor import models, places, probes, running, software, unit, watches
from glimpsed.doctor.findings import Finding, told_by
from glimpsed.encoding import devices

AREAS = (
    *("python", "libraries", "config", "folders", "inotify", "state", "disk", "log"),
    *("encoders", "torch", "devices", "weights", "ocr", "formats"),
    *("socket", "daemon", "confinement", "pictures", "service", "network"),
)
"""What is told, in this order."""

_SHORT = 60.0  # seconds for a probe that takes one or two
_LONG = 180.0  # ... and for one that imports torch, or reads gigabytes
_AT_ONCE = 3  # probes: more of them only wait for each other


@dataclass(frozen=True, slots=True)
class Installed:
    """What the command line knows of this installation."""

    unit: Path
    """Where the service's unit is, or would be."""
    program: str | None
    """The `glimpsed` that belongs to it."""
    socket: str | None = None
    """The socket that was named in place of the configured one."""


def examine(
    installed: Installed,
    *,
    quick: bool,
    environment: Mapping[str, str],
    step: Callable[[int, int, str], None] = lambda done, total, area: None,
) -> list[Finding]:
    """What every check finds, by area. `quick` leaves out those in processes of their own.

    `step` is told how many are done, of how many, and the area of the next. Never raises for what it finds.
    """
    config, found = places.configuration()
    heavy = [] if quick else _heavy(config)
    light = _light(config, installed, environment)
    total, done = len(light) + len(heavy), 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        waiting = [(area, pool.submit(_made, area, check)) for area, check in heavy]
        for area, check in light:
            step(done, total, area)
            found += told_by(area, check)
            done += 1
        for area, future in waiting:
            step(done, total, area)
            found += future.result()
            done += 1
    return sorted(_once(found), key=lambda one: AREAS.index(one.area))


def _made(area: str, check: Callable[[], list[Finding]]) -> list[Finding]:
    return list(told_by(area, check))


_Check = tuple[str, Callable[[], list[Finding]]]


def _light(config: Config | None, installed: Installed, environment: Mapping[str, str]) -> list[_Check]:
    checks: list[_Check] = [
        ("python", lambda: list(software.python())),
        ("libraries", lambda: list(software.libraries())),
        ("encoders", lambda: list(software.encoders())),
        ("formats", lambda: models.readable()[1]),
        ("inotify", lambda: list(watches.instances())),
        ("service", lambda: list(unit.unit(installed.unit, installed.program))),
        ("network", lambda: list(unit.network(installed.unit, environment))),
    ]
    if installed.unit.exists():
        checks.append(("service", lambda: list(unit.enabled(installed.unit.name))))
    socket = installed.socket or (config.serve.socket if config is not None else None)
    if socket is not None:
        checks.append(("socket", lambda: list(running.socket(socket))))
        checks.append(("daemon", lambda: running.status(socket)[1]))
    if config is not None:
        checks += [
            ("folders", lambda: list(places.folders(config.watch.folders))),
            ("state", lambda: list(places.state(config.store.path))),
            ("disk", lambda: list(places.disk(config.store.path))),
            ("log", lambda: list(places.log(config.log.file))),
            ("weights", lambda: models.stronger(config.encode)[1]),
            ("ocr", lambda: list(models.tesseract(config.read.ocr_languages, config.read.ocr_models))),
        ]
    return checks


def _heavy(config: Config | None) -> list[_Check]:
    modules = models.readable()[0]
    checks: list[_Check] = [
        ("libraries", lambda: probes.run("imports", "libraries", timeout=_SHORT)),
        ("ocr", lambda: probes.run("ocr", "ocr", timeout=_SHORT)),
        ("encoders", lambda: probes.run("fallback", "encoders", timeout=_SHORT)),
        ("weights", lambda: list(software.bundled())),
        ("formats", lambda: probes.run("decoders", "formats", *modules, timeout=_SHORT)),
    ]
    if devices.missing_extra() is None or devices.missing_extra("sentence") is None:
        checks.insert(0, ("torch", lambda: probes.run("devices", "torch", timeout=_LONG)))
    if config is not None:
        watch = config.watch
        asked = watches.Asked(watch.folders, tuple(watch.ignore), watch.follow_symlinks, watch.watch_share)
        checks.append(("inotify", lambda: probes.run("watches", "inotify", asked.encoded(), timeout=_SHORT)))
        checks.append(("weights", lambda: _sums(config)))
    return checks


def _sums(config: Config) -> list[Finding]:
    folder, _ = models.stronger(config.encode)
    if folder is None:
        return []
    return probes.run("sums", "weights", folder, models.pull_command(config.encode), timeout=_LONG)


def _once(findings: list[Finding]) -> list[Finding]:
    """Without what two checks have both found."""
    return list(dict.fromkeys(findings))
