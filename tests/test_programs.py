"""What real programs do to watched folders: in the end the rows are the files, and nothing half-written is final."""

import functools
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from tests import pictures, raws
from tests.daemons import PATIENCE, Daemon, running
from tests.on_disk import agree
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("programs")
    first, second = home / "Pictures", home / "More"
    first.mkdir()
    second.mkdir()
    with running(home, first, second, READ_OCR="false") as daemon:
        yield daemon


@pytest.fixture
def place(daemon: Daemon, request: pytest.FixtureRequest) -> Path:
    """A directory of its own in the first folder."""
    directory: Path = daemon.folders[0] / request.node.name
    directory.mkdir()
    return directory


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Pictures outside all folders, in two directories."""
    directory = tmp_path / "source"
    for number in range(4):
        path = directory / f"day {number % 2}" / f"{tmp_path.name} {number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures.save(path, pictures.noisy((320, 240), seed=hash(tmp_path.name) % 1000 + number))
    return directory


def run(program: str, *arguments: object, cwd: Path | None = None) -> None:
    """Have a program do it; where it is not installed the test is skipped with its name."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(
        [program, *map(str, arguments)], cwd=cwd, env={**os.environ, **quiet}, check=True, capture_output=True
    )


def test_cp(daemon: Daemon, place: Path, source: Path) -> None:
    run("cp", "-r", source, place / "copied")
    run("cp", "-p", source / "day 0" / os.listdir(source / "day 0")[0], place / "one.jpg")
    pictures.save(source / "large.png", pictures.noisy((1500, 1200), seed=77))
    run("cp", source / "large.png", place)
    agree(daemon, place)
    # The same time and size, other bytes: only inode and ctime tell.
    before = (place / "one.jpg").stat()
    other = bytearray((place / "one.jpg").read_bytes())
    other[-20] ^= 1
    (source / "other.jpg").write_bytes(other)
    os.utime(source / "other.jpg", ns=(before.st_atime_ns, before.st_mtime_ns))
    run("cp", "-p", source / "other.jpg", place / "one.jpg")
    agree(daemon, place)


def test_mv(daemon: Daemon, place: Path, source: Path) -> None:
    run("mv", source, place / "came")
    agree(daemon, place)
    run("mv", place / "came" / "day 0", place / "went")
    run("mv", place / "came" / "day 1", daemon.folders[1] / "elsewhere")
    agree(daemon, place, daemon.folders[1])
    run("mv", place / "went", source.parent / "out")
    agree(daemon, place)
    run("mv", source.parent / "out", place / "back")
    [one, other] = sorted((place / "back").iterdir())
    run("mv", one, other)  # over another
    run("mv", other, other.with_name(other.name.upper()))  # only the case
    agree(daemon, place)
    run("mv", daemon.folders[1] / "elsewhere", place / "elsewhere")
    agree(daemon, place, daemon.folders[1])
    log = daemon.log.read_text("utf-8")
    assert log.count('"picture_moved"') >= 6


@pytest.mark.parametrize("how", ["", "--inplace", "--delay-updates"])
def test_rsync(daemon: Daemon, place: Path, source: Path, how: str) -> None:
    options = ["-a", *([how] if how else [])]
    run("rsync", *options, f"{source}/", place)
    agree(daemon, place)
    [one, other] = sorted((source / "day 0").iterdir())
    pictures.save(one, pictures.noisy((500, 300), seed=21))
    other.unlink()
    run("rsync", *options, "--delete", f"{source}/", place)
    agree(daemon, place)


def test_tar_and_zip(daemon: Daemon, place: Path, source: Path) -> None:
    run("tar", "-cf", source.parent / "all.tar", "-C", source, ".")
    run("zip", "-qr", source.parent / "all.zip", ".", cwd=source)
    run("tar", "-xf", source.parent / "all.tar", "-C", place)
    (place / "zipped").mkdir()
    run("unzip", "-q", source.parent / "all.zip", "-d", place / "zipped")
    agree(daemon, place)
    run("unzip", "-qo", source.parent / "all.zip", "-d", place / "zipped")
    agree(daemon, place)


def test_git_checkout(daemon: Daemon, place: Path, source: Path) -> None:
    git = functools.partial(run, "git", "-c", "user.name=me", "-c", "user.email=me@here", cwd=place)
    git("init", "-q", "-b", "main")
    run("cp", "-r", source / "day 0", place)
    git("add", ".")
    git("commit", "-qm", "one")
    agree(daemon, place)
    git("checkout", "-qb", "other")
    one, other = sorted((place / "day 0").iterdir())
    pictures.save(one, pictures.noisy((200, 300), seed=31))
    git("mv", f"day 0/{other.name}", "moved.jpg")
    git("commit", "-qam", "two")
    for branch in ("main", "other", "main"):
        git("checkout", "-q", branch)
        agree(daemon, place)


class Slow(http.server.SimpleHTTPRequestHandler):
    """Sends half of a file, and the rest when it may."""

    go: threading.Event

    def copyfile(self, source: object, outputfile: object) -> None:
        data = source.read()  # type: ignore[attr-defined]
        outputfile.write(data[: len(data) // 2])  # type: ignore[attr-defined]
        outputfile.flush()  # type: ignore[attr-defined]
        self.go.wait(PATIENCE)
        outputfile.write(data[len(data) // 2 :])  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize("ending", ["", ".part", ".crdownload"])
def test_a_download(daemon: Daemon, place: Path, source: Path, ending: str) -> None:
    """By wget, which writes in place, or as browsers do, under a name of their own until it is whole."""
    pictures.save(source / "slow.jpg", pictures.noisy((900, 700), seed=55))
    Slow.go = threading.Event()
    handler = functools.partial(Slow, directory=str(source))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = place / f"slow.jpg{ending}"
        url = f"http://127.0.0.1:{server.server_address[1]}/slow.jpg"
        getting = threading.Thread(target=run, args=("wget", "-q", "-O", target, url))
        if shutil.which("wget") is None:
            pytest.skip("wget is not installed")
        getting.start()
        seen = set()
        wait_for(lambda: target.exists() and target.stat().st_size > 0)
        if not ending:
            wait_for(lambda: daemon.client.explain(str(target))["state"] == "waiting")
            for _ in range(20):
                seen.add(daemon.client.explain(str(target))["state"])
        Slow.go.set()
        getting.join()
        server.shutdown()
    if ending:
        target.rename(place / "slow.jpg")
    agree(daemon, place)
    assert seen <= {"waiting"}


def test_exiftool_and_mogrify(daemon: Daemon, place: Path, source: Path) -> None:
    run("cp", "-r", source, place / "all")
    agree(daemon, place)
    one, *_, last = sorted((place / "all").rglob("*.jpg"))
    run("exiftool", "-q", "-overwrite_original", "-ImageDescription=A windmill near Zaandam", one)
    run("exiftool", "-q", "-overwrite_original_in_place", "-Keywords=zaandam", last)
    agree(daemon, place)
    assert daemon.first(f'windmill in:"{place}"') == one.name
    run("mogrify", "-resize", "50%", one, last)
    agree(daemon, place)
    with Image.open(one) as image:
        assert (daemon.client.explain(str(one))["width"], 160) == (image.width, image.width)


def test_editors_that_write_beside_and_rename_over(daemon: Daemon, place: Path) -> None:
    picture = place / "drawing.png"
    pictures.save(picture, pictures.noisy((100, 100), seed=1))
    agree(daemon, place)
    for seed, beside, backup in ((2, "drawing.png.tmp", "drawing.png~"), (3, ".drawing.png.Xy1", None)):
        pictures.save(place / "new.png", pictures.noisy((100, 100), seed=seed))
        (place / "new.png").rename(place / beside)
        if backup is not None:
            picture.rename(place / backup)
        (place / beside).rename(picture)
        agree(daemon, place)
    with picture.open("r+b") as file:  # in place, as GIMP does
        pictures.save(place.parent.parent / "whole.png", pictures.noisy((120, 100), seed=4))
        file.truncate()
        file.write((place.parent.parent / "whole.png").read_bytes())
    agree(daemon, place)


def test_programs_that_synchronise(daemon: Daemon, place: Path, source: Path) -> None:
    """Under the temporary names of Syncthing and Dropbox; no such name has a row at any time."""
    cache = place / ".dropbox.cache"
    cache.mkdir()
    names = [
        (place / ".syncthing.one.jpg.tmp", "one.jpg"),
        (place / "~syncthing~two.jpg.tmp", "two.jpg"),
        (place / "~syncthing~three.jpg", "three.jpg"),
        (cache / "four.jpg", "four.jpg"),
    ]
    for data, (temporary, name) in zip(sorted(source.rglob("*.jpg")), names, strict=True):
        shutil.copyfile(data, temporary)
        temporary.rename(place / name)
    agree(daemon, place)
    log = daemon.log.read_text("utf-8")
    assert not any(str(temporary) in log for temporary, _ in names)


def test_a_shot_of_several_files_arrives_as_one(daemon: Daemon, place: Path, source: Path) -> None:
    before = daemon.counter("glimpsed_read_total")
    said = "<dc:subject><rdf:Bag><rdf:li>gorge</rdf:li></rdf:Bag></dc:subject>"
    shot = {
        "IMG_0801.JPG": next(source.rglob("*.jpg")).read_bytes(),
        "IMG_0801.ORF": raws.olympus(raws.jpeg((640, 480))),
        "IMG_0801.xmp": pictures.xmp_packet(said),
    }
    for name, data in shot.items():
        (source / name).write_bytes(data)
    for name in shot:
        (source / name).rename(place / name)
    agree(daemon, place)
    assert daemon.counter("glimpsed_read_total") - before == 2
    assert daemon.names(f'gorge in:"{place}"') == ["IMG_0801.JPG"]  # both are one hit


def test_links_of_both_kinds(daemon: Daemon, place: Path, source: Path) -> None:
    run("cp", "-r", source / "day 0", place / "real")
    one = next((place / "real").iterdir())
    os.link(one, place / "hard.jpg")
    (place / "soft.jpg").symlink_to(one)
    (place / "loop").symlink_to(place)
    agree(daemon, place)
    assert daemon.client.explain(str(place / "soft.jpg"))["state"] == "ignored"
    one.unlink()
    agree(daemon, place)
