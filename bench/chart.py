"""Results as a picture: bars by language and by kind, a colour a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from measures import Measures
from PIL import Image, ImageDraw, ImageFont
from report import Results

WIDTH = 1200
MARGIN = 48
PANEL = 170
"""Pixels of a panel's height, without its labels."""
LABELS = 46
MOST = 24
"""Groups of bars side by side; more go into further panels."""

COLOURS = {
    "product": "#1b4965", "bare encoder": "#e07a1f", "Recoll": "#9a9a9a", "text": "#7fb069", "dense": "#5fa8d3",
    "dense+text": "#a06cd5", "dense+sparse": "#d4a017", "dense+sparse+colbert": "#c1444c", "sparse": "#5b8e7d",
    "colbert": "#bc5a8f",
}  # fmt: skip
ELSE = "#c9c9c9"
SHOWN = tuple(COLOURS)
"""Runs with bars of their own; the others are in the tables only."""


def draw(results: Results, file: Path) -> None:
    """Write a PNG: recall@1 and recall@10 by language and by kind."""
    runs = [name for name in SHOWN if name in results.rankings]
    panels = [
        (f"{title}, by {what}", groups[first : first + MOST], name)
        for what, groups in (("language", list(results.by("lang").items())), ("kind", list(results.by("kind").items())))
        for name, title in (("recall_1", "recall@1"), ("recall_10", "recall@10"))
        for first in range(0, len(groups), MOST)
    ]
    top = 2 * MARGIN + 10
    image = Image.new("RGB", (WIDTH, top + len(panels) * (PANEL + LABELS + 44)), "white")
    pen = ImageDraw.Draw(image)
    _legend(pen, f"{results.about.get('set', '')}: {len(results.answerable)} questions", runs)
    for title, groups, name in panels:
        _panel(pen, top, title, groups, runs, name)
        top += PANEL + LABELS + 44
    image.quantize(64, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)


def _legend(pen: ImageDraw.ImageDraw, title: str, runs: Sequence[str]) -> None:
    pen.text((MARGIN, 16), title, fill="black", font=_font(22))
    left = MARGIN
    for run in runs:
        pen.rectangle((left, 60, left + 16, 76), fill=COLOURS.get(run, ELSE))
        pen.text((left + 23, 58), run, fill="black", font=_font(16))
        left += 23 + round(_font(16).getlength(run)) + 26


def _panel(
    pen: ImageDraw.ImageDraw,
    top: int,
    title: str,
    groups: Sequence[tuple[str, Mapping[str, Measures]]],
    runs: Sequence[str],
    name: str,
) -> None:
    """One diagram from 0 to 1 whose title begins at `top`."""
    pen.text((MARGIN, top), title, fill="black", font=_font(17))
    floor = top + 28 + PANEL
    for tenth in range(0, 11, 2):
        height = floor - round(PANEL * tenth / 10)
        pen.line((MARGIN, height, WIDTH - MARGIN, height), fill="#e3e3e3" if tenth else "#555555")
        pen.text((MARGIN - 8, height), f"{tenth / 10:.1f}", fill="#555555", font=_font(12), anchor="rm")
    room = (WIDTH - 2 * MARGIN) / max(1, len(groups))
    thick = min(22.0, room * 0.82 / max(1, len(runs)))
    for number, (group, found) in enumerate(groups):
        middle = MARGIN + room * (number + 0.5)
        left = middle - thick * len(runs) / 2
        for place, run in enumerate(runs):
            if run in found:
                value = float(getattr(found[run], name))
                start = left + place * thick
                corners = (start + 0.5, floor - PANEL * value, start + max(1.5, thick - 1.5), floor)
                pen.rectangle(corners, fill=COLOURS.get(run, ELSE))
        _label(pen, group, middle, floor + 6, room)


def _label(pen: ImageDraw.ImageDraw, text: str, middle: float, top: int, room: float) -> None:
    """A group's name, in two lines where it is too wide for one."""
    font = _font(14)
    words = text.split(" ")
    lines = [text] if font.getlength(text) <= room - 4 or len(words) == 1 else [words[0], " ".join(words[1:])]
    for number, line in enumerate(lines):
        size = 14
        while _font(size).getlength(line) > room - 4 and size > 8:
            size -= 1
        pen.text((middle, top + 17 * number), line, fill="black", font=_font(size), anchor="ma")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
