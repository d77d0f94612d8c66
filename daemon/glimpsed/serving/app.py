"""The application: its routes."""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import FastAPI, Query, Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from glimpsed import __version__
from glimpsed.errors import UsageError
from glimpsed.serving import asking, explained, models, refusals, verified
from glimpsed.serving.door import Door
from glimpsed.serving.following import Events
from glimpsed.serving.limits import Bounds, Limits, Requests, allow
from glimpsed.serving.sending import opened_file, sent

_SCANNING = 540.0  # seconds more for a scan: a slow disk may hold a million files
_READING = 240.0  # seconds more for reading again: the workers may have work, and a long picture takes its time
_MEDIA_TYPES = {
    **{name: f"image/x-{name}" for name in ("arw", "cr2", "cr3", "dng", "nef", "orf", "pef", "raf", "rw2", "srw")},
    "psd": "image/vnd.adobe.photoshop",
    "svg": "application/octet-stream",  # shown by a browser it could run scripts
    "ico": "image/vnd.microsoft.icon",
    "jpeg2000": "image/jp2",
    "ppm": "image/x-portable-anymap",
    "tga": "image/x-tga",
}


def make_app(door: Door, bounds: Bounds | None = None) -> FastAPI:
    """The HTTP application over `door`; OpenAPI at `/openapi.json`. Its `state.requests` are those under way."""
    app = FastAPI(
        title="glimpsed",
        version=__version__,
        description="Where is that picture?",
        docs_url=None,  # its page loads scripts from the network
        redoc_url=None,
        redirect_slashes=False,
        responses=refusals.PROBLEMS,
    )
    app.state.requests = Requests(bounds or Bounds())
    app.add_middleware(Limits, requests=app.state.requests, refused=door.refused)
    _add_searching(app, door)
    _add_pictures(app, door)
    _add_upkeep(app, door)
    refusals.add(app, door)
    return app


def _add_searching(app: FastAPI, door: Door) -> None:
    @app.get("/v1/search")
    async def search(
        request: Request,
        q: Annotated[
            str, Query(description='words, "phrases", -words, and filters such as after:2024-06 type:png')
        ] = "",
        k: Annotated[int, Query(ge=1, le=asking.MOST_HITS, description="how many hits")] = 10,
        sort: Annotated[asking.Sort, Query(description="without words, relevance is date")] = "relevance",
        cursor: Annotated[str | None, Query(max_length=1000, description="`next` of the page before")] = None,
        sync: Annotated[bool, Query(description="wait until all that is on disk now has been read")] = False,
        timeout: Annotated[float, Query(gt=0, le=3600, description="seconds that `sync` waits")] = 30.0,
    ) -> models.Found:
        """Find pictures."""
        if sync:
            allow(request, timeout)
        return await door.search(q, k=k, sort=sort, cursor=cursor, sync=sync, timeout=timeout)

    @app.post("/v1/search")
    async def search_by_fields(request: Request, asked: asking.SearchRequest) -> models.Found:
        """Find pictures by a question in parts, in which nothing has to be quoted."""
        if asked.sync:
            allow(request, asked.timeout)
        return await door.search(
            asked.fields(),
            k=asked.k,
            sort=asked.sort,
            cursor=asked.cursor,
            sync=asked.sync,
            timeout=asked.timeout,
        )

    @app.get("/v1/complete")
    async def complete(
        q: Annotated[str, Query(max_length=asking.LONGEST, description="what is typed so far, up to the cursor")] = "",
    ) -> models.Completions:
        """How the last word of a question may go on: names of filters, their values, cameras, places, directories."""
        return models.Completions(completions=await door.complete(q))

    @app.get("/v1/explain")
    async def explain(
        request: Request,
        path: Annotated[str | None, Query(description="absolute")] = None,
        path_bytes: Annotated[str | None, Query(description="the same in base64, where it is not UTF-8")] = None,
        read: Annotated[
            explained.ReadAnew, Query(description="read again: its fields, the words in it, with a drawing of them")
        ] = "none",
    ) -> explained.Explained:
        """What is known of a file, and why it is as it is."""
        if read != "none":
            allow(request, _READING)
        return await door.explain(exact(path, path_bytes), read)


def _add_pictures(app: FastAPI, door: Door) -> None:
    @app.get("/v1/pictures/{content_id}")
    async def picture(content_id: str) -> models.Picture:
        """One picture by its id."""
        found = await door.picture(content_id)
        if found is None:
            raise HTTPException(404, "no picture has this id")
        return found

    @app.get(
        "/v1/pictures/{content_id}/thumbnail",
        response_class=FileResponse,
        responses={200: {"content": {"image/webp": {}}}},
    )
    async def thumbnail(content_id: str) -> FileResponse:
        """Its thumbnail, at most 512 pixels a side."""
        place = await door.thumbnail(content_id)
        # A disk that hangs must hold up nobody but this request.
        opened = None if place is None else partial(to_thread.run_sync, opened_file, place, abandon_on_cancel=True)
        return await sent(opened, "image/webp", "no thumbnail of this id")

    @app.get(
        "/v1/pictures/{content_id}/file",
        response_class=FileResponse,
        responses={200: {"content": {"image/*": {}}}},
    )
    async def file(content_id: str) -> FileResponse:
        """The picture itself, byte for byte; parts of it by Range."""
        found = await door.picture(content_id)
        if found is None:
            raise HTTPException(404, "no picture has this id")
        form = found.format or ""
        media_type = _MEDIA_TYPES.get(form, f"image/{form}") if form else "application/octet-stream"
        return await sent(partial(door.file, content_id), media_type, "no file has this content any more")


def _add_upkeep(app: FastAPI, door: Door) -> None:
    @app.get("/v1/status")
    async def status() -> models.Status:
        """How the daemon is."""
        return await door.status()

    @app.post("/v1/scan")
    async def scan(request: Request, asked: models.PathsRequest | None = None) -> models.Scanned:
        """Compare the folders, or parts of them, with the disk now."""
        allow(request, _SCANNING)
        return await door.scan(_paths(asked))

    @app.post("/v1/retry")
    async def retry(asked: models.PathsRequest | None = None) -> models.Retried:
        """Try again what could not be read: now, and as often as a new picture."""
        return await door.retry(_paths(asked))

    @app.get("/v1/errors")
    async def errors(
        path: Annotated[list[str] | None, Query(max_length=1000, description="absolute; none: every folder")] = None,
        path_bytes: Annotated[list[str] | None, Query(max_length=1000, description="more, in base64")] = None,
        k: Annotated[int, Query(ge=1, le=asking.MOST_HITS, description="how many pictures")] = asking.MOST_HITS,
    ) -> verified.Errors:
        """Tell which pictures could not be read, why, and when each is tried next."""
        return await door.errors(_paths(models.PathsRequest(paths=path or [], paths_bytes=path_bytes or [])), k)

    @app.post(
        "/v1/verify",
        response_class=StreamingResponse,
        responses={200: {"content": {_Lines.media_type: {"schema": verified.VerifyLine.model_json_schema()}}}},
    )
    async def verify(asked: verified.VerifyRequest | None = None) -> Response:
        """Compare the table with the disk; lines tell how far it is, the last one what was found."""
        asked = asked or verified.VerifyRequest()
        return _Lines(await door.verify(_paths(asked), full=asked.full, repair=asked.repair))

    @app.post("/v1/pause")
    async def pause() -> models.Paused:
        """Have indexing wait; searching goes on."""
        return await door.pause(paused=True)

    @app.post("/v1/resume")
    async def resume() -> models.Paused:
        """Let it go on."""
        return await door.pause(paused=False)

    @app.post("/v1/forget")
    async def forget(request: Request, asked: models.ForgetRequest) -> models.Forgotten:
        """Remove all that is kept of pictures that are not watched any more, for good."""
        allow(request, _SCANNING)
        return await door.forget(_paths(asked))

    @app.get(
        "/v1/events",
        response_class=StreamingResponse,
        responses={200: {"content": {Events.media_type: {}}}},
    )
    async def events() -> Response:
        """What happens from now on, a JSON object a line; empty lines come first and when all is quiet."""
        return Events(door)

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Counters in the Prometheus text format."""
        return Response(await door.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _paths(asked: models.PathsRequest | models.ForgetRequest | None) -> list[str]:
    asked = asked or models.PathsRequest()
    return [*(exact(path, None) for path in asked.paths), *(exact(None, given) for given in asked.paths_bytes)]


def exact(path: str | None, path_bytes: str | None) -> str:
    """The path that a request names, as Python has it. Raises UsageError where it names none."""
    if path_bytes is not None:
        try:
            path = os.fsdecode(base64.b64decode(path_bytes, validate=True))
        except ValueError:
            raise UsageError("path_bytes is not base64") from None
    if not path or "\0" in path:
        raise UsageError("no path is given", hint="give path, or path_bytes where it is not UTF-8")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:  # JSON can hold half a character
        raise UsageError("path is no text", hint="give path_bytes where it is not UTF-8") from None
    return path


class _Lines(Response):
    """Lines of JSON until there are no more; whoever goes away ends the work."""

    media_type = "application/x-ndjson"

    def __init__(self, lines: AbstractAsyncContextManager[AsyncIterator[BaseModel]]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        async with self._lines as lines:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for line in lines:
                said = line.model_dump_json(exclude_defaults=True).encode("utf-8", "replace")
                await send({"type": "http.response.body", "body": said + b"\n", "more_body": True})
        await send({"type": "http.response.body", "body": b""})
