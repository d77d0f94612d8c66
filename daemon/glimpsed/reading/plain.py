"""Pixels of every mode and orientation brought to what people see, with Pillow."""

import numpy as np
from PIL import Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture upright, from its orientation as EXIF numbers them."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def plain(image: Image.Image) -> Image.Image:
    """The frame as L, RGB or, where any of it can be seen through, RGBA."""
    if image.mode.startswith(("I", "F")):
        return _greys(image)
    if "transparency" in image.info or image.mode in {"LA", "La", "PA", "RGBa", "RGBA"}:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in {"L", "RGB"}:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _greys(image: Image.Image) -> Image.Image:
    """16 bits and more a pixel, brought to 8: by their range where they use little of it, as scans and maps do."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16") and high > 4096:
        low, high = 0.0, 65535.0
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return Image.fromarray(scaled.astype(np.uint8))


def shrunk(image: Image.Image, side: int) -> Image.Image:
    """At most `side` pixels along its longer side."""
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=1.5)


def flat(image: Image.Image) -> Image.Image:
    """RGBA on white, or on black where the visible part is bright: letters stay readable."""
    visible = np.asarray(image.getchannel("A")) > 127
    bright = np.asarray(image.convert("L"))[visible]
    level = 0 if bright.size and bright.mean() > 127 else 255
    ground = Image.new("RGB", image.size, (level, level, level))
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def is_blank(image: Image.Image) -> bool:
    """Whether all of its pixels are the same: many animations fade in from nothing."""
    return all(low == high for low, high in _extrema(image))


def _extrema(image: Image.Image) -> list[tuple[float, float]]:
    found = image.getextrema()
    return [found] if isinstance(found[0], int | float) else list(found)
