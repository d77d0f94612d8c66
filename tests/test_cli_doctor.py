"""`glimpse doctor` as a shell runs it."""

import json
from pathlib import Path

import pytest
from tests.doctor.test_running import FINE
from tests.terminals import at_home, seen
from tests.test_cli import command, run
from tests.unix_server import serving

from glimpsed.doctor.examine import AREAS
from glimpsed.encoding.devices import missing_extra


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "glimpsed").mkdir(mode=0o700)
    (tmp_path / "Pictures").mkdir()
    return at_home(tmp_path) | {"LC_ALL": "C.UTF-8"}


def test_without_a_daemon_and_all_checks(home: dict[str, str]) -> None:
    done = run(home, "doctor", "--json")
    told = json.loads(done.stdout)
    by_area: dict[str, list[str]] = {}
    for one in told["findings"]:
        by_area.setdefault(one["area"], []).append(one["level"])
    always = set(AREAS) - {"log", "torch", "devices", "daemon", "confinement", "pictures"}
    assert always <= set(by_area) <= set(AREAS)
    assert ("torch" in by_area) is (missing_extra() is None)
    assert list(by_area) == [area for area in AREAS if area in by_area]
    assert by_area["socket"] == ["warning"]
    assert "fault" not in by_area["ocr"] + by_area["libraries"]
    assert len(by_area["ocr"]) == 2  # what is installed, and the models at work
    assert done.returncode == ["ok", "warning", "fault"].index(told["worst"])
    assert done.stderr == b""


def test_with_a_daemon_on_a_terminal(home: dict[str, str]) -> None:
    with serving(Path(home["XDG_RUNTIME_DIR"], "glimpsed/glimpsed.sock")) as stub:
        Path(stub.socket).chmod(0o600)
        evil = [{"path": "/p/\x1b[2J", "state": "offline since yesterday: gone", "pictures": 1}]
        stub.answers["/v1/status"] = {**FINE, "folders": evil}
        found = seen(command("glimpse", "doctor", "--quick"), home, columns=80)
        plain = run(home | {"NO_COLOR": ""}, "doctor", "--quick")
    assert found.status in (1, 2)
    assert "\x1b[33mwarning\x1b[39m  folders" in found.output
    assert "\x1b[2J" not in found.output
    for line in found.output.split("\n"):
        told = line.replace("\x1b[33m", "").replace("\x1b[32m", "").replace("\x1b[31m", "").replace("\x1b[39m", "")
        assert len(told) <= 80 or "→" in told, told
    assert b"\x1b" not in plain.stdout
    assert "→ mount the disk" in plain.stdout.decode()


def test_a_configuration_that_cannot_be_used_is_a_fault_and_the_rest_is_told(home: dict[str, str]) -> None:
    file = Path(home["HOME"], ".config/glimpsed/config.toml")
    file.parent.mkdir(parents=True)
    file.write_text("[wacht]\n")
    done = run(home, "doctor", "--quick")
    assert done.returncode == 2
    assert "fault    config" in done.stdout.decode()
    assert "python" in done.stdout.decode()
    assert done.stdout.decode().splitlines()[-1].startswith("1 fault, ")
