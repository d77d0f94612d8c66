"""The whole daemon in its own process: real files, real inotify, real OCR, the real fallback, a real socket."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from tests import pictures
from tests.daemons import PATIENCE, Daemon, running
from tests.waiting import wait_for

from glimpsed.client import NothingThereError
from glimpsed.errors import QueryError, UsageError


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("daemon")
    folder = home / "Pictures"
    folder.mkdir()
    with running(home, folder) as daemon:
        yield daemon


def place(daemon: Daemon, name: str) -> Path:
    """A directory of its own for one test."""
    directory = daemon.folders[0] / name
    directory.mkdir()
    return directory


def wide_png(width: int, height: int) -> bytes:
    """A black PNG of one bit a pixel, whole and sound: it is only large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    line = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_a_dropped_picture_is_found_by_the_words_in_it(daemon: Daemon) -> None:
    directory = place(daemon, "words")
    picture = directory / "scan0001.png"
    pictures.save(picture, pictures.draw(["RAMEN SHOP", "Total 1630 yen"], size=(640, 300)))

    assert "scan0001.png" in daemon.names("ramen", sync=True, timeout=PATIENCE)
    [hit] = [hit for hit in daemon.client.search("ramen")["hits"] if hit["path"] == str(picture)]
    assert hit["label"] == "ocr"
    assert "RAMEN" in hit["snippet"].upper()
    assert hit["signals"]["text"] > 0
    assert (hit["width"], hit["height"]) == (640, 300)

    where = {"in": str(directory), "not": ["invoice"], "has": ["text"], "size": ">=600x300", "sort": "date"}
    found = daemon.client.search_by_fields({"phrases": ["SCAN0001.png"], **where})["hits"]
    assert [one["path"] for one in found] == [str(picture)]
    assert daemon.client.search(f'ramen -scan0001 in:"{directory}"')["hits"] == []
    assert any(one["text"].strip('"').endswith("/words") for one in daemon.client.complete("in:words"))


def test_another_language_finds_a_caption_by_meaning(daemon: Daemon) -> None:
    directory = place(daemon, "meaning")
    pictures.save(directory / "DSC01.jpg", pictures.noisy(seed=1), caption="Two sailing boats at sunset")
    pictures.save(directory / "DSC02.jpg", pictures.noisy(seed=2), caption="A dentist's bill")
    pictures.save(directory / "DSC03.jpg", pictures.noisy(seed=3), caption="Birthday cake with candles")

    where = f' in:"{directory}"'
    assert daemon.first("Segelboote im Abendrot" + where, sync=True, timeout=PATIENCE) == "DSC01.jpg"
    assert daemon.first("la factura del dentista" + where) == "DSC02.jpg"
    assert daemon.first("誕生日ケーキ" + where) == "DSC03.jpg"


def test_a_change_a_rename_and_a_deletion_are_followed(daemon: Daemon) -> None:
    directory = place(daemon, "changes")
    picture = directory / "IMG_0001.jpg"
    pictures.save(picture, pictures.noisy(seed=4), caption="An old lighthouse")
    assert daemon.names("lighthouse", sync=True, timeout=PATIENCE)[:1] == ["IMG_0001.jpg"]

    pictures.save(picture, pictures.noisy(seed=4), caption="A waterwheel")
    wait_for(lambda: daemon.first("waterwheel") == "IMG_0001.jpg")
    wait_for(lambda: daemon.client.explain(str(picture))["state"] == "fresh")
    assert all(
        hit["label"] != "caption" for hit in daemon.client.search("lighthouse")["hits"] if "text" in hit["signals"]
    )

    renamed = directory / "mill in the valley.jpg"
    picture.rename(renamed)
    wait_for(lambda: daemon.client.explain(str(renamed))["state"] == "fresh")
    wait_for(lambda: daemon.client.explain(str(picture))["state"] == "not indexed")
    assert daemon.names("waterwheel")[:1] == [renamed.name]

    renamed.unlink()
    wait_for(lambda: daemon.client.explain(str(renamed))["state"] == "missing")
    assert not {picture.name, renamed.name} & set(daemon.names("waterwheel", k=100))


def test_a_sidecar_is_read_when_it_comes_later(daemon: Daemon) -> None:
    directory = place(daemon, "sidecars")
    picture = directory / "P100.png"
    pictures.save(picture, pictures.noisy(seed=5))
    wait_for(lambda: daemon.client.explain(str(picture))["indexed"])
    (directory / "P100.txt").write_text("Our hut in the Carpathians", encoding="utf-8")
    wait_for(lambda: daemon.first("Carpathians hut") == "P100.png")
    (directory / "P100.txt").unlink()
    wait_for(lambda: not any(part["label"] == "sidecar" for part in daemon.client.explain(str(picture))["description"]))


def test_what_google_tells_is_found_by_its_words_and_its_place(daemon: Daemon) -> None:
    directory = place(daemon, "takeout")
    pictures.save(directory / "P200(1).jpg", pictures.noisy(seed=6))
    export = directory / "P200.jpg.supplemental-metadata(1).json"
    told = {
        "title": "P200.jpg",
        "description": "grandmother's yellow tram",
        "photoTakenTime": {"timestamp": "1562926800"},
        "geoData": {"latitude": 38.7139, "longitude": -9.1394},
    }
    export.write_text(json.dumps(told), encoding="utf-8")
    wait_for(lambda: daemon.first("yellow tram") == "P200(1).jpg")
    assert daemon.first("Лиссабон") == "P200(1).jpg"
    assert daemon.names("place:lisbon on:2019-07-12") == ["P200(1).jpg"]
    assert daemon.names("near:38.71,-9.14,2km") == ["P200(1).jpg"]
    export.write_text(json.dumps({**told, "description": "grandmother's green bus"}), encoding="utf-8")
    wait_for(lambda: daemon.first("green bus") == "P200(1).jpg")


def test_a_moved_tree_is_neither_read_nor_encoded_nor_given_to_ocr_again(daemon: Daemon) -> None:
    tree = place(daemon, "tree")
    for number in range(12):
        (tree / f"holiday {number % 3}").mkdir(exist_ok=True)
        pictures.save(tree / f"holiday {number % 3}" / f"beach {number}.png", pictures.noisy((120, 90), seed=number))
    daemon.client.search("beach", sync=True, timeout=PATIENCE)
    daemon.idle()
    names = ("glimpsed_encoded_texts_total", "glimpsed_ocr_total", "glimpsed_read_total")
    before = [daemon.counter(name) for name in names]

    moved = daemon.folders[0] / "moved tree"
    tree.rename(moved)
    for path in moved.glob("*/*.png"):
        wait_for(lambda path=path: daemon.client.explain(str(path))["state"] == "fresh", deadline=PATIENCE)  # type: ignore[misc]  # bound at once
        old = tree / path.relative_to(moved)
        wait_for(lambda old=old: daemon.client.explain(str(old))["state"] == "not indexed", deadline=PATIENCE)  # type: ignore[misc]  # bound at once
    daemon.idle()
    assert [daemon.counter(name) for name in names] == before
    hits = daemon.client.search("beach", k=100)["hits"]
    assert len([hit for hit in hits if hit["path"].startswith(str(moved))]) == 12


def test_metrics_and_status_tell_of_the_stages_and_of_the_inside(daemon: Daemon) -> None:
    pictures.save(place(daemon, "counted") / "an accordion.png", pictures.noisy((130, 90), seed=77))
    daemon.client.search("accordion", sync=True, timeout=PATIENCE)
    told = daemon.client.metrics()
    for stage in ("settle", "read", "encode", "commit", "ocr", "search"):
        assert re.search(rf'^glimpsed_stage_seconds_count\{{stage="{stage}"\}} [1-9]', told, re.MULTILINE), stage
    assert daemon.counter("glimpsed_batches_total") >= 1
    assert daemon.counter("glimpsed_scans_total") >= 1
    assert daemon.counter("glimpsed_queue_bound") > 10_000
    assert daemon.process is not None
    status = daemon.client.status()
    pids = {one["pid"]: one["role"] for one in status["processes"]}
    assert pids[daemon.process.pid] == "daemon"
    assert {"reader", "encoder"} <= set(pids.values())
    assert set(pids) <= {daemon.process.pid, *daemon.children()}
    assert status["watches"] is not None
    assert 1 <= status["watches"]["used"] <= status["watches"]["most"]
    assert status["table"] is not None
    assert status["table"]["rows"] >= 1


def test_copies_are_one_hit_and_read_once(daemon: Daemon) -> None:
    directory = place(daemon, "copies")
    first = directory / "IMG_7001.jpg"
    pictures.save(first, pictures.noisy(seed=70), caption="A zeppelin over the lake")
    daemon.client.search("zeppelin", sync=True, timeout=PATIENCE)
    ocr = daemon.counter("glimpsed_ocr_total")
    (directory / "again").mkdir()
    shutil.copy(first, directory / "again" / "IMG_7001.jpg")
    [hit] = [
        hit for hit in daemon.client.search("zeppelin", sync=True, timeout=PATIENCE)["hits"] if "text" in hit["signals"]
    ]
    found = daemon.client.picture(hit["id"])
    assert found["paths"] == sorted([str(first), str(directory / "again" / "IMG_7001.jpg")])
    assert daemon.counter("glimpsed_ocr_total") == ocr


def test_what_is_no_sound_picture_has_a_row_that_says_so(daemon: Daemon) -> None:
    directory = place(daemon, "bad")
    sound = pictures.noisy((400, 300), seed=6)
    pictures.save(directory / "sound.jpg", sound)
    whole = (directory / "sound.jpg").read_bytes()
    old = {
        "empty.png": b"",
        "broken lighthouse.jpg": whole[: len(whole) // 2],
        "text.png": b"this is no picture",
        "wide.png": wide_png(30_000, 30_000),
    }
    for name, data in old.items():
        (directory / name).write_bytes(data)
        os.utime(directory / name, (1_600_000_000, 1_600_000_000))  # long quiet: nobody is writing any more
    (directory / "loop.png").symlink_to("loop.png")
    (directory / "directory.jpg").mkdir()
    os.mkfifo(directory / "pipe.png")
    undecodable = os.fsencode(directory) + b"/caf\xe9 terrace.png"
    Path(os.fsdecode(undecodable)).write_bytes((directory / "sound.jpg").read_bytes())
    daemon.client.search("anything", sync=True, timeout=PATIENCE)

    def state(name: str) -> tuple[str, str]:
        told = daemon.client.explain(str(directory / name))
        return told["state"], told["why"]

    for name in old:
        assert state(name)[0] == "error", (name, state(name))
        assert state(name)[1]
    assert daemon.client.explain(str(directory / "wide.png"))["width"] == 30_000
    assert state("sound.jpg")[0] == "fresh"
    assert state("directory.jpg")[0] == "not indexed"
    assert state("pipe.png")[0] == "not indexed"
    assert daemon.first(f'broken lighthouse in:"{directory}"') == "broken lighthouse.jpg"
    assert daemon.client.explain(os.fsdecode(undecodable))["state"] == "fresh"
    [hit] = [hit for hit in daemon.client.search("terrace", k=100)["hits"] if "terrace" in hit["path"]]
    assert "�" in hit["path"]
    assert "path_bytes" in hit
    assert daemon.client.status()["pictures"]["errors"] >= len(old)


def test_a_growing_file_is_no_error_and_is_read_when_whole(daemon: Daemon) -> None:
    directory = place(daemon, "growing")
    pictures.save(directory / "whole.jpg", pictures.noisy((900, 700), seed=8), caption="A steam locomotive")
    data = (directory / "whole.jpg").read_bytes()
    growing = directory / "growing.jpg"
    seen = set()
    with growing.open("wb") as file:
        for start in range(0, len(data), len(data) // 5 + 1):
            file.write(data[start : start + len(data) // 5 + 1])
            file.flush()
            read = daemon.counter("glimpsed_read_total")
            daemon.client.scan([str(growing)])
            seen.add(daemon.client.explain(str(growing))["state"])
            assert read <= daemon.counter("glimpsed_read_total")
    wait_for(lambda: daemon.client.explain(str(growing))["state"] == "fresh", deadline=PATIENCE)
    assert "error" not in seen


def test_ignored_and_hidden_files_have_no_row(daemon: Daemon) -> None:
    directory = place(daemon, "ignored")
    (directory / ".glimpseignore").write_text("private*\n", encoding="utf-8")
    (directory / ".hidden").mkdir()
    for name in ("private.png", ".hidden/a.png", "open.png", "half.png.part"):
        pictures.save(directory / "open.png", pictures.noisy((60, 60), seed=9))
        if name != "open.png":
            shutil.copy(directory / "open.png", directory / name)
    daemon.client.search("x", sync=True, timeout=PATIENCE)
    assert daemon.client.explain(str(directory / "open.png"))["indexed"]
    assert daemon.client.explain(str(directory / "private.png"))["state"] == "ignored"
    assert daemon.client.explain(str(directory / ".hidden" / "a.png"))["state"] == "ignored"
    (directory / ".glimpseignore").write_text("open*\n", encoding="utf-8")
    wait_for(lambda: daemon.client.explain(str(directory / "private.png"))["state"] == "fresh", deadline=PATIENCE)
    assert daemon.client.explain(str(directory / "open.png"))["state"] == "ignored"
    wait_for(lambda: "open.png" not in daemon.names(f'x in:"{directory}"'))


def test_a_directory_with_a_pictures_name_takes_its_pictures_along(daemon: Daemon) -> None:
    directory = place(daemon, "album.jpg")
    picture = directory / "inside.png"
    pictures.save(picture, pictures.noisy((60, 60), seed=13))
    wait_for(lambda: daemon.client.explain(str(picture))["state"] == "fresh", deadline=PATIENCE)
    directory.rename(daemon.home / "album.jpg")
    wait_for(lambda: daemon.client.explain(str(picture))["state"] == "missing", deadline=PATIENCE)


def test_the_log_has_one_line_a_picture(daemon: Daemon) -> None:
    directory = place(daemon, "logged")
    pictures.save(directory / "one.png", pictures.noisy((60, 60), seed=10))
    daemon.client.search("x", sync=True, timeout=PATIENCE)
    lines = [json.loads(line) for line in daemon.log.read_text(encoding="utf-8").splitlines()]
    [line] = [
        line for line in lines if line["event"] == "picture_indexed" and line["path"] == str(directory / "one.png")
    ]
    assert line["why"] == "new"
    assert line["content_id"] == daemon.client.explain(str(directory / "one.png"))["id"]
    assert {"read", "encode", "commit"} <= set(line["ms"])


def test_thumbnails_and_pictures_by_id(daemon: Daemon) -> None:
    directory = place(daemon, "thumbnails")
    pictures.save(directory / "large.png", pictures.noisy((1200, 800), seed=11))
    daemon.client.search("x", sync=True, timeout=PATIENCE)
    content_id = daemon.client.explain(str(directory / "large.png"))["id"]
    thumbnail = directory.parent.parent / "thumbnail.webp"
    thumbnail.write_bytes(daemon.client.thumbnail(content_id))
    with Image.open(thumbnail) as image:
        assert image.size == (512, 341)
    assert daemon.client.picture(content_id)["paths"] == [str(directory / "large.png")]
    with pytest.raises(NothingThereError):
        daemon.client.picture("0" * 64)
    with pytest.raises(NothingThereError):
        daemon.client.thumbnail("../../config")


def test_questions_that_cannot_be_understood_are_told_so(daemon: Daemon) -> None:
    with pytest.raises(QueryError, match="afetr"):
        daemon.client.search("boats afetr:2024")
    with pytest.raises(QueryError, match="4096"):
        daemon.client.search("x" * 5000)
    with pytest.raises(UsageError, match="too long"):
        daemon.client.search("x" * 2_000_000)
    with pytest.raises(UsageError):
        daemon.client.scan(["/etc"])
    assert daemon.client.status()["version"]


def test_a_second_daemon_is_refused(daemon: Daemon) -> None:
    other = Daemon(daemon.home, *daemon.folders)
    ended = subprocess.run(other.command, env=other.environment, capture_output=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 75
    assert b"Traceback" not in ended.stderr
    assert daemon.client.status()["version"]


def test_events_stream_what_happens(daemon: Daemon) -> None:
    directory = place(daemon, "events")
    reader = Daemon(daemon.home, *daemon.folders).client
    events = reader.events()
    first = next(iter([None]))
    pictures.save(directory / "seen.png", pictures.noisy((60, 60), seed=12))
    daemon.client.scan()
    for event in events:
        if event["event"] == "picture_indexed" and event["path"] == str(directory / "seen.png"):
            first = event
            break
    reader.close()
    assert first is not None


def test_it_ends_in_order_and_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    with running(tmp_path / "home", folder) as daemon:
        for number in range(6):
            pictures.save(folder / f"IMG_{number}.jpg", pictures.noisy(seed=number), caption=f"Caption {number}")
        daemon.client.search("x", sync=True, timeout=PATIENCE)
        children = daemon.children()
        assert children
        assert daemon.stop() == 0
        assert not daemon.socket.exists()
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)
        pictures.save(folder / "while away.jpg", pictures.noisy(seed=99), caption="A stork on a chimney")
        (folder / "IMG_0.jpg").unlink()
        daemon.start()
        daemon.idle(6)
        assert daemon.counter("glimpsed_read_total") == 1
        assert daemon.first("stork") == "while away.jpg"
        assert daemon.client.explain(str(folder / "IMG_0.jpg"))["state"] == "missing"


def test_a_killed_daemon_leaves_no_process_and_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    for number in range(40):
        pictures.save(folder / f"a{number}.png", pictures.noisy((200, 150), seed=number), caption=f"Number {number}")
    with running(tmp_path / "home", folder) as daemon:
        for share in (1, 3, 6):
            wait_for(lambda share=share: sum(daemon.client.status()["pictures"].values()) >= share)  # type: ignore[misc]  # bound at once
            children = daemon.children()
            daemon.stop(signal.SIGKILL)
            wait_for(lambda children=children: not any(Path(f"/proc/{pid}").exists() for pid in children))  # type: ignore[misc]  # bound at once
            daemon.start()
        status = daemon.idle(40)
        assert status["pictures"] == {"fresh": 40, "stale": 0, "missing": 0, "errors": 0, "waiting": 0}
        found = daemon.client.search("type:png", k=1000)["hits"]
        assert sorted(hit["path"] for hit in found) == sorted(map(str, folder.iterdir()))


def test_a_folder_that_is_not_there_is_watched_when_it_appears(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    with running(tmp_path / "home", folder) as daemon:
        [told] = wait_for(
            lambda: [one for one in daemon.client.status()["folders"] if one["state"].startswith("offline")]
        )
        assert told["path"] == str(folder)
        folder.mkdir()
        pictures.save(folder / "first.png", pictures.noisy((60, 60)))
        daemon.idle(1)
        [told] = daemon.client.status()["folders"]
        assert told["state"] == "watching"
        folder.rename(tmp_path / "elsewhere")
        wait_for(lambda: daemon.client.status()["folders"][0]["state"].startswith("offline"))
        [hit] = daemon.client.search("type:png")["hits"]
        assert hit["offline"]
        (tmp_path / "elsewhere").rename(folder)
        wait_for(lambda: daemon.client.status()["folders"][0]["state"] == "watching")
        daemon.idle(1)


def test_a_bad_configuration_starts_nothing(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, tmp_path, settings={"GLIMPSED_WATCH_SETTLE": "soon", "GLIMPSED_READ_OCR": "perhaps"})
    ended = subprocess.run(daemon.command, env=daemon.environment, capture_output=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 78
    assert b"GLIMPSED_WATCH_SETTLE" in ended.stderr
    assert b"GLIMPSED_READ_OCR" in ended.stderr
    assert not daemon.state.exists()


def test_a_socket_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, tmp_path)
    daemon.socket = tmp_path / ("long" * 40)
    ended = subprocess.run(daemon.command, env=daemon.environment, capture_output=True, timeout=PATIENCE, check=False)
    assert ended.returncode in {73, 78}
    assert b"107" in ended.stderr or b"108" in ended.stderr
