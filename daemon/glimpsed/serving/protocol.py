"""HTTP/1.1 on one connection: uvicorn's, but it refuses with problems and waits for nobody for ever."""

import asyncio
import sys
from collections.abc import Callable

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from glimpsed.serving import problems
from glimpsed.serving.limits import EVENTS

LONGEST_HEAD = 1 << 17
"""Bytes of request line and headers; the longest question there may be has half of that."""
CONNECTIONS = 256
"""Open at once; as many more are told so, and any beyond these are closed without a word."""
_SWALLOWED = 1 << 24  # bytes of a refused request that are read, so that its client comes to read why


class Connection(H11Protocol):
    """One connection of a client."""

    patience = 30.0
    """Seconds for a request's head to come whole, since the connection was made or the answer before was sent."""
    farewell = 5.0
    """Seconds that a refused client has to read why and to close."""
    first_words = 0.5
    """Seconds that a client who was accepted just before the end has to ask: what was accepted is answered."""

    _timer: asyncio.TimerHandle | None = None
    _swallowing: int | None = None  # bytes read since the refusal
    _pauses: int = 0  # how often the client did not read as fast as there was to read
    _pause_seen: int = 0
    _last: bool = False  # whether the request that is still to come is the last one

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._after(self.patience, self._look)
        if len(self.connections) > 2 * CONNECTIONS:
            transport.abort()
        elif len(self.connections) > CONNECTIONS:
            self._refuse(503, f"there are {CONNECTIONS} connections already")

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._swallowing is None:
            super().data_received(data)
            return
        self._swallowing += len(data)
        if self._swallowing > _SWALLOWED:
            self.transport.abort()

    def handle_events(self) -> None:
        """What uvicorn calls when something has come."""
        super().handle_events()
        if self._last and self.answering:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """What uvicorn calls at its end: answer what was asked, and what a client who has just come is about to ask."""
        cycle: object = self.cycle  # None before the first request, whatever uvicorn's types say
        if cycle is None and self._swallowing is None and not self.transport.is_closing():
            self._last = True
            self._after(self.first_words, self._give_up)
        else:
            super().shutdown()

    def _give_up(self) -> None:
        """The client who was waited for has asked by now, or does not."""
        if self.answering:
            self._after(self.patience, self._look)
        else:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Wait for the next request, but not for ever."""
        if self._swallowing is None:
            self._after(self.patience, self._look)
            super().on_response_complete()

    def pause_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self._pauses += 1
        super().pause_writing()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls for a request that is not HTTP, while it handles h11's error."""
        error = sys.exception()
        hint = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        if hint == 431 and b"\n" not in self.conn.trailing_data[0]:
            self._refuse(414, f"what is asked is too long: a request's head may have {LONGEST_HEAD} bytes")
        elif hint == 431:
            self._refuse(431, f"the request's headers are too long: its head may have {LONGEST_HEAD} bytes")
        else:
            self._refuse(hint, f"this is no HTTP request: {error or msg}")

    @property
    def answering(self) -> bool:
        """Whether a request is under way."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def stream(self) -> bool:
        """Whether that is one of events, whose reader may stop reading for a while."""
        return self.answering and self.scope["path"] == EVENTS

    def _look(self) -> None:
        """Time is over; does anything go on?"""
        stuck = self.flow.write_paused and self._pauses == self._pause_seen and not self.stream
        self._pause_seen = self._pauses if self.flow.write_paused else 0
        if self.answering and not stuck and not self.transport.is_closing():
            self._after(self.patience, self._look)
        elif self.conn.our_state is h11.IDLE and self.conn.trailing_data[0] and not self.transport.is_closing():
            self._refuse(408, f"the request did not come whole within {self.patience:g} s")
        else:
            # Closing in order would wait for a client that may never read what is still to be sent.
            self.transport.abort()

    def _refuse(self, status: int, detail: str) -> None:
        """Answer with a problem and close once the client has had time to read it."""
        if self.answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()  # in the midst of an answer
            return
        body = problems.problem(status, detail)
        headers = [*problems.head(body), (b"connection", b"close")]
        if self.conn.our_state is h11.SEND_RESPONSE and self.scope["method"] == "HEAD":
            body = b""
        for event in (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        # A socket that is closed with something unread takes the answer back, so the rest of the request is read.
        self._swallowing = 0
        self.flow.resume_reading()
        self.transport.write_eof()
        self._after(self.farewell, self.transport.abort)

    def _after(self, seconds: float, do: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, do)
