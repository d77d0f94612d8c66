"""Which pictures of a file with several show words of their own: the pages of a scan, moments of an animation."""

from PIL import Image, TiffImagePlugin

from glimpsed.reading import bounds, counting

_FARTHEST = 200  # frames: to reach a later one, all before it are decoded
_REDUCED, _MASK = 1, 4  # NewSubfileType, TIFF 6.0: a smaller copy of another page, a transparency mask
_SUBFILE = 254
_CHAINED = frozenset({"GIF", "TIFF"})
_MOVING = frozenset({"GIF", "PNG", "WEBP", "AVIF"})


def telling(image: Image.Image, count: int) -> list[int]:
    """The numbers of the frames to read, of `count` that there are; at least the first.

    Of a TIFF every page that is no copy or mask of another one, as many as the bounds allow; of an animation the
    first, the middle and the last; of all others the first, for further ones are views or maps of the same.
    """
    if count < 2:
        return [0]
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return _pages(image, count)
    if image.format not in _MOVING:
        return [0]
    last = min(count - 1, _FARTHEST)
    return sorted({0, last // 2, last})


def middle(image: Image.Image, count: int) -> int:
    """The frame in the middle of an animation of `count`; 0 where it is none."""
    return min(count, _FARTHEST) // 2 if image.format in _MOVING else 0


def count_of(image: Image.Image, data: bytes) -> int:
    """How many frames there are in `data`, as far as the file is in order, and no more than are looked at.

    Pillow goes through all of a GIF or TIFF to count them; of others the header tells.
    """
    spent = bounds.now()
    return spent.frames(counting.count(data, spent.bounds.frames) if image.format in _CHAINED else _told(image))


def _told(image: Image.Image) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:
        # A later frame is broken; the first one is what is shown.
        return 1


def _pages(image: TiffImagePlugin.TiffImageFile, count: int) -> list[int]:
    found, most = [], bounds.now().bounds.pages
    for number in range(min(count, 4 * most)):
        try:
            image.seek(number)
        except Exception:
            break  # as many as are in order
        kind = image.tag_v2.get(_SUBFILE, 0)
        if number == 0 or not (isinstance(kind, int) and kind & (_REDUCED | _MASK)):
            found.append(number)
    image.seek(0)
    return found[:most]
