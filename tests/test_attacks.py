"""Attacks, tried on a real daemon and on the terminal: SECURITY.md lists them with what happens."""

import json
import os
import re
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.daemons import Daemon, running
from tests.pictures import draw, save
from tests.test_cli import command
from tests.waiting import wait_for

from glimpsed.client import Client
from glimpsed.config import Log
from glimpsed.errors import UnreachableError, UsageError
from glimpsed.events import Event, Journal
from glimpsed.logs import configure, reset
from glimpsed.signs import UNSAFE, harmless, harmless_json

ESC = "\x1b[31m\x1b]0;owned\x07\x1b[2J"
C1 = "\x9b31m"
BIDI = "\u202egnp.exe\u2066"
HOSTILE = f"bicycle {ESC}{C1}{BIDI}\nsecond line.png"
SECRET = "the secret of Ada"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """With a picture of a hostile name and caption, a sound one, and a secret beside the folder."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "p"
    folder.mkdir()
    (home / "home").mkdir()
    (home / "secret.png").write_text(SECRET)
    (home / "secret.cr2").write_text(SECRET)
    save(folder / HOSTILE, draw("x"), caption=f"A red bicycle {ESC}{C1}{BIDI}")
    save(folder / "kettle.png", draw("y"), caption="A green kettle")
    (folder / "link.png").symlink_to(home / "secret.png")
    (folder / "out").symlink_to(home)
    before = os.umask(0o000)  # the most careless user
    try:
        with running(home / "home", folder, READ_OCR="false") as daemon:
            daemon.idle(2)
            yield daemon
    finally:
        os.umask(before)


def glimpse(daemon: Daemon, *arguments: str, **environment: str) -> bytes:
    told = subprocess.run(
        [*command("glimpse"), "--socket", str(daemon.socket), *arguments],
        capture_output=True, check=True, timeout=60, env={**os.environ, **environment},
    )  # fmt: skip
    return told.stdout


def raw(daemon: Daemon, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(daemon.socket))
        with suppress(BrokenPipeError):  # it has heard enough
            client.sendall(request)
        answer = b""
        while part := client.recv(65536):
            answer += part
        return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_nobody_else_can_look_into_what_it_keeps(daemon: Daemon) -> None:
    open_to_others = [
        str(path)
        for path in [daemon.state, *daemon.state.rglob("*"), daemon.log, daemon.socket]
        if stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]
    assert open_to_others == []
    assert stat.S_ISSOCK(daemon.socket.stat().st_mode)


@pytest.mark.parametrize(
    "target",
    [
        "/v1/pictures/..%2f..%2fsecret.png/file",
        "/v1/pictures/../../../secret.png/file",
        "/v1/pictures/%2e%2e%2f%2e%2e%2flock/thumbnail",
        "/v1/pictures/%00/file",
        f"/v1/pictures/{'0' * 64}/file",
        "//etc/passwd",
        "/../../../../etc/passwd",
        "/v1/pictures//etc/passwd/file",
    ],
)
def test_ids_lead_to_no_other_files(daemon: Daemon, target: str) -> None:
    answer = raw(daemon, f"GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
    assert status_of(answer) in (400, 404)
    assert b"root:" not in answer
    assert SECRET.encode() not in answer


@pytest.mark.parametrize("place", ["in:/", "in:/etc", "in:../..", "in:~", "in:/p/../.."])
def test_filters_lead_out_of_no_folder(daemon: Daemon, place: str) -> None:
    hits = daemon.client.search(f"{place} -zebra", k=100)["hits"]
    folder = str(daemon.folders[0])
    assert all(hit["path"].startswith(folder + "/") for hit in hits)
    assert not any("secret" in hit["path"] or "link" in hit["path"] for hit in hits)


def test_a_path_that_is_in_no_folder_is_not_read(daemon: Daemon) -> None:
    outside = str(daemon.home.parent / "secret.png")
    folder = daemon.folders[0]
    for path in (outside, f"{folder}/../secret.png", f"{folder}/out/secret.png", f"{folder}/link.png", "/etc/passwd"):
        told = daemon.client.explain(path, read="fields")
        assert told["read"] is None
        assert not told["indexed"]
        assert SECRET not in json.dumps(told)
        assert told["group"] == []
    for asked in (daemon.client.scan, daemon.client.retry):
        with pytest.raises(UsageError, match="in no watched folder"):
            asked([outside])
    assert daemon.client.forget([outside])["pictures"] == 0
    assert (daemon.home.parent / "secret.png").read_text() == SECRET


def test_a_file_that_was_put_in_the_place_of_a_picture_is_not_sent(daemon: Daemon) -> None:
    folder, secret = daemon.folders[0], daemon.home.parent / "secret.png"
    picture = folder / "kettle.png"
    content_id = daemon.client.search("kettle")["hits"][0]["id"]
    wanted = f"GET /v1/pictures/{content_id}/file HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
    sound = raw(daemon, wanted)
    assert status_of(sound) == 200
    kept = folder.parent / "kept.png"
    status = picture.stat()
    daemon.client.pause()  # so that nobody notices
    try:
        picture.rename(kept)
        # As large and as old as the picture was.
        secret.write_bytes(SECRET.encode().ljust(status.st_size, b"!"))
        os.utime(secret, ns=(status.st_mtime_ns, status.st_mtime_ns))
        picture.symlink_to(secret)
        assert status_of(raw(daemon, wanted)) == 404
        picture.unlink()
        os.link(secret, picture)
        assert status_of(raw(daemon, wanted)) == 404
        picture.unlink()
        folder.rename(folder.parent / "elsewhere")  # a directory on the way is swapped
        folder.symlink_to(folder.parent / "elsewhere")
        folder.unlink()
        (folder.parent / "elsewhere").rename(folder)
        kept.rename(picture)
        assert raw(daemon, wanted).endswith(sound[-100:])
    finally:
        daemon.client.pause(paused=False)
        secret.write_text(SECRET)


def test_requests_are_bounded_in_depth_and_number_of_values(daemon: Daemon) -> None:
    def post(body: bytes) -> bytes:
        head = f"POST /v1/search HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len(body)}\r\n"
        return raw(daemon, head.encode() + b"content-type: application/json\r\n\r\n" + body)

    for body in (b"[" * 500_000, b'{"words":' * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"words": 1e999999999}'):
        answer = post(body)
        assert status_of(answer) in (400, 422), answer[:200]
        assert len(answer) < 20_000
    assert status_of(post(json.dumps({"not": ["x"] * 101}).encode())) == 422
    assert daemon.client.status()["pictures"]["fresh"] == 2


def test_hostile_names_reach_the_terminal_without_their_signs(daemon: Daemon) -> None:
    for arguments in (["search", "red bicycle"], ["explain", str(daemon.folders[0] / HOSTILE)], ["status"]):
        told = glimpse(daemon, *arguments).decode()
        assert UNSAFE.sub("", told.replace("\n", "")) == told.replace("\n", ""), arguments


def test_json_and_paths_stay_exact(daemon: Daemon) -> None:
    path = str(daemon.folders[0] / HOSTILE)
    told = glimpse(daemon, "search", "--json", "red bicycle")
    assert UNSAFE.sub("", told.decode().rstrip("\n")) == told.decode().rstrip("\n")
    assert json.loads(told)["hits"][0]["path"] == path
    assert glimpse(daemon, "search", "-0", "red bicycle").split(b"\0")[0] == path.encode()
    assert glimpse(daemon, "search", "--paths", "-k1", "red bicycle") == path.encode() + b"\n"


def test_events_and_logs_are_harmless_too(daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = daemon.log.read_text("utf-8")
    assert any(HOSTILE in json.loads(line).get("path", "") for line in lines.splitlines())
    assert UNSAFE.sub("", lines.replace("\n", "")) == lines.replace("\n", "")
    try:
        configure(Log(level="info", format="console", file=None))
        Journal().say(Event.PICTURE_INDEXED, path=HOSTILE, ms={ESC: C1}, why=[BIDI])
        told = capsys.readouterr().err
    finally:
        reset()
    assert "bicycle" in told
    assert "second line" in told
    assert UNSAFE.sub("", told.rstrip("\n")) == told.rstrip("\n")


def test_words_of_pictures_reach_the_terminal_without_their_signs() -> None:
    """What OCR, captions and sidecars say is printed by the same functions."""
    script = (
        "from glimpsed import cli_show; import sys\n"
        "hit = {'path': '/p/a.png', 'why': sys.argv[1], 'snippet': sys.argv[1], 'positions': [[0, 3]]}\n"
        "cli_show.print_hits({'hits': [hit | {'taken_at': sys.argv[1]}]})\n"
        "cli_show.print_tree({'a': sys.argv[1], 'b': [{'label': sys.argv[1], 'text': sys.argv[1]}], sys.argv[1]: {}})\n"
        "cli_show.print_event({'event': 'x', 'path': sys.argv[1], 'ms': {sys.argv[1]: 1}}, json=False)\n"
        "cli_show.print_event({'event': 'x', 'path': sys.argv[1]}, json=True)\n"
        "cli_show.warn(sys.argv[1])\n"
    )
    said = f"Total {ESC}{C1}{BIDI}\x08\x7f\r"
    done = subprocess.run([sys.executable, "-c", script, said], capture_output=True, check=True, timeout=60)
    for told in (done.stdout.decode(), done.stderr.decode()):
        assert "Total" in told
        assert UNSAFE.sub("", told.replace("\n", "")) == told.replace("\n", "")


def test_signs() -> None:
    assert harmless("a\x1b\x9b\u202eb\udcff") == "a\ufffd\ufffd\ufffdb\ufffd"
    assert json.loads(harmless_json(json.dumps("\x1b\x9b\u2066é", ensure_ascii=False))) == "\x1b\x9b\u2066é"


def test_a_socket_of_another_user_is_not_spoken_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as squatter:
        squatter.bind(str(path))
        squatter.listen()
        monkeypatch.setattr(os, "geteuid", lambda: 12345)  # whoever asks is another one than who listens
        real = socket.socket.getsockopt

        def peer(self: socket.socket, level: int, name: int, size: int = 0) -> object:
            if name == socket.SO_PEERCRED:
                return struct.pack("3i", 1, 54321, 54321)
            return real(self, level, name, size)

        monkeypatch.setattr("glimpsed.wire.socket.socket", type("Peer", (socket.socket,), {"getsockopt": peer}))
        with pytest.raises(UnreachableError, match="belongs to somebody else"):
            Client(str(path)).status()


def test_the_environment_of_all_that_loads_models_forbids_the_network(daemon: Daemon) -> None:
    save(daemon.folders[0] / "more.png", draw("z"), caption="A yellow umbrella")
    found = wait_for(
        lambda: [
            environment
            for pid in daemon.children()
            if b"encoding.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
            and (environment := Path(f"/proc/{pid}/environ").read_bytes())
        ]
    )
    assert all(b"HF_HUB_OFFLINE=1" in one for one in found)
    connections = re.compile(r"socket:\[(\d+)\]")
    assert daemon.process is not None
    mine = {
        inode[1]
        for pid in (daemon.process.pid, *daemon.children())
        for fd in Path(f"/proc/{pid}/fd").iterdir()
        if (inode := connections.fullmatch(os.readlink(fd)))
    }
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        table = Path(f"/proc/self/net/{kind}")
        lines = table.read_text().splitlines()[1:] if table.exists() else []
        assert mine.isdisjoint(line.split()[9] for line in lines)


def test_the_status_tells_what_is_enforced(daemon: Daemon) -> None:
    told = {one["name"]: one for one in daemon.client.status().get("guards", [])}
    assert set(told) == {"network", "pictures", "parsers"}
    assert told["pictures"]["holds"] is False  # nothing but its own promise, started by hand
    shown = glimpse(daemon, "status").decode()
    assert f"network   {told['network']['how']}" in shown
    assert f"parsers   {told['parsers']['how']}" in shown
