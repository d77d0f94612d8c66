"""What a request may cost: its size, how many at once, how long. Whatever goes wrong below ends here as a problem."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
from anyio import CancelScope, create_task_group, current_time, move_on_after
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glimpsed.serving import problems
from glimpsed.serving.problems import RefusedError, problem

EVENTS = "/v1/events"
_BUDGET = "glimpsed.budget"
_AGAIN = {"retry-after": "1"}
_TELLING = 5.0  # seconds that a refusal may wait for a client that reads nothing
_LONGEST_PATH = 200  # characters of a path that are worth noting


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds, bytes and numbers; generous for one person's programs, finite for a mistake in one of them."""

    body: int = 1 << 20
    """Bytes of a request's body."""
    body_seconds: float = 10.0
    """For the whole body to come."""
    seconds: float = 60.0
    """Until the answer begins; a route may allow more."""
    stalled: float = 30.0
    """Between two pieces of an answer that its reader has to take."""
    at_once: int = 64
    """Requests that are worked on."""
    streams: int = 16
    """Readers of events, who come beside these and stay as long as they like."""


class Requests:
    """Those under way, counted and with the time that each has left."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.working = 0
        self.streams = 0
        self.ended = False
        self._budgets: set[CancelScope] = set()

    @contextmanager
    def admitted(self, *, stream: bool) -> Iterator[None]:
        """A place among those under way. Raises RefusedError where there is none."""
        if self.ended:
            raise RefusedError(503, "glimpsed is ending", headers=_AGAIN)
        if stream and self.streams >= self.bounds.streams:
            raise RefusedError(503, f"there are {self.bounds.streams} readers of events already", headers=_AGAIN)
        if not stream and self.working >= self.bounds.at_once:
            raise RefusedError(503, f"{self.bounds.at_once} requests are under way already, try again", headers=_AGAIN)
        self.streams += stream
        self.working += not stream
        try:
            yield
        finally:
            self.streams -= stream
            self.working -= not stream

    @contextmanager
    def budget(self, *, stream: bool) -> Iterator[CancelScope]:
        """Ends what is done within when its time is over, or when `end` is called."""
        deadline = math.inf if stream else current_time() + self.bounds.seconds
        with CancelScope(deadline=deadline) as budget:
            self._budgets.add(budget)
            try:
                yield budget
            finally:
                self._budgets.discard(budget)

    def end(self) -> None:
        """Cut short what is under way and admit no more."""
        self.ended = True
        for budget in self._budgets:
            budget.cancel()


def allow(request: Request, seconds: float) -> None:
    """Give a request so much time more than others have."""
    request.scope[_BUDGET].deadline += seconds


class Limits:
    """ASGI middleware: bounds what a request costs, and answers with a problem whatever else goes wrong.

    A body is read whole before the application sees anything, and a client that goes away ends its request.
    `refused` is told path, status and reason.
    """

    def __init__(self, app: ASGIApp, *, requests: Requests, refused: Callable[[str, int, str], None]) -> None:
        self._app = app
        self._requests = requests
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification, version 3."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stream = scope["path"] == EVENTS
        reply = _Reply(send, math.inf if stream else self._requests.bounds.stalled)
        try:
            with self._requests.admitted(stream=stream):
                body = b"" if stream else await self._body(receive)
                await self._answer(scope, body, receive, reply, stream=stream)
        except RefusedError as error:
            self._refused(scope["path"][:_LONGEST_PATH], error.status, error.detail)
            await reply.refuse(error)
        except _GoneError:
            pass
        except Exception as error:
            self._refused(scope["path"][:_LONGEST_PATH], 500, problems.of_mistake(error))
            await reply.refuse(RefusedError(500, "a mistake in glimpsed; its log says more"))

    async def _body(self, receive: Receive) -> bytes:
        bounds = self._requests.bounds
        body = bytearray()
        with move_on_after(bounds.body_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _GoneError
                body += message.get("body", b"")
                if len(body) > bounds.body:
                    # What is still to come is read and dropped by the server, so that the client gets to read this.
                    raise RefusedError(413, f"a body may have {bounds.body} bytes")
                if not message.get("more_body", False):
                    return bytes(body)
        raise RefusedError(408, f"the body did not come within {bounds.body_seconds:g} s")

    async def _answer(self, scope: Scope, body: bytes, receive: Receive, reply: "_Reply", *, stream: bool) -> None:
        gone = anyio.Event()
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            if waiting:
                return waiting.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        failure: Exception | None = None
        async with create_task_group() as group:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                gone.set()
                group.cancel_scope.cancel()  # nobody is left to read the answer

            group.start_soon(watch)
            with self._requests.budget(stream=stream) as budget:
                reply.budget = scope[_BUDGET] = budget
                try:
                    await self._app(scope, replay, reply)
                except Exception as error:
                    failure = error
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if budget.cancelled_caught and stream and reply.begun:
            await reply({"type": "http.response.body", "body": b""})  # events end in order
        elif budget.cancelled_caught:
            raise RefusedError(503, self._why(reply), headers=_AGAIN)

    def _why(self, reply: "_Reply") -> str:
        if self._requests.ended:
            return "glimpsed is ending"
        if reply.begun:
            return f"the answer was not taken for {self._requests.bounds.stalled:g} s"
        return "it took too long, try again"


class _GoneError(Exception):
    """The client went away before it had asked."""


class _Reply:
    """Sends an answer: with its date, each piece within `stalled` seconds, and a refusal always as a problem."""

    def __init__(self, send: Send, stalled: float) -> None:
        self._send = send
        self._stalled = stalled
        self._replaced = False
        self.begun = False
        self.budget: CancelScope | None = None

    async def __call__(self, message: Message) -> None:
        """See ASGI's send."""
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            headers: list[tuple[bytes, bytes]] = list(message["headers"])
            if message["status"] >= 400 and (b"content-type", problems.MEDIA_TYPE.encode()) not in headers:
                self._replaced = True  # Starlette's files have refusals of their own, in plain text
                kept = {name.decode(): value.decode("latin-1") for name, value in headers if name in _KEPT}
                await self.refuse(RefusedError(message["status"], "this cannot be had so", headers=kept))
                return
            message = {**message, "headers": [*headers, problems.date()]}
            self.begun = True
        if self.budget is not None:
            self.budget.deadline = current_time() + self._stalled
        await self._send(message)

    async def refuse(self, error: RefusedError) -> None:
        """The whole answer is a problem; nothing where the answer has begun already, which is then cut off."""
        if self.begun:
            return
        self.begun = True
        body = problem(error.status, error.detail)
        more = [(name.encode(), value.encode("latin-1")) for name, value in error.headers.items()]
        headers = [*problems.head(body), *more]
        with move_on_after(_TELLING):
            await self._send({"type": "http.response.start", "status": error.status, "headers": headers})
            await self._send({"type": "http.response.body", "body": body})


_KEPT = frozenset((b"allow", b"content-range"))
