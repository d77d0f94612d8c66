"""Problem details, RFC 9457: the one form in which anything is refused."""

import traceback
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

from glimpsed.serving.models import Problem

MEDIA_TYPE = "application/problem+json"


class RefusedError(Exception):
    """A request is not answered: `status`, and why in `detail`."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def problem(
    status: int,
    detail: str,
    *,
    column: int | None = None,
    field: str | None = None,
    hint: str | None = None,
    suggestion: str | None = None,
) -> bytes:
    """The body of a refusal. Its texts may be any: what is not Unicode becomes a question mark."""
    told = Problem(
        title=HTTPStatus(status).phrase,  # as RFC 9457 wants it for the type about:blank
        status=status,
        detail=_plain(detail),
        column=column,
        field=field,
        hint=None if hint is None else _plain(hint),
        suggestion=suggestion,
    )
    return told.model_dump_json(exclude_none=True).encode()


def head(body: bytes) -> list[tuple[bytes, bytes]]:
    """The headers that a problem has."""
    return [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        date(),
    ]


def date() -> tuple[bytes, bytes]:
    """The header that every response has."""
    return b"date", formatdate(usegmt=True).encode()


def of_mistake(error: BaseException) -> str:
    """What went wrong, for the log, in one line: the error and the innermost places it came through."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    what = "".join(traceback.format_exception_only(error)).strip().replace("\n", " ")
    return _plain(" < ".join([what, *reversed(places[-4:])]))


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
