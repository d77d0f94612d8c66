"""The same API from the other side: what `glimpse` and other programs in Python ask the daemon.

Only the standard library's HTTP client is used: it loads in a sixth of the time that larger ones take, and the whole
of `glimpse search` has to feel instant.
"""

import base64
import http.client
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote, urlencode

from glimpsed.client_shapes import Answer as Answer  # noqa: PLC0414  what callers need beside the client
from glimpsed.client_shapes import ConfinementStatus as ConfinementStatus  # noqa: PLC0414
from glimpsed.client_shapes import EncoderStatus as EncoderStatus  # noqa: PLC0414
from glimpsed.client_shapes import FolderStatus as FolderStatus  # noqa: PLC0414
from glimpsed.client_shapes import Hit as Hit  # noqa: PLC0414
from glimpsed.client_shapes import Status as Status  # noqa: PLC0414
from glimpsed.errors import GlimpsedError, QueryError, TableError, UnreachableError, UsageError
from glimpsed.wire import UnixConnection, named, target

_SCANNING = 540.0  # seconds more for a folder of a million files, on a slow disk
_FORGETTING = 540.0  # seconds more where the daemon writes its table anew
_READING = 240.0  # seconds more where the daemon reads a picture again
_MOST_PATHS = 1000  # of a request


class NothingThereError(GlimpsedError):
    """What was asked for is not in the index."""

    exit_status = 1


class Client:
    """Asks the daemon behind one Unix socket, one request at a time; not for several threads at once.

    Every method raises UnreachableError where no daemon answers, and the error that the daemon tells otherwise:
    QueryError, UsageError, NothingThereError or GlimpsedError.
    """

    def __init__(self, socket_path: str, *, timeout: float = 60.0) -> None:
        self.socket_path = socket_path
        self._timeout = timeout
        self._connection: UnixConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; the next request makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def search(
        self,
        question: str,
        *,
        k: int = 10,
        sort: str | None = None,
        sync: bool = False,
        timeout: float | None = None,
        cursor: str | None = None,
    ) -> Answer:
        """The `k` best pictures for a question. `cursor` is the `next` of the answer before.

        `sort` is `relevance` (unless given), `date` or `name`.

        With `sync` the daemon first finishes what is on the disk now, for at most `timeout` seconds (30 unless given).
        """
        asked: dict[str, object] = {"q": question, "k": k}
        if sort is not None:
            asked["sort"] = sort
        if sync:
            asked["sync"] = 1
        if timeout is not None:
            asked["timeout"] = f"{timeout:g}"
        if cursor is not None:
            asked["cursor"] = cursor
        wait = self._timeout + ((30.0 if timeout is None else timeout) if sync else 0.0)
        return cast(Answer, self._json("GET", target("/v1/search", asked), wait=wait))

    def search_by_fields(self, fields: Mapping[str, Any]) -> Answer:
        """The same for a question in parts, in which nothing has to be quoted: the fields are docs/api.md's.

        `{"words": "receipt", "not": ["ramen"], "after": "2024-06", "near": {"latitude": 48.86, "longitude": 2.35}}`
        """
        wait = self._timeout + (float(fields.get("timeout", 30.0)) if fields.get("sync") else 0.0)
        return cast(Answer, self._json("POST", "/v1/search", dict(fields), wait=wait))

    def complete(self, text: str) -> list[dict[str, Any]]:
        """How a question that is being typed may go on: `text` in the place of its characters `from` … `to`."""
        return cast(list[dict[str, Any]], self._json("GET", target("/v1/complete", {"q": text}))["completions"])

    def status(self) -> Status:
        """How the daemon is."""
        return cast(Status, self._json("GET", "/v1/status"))

    def scan(self, paths: Sequence[str] = ()) -> dict[str, Any]:
        """Have folders, directories or files compared with the index now; without paths all folders."""
        return self._json("POST", "/v1/scan", _named(paths), wait=self._timeout + _SCANNING)

    def retry(self, paths: Sequence[str] = ()) -> dict[str, Any]:
        """Have what could not be read tried again, at or below these paths or anywhere."""
        return self._json("POST", "/v1/retry", _named(paths))

    def errors(self, paths: Sequence[str] = (), *, k: int = 1000) -> dict[str, Any]:
        """The first `k` pictures that could not be read, at or below these paths or anywhere; docs/api.md."""
        asked = [(name, value) for path in paths for name, value in named(path).items()]
        return self._json("GET", f"/v1/errors?{urlencode([*asked, ('k', k)])}")

    def verify(
        self,
        paths: Sequence[str] = (),
        *,
        full: bool = False,
        repair: bool = False,
        progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """Have the table compared with the disk, and mended if asked; what was found, as docs/api.md has it.

        However long it takes: `progress` is told every half second how far it is. Raises TableError where the table
        cannot be read.
        """
        body = {**_named(paths), "full": full, "repair": repair}
        for line in self._lines("POST", "/v1/verify", body):
            if (problem := line.get("problem")) is not None:
                raise TableError(str(problem))
            if (result := line.get("result")) is not None:
                return cast(dict[str, Any], result)
            if progress is not None and (told := line.get("progress")) is not None:
                progress(told)
        raise self._silence(http.client.IncompleteRead(b""))

    def pause(self, *, paused: bool = True) -> dict[str, Any]:
        """Have indexing wait, or let it go on."""
        return self._json("POST", "/v1/pause" if paused else "/v1/resume")

    def forget(self, paths: Sequence[str]) -> dict[str, Any]:
        """Have all removed that is kept of these files, or of what lies below these directories, for good.

        Raises UsageError, whose hint tells how to hide it, for what is still watched.
        """
        return self._json("POST", "/v1/forget", _named(paths), wait=self._timeout + _FORGETTING)

    def explain(self, path: str, *, read: str = "none") -> dict[str, Any]:
        """All that is known of one file, and why it is as it is; `read` again: `fields`, `words` or `picture`."""
        if read == "none":
            return self._json("GET", target("/v1/explain", named(path)))
        return self._json("GET", target("/v1/explain", {**named(path), "read": read}), wait=self._timeout + _READING)

    def picture(self, content_id: str) -> dict[str, Any]:
        """The picture with this content id, and its paths."""
        return self._json("GET", f"/v1/pictures/{quote(content_id, safe='')}")

    def thumbnail(self, content_id: str) -> bytes:
        """A picture's thumbnail, WebP."""
        return self._read("GET", f"/v1/pictures/{quote(content_id, safe='')}/thumbnail")

    def metrics(self) -> str:
        """The counters, in Prometheus' text format."""
        return self._read("GET", "/metrics").decode()

    def events(self) -> Iterator[dict[str, Any]]:
        """What happens from now on, line by line, until the daemon ends or the generator is closed."""
        return self._lines("GET", "/v1/events", wait=None)

    def _lines(
        self, method: str, target: str, body: object = None, *, wait: float | None = 60.0
    ) -> Iterator[dict[str, Any]]:
        """The lines of an answer, as they come, until it ends or is cut off."""
        response = self._ask(method, target, body, wait=wait)
        try:
            while line := response.readline():
                if line.strip():
                    yield self._parsed(line)
        except (OSError, http.client.HTTPException):
            return  # the daemon ended in the midst of a line
        finally:
            self.close()

    def _json(self, method: str, target: str, body: object = None, *, wait: float | None = None) -> dict[str, Any]:
        return self._parsed(self._read(method, target, body, wait=wait or self._timeout))

    def _parsed(self, data: bytes) -> dict[str, Any]:
        try:
            value = json.loads(data)
        except ValueError as error:
            raise self._stranger() from error
        if not isinstance(value, dict):
            raise self._stranger()
        return value

    def _read(self, method: str, target: str, body: object = None, *, wait: float | None = None) -> bytes:
        response = self._ask(method, target, body, wait=wait or self._timeout)
        try:
            return response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._silence(error) from error

    def _ask(self, method: str, target: str, body: object = None, *, wait: float | None) -> http.client.HTTPResponse:
        """The response whose body is still to be read. Raises what the daemon or its absence tells."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if data is not None else {})
        connection = self._connected(wait)
        try:
            connection.request(method, target, body=data, headers=headers)
            response = connection.getresponse()
            if response.status >= http.HTTPStatus.BAD_REQUEST:
                raise _problem(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise self._silence(error) from error
        return response

    def _connected(self, wait: float | None) -> "UnixConnection":
        # A connection that the daemon closed meanwhile would only be noticed in the midst of a request.
        self.close()
        self._connection = UnixConnection(self.socket_path, wait)
        return self._connection

    def _silence(self, error: Exception) -> GlimpsedError:
        self.close()
        where = os.fsencode(self.socket_path).decode("utf-8", "replace")
        match error:
            case TimeoutError():
                return UnreachableError("glimpsed did not answer in time", where=where, hint="it may be very busy")
            case FileNotFoundError() | ConnectionRefusedError() | NotADirectoryError():
                return UnreachableError(
                    "no daemon answers on this socket",
                    where=where,
                    hint="run `glimpsed` or `systemctl --user start glimpsed`, or name its socket with --socket",
                )
            case PermissionError():
                return UnreachableError("this socket belongs to somebody else", where=where)
            case http.client.RemoteDisconnected() | http.client.IncompleteRead() | ConnectionError():
                return UnreachableError("glimpsed ended before it had answered", where=where)
            case OSError():
                return UnreachableError(f"the socket cannot be used: {error.strerror or error}", where=where)
        return self._stranger()

    def _stranger(self) -> GlimpsedError:
        where = os.fsencode(self.socket_path).decode("utf-8", "replace")
        return UnreachableError("what answers on this socket is not glimpsed", where=where)


def path_of(thing: Mapping[str, Any]) -> bytes:
    """The exact path of a hit or a folder."""
    exact = thing.get("path_bytes")
    return base64.b64decode(exact) if exact else os.fsencode(thing["path"])


def _named(paths: Sequence[str]) -> dict[str, list[str]]:
    if len(paths) > _MOST_PATHS:
        raise UsageError(
            f"{len(paths):,} paths are too many for one request; at most {_MOST_PATHS:,}",
            hint="name a directory: all that lies below it is meant",
        )
    exact = [named(path) for path in paths]
    body = {
        "paths": [one["path"] for one in exact if "path" in one],
        "paths_bytes": [one["path_bytes"] for one in exact if "path_bytes" in one],
    }
    return {key: value for key, value in body.items() if value}


def _problem(status: int, body: bytes) -> GlimpsedError:
    """What the daemon says is wrong, RFC 9457."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    what = str(problem.get("detail") or problem.get("title") or f"glimpsed answered with status {status}")
    hint = str(problem["hint"]) if problem.get("hint") else None
    suggestion = str(problem["suggestion"]) if problem.get("suggestion") else None
    if isinstance(column := problem.get("column"), int):
        return QueryError(what, column=column, hint=hint, suggestion=suggestion)
    if isinstance(field := problem.get("field"), str):
        return QueryError(what.removeprefix(f"{field}: "), field=field, hint=hint, suggestion=suggestion)
    if status == http.HTTPStatus.NOT_FOUND:
        return NothingThereError(what, hint=hint)
    if status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return UsageError(what, hint=hint)
    if status in {http.HTTPStatus.SERVICE_UNAVAILABLE, http.HTTPStatus.GATEWAY_TIMEOUT}:
        return UnreachableError(what, hint=hint)
    return GlimpsedError(what, hint=hint)
