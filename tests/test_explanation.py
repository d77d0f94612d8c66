"""What is told of one file: by a real daemon that reads it again, and of any state that a row can be in."""

import base64
import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.daemons import Daemon, running
from tests.pictures import draw, encode, noisy, save
from tests.test_cli import command
from tests.waiting import wait_for

from glimpsed import explaining
from glimpsed.explaining import moment, owners, row_fields, row_hint
from glimpsed.reading.formats import FORMATS, unreadable
from glimpsed.records import Content, Row


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """With a receipt in two places, its sidecar and its RAW; a broken picture; and one that nobody may read."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "Pictures"
    (folder / "2024 Kyoto").mkdir(parents=True)
    receipt = save(
        folder / "2024 Kyoto" / "ramen.jpg", draw(["Ramen Ichiban", "Total 12.50 EUR"]), caption="A receipt",
        taken="2024-03-05T10:11:12", xmp="<dc:title>Lunch</dc:title>", quality=95,
        gps=(35.0116, 135.7681),
    )  # fmt: skip
    (folder / "copy.jpg").write_bytes(Path(receipt).read_bytes())
    Path(receipt + ".txt").write_text("Lunch with Ada")
    (folder / "2024 Kyoto" / "ramen.CR2").write_bytes(encode(noisy(), "TIFF", caption="Raw and cooked"))
    (folder / "half.jpg").write_bytes(encode(noisy(), "JPEG", caption="Half")[:5000])
    os.utime(folder / "half.jpg", (1_600_000_000, 1_600_000_000))  # it does not look as if it were being written
    with running(home, folder, READ_WORKERS="1") as started:
        started.idle(deadline=240.0)  # it reads, encodes and recognises for real
        yield started


def told(daemon: Daemon, name: str, read: str) -> dict[str, Any]:
    return daemon.client.explain(str(daemon.folders[0] / name), read=read)


def by_name(values: list[dict[str, Any]]) -> dict[str, tuple[Any, list[str]]]:
    return {one["name"]: (one["value"], one["sources"]) for one in values}


def test_a_picture_that_is_read_again(daemon: Daemon) -> None:
    folder = daemon.folders[0]
    one = told(daemon, "2024 Kyoto/ramen.jpg", "picture")
    assert (one["state"], one["indexed"], one["hint"]) == ("fresh", True, None)
    assert [(member["path"], member["what"]) for member in one["group"]] == [
        (str(folder / "copy.jpg"), "same content"),
        (str(folder / "2024 Kyoto" / "ramen.jpg.txt"), "sidecar"),
        (str(folder / "2024 Kyoto" / "ramen.CR2"), "same shot"),
    ]
    values = by_name(one["fields"])
    assert values["taken_at"] == ("2024-03-05T10:11:12", ["EXIF:DateTimeOriginal"])
    assert values["width"] == (640, ["decoder"])
    assert values["size"][0] == (folder / "copy.jpg").stat().st_size
    texts = {part["text"]: (part["label"], part["sources"], part["encoded"]) for part in one["description"]}
    assert texts["A receipt"] == ("caption", ["EXIF:ImageDescription"], True)
    assert texts["Lunch"] == ("title", ["XMP-dc:title"], True)
    assert texts["Lunch with Ada"] == ("sidecar", ["ramen.jpg.txt"], True)
    assert texts["Raw and cooked"] == ("sidecar", ["ramen.CR2"], True)
    assert texts["Kyoto, Japan"] == ("place", ["EXIF:GPSPosition"], True)
    assert values["place"] == ("Kyoto, Japan", ["EXIF:GPSPosition"])
    assert texts["ramen"] == ("name", ["its name"], True)
    assert texts["Ramen Ichiban\nTotal 12.50 EUR"] == ("ocr", ["the pixels"], True)
    assert not next(part for part in one["description"] if part["label"] == "date")["encoded"]
    assert [(vector["encoder"], vector["current"]) for vector in one["vectors"]] == [(one["encoder"], True)]
    anew = one["read"]
    assert (anew["changed"], anew["error"]) == (False, None)
    assert [(line["text"], line["told"]) for line in anew["lines"]] == [
        ("Ramen Ichiban", True), ("Total 12.50 EUR", True),
    ]  # fmt: skip
    left, top, right, bottom = anew["lines"][0]["box"]
    assert 0 < left < right < 640
    assert 0 < top < bottom < 100
    assert Image.open(io.BytesIO(base64.b64decode(anew["picture"]))).size == (640, 400)
    assert set(anew["milliseconds"]) == {"file", "fields", "pixels", "ocr", "drawing"}


def test_nothing_is_read_again_unless_asked(daemon: Daemon) -> None:
    one = told(daemon, "2024 Kyoto/ramen.jpg", "none")
    assert one["read"] is None
    texts = {part["text"]: part["sources"] for part in one["description"]}
    assert texts["A receipt"] == []
    assert texts["Lunch with Ada"] == ["ramen.jpg.txt, ramen.CR2"]
    assert texts["Ramen Ichiban\nTotal 12.50 EUR"] == ["the pixels"]
    assert by_name(one["fields"])["taken_at"] == ("2024-03-05T10:11:12", ["EXIF:DateTimeOriginal"])


def test_a_picture_that_cannot_be_read_tells_why_and_what_helps(daemon: Daemon) -> None:
    one = told(daemon, "half.jpg", "words")
    assert one["state"] == "error"
    assert "truncated" in one["error"]
    assert one["hint"] == "it is read again when the file changes, or by `glimpse retry`"
    assert "truncated" in one["read"]["error"]
    assert one["read"]["lines"] is None
    assert [(part["text"], part["sources"]) for part in one["description"] if part["label"] == "caption"] == [
        ("Half", ["EXIF:ImageDescription"])
    ]


def test_what_is_not_in_a_folder_is_not_read(daemon: Daemon, tmp_path: Path) -> None:
    elsewhere = save(tmp_path / "a.jpg", draw("Secret"))
    one = daemon.client.explain(elsewhere, read="words")
    assert (one["state"], one["read"], one["group"], one["fields"]) == ("outside", None, [], [])
    hidden = daemon.folders[0] / ".hidden.jpg"
    hidden.write_bytes(Path(elsewhere).read_bytes())
    one = daemon.client.explain(str(hidden), read="words")
    assert (one["state"], one["read"]) == ("ignored", None)
    assert "hidden" in one["why"]


def test_a_sidecar_names_its_pictures(daemon: Daemon) -> None:
    one = told(daemon, "2024 Kyoto/ramen.jpg.txt", "fields")
    assert one["state"] == "not indexed"
    assert {(member["path"], member["what"]) for member in one["group"]} == {
        (str(daemon.folders[0] / "2024 Kyoto" / name), "its picture") for name in ("ramen.jpg", "ramen.CR2")
    }
    assert one["read"] is None


def test_what_is_no_file_is_not_read(daemon: Daemon) -> None:
    os.mkfifo(daemon.folders[0] / "pipe.png")
    wait_for(lambda: told(daemon, "pipe.png", "none")["state"] == "not indexed")  # it was heard of, and waited
    for name, why in (("pipe.png", "it is no file that could be read"), ("none.png", "there is no such file")):
        one = told(daemon, name, "words")
        assert one["why"].startswith(why)
        assert one["read"] is None


def test_a_file_that_is_gone(daemon: Daemon) -> None:
    path = save(daemon.folders[0] / "short.png", noisy(seed=9))
    wait_for(lambda: told(daemon, "short.png", "none")["state"] == "fresh")
    os.unlink(path)
    wait_for(lambda: told(daemon, "short.png", "none")["state"] == "missing")
    one = told(daemon, "short.png", "words")
    assert one["read"] is None
    assert one["forgotten_at"] > one["missing_since"]
    assert one["forgotten_at"] in one["hint"]


def test_the_command_draws_what_was_read(daemon: Daemon, tmp_path: Path) -> None:
    out = tmp_path / "boxes.png"
    receipt = str(daemon.folders[0] / "2024 Kyoto" / "ramen.jpg")
    arguments = ["--socket", str(daemon.socket), "explain", receipt, "--picture", str(out)]
    done = subprocess.run(command("glimpse", *arguments), capture_output=True, check=True, timeout=60)
    assert out.read_bytes().startswith(b"\x89PNG")
    lines = done.stdout.decode().splitlines()
    assert lines[:2] == [receipt, "  state  fresh: it is indexed as it is on disk"]
    assert "  caption  (EXIF:ImageDescription)" in lines
    assert lines[lines.index("  ocr  (the pixels)") + 1 :][:2] == ["    Ramen Ichiban", "    Total 12.50 EUR"]
    assert any(re.fullmatch(r"    1  \d\.\d\d  \d+,\d+ – \d+,\d+  Ramen Ichiban", line) for line in lines)
    again = subprocess.run(command("glimpse", *arguments, "--json"), capture_output=True, check=False, timeout=60)
    assert again.returncode == 64  # nothing is overwritten
    out.unlink()
    again = subprocess.run(command("glimpse", *arguments, "--json"), capture_output=True, check=True, timeout=60)
    assert "picture" not in json.loads(again.stdout)["read"]
    assert out.exists()


@dataclass(frozen=True)
class Later(Row):
    """A row as a later version may have it."""

    lens: str | None = None
    taken_from: str | None = None


def test_fields_that_come_later_are_told() -> None:
    row = Later("/p/a.jpg", "/p", format="jpeg", lens="24-70", text="x", error="x", size=5)
    assert row_fields(row) == {"format": "jpeg", "lens": "24-70", "size": 5}


def test_all_fields_of_a_content_are_fields_of_a_row() -> None:
    empty: dict[str, Any] = {one.name: 1 for one in fields(Row) if one.default is None}
    full = replace(Row("/p/a.jpg", "/p"), **empty)
    no_fields = {"content_id", "parts", "fault", "undeveloped"}
    assert {one.name for one in fields(Content)} - no_fields <= set(row_fields(full))
    assert {one.name for one in fields(Row)} >= explaining._NO_FIELDS


MINUTE = "1970-01-01T00:01:00+00:00"


@pytest.mark.parametrize(
    ("state", "given", "hint"),
    [
        ("fresh", {}, None),
        ("stale", {}, None),
        ("missing", {}, "it is forgotten after then"),
        ("error", {"attempts": 1}, "it is read again when the file changes, or by `glimpse retry`"),
        (
            "error",
            {"error": unreadable(FORMATS[0])},
            "it is read when the daemon starts with what it takes",
        ),
        ("error", {"attempts": 3}, "tried 3 times; it is read again when the file changes, or by `glimpse retry`"),
        (
            "error",
            {"attempts": 2, "retry_at": 60.0},
            "tried 2 times; it is tried again after 1970-01-01T00:01:00+00:00",
        ),
    ],
)
def test_hints(state: str, given: dict[str, Any], hint: str | None) -> None:
    assert row_hint(Row("/p/a.jpg", "/p", **given), state, forgotten_at="then") == hint


def test_a_sidecar_has_owners(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.txt", "ab.jpg"):
        (tmp_path / name).write_text("x")
    assert owners(str(tmp_path / "a.txt")) == [str(tmp_path / "a.jpg")]
    assert owners(str(tmp_path / "a.jpg")) == []
    assert owners(str(tmp_path / "a.odt")) == []


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, None), (0.5, "1970-01-01T00:00:00+00:00"), (1e30, None), (9.2e18, None)]
)
def test_moments(seconds: float | None, told: str | None) -> None:
    assert moment(seconds) == told
