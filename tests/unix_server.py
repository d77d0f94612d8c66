"""A small real HTTP server on a Unix socket, that answers what a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    parameters: dict[str, str]
    body: Any


@dataclass
class Stub:
    """What to answer, by path: JSON, bytes, or a function that writes the answer itself."""

    socket: str
    answers: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(socket: Path) -> Iterator[Stub]:
    stub = Stub(str(socket))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            parameters = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            stub.asked.append(Asked(self.command, parts.path, parameters, body))
            told = stub.answers[parts.path]
            if callable(told):
                write: Callable[[BaseHTTPRequestHandler], None] = told
                write(self)
                self.close_connection = True
                return
            data = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(stub.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = answer  # noqa: N815  http.server's names

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    class Server(ThreadingUnixStreamServer):
        daemon_threads = True

    with Server(str(socket), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
