"""Sidecars: the `.xmp` and `.txt` files that stand beside a picture and speak of it."""

import os
import stat

from glimpsed.files import sidecars
from glimpsed.reading import metadata, xmp
from glimpsed.reading.texts import clean, decode
from glimpsed.records import Content, Part

LIMIT = 1 << 20
"""Bytes read of one sidecar; a longer XMP is passed over, a longer text is cut."""


def read(path: str) -> tuple[tuple[Part, ...], Content | None]:
    """What the sidecars of the picture at `path` say: parts labelled `sidecar`, and fields that they tell.

    The content holds date, camera and position with an empty content id; None where no sidecar tells one. The first
    sidecar in the order of `files.sidecars` that tells a field wins. Never raises: what cannot be read says nothing.
    """
    texts: dict[str, None] = {}
    taken, camera, position = None, None, None
    for place in sidecars(path):
        data = _bytes(place)
        if data is None:
            continue
        if place.lower().endswith(".txt"):
            texts.setdefault(clean(decode(data)))
            continue
        packet = xmp.read(data) if len(data) <= LIMIT else xmp.Xmp()
        texts |= dict.fromkeys(part.text for part in metadata.parts(packet.texts))
        taken, camera = taken or packet.taken, camera or packet.camera
        position = position or packet.position
    parts = tuple(Part("sidecar", text) for text in texts if text)
    if not (taken or camera or position):
        return parts, None
    latitude, longitude = position or (None, None)
    return parts, Content("", taken_at=taken, camera=camera, latitude=latitude, longitude=longitude)


def _bytes(path: str) -> bytes | None:
    """At most LIMIT + 1 bytes of a regular file; a pipe of that name must not hang the reader."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        with open(handle, "rb", closefd=False) as file:
            return file.read(LIMIT + 1)
    except OSError:
        return None
    finally:
        os.close(handle)
