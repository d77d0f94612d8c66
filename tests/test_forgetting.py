"""Forgetting for good, by a real daemon: the bytes of the state directory hold none of the words any more."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.daemons import Daemon, running
from tests.pictures import draw, save
from tests.test_cli import command
from tests.waiting import wait_for

from glimpsed.errors import UsageError
from glimpsed.watching.ignore import FILE

WORD = "qzxvkwjp"  # in no library's file, and no part of another word here
OTHER = "wjqvzkxu"


def holding(state: Path, word: str) -> list[str]:
    """The files of the state directory that hold the word, in their bytes or their names."""
    files = [path for path in state.rglob("*") if path.is_file()]
    return [str(path) for path in files if word.encode() in path.read_bytes() or word in str(path.relative_to(state))]


def found(daemon: Daemon) -> bool:
    """Whether the first hit lies at the path that is to be forgotten, or at another of the same content."""
    return WORD in daemon.client.search(WORD)["hits"][0]["path"]


def missing(daemon: Daemon, count: int) -> bool:
    return daemon.client.status()["pictures"]["missing"] == count


def test_what_is_forgotten_is_in_no_byte_of_the_state_directory(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    private = folder / f"{WORD} & Ada"
    private.mkdir(parents=True)
    receipt = save(private / f"{WORD}.jpg", draw("Hello"), caption=f"The {WORD} receipt", camera=(WORD, WORD))
    Path(receipt + ".txt").write_text(f"A note on {WORD}")
    Path(private / "[1]*.jpg").write_bytes(Path(receipt).read_bytes())
    save(folder / "bicycle.jpg", draw("Bye"), caption=f"A red {OTHER} bicycle")
    (folder / "copy.jpg").write_bytes((folder / "bicycle.jpg").read_bytes())
    with running(tmp_path / "home", folder, READ_OCR="false") as daemon:
        client, state = daemon.client, daemon.state
        daemon.idle(4)
        set_aside = state / "damaged-20240102T030405.000000-pictures.lance"
        (set_aside / "data").mkdir(parents=True)
        (set_aside / "data" / "old.lance").write_text(WORD)
        (state / "replaced-20240102T030405.000000-1.manifest").write_text(WORD)
        assert found(daemon)
        assert len(holding(state, WORD)) >= 3
        assert holding(state, OTHER)
        thumbnails = len(list(state.glob("thumbnails/*/*.webp")))

        with pytest.raises(UsageError, match="still watched") as refusal:
            client.forget([str(private)])
        assert refusal.value.hint is not None
        line = refusal.value.hint.rpartition(": ")[2]
        assert line == f"/{WORD} & Ada/"
        assert found(daemon)  # it was refused

        for one in private.iterdir():
            if one.suffix == ".jpg":
                with pytest.raises(UsageError, match="by this line in"):
                    client.forget([str(one)])
        (folder / FILE).write_text(f"{line}\n")
        told = client.forget([str(private)])  # at once: the rules are read, whether their event has come or not
        assert told["pictures"] == 2
        assert str(daemon.log) in told["warnings"][-1]
        assert holding(state, WORD) == []
        assert not list(state.glob("damaged-*")) + list(state.glob("replaced-*"))
        assert len(list(state.glob("thumbnails/*/*.webp"))) == thumbnails - 1  # two files of one content

        assert WORD not in daemon.names(WORD)
        assert client.complete(f"camera:{WORD[:4]}") == []
        assert daemon.names(OTHER)[0] in ("bicycle.jpg", "copy.jpg")
        assert "forgotten_for_good" in daemon.tail()
        assert daemon.idle(2)["pictures"]["missing"] == 0
        assert daemon.stop() == 0
    assert holding(tmp_path / "home" / "state", WORD) == []
    assert holding(tmp_path / "home" / "state", OTHER)
    with running(tmp_path / "home", folder, READ_OCR="false") as daemon:
        daemon.idle(2)  # sound, and nothing has come back
        assert daemon.first("bicycle") in ("bicycle.jpg", "copy.jpg")


def test_the_command_and_what_stays_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    save(folder / "bicycle.jpg", draw("Bye"), caption=f"A red {OTHER} bicycle")
    (folder / "copy.jpg").write_bytes((folder / "bicycle.jpg").read_bytes())
    with running(tmp_path / "home", folder, READ_OCR="false") as daemon:
        daemon.idle(2)
        (folder / "copy.jpg").unlink()
        wait_for(lambda: missing(daemon, 1))
        done = subprocess.run(
            [*command("glimpse"), "--socket", str(daemon.socket), "forget", "--json", str(folder / "copy.jpg")],
            capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        told = json.loads(done.stdout)
        assert told["pictures"] == 1
        assert told["warnings"][0] == "1 of them are indexed from another path too, and stay there"
        with pytest.raises(UsageError, match="still watched") as watched:
            daemon.client.forget([str(folder)])
        assert f"glimpse folder remove {folder}, then systemctl --user reload" in (watched.value.hint or "")
        with pytest.raises(UsageError, match="no path"):
            daemon.client.forget([])
        assert daemon.client.forget(["/nowhere"])["pictures"] == 0


def test_a_row_of_a_folder_that_is_no_longer_watched_is_hidden_and_can_be_forgotten(tmp_path: Path) -> None:
    kept, gone = tmp_path / "kept", tmp_path / "gone"
    kept.mkdir()
    gone.mkdir()
    save(kept / "bicycle.jpg", draw("Bye"), caption="A red bicycle")
    save(gone / "secret.jpg", draw("Hello"), caption=f"The {WORD} receipt")
    with running(tmp_path / "home", kept, gone, READ_OCR="false") as daemon:
        daemon.idle(2)
        with pytest.raises(UsageError, match="still watched") as refusal:
            daemon.client.forget([str(gone)])
        assert "glimpse folder remove" in (refusal.value.hint or "")
        assert daemon.stop() == 0
    with running(tmp_path / "home", kept, READ_OCR="false") as daemon:
        wait_for(lambda: missing(daemon, 1))
        assert holding(daemon.state, WORD)
        assert daemon.client.forget([str(gone)])["pictures"] == 1
        assert holding(daemon.state, WORD) == []


def test_newly_ignored_pictures_leave_the_search(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    (folder / "deep" / "er").mkdir(parents=True)
    save(folder / "deep" / "er" / "secret.jpg", draw("Hello"), caption=f"The {WORD} receipt")
    save(folder / "bicycle.jpg", draw("Bye"), caption="A red bicycle")
    with running(tmp_path / "home", folder, READ_OCR="false") as daemon:
        daemon.idle(2)
        assert daemon.first(WORD) == "secret.jpg"
        (folder / FILE).write_text("/deep/\n")
        wait_for(lambda: missing(daemon, 1))
        assert "secret.jpg" not in daemon.names(WORD)
        (folder / FILE).unlink()
        daemon.idle(2)
        assert daemon.first(WORD) == "secret.jpg"
        (folder / "deep" / "er" / FILE).write_text("secret*\n")
        wait_for(lambda: missing(daemon, 1))
        assert "secret.jpg" not in daemon.names(WORD)
