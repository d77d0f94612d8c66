"""Text as it comes from files, made fit for the table: valid UTF-8, no control characters, bounded."""

import os
import re
import unicodedata

from glimpsed.reading import legacy

LIMIT = 4_000
"""Characters of one part; what a person writes about a picture is shorter."""

_LINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls, lone surrogates, byte order marks, bidirectional overrides, noncharacters.
_UNFIT = re.compile("[\x00-\x09\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


def clean(text: str, limit: int = LIMIT) -> str:
    """The text in NFC with single blanks, no empty lines and at most `limit` characters.

    Always encodes as UTF-8. Cleaning what is clean changes nothing.
    """
    text = _UNFIT.sub(" ", _LINES.sub("\n", text[: 4 * limit]))
    lines = (" ".join(line.split()) for line in unicodedata.normalize("NFC", text).split("\n"))
    return "\n".join(line for line in lines if line)[:limit].rstrip()


def name_text(name: str) -> str:
    """A file name as Python has it (surrogateescape), as readable text: other encodings than UTF-8 are guessed."""
    try:
        return clean(decode(os.fsencode(name)))
    except UnicodeEncodeError:
        return clean(name)


def decode(data: bytes) -> str:
    """Bytes of unknown encoding as text, never raising: marks, UTF-16 by its zeros, UTF-8, then a guess."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    zeros = data[::2].count(0), data[1::2].count(0)
    # Padding has its zeros at both places.
    if max(zeros) > len(data) // 8 and max(zeros) > 4 * min(zeros):
        return data.decode("utf-16-be" if zeros[0] > zeros[1] else "utf-16-le", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        # Fields of fixed length cut UTF-8 in the middle of a sign: no reason to guess.
        if fault.reason == "unexpected end of data" and not data[: fault.start].isascii():
            return data[: fault.start].decode()
    return legacy.guessed(data)
