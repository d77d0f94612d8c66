"""The words of a caption that is written in Markdown."""

import re

from glimpsed.reading import texts

_LONGEST = 4 * texts.LIMIT
"""Characters that are looked at: one part keeps fewer, and marks that are never closed are slow to look for."""

_DATA = re.compile(r"\(data:[^)\s]*\)?")
"""A picture within the text: longer than all that is said there."""

_MARKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL), ""),  # settings of a site's generator
    (re.compile(r"<!--.*?-->", re.DOTALL), " "),
    (re.compile(r"!?\[([^\]\n]{0,500})\]\([^)\n]*\)"), r"\1"),  # links and pictures
    (re.compile(r"!?\[([^\]\n]{0,500})\]\[[^\]\n]{0,500}\]"), r"\1"),
    (re.compile(r"^ {0,3}\[[^\]\n]+\]:.*$", re.MULTILINE), ""),
    (re.compile(r"^ {0,3}(?:[-*_=~`][ \t]*){3,}.*$", re.MULTILINE), ""),  # rules, underlines, fences
    (re.compile(r"^\s{0,3}(?:#{1,6}|>|[-*+]|\d{1,9}[.)])[ \t]+", re.MULTILINE), ""),
    (re.compile(r"[ \t]#+[ \t]*$", re.MULTILINE), ""),
    (re.compile(r"(\*\*|__|~~|`)(?=\S)(.{1,500}?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)([*_])(?=\S)(.{1,500}?)(?<=\S)\1(?!\w)"), r"\2"),
)


def plain(text: str) -> str:
    """`text` without the marks of CommonMark that are no words, its beginning; what looks like none of them stays."""
    text = _DATA.sub("()", text)[:_LONGEST].replace("\r\n", "\n")
    for mark, instead in _MARKS:
        text = mark.sub(instead, text)
    return text
