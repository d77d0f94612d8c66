"""Two watched trees and what is done to them: each act is named by a word and two numbers, so that it can be replayed.

The numbers choose among what is there at that moment, in the order of names; so a history means the same each time it
is played, and still means something when steps are left out of it.
"""

import errno
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from blake3 import blake3
from PIL import Image

from glimpsed.files import is_picture

T = TypeVar("T")

SUFFIXES: Final = (".png", ".jpg", ".webp", ".gif", ".bmp", ".tiff", ".PNG", ".jpeg")
DIRECTORIES: Final = (
    "plain",
    "deep/er/still",
    "album.jpg",
    "inner",
    "inner/most",
    "ignored",
    ".hidden",
    "with space é",
)
IGNORED: Final = "ignored"
"""The directories that `.glimpseignore`, where it is there, names."""
MOST: Final = 60  # pictures; then deleting takes the place of making
_SYLLABLES: Final = "badokilumenoparisute"
_SENSELESS: Final = {errno.EINVAL, errno.ENOTEMPTY, errno.EXDEV, errno.ENOSPC}
"""A directory into itself, over one that is not empty, to another disk; or the stick is full."""
_FORMS: Final = {".jpg": "JPEG", ".jpeg": "JPEG", ".tiff": "TIFF"}


def word(number: int) -> str:
    """One that no other number has."""
    return "z" + "".join(_SYLLABLES[2 * int(digit) : 2 * int(digit) + 2] for digit in f"{number:05}")


def drawn(number: int, suffix: str, caption: str = "") -> bytes:
    """A small picture that is like no other."""
    size = (24 + number % 9, 16 + number // 9 % 7)
    image = Image.new("RGB", size, (number % 256, number // 256 % 256, 7))
    image.putpixel((number % size[0], number % size[1]), (255, 255, 255))
    block = Image.Exif()
    if caption:
        block[0x010E] = caption.encode()
    out = io.BytesIO()
    form = _FORMS.get(suffix.lower(), suffix[1:].upper())
    image.save(out, form, **({"exif": block} if caption and form in {"JPEG", "PNG", "WEBP", "TIFF"} else {}))
    return out.getvalue()


class Disk:
    """The trees `first` and `second`, and where the second lies while it is away."""

    def __init__(self, home: Path) -> None:
        self.first = home / "first"
        self.second = home / "second"
        self.away = home / "away"
        self.number = 0
        self.sound: set[str] = set()
        """Content ids of all that was ever written whole."""
        self.taken = False
        """Whether the second tree is away."""
        self.unseen = False
        """Whether something was done that raises no event where the picture lies: only a scan can find it."""
        for folder in (self.first, self.second):
            folder.mkdir(parents=True)

    @property
    def roots(self) -> tuple[Path, Path]:
        return self.first, (self.away if self.taken else self.second)

    def files(self) -> list[Path]:
        """All pictures, hidden and ignored ones too."""
        return [path for root in self.roots for path in walked(root) if is_picture(path.name)]

    def directories(self) -> list[Path]:
        """All directories, the trees themselves first."""
        below = (Path(place, name) for root in self.roots for place, names, _ in os.walk(root) for name in names)
        return [*self.roots, *sorted(path for path in below if not path.is_symlink())]

    def there(self, folders: Sequence[Path]) -> dict[Path, Path]:
        """The pictures that should have a row where these folders are watched, each with its folder."""
        ignoring = [folder for folder in folders if (folder / ".glimpseignore").exists()]
        found: dict[Path, Path] = {}
        for path in self.files():
            above = [one for one in folders if path.is_relative_to(one)]
            folder = max(above, key=lambda one: len(str(one)), default=None)
            if folder is None:
                continue
            parts = path.relative_to(folder).parts
            hidden = any(part.startswith(".") for part in parts)
            if not hidden and not (folder in ignoring and IGNORED in parts[:-1]):
                found[path] = folder
        return found

    def act(self, name: str, a: int, b: int) -> None:
        """Do one of ACTS; where it makes no sense just now, nothing happens."""
        try:
            ACTS[name](self, a, b)
        except (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError):
            return
        except OSError as error:
            if error.errno not in _SENSELESS:
                raise

    def clear(self) -> None:
        """Delete all that is in the trees."""
        for root in self.roots:
            for path in list(root.iterdir()):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def fresh(self, b: int) -> str:
        """A new name; every seventh is no valid UTF-8."""
        self.number += 1
        odd = os.fsdecode(b"caf\xe9 ") if b % 7 == 3 else ""
        return f"{odd}{word(self.number)}"

    def data(self, suffix: str, *, caption: bool = False) -> bytes:
        """A picture that was never there before."""
        self.number += 1
        made = drawn(self.number, suffix, f"caption {word(self.number)}" if caption else "")
        self.sound.add(blake3(made).hexdigest())
        return made


def walked(root: Path) -> Iterator[Path]:
    """All regular files below `root`, by name; links are not followed."""
    for place, directories, names in os.walk(root):
        directories.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _one(of: Sequence[T], number: int) -> T:
    if not of:
        raise FileNotFoundError
    return of[number % len(of)]


def _directory(disk: Disk, number: int) -> Path:
    """One that is there or, as often, one that is made for it."""
    if number % 2:
        return _one(disk.directories(), number // 2)
    place = disk.roots[number // 2 % 2] / DIRECTORIES[number // 4 % len(DIRECTORIES)]
    place.mkdir(parents=True, exist_ok=True)
    return place


def _create(disk: Disk, a: int, b: int) -> None:
    if len(disk.files()) >= MOST:
        _delete(disk, a, b)
        return
    suffix = SUFFIXES[b % len(SUFFIXES)]
    (_directory(disk, a) / (disk.fresh(b) + suffix)).write_bytes(disk.data(suffix, caption=b % 3 == 0))


def _pieces(disk: Disk, a: int, b: int) -> None:
    suffix = SUFFIXES[b % len(SUFFIXES)]
    data = disk.data(suffix)
    step = len(data) // (2 + b % 4) + 1
    with (_directory(disk, a) / (disk.fresh(b) + suffix)).open("wb", buffering=0) as file:
        for start in range(0, len(data), step):
            file.write(data[start : start + step])
            time.sleep(b % 5 * 0.03)


def _copy(disk: Disk, a: int, b: int) -> None:
    if len(disk.files()) < MOST:
        source = _one(disk.files(), a)
        copy = shutil.copy2 if b % 2 else shutil.copyfile
        copy(source, _directory(disk, b) / (disk.fresh(b) + source.suffix))


def _append(disk: Disk, a: int, b: int) -> None:
    with _one(disk.files(), a).open("ab") as file:
        file.write(os.fsencode(word(b)))
    _linked(disk, a)


def _change(disk: Disk, a: int, b: int) -> None:
    """New content in the place of the old: written over, or beside and renamed over; in some the time is kept."""
    path = _one(disk.files(), a)
    before = path.stat()
    data = disk.data(path.suffix, caption=b % 3 == 0)
    if b % 2:
        beside = path.with_name(f".{path.name}.part")
        beside.write_bytes(data)
        beside.replace(path)
    else:
        path.write_bytes(data)
        _linked(disk, a)
    if b % 5 == 0:
        os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))


def _rename(disk: Disk, a: int, b: int) -> None:
    path = _one(disk.files(), a)
    path.rename(path.with_name(disk.fresh(b) + path.suffix))


def _case(disk: Disk, a: int, b: int) -> None:
    path = _one(disk.files(), a)
    path.rename(path.with_name(path.name.swapcase() if b % 2 else path.stem + path.suffix.swapcase()))


def _move(disk: Disk, a: int, b: int) -> None:
    path = _one(disk.files(), a)
    path.rename(_directory(disk, b) / path.name)


def _over(disk: Disk, a: int, b: int) -> None:
    source, target = _one(disk.files(), a), _one(disk.files(), b)
    if source.suffix.lower() == target.suffix.lower():
        source.rename(target)


def _exchange(disk: Disk, a: int, b: int) -> None:
    one, other = _one(disk.files(), a), _one(disk.files(), b)
    if one != other:
        aside = one.with_name(".aside")
        one.rename(aside)
        other.rename(one)
        aside.rename(other)


def _delete(disk: Disk, a: int, b: int) -> None:
    del b
    _one(disk.files(), a).unlink()


def _tree(disk: Disk, a: int, b: int) -> None:
    tree = _one(disk.directories()[2:], a)
    tree.rename(_directory(disk, b) / f"tree {word(disk.number)}")


def _uproot(disk: Disk, a: int, b: int) -> None:
    """A tree taken out of what is watched, changed there, and brought back."""
    tree = _one(disk.directories()[2:], a)
    outside = disk.away.with_name("outside")
    tree.rename(outside)
    time.sleep(b % 4 * 0.1)
    inside = [path for path in walked(outside) if is_picture(path.name)]
    if inside and b % 2:
        path = _one(inside, b)
        path.write_bytes(disk.data(path.suffix))
    outside.rename(tree if b % 3 else tree.with_name(f"back {word(disk.number)}"))


def _fell(disk: Disk, a: int, b: int) -> None:
    del b
    shutil.rmtree(_one(disk.directories()[2:], a))


def _link(disk: Disk, a: int, b: int) -> None:
    source = _one(disk.files(), a)
    if len(disk.files()) < MOST:
        os.link(source, _directory(disk, b) / (disk.fresh(b) + source.suffix))


def _linked(disk: Disk, number: int) -> None:
    """A change through one name tells nothing where the others lie."""
    disk.unseen |= _one(disk.files(), number).stat().st_nlink > 1


def _symlink(disk: Disk, a: int, b: int) -> None:
    source = _one([*disk.files(), *disk.directories()], a)
    (_directory(disk, b) / (disk.fresh(b) + (source.suffix or ".png"))).symlink_to(source)


def _chmod(disk: Disk, a: int, b: int) -> None:
    _one(disk.files(), a).chmod(0o600 if b % 2 else 0o644)


def _touch(disk: Disk, a: int, b: int) -> None:
    when = [0, 1, 2_000_000_000, 5_000_000_000, 1_700_000_000][b % 5]
    os.utime(_one(disk.files(), a), (when, when))
    _linked(disk, a)


def _sidecar(disk: Disk, a: int, b: int) -> None:
    picture = _one(disk.files(), a)
    sidecar = picture.with_name(f"{picture.name}.txt" if b % 2 else f"{picture.stem}.txt")
    if sidecar.exists() and b % 3 == 0:
        sidecar.unlink()
    else:
        sidecar.write_text(f"a note of {word(b)}", encoding="utf-8")


def _ignore(disk: Disk, a: int, b: int) -> None:
    del b
    rules = _one(disk.roots, a) / ".glimpseignore"
    if rules.exists():
        rules.unlink()
    else:
        rules.write_text(f"{IGNORED}/\n", encoding="utf-8")


ACTS: Final[dict[str, Callable[[Disk, int, int], None]]] = {
    "create": _create,
    "write in pieces": _pieces,
    "copy": _copy,
    "append": _append,
    "change": _change,
    "rename": _rename,
    "rename case": _case,
    "move": _move,
    "rename over": _over,
    "exchange": _exchange,
    "delete": _delete,
    "move tree": _tree,
    "take out and back": _uproot,
    "delete tree": _fell,
    "hard link": _link,
    "symlink": _symlink,
    "chmod": _chmod,
    "touch": _touch,
    "sidecar": _sidecar,
    "ignore": _ignore,
}
