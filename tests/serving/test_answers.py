"""What the daemon tells through its door: real folders, table and scans; only encoders and search are stand-ins."""

import base64
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.storing.making import put, row, unit

from glimpsed import config
from glimpsed.answers import Answers
from glimpsed.encoding.passes import Passed
from glimpsed.encoding.strong import ChosenState
from glimpsed.errors import QueryError, UsageError
from glimpsed.events import Journal
from glimpsed.filters import Fields
from glimpsed.indexing.backlog import Backlog
from glimpsed.indexing.context import Context
from glimpsed.indexing.folder_state import FolderState
from glimpsed.indexing.folders import Folders
from glimpsed.indexing.holding import Hold
from glimpsed.indexing.inbox import Inbox
from glimpsed.indexing.rows import ENCODING_FAILED, OCR_FAILED
from glimpsed.indexing.scans import Scans
from glimpsed.indexing.thumbnails import Thumbnails
from glimpsed.metrics import Metrics
from glimpsed.pipeline import Pipeline
from glimpsed.reading.confinement import Confinement
from glimpsed.reading.description import READER
from glimpsed.reading.messages import Explained
from glimpsed.reading.ocr import OCR_ID
from glimpsed.reading.sources import Source
from glimpsed.records import Content, Counts, Current, Fault, FaultKind, Part, Row, Stamp, Unread
from glimpsed.searching.completing import Completion
from glimpsed.searching.ports import Answer, Hit
from glimpsed.storing.table import open_table
from glimpsed.storing.writer import Writer
from glimpsed.watching.observer import Observer
from glimpsed.watching.settle import Settle

NOW = 1_000_000.0
HIT = Hit(
    id="ab",
    path="/p/\udcff.png",
    folder="/p",
    score=0.123456,
    signals={"dense": 0.98765},
    label="ocr",
    snippet="RAMEN",
    positions=((0, 5),),
    why="dense",
    certainty="sure",
    taken_at=None,
    width=3,
    height=2,
    also=("/p/also.png",),
)


CONFINED = Confinement("network", True, "seccomp")


class Daemon:
    """Everything that Answers asks, over one folder."""

    def __init__(self, context: Context, folder: Path) -> None:
        inbox = Inbox()
        self.context = context
        self.folder = folder
        self.folders = Folders(context.config, inbox, Observer(inbox.hint, inbox.lost), context.journal)
        self.scans = Scans(context.table, context.backlog, context.journal, self.folders.scan, self.folders.scanned)
        self.asked: list[tuple[str | Fields, int, str | None, str]] = []
        self.hits = (HIT,)
        search = cast(Any, SimpleNamespace(search=self._search, complete=self._complete))
        self.answers = Answers(Pipeline(context, self.folders, self.scans, inbox), search)

    async def _complete(self, text: str) -> list[Completion]:
        return [Completion("type:", 0, len(text))]

    async def _search(self, question: str | Fields, k: int, cursor: str | None, *, sort: str) -> Answer:
        self.asked.append((question, k, cursor, sort))
        if question == "afetr:":
            raise QueryError("no such filter")
        return Answer(self.hits, "10.1", 12.3456, ("small",), ("a warning",))

    async def opened(self, content_id: str) -> Path | None:
        """Where the file lies that is handed out."""
        descriptor = await self.answers.file(content_id)
        if descriptor is None:
            return None
        try:
            return Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        finally:
            os.close(descriptor)

    async def scanned(self) -> None:
        """Have its folder seen once: before that nothing is known of what lies there."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.scans.run)
            await self.scans.ask(str(self.folder), why="a test").wait()
            group.cancel_scope.cancel()

    async def put(self, name: str, number: int = 0, **fields: Any) -> Row:
        """A row of the table, fresh unless the fields say otherwise."""
        given = {"path": str(self.folder / name), "folder": str(self.folder)}
        new = row(number, **given, reader=READER, ocr=OCR_ID)
        new = replace(new, **fields)
        await self.context.writer.commit([put(new)])
        return new

    async def file(self, name: str, number: int = 0, **fields: Any) -> Row:
        """A file and its row."""
        place = self.folder / name
        place.write_bytes(b"x" * (number + 1))
        status = os.stat(place)
        return await self.put(
            name, number, mtime_ns=status.st_mtime_ns, size=status.st_size, inode=status.st_ino, **fields
        )

    @contextmanager
    def offline(self) -> Iterator[None]:
        """While its folder cannot be seen."""
        name = str(self.folder)
        kept = self.folders._folders[name].offline
        self.folders._folders[name].offline = FolderState(name, "offline since noon", reason="it is gone")
        try:
            yield
        finally:
            self.folders._folders[name].offline = kept


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    state = str(tmp_path / "state")
    settings = config.load(environment={}, flags={"watch.folders": [str(folder)], "store.path": state})
    chosen = ChosenState("fallback", "small", "cpu", "it is there", None, "ready")
    async with open_table(state) as table:
        context = Context(
            config=settings,
            table=table,
            writer=Writer(table),
            workers=cast(Any, SimpleNamespace(confinement=(CONFINED,), pids=list)),
            encoders=cast(
                Any,
                SimpleNamespace(
                    chosen_id="small",
                    fallback_id="small",
                    state=chosen,
                    pids=[os.getpid(), 1 << 30],
                    passed={"fallback": Passed(3, 100, 20)},
                    recalled={"hit": 1, "miss": 2},
                ),
            ),
            thumbnails=Thumbnails(state),
            journal=Journal(),
            metrics=Metrics(),
            backlog=Backlog(Settle(1.0, 10.0)),
            hold=Hold(settings.work, state, Journal()),
            wall=lambda: NOW,
        )
        yield Daemon(context, folder)


async def test_a_search_is_handed_on_and_counted(daemon: Daemon) -> None:
    found = await daemon.answers.search("ramen", k=3, sort="date", cursor="3.1", sync=False, timeout=1)
    assert daemon.asked == [("ramen", 3, "3.1", "date")]
    [hit] = found.hits
    assert (hit.path, hit.path_bytes) == ("/p/\ufffd.png", base64.b64encode(b"/p/\xff.png").decode())
    assert (hit.score, hit.signals) == (0.1235, {"dense": 0.9877})
    assert hit.offline  # it lies in no folder that is watched now
    assert hit.also == ["/p/also.png"]
    assert (found.next, found.took_ms, found.warnings) == ("10.1", 12.35, ["a warning"])
    assert "path_bytes" in hit.model_dump_json()
    assert b"glimpsed_searches_total 1.0" in await daemon.answers.metrics()


async def test_a_hit_in_a_watched_folder_is_online_and_has_a_path_of_text(daemon: Daemon) -> None:
    daemon.hits = (replace(HIT, path=str(daemon.folder / "ä.png"), folder=str(daemon.folder)),)
    [hit] = (await daemon.answers.search("", k=1, sort="relevance", cursor=None, sync=False, timeout=1)).hits
    assert (hit.offline, hit.path_bytes) == (False, None)
    assert "path_bytes" not in hit.model_dump_json()


async def test_completions_are_handed_on(daemon: Daemon) -> None:
    [one] = await daemon.answers.complete("ty")
    assert (one.text, one.start, one.end) == ("type:", 0, 2)


async def test_a_question_in_parts_is_told_as_people_would_write_it(daemon: Daemon) -> None:
    async with daemon.answers.events() as lines:
        fields = Fields("red", ("a b",), ("cat",), (("type", "png"),))
        await daemon.answers.search(fields, k=3, sort="relevance", cursor=None, sync=False, timeout=1)
        assert (await anext(lines))["q"] == 'red "a b" -"cat" type:png'


async def test_a_search_with_sync_says_what_it_did_not_wait_for(daemon: Daemon) -> None:
    found = await daemon.answers.search("ramen", k=3, sort="relevance", cursor=None, sync=True, timeout=0.01)
    assert any("the scan" in warning for warning in found.warnings)
    assert found.warnings[-1] == "a warning"


async def test_a_search_that_fails_is_not_counted(daemon: Daemon) -> None:
    with pytest.raises(QueryError):
        await daemon.answers.search("afetr:", k=3, sort="relevance", cursor=None, sync=False, timeout=1)
    assert b"glimpsed_searches_total 0.0" in await daemon.answers.metrics()


async def test_what_becomes_a_row_while_rows_are_counted_is_not_overlooked(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.scans.ask(str(daemon.folder), why="a test")
    await daemon.scanned()
    path = str(daemon.folder / "new.jpg")
    daemon.context.backlog.hint(path)
    count = daemon.context.table.counts

    async def committed_meanwhile(current: Current, now: float) -> Counts:
        counts = await count(current, now)
        await daemon.put("new.jpg", 1)
        daemon.context.backlog.done(path)
        return counts

    monkeypatch.setattr(daemon.context.table, "counts", committed_meanwhile)
    status = await daemon.answers.status()
    assert (status.state, status.pictures.fresh, status.pictures.waiting) == ("indexing", 0, 1)


async def test_status_counts_rows_and_tells_the_state(daemon: Daemon) -> None:
    status = await daemon.answers.status()
    assert (status.state, status.encoder.name, status.encoder.phase) == ("starting", "fallback", "ready")
    daemon.scans.ask(str(daemon.folder), why="a test")
    assert (await daemon.answers.status()).state == "scanning"
    await daemon.scanned()

    await daemon.put("fresh.jpg", 1)
    assert (await daemon.answers.status()).state == "idle"
    await daemon.put("error.jpg", 3, error="it is broken")
    await daemon.put("missing.jpg", 4, missing_since=5.0)
    daemon.context.backlog.hint(str(daemon.folder / "hinted.jpg"))
    status = await daemon.answers.status()
    assert (status.state, status.warnings) == ("indexing", [])
    counts = status.pictures
    assert (counts.fresh, counts.stale, counts.errors, counts.missing, counts.waiting) == (1, 0, 1, 1, 1)
    [folder] = status.folders
    assert (folder.path, folder.pictures) == (str(daemon.folder), 2)
    assert await daemon.answers.line() == "2 of 3; fallback on cpu"
    text = (await daemon.answers.metrics()).decode()
    assert 'glimpsed_pictures{state="missing"} 1.0' in text
    assert "glimpsed_waiting 1.0" in text
    daemon.answers.stopping.set()
    assert (await daemon.answers.line()).startswith("stopping: ")


async def test_status_tells_how_far_the_chosen_encoder_is(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    await daemon.scanned()
    assert (await daemon.answers.status()).refresh is None
    await daemon.put("encoded.jpg", 1)
    await daemon.put("other.jpg", 2)
    await daemon.put("without text.jpg", 3, text_id="")
    assert (await daemon.answers.status()).refresh is None  # the fallback is chosen, and has them
    context = daemon.context
    monkeypatch.setattr(context.encoders, "chosen_id", "large")
    refresh = (await daemon.answers.status()).refresh
    assert refresh is not None
    assert (refresh.encoder, refresh.done, refresh.total) == ("large", 0, 2)
    assert (refresh.rate, refresh.seconds_left) == (None, None)
    await context.writer.add_encoder("large", 8)
    await daemon.put("encoded.jpg", 1, strong=unit(1, 8), encoder="large", base_encoder="small")
    now = time.monotonic()
    context.progress.made(1, now - 2.0, now)
    refresh = (await daemon.answers.status()).refresh
    assert refresh is not None
    assert (refresh.done, refresh.total, refresh.rate, refresh.seconds_left) == (1, 2, 0.5, 2)
    assert (await daemon.answers.explain(str(daemon.folder / "encoded.jpg"), "none")).encoder == "large"
    await daemon.put("other.jpg", 2, strong=unit(2, 8), encoder="large", base_encoder="small")
    assert (await daemon.answers.status()).refresh is None


async def test_status_tells_what_bounds_the_workers(daemon: Daemon) -> None:
    (told,) = (await daemon.answers.status()).confinement
    assert told.model_dump() == CONFINED._asdict()


async def test_a_retry_of_everything_a_part_and_nothing(daemon: Daemon) -> None:
    await daemon.put("bad.jpg", 1, error="broken", attempts=3)
    await daemon.put("sub/bad.jpg", 2, error="broken")
    await daemon.put("good.jpg", 3)
    assert (await daemon.answers.retry([str(daemon.folder / "good.jpg")])).pictures == 0
    assert (await daemon.answers.retry([f"{daemon.folder}/sub/"])).pictures == 1
    rows = await daemon.context.table.rows([str(daemon.folder / name) for name in ("bad.jpg", "sub/bad.jpg")])
    assert {Path(path).parent.name: row.retry_at is None for path, row in rows.items()} == {
        daemon.folder.name: True,
        "sub": False,
    }
    assert (await daemon.answers.retry([])).pictures == 2
    with pytest.raises(UsageError):
        await daemon.answers.retry(["/etc"])
    with daemon.offline():
        told = await daemon.answers.retry([])
        assert told.warnings == [f"{daemon.folder} is offline: its pictures are tried when it is back"]


async def test_status_warns_of_what_hinders(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "paused", "the disk is full")
    with daemon.offline():
        status = await daemon.answers.status()
    assert status.state == "paused"
    assert status.warnings == [f"{daemon.folder}: offline since noon", "indexing is paused: the disk is full"]


async def test_status_says_what_to_install_for_lines_that_were_left_unread(daemon: Daemon) -> None:
    await daemon.put("plain.jpg", 1)
    assert (await daemon.answers.status()).warnings == []
    await daemon.put("russian.jpg", 2, ocr=f"{OCR_ID}+none")
    daemon.context.foreign.environment = {"LANG": "ru_RU.UTF-8"}
    status = await daemon.answers.status()
    assert status.pictures.fresh == 2
    (warning,) = status.warnings
    assert warning.endswith("cannot be read here: install tesseract-ocr and tesseract-ocr-rus")


async def test_a_scan_of_everything_a_part_and_nothing(daemon: Daemon) -> None:
    (daemon.folder / "new.jpg").write_bytes(b"x")
    async with anyio.create_task_group() as group:
        group.start_soon(daemon.scans.run)
        assert (await daemon.answers.scan([])).paths == [str(daemon.folder)]
        assert daemon.context.backlog.pending() == {str(daemon.folder / "new.jpg")}
        asked = [str(daemon.folder), f"{daemon.folder}/./sub/", str(daemon.folder / "new.jpg")]
        scanned = await daemon.answers.scan(asked)
        assert scanned.paths == [str(daemon.folder), str(daemon.folder / "sub"), str(daemon.folder / "new.jpg")]
        for path in ("/etc", "relative", str(daemon.folder / ".hidden" / "a.jpg")):
            with pytest.raises(UsageError):
                await daemon.answers.scan([path])
        with daemon.offline():
            assert "offline" in (await daemon.answers.scan([])).warnings[0]
        group.cancel_scope.cancel()


async def test_a_picture_is_where_it_can_be_had(daemon: Daemon) -> None:
    assert await daemon.answers.picture("f" * 64) is None
    assert await daemon.answers.file("f" * 64) is None
    one = await daemon.file("b.jpg", 7)
    await daemon.file("a.jpg", 7)
    await daemon.put("gone.jpg", 7, missing_since=1.0)
    found = await daemon.answers.picture(one.content_id)
    assert found is not None
    assert found.paths == [str(daemon.folder / "a.jpg"), str(daemon.folder / "b.jpg")]
    assert found.description[0].text == "picture 7"

    places = {str(daemon.folder / name) for name in ("a.jpg", "b.jpg")}
    first = await daemon.opened(one.content_id)
    assert str(first) in places
    assert first is not None
    first.write_bytes(b"changed since")
    second = await daemon.opened(one.content_id)
    assert {str(first), str(second)} == places
    assert second is not None
    second.unlink()
    assert await daemon.answers.file(one.content_id) is None


async def test_a_thumbnail_goes_with_its_picture(daemon: Daemon) -> None:
    one = await daemon.put("a.jpg", 7)
    assert await daemon.answers.thumbnail(one.content_id) is None
    daemon.context.thumbnails.put(one.content_id, b"webp")
    place = await daemon.answers.thumbnail(one.content_id)
    assert place is not None
    assert place.read_bytes() == b"webp"
    daemon.context.thumbnails.put("f" * 64, b"webp")
    assert await daemon.answers.thumbnail("f" * 64) is None


@pytest.mark.parametrize("content_id", ["", "x", "'", "a\0b", "../../config", "\\", "%", "ab" * 5000])
async def test_no_picture_has_a_strange_id(daemon: Daemon, content_id: str) -> None:
    await daemon.put("a.jpg", 1)
    assert await daemon.answers.picture(content_id) is None


@pytest.mark.parametrize(
    ("fields", "state", "why"),
    [
        ({}, "fresh", "as it is on disk"),
        ({"missing_since": 5.0}, "missing", "kept for a while"),
        ({"error": "it is broken"}, "error", "it is broken"),
        ({"error": "it is broken", "retry_at": NOW + 1}, "error", "it is broken"),
        ({"error": "it is broken", "retry_at": NOW - 1}, "stale", "read again"),
        ({"reader": None}, "stale", "read again"),
        ({"ocr": None}, "stale", "words"),
        ({"encoder": "other"}, "stale", "encoder"),
    ],
)
async def test_explain_tells_the_state_of_a_row(daemon: Daemon, fields: dict[str, Any], state: str, why: str) -> None:
    one = await daemon.put("a.jpg", 1, **fields)
    told = await daemon.answers.explain(f"{daemon.folder}/x/../a.jpg", "none")
    assert (told.path, told.indexed, told.state, told.id) == (one.path, True, state, one.content_id)
    assert why in told.why
    assert told.indexed_at == "1970-01-01T00:00:01+00:00"
    assert [part.text for part in told.description] == ["picture 1"]


async def test_explain_tells_why_there_is_no_row(daemon: Daemon) -> None:
    (daemon.folder / "directory.jpg").mkdir()
    (daemon.folder / "2019").mkdir()
    (daemon.folder / "2019" / "linked").symlink_to(daemon.folder.parent)
    (daemon.folder / "2019" / ".glimpseignore").write_text("# not these\nraw/\n")
    (daemon.folder / "new.jpg").write_bytes(b"x")
    (daemon.folder / "loop.jpg").symlink_to("loop.jpg")
    daemon.context.backlog.hint(str(daemon.folder / "hinted.jpg"))
    expected = {
        "/etc/a.jpg": ("outside", "no watched folder"),
        str(daemon.folder / "notes.odt"): ("ignored", "name"),
        str(daemon.folder / ".hidden" / "a.jpg"): ("ignored", "hidden"),
        str(daemon.folder / "hinted.jpg"): ("waiting", "about to be read"),
        str(daemon.folder / "directory.jpg"): ("not indexed", "directory"),
        str(daemon.folder / "2019"): ("not indexed", "directory"),
        str(daemon.folder): ("not indexed", "directory"),
        str(daemon.folder / "a.jpg.xmp"): ("not indexed", "sidecar"),
        str(daemon.folder / "2019" / "linked" / "a.jpg"): ("ignored", "symlink that is not followed"),
        str(daemon.folder / "2019" / "raw" / "a.jpg"): ("ignored", "raw is left out: raw/ (line 2 of "),
        str(daemon.folder / "new.jpg"): ("not indexed", "scan yet"),
        str(daemon.folder / "nothing.jpg"): ("not indexed", "no such file"),
        str(daemon.folder / "loop.jpg"): ("ignored", "symlink"),
        str(daemon.folder / ("x" * 300 + ".jpg")): ("not indexed", "cannot be seen"),
    }
    for path, (state, why) in expected.items():
        told = await daemon.answers.explain(path, "none")
        assert (told.indexed, told.state) == (False, state), path
        assert why in told.why, path
    with pytest.raises(UsageError):
        await daemon.answers.explain("a.jpg", "none")


class Reader:
    """In the place of the workers: answers what a test gives it, and keeps what it was asked."""

    def __init__(self, answer: Explained | Unread) -> None:
        self.answer = answer
        self.asked: list[tuple[str, bool, bool]] = []

    async def explain(self, path: str, *, pixels: bool, drawn: bool) -> Explained | Unread:
        self.asked.append((path, pixels, drawn))
        return self.answer


def anew(content: Content, *sources: Source, beside: str = "", fault: Fault | None = None) -> Explained:
    return Explained(Stamp(1, 1, 1, 1), content, sources, beside, None, fault, None, {"file": 1.0})


def reading(daemon: Daemon, answer: Explained | Unread) -> Reader:
    reader = Reader(answer)
    daemon.context.workers = cast(Any, reader)
    return reader


async def test_what_is_not_indexed_yet_is_told_from_its_file(daemon: Daemon) -> None:
    path = daemon.folder / "Trips" / "new.jpg"
    path.parent.mkdir()
    path.write_bytes(b"x")
    said = (Part("caption", "A receipt"), Part("sidecar", "Lunch"))
    beside = Source("new.jpg.txt", Content("", parts=said[1:]))
    content = Content("ab", format="jpeg", camera="R5", parts=said[:1])
    reader = reading(daemon, anew(content, Source("EXIF", content), beside, beside="new.jpg.txt:1:2:3"))
    told = await daemon.answers.explain(str(path), "fields")
    assert reader.asked == [(str(path), False, False)]
    assert (told.indexed, told.state, told.id) == (False, "not indexed", None)
    assert [(one.name, one.value, one.sources) for one in told.fields] == [
        ("format", "jpeg", ["EXIF"]),
        ("camera", "R5", ["EXIF"]),
    ]
    assert [(one.label, one.text, one.sources) for one in told.description] == [
        ("caption", "A receipt", ["EXIF"]),
        ("sidecar", "Lunch", ["new.jpg.txt"]),
        ("name", "new", ["its name"]),
        ("directory", "Trips", ["its name"]),
    ]
    assert [(one.path, one.what) for one in told.group] == [(f"{path}.txt", "sidecar")]
    assert told.vectors == []


async def test_a_file_that_changed_since(daemon: Daemon) -> None:
    one = await daemon.file("a.jpg", 1, format="jpeg")
    cut = anew(Content("other", format="png"), fault=Fault(FaultKind.BROKEN, "it is cut off"))
    reader = reading(daemon, cut)
    told = await daemon.answers.explain(one.path, "words")
    assert reader.asked == [(one.path, True, False)]
    assert told.read is not None
    assert (told.read.changed, told.read.error, told.read.lines) == (True, "it is cut off", None)
    assert {field.name: field.value for field in told.fields}["format"] == "jpeg"
    assert [(vector.encoder, vector.current) for vector in told.vectors] == [("small", True)]
    await daemon.put("b.jpg", 2, content_id="")  # its bytes could not be had
    told = await daemon.answers.explain(str(daemon.folder / "b.jpg"), "picture")
    assert reader.asked[-1][1:] == (True, True)
    assert told.read is not None
    assert told.read.changed is False


async def test_a_worker_that_dies_over_it_is_told(daemon: Daemon) -> None:
    one = await daemon.file("a.jpg", 1)
    reading(daemon, Unread(one.path, None, Fault(FaultKind.CRASHED, "it took too long")))
    async with daemon.answers.events() as lines:
        told = await daemon.answers.explain(one.path, "fields")
        assert (await anext(lines))["event"] == "worker_replaced"
    assert told.read is not None
    assert told.read.error == "it took too long"
    assert [part.text for part in told.description] == ["picture 1"]


async def test_what_is_offline_is_told_from_the_index_alone(daemon: Daemon) -> None:
    one = await daemon.file("a.jpg", 1)
    await daemon.file("b.jpg", 1)
    reader = reading(daemon, Unread(one.path, None, None))
    with daemon.offline():
        told = await daemon.answers.explain(one.path, "picture")
    assert reader.asked == []
    assert (told.read, told.hint) == (None, "its folder is offline since noon")
    assert [(member.path, member.what) for member in told.group] == [(str(daemon.folder / "b.jpg"), "same content")]


async def test_names_that_are_not_utf8_are_exact_in_the_group(daemon: Daemon) -> None:
    one = await daemon.file("a.jpg", 1)
    other = await daemon.put("\udcff.jpg", 1)
    (member,) = (await daemon.answers.explain(one.path)).group
    assert base64.b64decode(member.path_bytes or "") == os.fsencode(other.path)


async def test_refusals_are_events(daemon: Daemon) -> None:
    async with daemon.answers.events() as lines:
        daemon.answers.refused("/v1/search", 400, "x" * 1000)
        line = await anext(lines)
    assert (line["event"], line["route"], line["status"]) == ("request_refused", "/v1/search", 400)
    assert len(str(line["reason"])) == 500


async def test_status_tells_of_the_inside(daemon: Daemon) -> None:
    await daemon.put("a.png", 1)
    now = await daemon.answers.status()
    assert [(one.name, one.depth, one.bound) for one in now.queues][:2] == [
        ("inbox", 0, 50_000),
        ("backlog", 0, 10_000),
    ]
    assert now.watches is not None
    assert 0 == now.watches.used < now.watches.most < now.watches.limit
    config = daemon.context.config
    daemon.context.config = replace(config, watch=replace(config.watch, watch_share=1e-9))
    fewer = (await daemon.answers.status()).watches
    assert fewer is not None
    assert (fewer.most, fewer.limit) == (0, now.watches.limit)
    daemons = [one for one in now.processes if one.role == "daemon"]
    assert [one.pid for one in daemons] == [os.getpid()]
    assert [one.pid for one in now.processes if one.role == "encoder"] == [os.getpid()]  # one has ended by now
    assert daemons[0].resident > 10_000_000
    assert now.table is not None
    assert (now.table.rows, now.table.fragments) == (1, 1)
    assert now.table.versions >= 2
    assert now.table.files > now.table.versions
    assert now.table.bytes > 1000
    assert (now.work, now.last_errors) == (None, [])


async def test_status_names_the_errors_that_came_last(daemon: Daemon) -> None:
    for number in range(7):
        await daemon.put(
            f"{number}.png", number, error=f"broken {number}", attempts=number, indexed_at=NOW - 10 + number
        )
    await daemon.put("gone.png", 9, error="broken", missing_since=NOW, indexed_at=NOW)
    told = (await daemon.answers.status()).last_errors
    assert [one.error for one in told] == [f"broken {number}" for number in (6, 5, 4, 3, 2)]
    assert told[0].path == str(daemon.folder / "6.png")
    assert (told[0].attempts, told[0].at[-1]) == (6, "Z")


async def test_status_tells_how_fast_the_work_goes(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("glimpsed.answers.time", SimpleNamespace(monotonic=lambda: clock[0]))
    await daemon.scanned()
    for number in range(3):
        await daemon.put(f"{number}.png", number, reader="older")
    first = (await daemon.answers.status()).work
    assert first is not None
    assert (first.done, first.total, first.rate, first.seconds_left) == (0, 3, None, None)
    clock[0] += 4
    await daemon.put("0.png", 0)
    later = (await daemon.answers.status()).work
    assert later is not None
    assert (later.done, later.total, later.rate, later.seconds_left) == (1, 3, 0.25, 8)


async def test_metrics_are_those_of_the_docs_and_prometheus_understands_them(daemon: Daemon) -> None:
    await daemon.scanned()
    await daemon.put("a.png", 1)
    await daemon.put("b.png", 2, reader="older")
    for _ in range(2):  # what others count is not counted twice
        text = (await daemon.answers.metrics()).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    docs = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
    told = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \|(.*?)\| \S.* \|$", docs, flags=re.MULTILINE)
    }
    found = {}
    for family in families.values():
        if family.name.endswith("_created"):
            continue
        name = family.name + ("_total" if family.type == "counter" else "")
        metric = next(one for one in vars(daemon.context.metrics).values() if getattr(one, "_name", "") == family.name)
        found[name] = (family.type, tuple(metric._labelnames))
        assert family.documentation
    assert found == told

    def value(name: str, **labels: str) -> float:
        samples = [one for family in families.values() for one in family.samples]
        [sample] = [one for one in samples if (one.name, one.labels) == (name, labels)]
        return float(sample.value)

    assert value("glimpsed_pictures", state="fresh") == 1
    assert value("glimpsed_pictures", state="stale") == 1
    assert value("glimpsed_table_rows") == 2
    assert value("glimpsed_scans_total") == 1
    assert value("glimpsed_batches_total", encoder="fallback") == 3
    assert value("glimpsed_batch_padding_tokens_total", encoder="fallback") == 20
    assert value("glimpsed_cache_lookups_total", cache="question", outcome="hit") == 1
    assert value("glimpsed_folders", state="starting") == 1
    assert value("glimpsed_queue_bound", queue="backlog") == 10_000
    assert value("glimpsed_resident_bytes", role="daemon") > 10_000_000
    assert value("glimpsed_processes", role="reader") == 0
    assert value("glimpsed_stage_seconds_count", stage="commit") == 0


@pytest.mark.parametrize(("reason", "counted"), [(None, "watching"), ("it is a network file system", "timer")])
async def test_a_folder_that_catches_up_is_counted_as_it_is_kept_up_with(
    daemon: Daemon, reason: str | None, counted: str
) -> None:
    daemon.folders._folders[str(daemon.folder)].state = FolderState(str(daemon.folder), "scanning", reason=reason)
    daemon.folders.catching_up = lambda folder: (1, 3)
    [folder] = (await daemon.answers.status()).folders
    assert folder.state == "catching up 1 of 3"
    text = (await daemon.answers.metrics()).decode()
    found = {
        state: float(count) for state, count in re.findall(r'^glimpsed_folders\{state="(\w+)"\} (\S+)', text, re.M)
    }
    assert found == {"starting": 0, "watching": 0, "timer": 0, "offline": 0, counted: 1}


async def test_errors_say_what_helps(daemon: Daemon) -> None:
    await daemon.put("a.jpg", 1, error="Input/output error", attempts=2, retry_at=1e9)
    await daemon.put("b.jpg", 2, error="broken", attempts=1)
    await daemon.put("c.jpg", 3, error=f"{OCR_FAILED}it hung", attempts=1)
    await daemon.put("d.jpg", 4, error=f"{ENCODING_FAILED}too odd", attempts=1)
    await daemon.put("sub/e.heic", 5, error="HEIC files cannot be read by this installation: install it", attempts=1)
    await daemon.put("good.jpg", 6)
    await daemon.put("gone.jpg", 7, error="broken", missing_since=1.0)
    told = await daemon.answers.errors([], 1000)
    assert [one.kind for one in told.errors] == ["passing", "lasting", "words", "encoding", "format"]
    assert told.errors[0].retry_at == told.next == "2001-09-09T01:46:40+00:00"
    assert (told.total, told.by_kind["words"]) == (5, 1)
    assert [one.path for one in (await daemon.answers.errors([f"{daemon.folder}/sub"], 1)).errors] == [
        str(daemon.folder / "sub" / "e.heic")
    ]
    with pytest.raises(UsageError):
        await daemon.answers.errors(["/etc"], 1)
    with daemon.offline():
        assert "offline" in (await daemon.answers.errors([], 1)).warnings[0]
