"""What is built: the wheel's content, the manual pages and the completion."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import click
import pytest

from glimpsed import cli, cli_completion, cli_manual

ROOT = Path(__file__).parents[1]
SHELL_CHECKS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from this tree, by the tools that are installed."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    # Built somewhere else, so that nothing of the tests lands in the tree.
    source.mkdir()
    for name in ("daemon", "systemd"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "hatch_build.py", "config.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)],
        cwd=source,
        check=True,
        capture_output=True,
        # The copy is not what is measured.
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH" and "COVERAGE" not in name},
    )
    [built] = place.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_the_whole_program_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    sources = {f"glimpsed/{one.relative_to(ROOT / 'daemon/glimpsed')}" for one in ROOT.glob("daemon/glimpsed/**/*.py")}
    assert sources <= names
    shipped = {f"glimpsed/{one.name}" for one in (ROOT / "systemd").iterdir()}
    assert shipped | {"glimpsed/config.toml", "glimpsed/py.typed"} <= names
    for name in names:
        assert name.startswith(("glimpsed/", "glimpsed-")), name
        assert not name.endswith((".pyc", ".so")), name
    assert wheel.read("glimpsed/config.toml") == (ROOT / "config.toml").read_bytes()
    for unit in (ROOT / "systemd").iterdir():
        assert wheel.read(f"glimpsed/{unit.name}") == unit.read_bytes()


def test_the_wheel_holds_the_programs_and_their_manual_pages(wheel: zipfile.ZipFile) -> None:
    [points] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert re.findall(r"^(\w+) = ", wheel.read(points).decode(), re.MULTILINE) == ["glimpse", "glimpsed"]
    pages = {name.rpartition("/")[2]: wheel.read(name).decode() for name in wheel.namelist() if "/man1/" in name}
    assert pages == {
        "glimpse.1": cli_manual.glimpse_page(cli.client),
        "glimpsed.1": cli_manual.glimpsed_page(cli.daemon),
    }
    assert all(
        name.endswith(f"data/share/man/man1/{page}") for page in pages for name in wheel.namelist() if page in name
    )


def test_all_that_is_shipped_is_named_in_the_build() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {f"systemd/{one.name}" for one in (ROOT / "systemd").iterdir()} <= set(wheel["force-include"])


def helps(command: click.Command, above: click.Context | None = None, name: str = "") -> list[str]:
    """What `--help` prints of a program and of all its commands."""
    context = click.Context(command, info_name=name, parent=above)
    found = [command.get_help(context)]
    if isinstance(command, click.Group):
        for name_, one in command.commands.items():
            found += helps(one, context, name_)
    return found


def plain(page: str) -> str:
    """A page without its macros."""
    text = re.sub(r"^\.(SS|SH|B|BR|TH) ?", "", page, flags=re.MULTILINE)
    return re.sub(r"\s+", " ", text.replace("\\&", "").replace("\\-", "-").replace("\\e", "\\"))


@pytest.mark.parametrize("program", ["glimpse", "glimpsed"])
def test_the_manual_says_all_that_help_says(program: str) -> None:
    page = cli_manual.glimpse_page(cli.client) if program == "glimpse" else cli_manual.glimpsed_page(cli.daemon)
    text = plain(page)
    root = cli.client if program == "glimpse" else cli.daemon
    for said in helps(root, name=program):
        usage = re.sub(r"\s+", " ", said.partition("\n\n")[0].removeprefix("Usage: "))
        if "COMMAND" not in usage:
            assert usage in text
        for option in re.findall(r"^  (--?\S+)", said, re.MULTILINE):
            assert option.rstrip(",") in text


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
@pytest.mark.parametrize("page", [cli_manual.glimpse_page(cli.client), cli_manual.glimpsed_page(cli.daemon)])
def test_the_manual_is_sound(page: str) -> None:
    done = subprocess.run(["groff", "-man", "-ww", "-z", "-"], input=page, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    broken = subprocess.run(
        ["groff", "-man", "-ww", "-z", "-"], input=f"{page}.NONSENSE x\n", capture_output=True, text=True, check=False
    )
    assert "NONSENSE" in broken.stderr


@pytest.mark.parametrize("shell", cli_completion.SHELLS)
def test_completion_for_every_shell(shell: str, tmp_path: Path) -> None:
    code = "from glimpsed.cli import glimpse; glimpse()"
    printed = subprocess.run(
        [sys.executable, "-c", code, "completion", shell], capture_output=True, text=True, check=True
    ).stdout
    assert "_GLIMPSE_COMPLETE" in printed
    check = SHELL_CHECKS[shell]
    if shutil.which(check[0]) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "script"
    file.write_text(printed, encoding="utf-8")
    assert subprocess.run([*check, str(file)], capture_output=True, text=True, check=True).stderr == ""
    file.write_text(f"{printed}\nif (((", encoding="utf-8")
    assert subprocess.run([*check, str(file)], capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("glimpse s", {"plain,search", "plain,service", "plain,status"}),
        ("glimpse explain ~/Pic", {"file,~/Pic"}),
        ("glimpse verify --full x", {"file,x"}),
        ("glimpse folder add ./", {"dir,./"}),
        ("glimpse --socket /run/", {"file,/run/"}),
    ],
)
def test_the_shell_is_told_commands_and_where_paths_go(typed: str, told: set[str]) -> None:
    asking = {"_GLIMPSE_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    code = "import sys; sys.argv[0] = 'glimpse'; from glimpsed.cli import glimpse; glimpse()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asking, capture_output=True, text=True, check=False
    )
    assert told <= set(done.stdout.split())
