"""The user's own config.toml, for the commands that change it: read, and written with all else in it as it was."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glimpsed.errors import ConfigError, ConfigFault, GlimpsedError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

RELOAD = "have glimpsed take it up: systemctl --user reload glimpsed"
RESTART = "restart glimpsed for it to take effect: systemctl --user restart glimpsed"


def read() -> "TOMLDocument":
    """The file as it is, empty where there is none. Raises ConfigError."""
    import tomlkit  # noqa: PLC0415  only to edit
    import tomlkit.exceptions  # noqa: PLC0415

    from glimpsed.config import user_file  # noqa: PLC0415

    file = user_file()
    try:
        return tomlkit.parse(file.read_text("utf-8")) if file.exists() else tomlkit.document()
    except (tomlkit.exceptions.ParseError, UnicodeDecodeError) as error:
        raise ConfigError([ConfigFault(str(file), "", f"is not TOML: {error}")]) from error
    except OSError as error:
        raise ConfigError([ConfigFault(str(file), "", f"cannot be read: {error.strerror}")]) from error


def section(document: "TOMLDocument", name: str) -> Any:
    """A section to change, made where there is none. Raises ConfigError where something else has its name."""
    import tomlkit  # noqa: PLC0415  only to edit

    from glimpsed.config import user_file  # noqa: PLC0415

    found: Any = document.setdefault(name, tomlkit.table())
    if not isinstance(found.unwrap() if hasattr(found, "unwrap") else found, dict):
        raise ConfigError([ConfigFault(str(user_file()), name, f"expected a section, [{name}]")])
    return found


def save(document: "TOMLDocument") -> Path:
    """Write the file, and say which one it is. Raises GlimpsedError."""
    import tomlkit  # noqa: PLC0415  only to edit

    from glimpsed.config import user_file  # noqa: PLC0415

    file = user_file()
    try:
        write(Path(os.path.realpath(file)), tomlkit.dumps(document), mode=0o600)
    except OSError as error:
        raise GlimpsedError(f"cannot be written: {error.strerror}", where=str(file)) from error
    return file


def write(file: Path, text: str, *, mode: int) -> None:
    """Replace a file at once, so that it is never seen half-written; `mode` is that of a new one."""
    import tempfile  # noqa: PLC0415  slow to import, only to edit

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = stat.S_IMODE(file.stat().st_mode) if file.exists() else mode
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(descriptor, held)
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
