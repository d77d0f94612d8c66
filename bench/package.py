"""From the built package to the first hit: wheel and sdist, installed with pip and pipx in empty environments.

Everything is in a temporary directory, HOME too. Packages come from the index that pip is set up for.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

import common  # noqa: F401  makes the tests' drawings importable
from tests import pictures

from glimpsed import __version__

ROOT = Path(__file__).parents[1]
PIPX = "pipx>=1.7,<2"


def run(*command: str | Path, **more: str) -> str:
    """What a command prints; its failure ends the bench."""
    done = subprocess.run(
        list(map(str, command)), env={**_clean(), **more}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _clean() -> dict[str, str]:
    """Nothing of this source and of its environment."""
    ours = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")
    return {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("GLIMPSED_")}


class Clock:
    """Prints each step with its seconds."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.total = 0.0

    def lap(self, step: str) -> None:
        """The step that has just ended."""
        seconds = time.monotonic() - self._began
        self.total += seconds
        self._began = time.monotonic()
        print(f"  {seconds:7.1f} s  {step}", flush=True)


def built(place: Path) -> tuple[Path, Path]:
    """The wheel and the sdist, both from the tree."""
    run(sys.executable, "-m", "build", "--outdir", place, ROOT)
    [wheel], [sdist] = place.glob("*.whl"), place.glob("*.tar.gz")
    return wheel, sdist


def first_hit(program: Path, home: Path, clock: Clock) -> None:
    """Start the daemon as installed, drop a picture, and find it."""
    folder = home / "Pictures"
    folder.mkdir(parents=True)
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    own = {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "XDG_PICTURES_DIR": str(folder)}
    pictures.save(folder / "heron.jpg", pictures.noisy(), caption="A heron on a pier")
    daemon = subprocess.Popen(
        [program / "glimpsed", "--folder", folder], env={**_clean(), **own}, stderr=subprocess.DEVNULL
    )
    try:
        while subprocess.run(
            [program / "glimpse", "status"], env={**_clean(), **own}, capture_output=True, check=False
        ).returncode:
            time.sleep(0.1)
        clock.lap("glimpsed: until it answers")
        search: list[str | Path] = [program / "glimpse", "search", "--sync", "--paths", "heron"]
        while (found := _asked(search, own)) is None:
            pass  # a busy machine takes longer than --sync waits
        assert found == f"{folder}/heron.jpg\n", found
        clock.lap("glimpse search --sync heron: the first hit, OCR included")
    finally:
        daemon.terminate()
        daemon.wait()


def _asked(search: Sequence[str | Path], own: Mapping[str, str]) -> str | None:
    """What is found; None where nothing is."""
    done = subprocess.run(search, env={**_clean(), **own}, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def checked(program: Path, share: Path) -> None:
    """What an installation has to have beside what it runs."""
    for name in ("glimpse", "glimpsed"):
        assert run(program / name, "--version").strip() == __version__
        assert (share / "man/man1" / f"{name}.1").is_file()
    assert "_GLIMPSE_COMPLETE" in run(program / "glimpse", "completion", "bash")


def by_pipx(wheel: Path, place: Path) -> float:
    """Seconds from `pipx install` of the wheel to the first hit."""
    venv.create(place / "pipx", with_pip=True)
    run(place / "pipx/bin/python", "-m", "pip", "install", "--quiet", PIPX)
    own = {name: str(place / "home" / name) for name in ("PIPX_HOME", "PIPX_BIN_DIR", "PIPX_MAN_DIR")}
    # As on a machine that has never installed anything: pipx may use uv, which keeps what it fetched.
    own |= {"PIP_NO_CACHE_DIR": "1", "UV_CACHE_DIR": str(place / "cache"), "UV_LINK_MODE": "copy"}
    print("pipx, an empty environment, nothing fetched before:")
    clock = Clock()
    run(place / "pipx/bin/pipx", "install", wheel, **own)
    clock.lap("pipx install glimpsed")
    first_hit(Path(own["PIPX_BIN_DIR"]), place / "home", clock)
    checked(Path(own["PIPX_BIN_DIR"]), Path(own["PIPX_HOME"]) / "venvs/glimpsed/share")
    assert Path(own["PIPX_MAN_DIR"], "man1/glimpse.1").exists()
    return clock.total


def by_pip(package: Path, place: Path, *arguments: str) -> None:
    """Install with pip into an empty environment, and look whether all is there."""
    venv.create(place, with_pip=True)
    clock = Clock()
    run(place / "bin/python", "-m", "pip", "install", "--quiet", *arguments, package)
    clock.lap(f"pip install {package.name}")
    checked(place / "bin", place / "share")


def main() -> None:
    """Build, install, find."""
    place = Path(tempfile.mkdtemp(prefix="glimpsed-package-"))
    try:
        clock = Clock()
        wheel, sdist = built(place / "dist")
        clock.lap(f"{wheel.name} ({wheel.stat().st_size / 1e6:.2f} MB) and {sdist.name} are built")
        seconds = by_pipx(wheel, place)
        print(f"from pipx install to the first hit: {seconds / 60:.1f} min")
        by_pip(wheel, place / "pip-wheel")
        by_pip(sdist, place / "pip-sdist", "--no-deps", "click")
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
