"""Values as JSON knows them."""

import os
from collections.abc import Mapping, Sequence


def plain(value: object) -> object:
    """A field's value as JSON knows it; what is not UTF-8 in a path becomes U+FFFD."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return round(value, 3)
        case str() | os.PathLike():
            return os.fsencode(value).decode("utf-8", "replace")
        case bytes():
            return value.decode("utf-8", "replace")
        case Mapping():
            return {str(plain(key)): plain(one) for key, one in value.items()}
        case Sequence() | set() | frozenset():
            return [plain(one) for one in value]
        case BaseException():
            return plain(str(value) or type(value).__name__)
    return plain(str(value))
