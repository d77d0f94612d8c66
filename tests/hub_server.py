"""A small Hugging Face hub on a real socket: what huggingface_hub asks for a model's list and files, and faults."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 40
LARGE = 100_000  # bytes from which a file is kept as LFS does


@dataclass
class Asked:
    method: str
    path: str
    range: str | None
    token: str | None


@dataclass
class Hub:
    """Its models are folders; what was asked is written down."""

    models: dict[str, Path] = field(default_factory=dict)
    commit: str = COMMIT
    asked: list[Asked] = field(default_factory=list)
    stall: dict[str, int] = field(default_factory=dict)
    """Files that stop after so many bytes, until `go` is set."""
    cut: dict[str, int] = field(default_factory=dict)
    """Files whose connection ends after so many bytes, once."""
    damaged: dict[str, int] = field(default_factory=dict)
    """Files that arrive with another last byte, so many times."""
    refusal: tuple[int, dict[str, str]] | None = None
    stalled: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def files(self) -> list[Asked]:
        return [one for one in self.asked if "/resolve/" in one.path]

    def info(self, name: str) -> dict[str, Any]:
        siblings = [self.sibling(self.models[name], path) for path in sorted(self.models[name].rglob("*"))]
        return {
            "id": name,
            "modelId": name,
            "sha": self.commit,
            "private": False,
            "tags": [],
            "downloads": 0,
            "siblings": [one for one in siblings if one],
        }

    def sibling(self, model: Path, path: Path) -> dict[str, Any] | None:
        if not path.is_file():
            return None
        data = path.read_bytes()
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        told: dict[str, Any] = {"rfilename": str(path.relative_to(model)), "size": len(data), "blobId": blob}
        if len(data) >= LARGE:
            told["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return told


@contextmanager
def hub() -> Iterator[Hub]:
    """A hub that answers as long as the block lasts; `HF_ENDPOINT=hub.url`."""
    one = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(one, self)

        def do_HEAD(self) -> None:
            answer(one, self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield one
    finally:
        one.go.set()
        server.shutdown()
        thread.join()
        server.server_close()


def answer(hub: Hub, request: BaseHTTPRequestHandler) -> None:
    path = unquote(urlsplit(request.path).path)
    headers = request.headers
    hub.asked.append(Asked(request.command, path, headers.get("Range"), headers.get("Authorization")))
    if hub.refusal is not None:
        return refuse(request, *hub.refusal)
    if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
        if found[1] not in hub.models:
            return refuse(request, 404, {"X-Error-Code": "RepoNotFound"})
        if found[2] not in (None, "main", hub.commit):
            return refuse(request, 404, {"X-Error-Code": "RevisionNotFound"})
        return send(request, 200, json.dumps(hub.info(found[1])).encode(), {"Content-Type": "application/json"})
    if (found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)) and found[1] in hub.models:
        file = hub.models[found[1]] / found[3]
        if file.is_file():
            return send_file(hub, request, found[3], file.read_bytes())
    return refuse(request, 404, {"X-Error-Code": "EntryNotFound"})


def refuse(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    send(request, status, b"", headers)


def send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def send_file(hub: Hub, request: BaseHTTPRequestHandler, name: str, data: bytes) -> None:
    if hub.damaged.get(name, 0) > 0:
        hub.damaged[name] -= 1
        data = data[:-1] + bytes([data[-1] ^ 1])
    begin, status, headers = 0, 200, {"ETag": '"x"', "X-Repo-Commit": hub.commit, "Accept-Ranges": "bytes"}
    if found := re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range") or ""):
        begin, status = int(found[1]), 206
        headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
    if name in hub.cut:
        return send_part(request, status, headers, data[begin:], hub.cut.pop(name))
    if name in hub.stall:
        send_part(request, status, headers, data[begin:], hub.stall[name], hub)
        return None
    return send(request, status, data[begin:], headers)


def send_part(
    request: BaseHTTPRequestHandler,
    status: int,
    headers: dict[str, str],
    body: bytes,
    count: int,
    hub: Hub | None = None,
) -> None:
    """The headers of the whole, and only its first bytes."""
    request.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body[:count])
    request.wfile.flush()
    if hub is not None:
        hub.stalled.set()
        hub.go.wait(60)
    request.close_connection = True
