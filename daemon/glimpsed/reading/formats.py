"""Which pictures there are, and what has to be installed to read each. Pure; the daemon asks it, too."""

import importlib.util
import re
from functools import cache
from typing import NamedTuple

from glimpsed.reading import heif, jxl, psd, raw, svg


class Format(NamedTuple):
    """One kind of picture, under the name that `Content.format` has."""

    name: str
    suffixes: tuple[str, ...]
    module: str | None = None
    """The optional Python module that decodes it; None where what is always installed does."""
    extra: str | None = None
    """The extra of this package that brings the module."""


FORMATS: tuple[Format, ...] = (
    Format("jpeg", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")),
    Format("png", (".png", ".apng")),
    Format("webp", (".webp",)),
    Format("gif", (".gif",)),
    Format("tiff", (".tif", ".tiff")),
    Format("bmp", (".bmp", ".dib")),
    Format("ico", (".ico",)),
    Format("avif", (".avif",), "PIL._avif"),
    Format("heic", (".heic", ".heif", ".hif"), "pillow_heif", "heif"),
    Format("jxl", (".jxl",), "pillow_jxl", "jxl"),
    Format("jpeg2000", (".jp2", ".j2k")),
    Format("tga", (".tga",)),
    Format("ppm", (".ppm", ".pgm", ".pbm", ".pnm")),
    Format("psd", (".psd", ".psb")),
    Format("svg", (".svg", ".svgz")),
    Format("cr2", (".cr2",)),
    Format("cr3", (".cr3",)),
    Format("nef", (".nef", ".nrw")),
    Format("arw", (".arw", ".sr2")),
    Format("dng", (".dng",)),
    Format("raf", (".raf",)),
    Format("orf", (".orf",)),
    Format("rw2", (".rw2", ".rwl")),
    Format("pef", (".pef",)),
    Format("srw", (".srw",)),
)
"""Every format, with its suffixes: together those of `files.SUFFIXES`."""

DEVELOPER = "rawpy"
"""The optional module that makes a picture of what a RAW's sensor saw, where no preview inside shows it."""

_UNREADABLE = "cannot be read by this installation"
_UNDEVELOPED = "files without a preview inside"
_TOLD = re.compile(rf"([A-Z0-9]+) (?:files|({_UNDEVELOPED})) {_UNREADABLE}(?:[:]|$)")


@cache
def installed(module: str) -> bool:
    """Whether a module is there; it is not imported, and looked for once a process."""
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def readable(form: Format) -> bool:
    """Whether this installation can decode it."""
    return form.module is None or installed(form.module)


def unreadable(form: Format) -> str:
    """What is said of a file that only misses its decoder, with what would help. See `named`."""
    help_ = hint(form.extra) if form.extra else f"its decoder {form.module} is missing"
    return f"{form.name.upper()} files {_UNREADABLE}: {help_}"


def undeveloped(form: Format) -> str:
    """The same of a RAW that could only be developed."""
    return f"{form.name.upper()} {_UNDEVELOPED} {_UNREADABLE}: {hint('raw')}"


def hint(extra: str) -> str:
    """How to install an extra."""
    return f"`make formats`, or pip install 'glimpsed[{extra}]'"


def named(error: str | None) -> Format | None:
    """The format that an error made by `unreadable` or `undeveloped` names; None for all other errors."""
    found = _TOLD.match(error or "")
    return None if found is None else by_name(found[1].lower())


def helped(error: str | None) -> bool:
    """Whether what such an error misses is there now."""
    form, found = named(error), _TOLD.match(error or "")
    if form is None or found is None:
        return False
    return installed(DEVELOPER) if found[2] else readable(form)


UNREADABLE_PATTERN = f"% {_UNREADABLE}%"
"""What SQL's LIKE finds such errors by."""


def by_name(name: str | None) -> Format | None:
    """The format of this name."""
    return next((form for form in FORMATS if form.name == name), None)


def recognised(data: bytes) -> str | None:
    """The name of a format that needs more than Pillow's own decoders, by the first bytes; None for the others."""
    if psd.is_psd(data):
        return "psd"
    if jxl.is_jxl(data):
        return "jxl"
    if (brand := heif.brand(data)) is not None:
        return brand
    if (camera := raw.kind(data)) is not None:
        return camera
    return "svg" if svg.is_svg(data) else None
