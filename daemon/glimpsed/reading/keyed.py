"""Texts with keywords, as PNG has them: what programs of all kinds write there, told by the keyword."""

import re
from collections.abc import Iterator, Sequence

from glimpsed.reading import dates, prompts
from glimpsed.reading.fields import Field, worded
from glimpsed.reading.texts import clean

_LABELS = {
    "title": "title", "windowtitle": "title", "documentname": "title",
    "description": "caption", "caption": "caption", "subject": "caption", "headline": "caption",
    "imagedescription": "caption", "abstract": "caption", "alttext": "caption",
    "comment": "comment", "usercomment": "comment", "comments": "comment", "notes": "comment", "note": "comment",
    "keywords": "keywords", "keyword": "keywords", "tags": "keywords", "category": "keywords",
    "author": "author", "artist": "author", "creator": "author", "photographer": "author", "copyright": "author",
    "location": "place", "city": "place", "state": "place", "country": "place", "sublocation": "place",
    "people": "people", "person": "people", "persons": "people",
    "parameters": "comment", "prompt": "comment", "workflow": "comment", "dream": "comment", "sdmetadata": "comment",
    "invokeaimetadata": "comment", "positiveprompt": "comment",
}  # fmt: skip
"""Keyword in small letters and without marks, to the label of its text."""
_CAMERA = {"make": "make", "model": "model", "lensmodel": "lens"}
"""The same of keywords with the prefix of a standard: a picture generator's `Model` is no camera."""
_DATES = frozenset({"creationtime", "datetimeoriginal", "createdate", "datecreated", "datetaken"})
_PREFIX = re.compile(r"(?i)^(?:exif|tiff|dc|photoshop|iptc|xmp|png|xdg)[:.]")
_MARKS = re.compile(r"[\W_]+")


def fields(texts: Sequence[tuple[str, str]]) -> Iterator[Field]:
    """A field for each; of keywords that are not known, one without a label."""
    for keyword, text in texts:
        bare = _PREFIX.sub("", keyword)
        key = _MARKS.sub("", bare).lower()
        source = f"PNG:{keyword}"
        if key in _DATES:
            yield Field(source, "taken", dates.parse(text) or "")
        elif key == "dream" and text.count('"') > 1:
            # InvokeAI's first form: the prompt in quotes, then its options as of a command.
            yield Field(source, "comment", clean(prompts.plain(text.split('"')[1])))
        else:
            label = _LABELS.get(key) or (_CAMERA.get(key, "") if bare != keyword else "")
            yield worded(source, label, text)
