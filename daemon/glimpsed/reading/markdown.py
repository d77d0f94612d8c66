"""The words of a caption that is written in Markdown."""

import re

_MARKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL), ""),  # settings of a site's generator
    (re.compile(r"<!--.*?-->", re.DOTALL), " "),
    (re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)"), r"\1"),  # links and pictures
    (re.compile(r"!?\[([^\]\n]*)\]\[[^\]\n]*\]"), r"\1"),
    (re.compile(r"^ {0,3}\[[^\]\n]+\]:.*$", re.MULTILINE), ""),
    (re.compile(r"^ {0,3}(?:[-*_=~`][ \t]*){3,}.*$", re.MULTILINE), ""),  # rules, underlines, fences
    (re.compile(r"^\s{0,3}(?:#{1,6}|>|[-*+]|\d{1,9}[.)])[ \t]+", re.MULTILINE), ""),
    (re.compile(r"[ \t]#+[ \t]*$", re.MULTILINE), ""),
    (re.compile(r"(\*\*|__|~~|`)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)([*_])(?=\S)(.+?)(?<=\S)\1(?!\w)"), r"\2"),
)


def plain(text: str) -> str:
    """`text` without the marks of CommonMark that are no words; what looks like none of them stays as it is."""
    text = text.replace("\r\n", "\n")
    for mark, instead in _MARKS:
        text = mark.sub(instead, text)
    return text
