"""Thumbnails by content id, in a folder of their own: a cache that may be deleted at any time."""

import os
import re
from contextlib import suppress
from pathlib import Path

_ID = re.compile(r"[0-9a-f]{64}")


class Thumbnails:
    """Keeps one WebP a content id. Losing one is no loss of data, so nothing here is synced."""

    def __init__(self, state: str) -> None:
        self._root = Path(state, "thumbnails")

    def path(self, content_id: str) -> Path | None:
        """Where the thumbnail is; None for what is no content id or has none."""
        if not _ID.fullmatch(content_id):
            return None
        place = self._place(content_id)
        return place if place.is_file() else None

    def put(self, content_id: str, image: bytes) -> None:
        """Keep it, unless one as large is there. Without room it is left out: a thumbnail is not worth an error."""
        place = self._place(content_id)
        with suppress(OSError):
            if place.stat().st_size == len(image):
                return
        partial = place.with_suffix(f".{os.getpid()}.part")
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.write_bytes(image)
            partial.replace(place)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def drop(self, content_id: str) -> None:
        """Forget it."""
        if _ID.fullmatch(content_id):
            with suppress(OSError):
                self._place(content_id).unlink(missing_ok=True)

    def _place(self, content_id: str) -> Path:
        return self._root / content_id[:2] / f"{content_id}.webp"
