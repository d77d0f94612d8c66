"""The unit, what of the network it allows, and the models and formats."""

import os
from pathlib import Path

import pytest

from glimpsed.config import load, shipped
from glimpsed.doctor import models, unit
from glimpsed.doctor.findings import Finding, told_by, worst
from glimpsed.encoding.devices import missing_extra
from glimpsed.reading import tesseract

UNIT = "glimpsed.service"


def program(path: Path, script: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user manager that answers what its file says."""
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return program(tmp_path / "bin" / "systemctl", f'cat "{tmp_path}/$3-$2" 2>/dev/null || cat "{tmp_path}/$2"')


def test_a_unit_of_this_installation(tmp_path: Path, systemctl: Path) -> None:
    own, other = program(tmp_path / "own dir" / "glimpsed"), program(tmp_path / "other" / "glimpsed")
    file = tmp_path / UNIT
    (none,) = unit.unit(file, str(own))
    assert none == Finding("ok", "service", "not installed as a service", unit.INSTALL)
    file.write_text(f'[Service]\nExecStart="{own}" --state /s\n')
    assert worst(unit.unit(file, str(own))) == "ok"
    assert worst(unit.unit(file, None)) == "ok"
    (differs,) = unit.unit(file, str(other))
    assert (differs.level, "another installation" in differs.what) == ("warning", True)
    own.unlink()
    (gone,) = unit.unit(file, str(own))
    assert (gone.level, "is not there" in gone.what, gone.mend) == ("warning", True, unit.INSTALL)
    for broken in ("[Service]\n", '[Service]\nExecStart="\n', "[Service]\nExecStart= \n"):
        file.write_text(broken)
        assert worst(unit.unit(file, str(own))) == "warning"


def test_without_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (said,) = unit.unit(tmp_path / UNIT, None)
    assert (said.level, "not installed" in said.what) == ("ok", True)
    assert "no user manager" in next(unit.enabled(UNIT)).what


@pytest.mark.parametrize(
    ("enabled", "active", "level", "mend"),
    [
        ("enabled", "active", "ok", None),
        ("disabled", "inactive", "warning", "systemctl --user enable --now glimpsed.socket glimpsed.service"),
        ("enabled", "failed", "warning", "journalctl --user -u glimpsed.service -n 20"),
    ],
)
def test_whether_it_starts(
    tmp_path: Path, systemctl: Path, enabled: str, active: str, level: str, mend: str | None
) -> None:
    (tmp_path / "is-enabled").write_text(f"{enabled}\n")
    (tmp_path / "is-active").write_text(f"{active}\n")
    first, *_ = unit.enabled(UNIT)
    assert (first.level, first.mend) == (level, mend)


def test_a_socket_that_starts_it(tmp_path: Path, systemctl: Path) -> None:
    (tmp_path / "is-enabled").write_text("disabled\n")
    (tmp_path / "glimpsed.socket-is-enabled").write_text("enabled\n")
    first, *_ = unit.enabled(UNIT)
    assert (first.level, first.mend) == ("ok", f"systemctl --user enable --now {UNIT}")


def test_lingering(tmp_path: Path) -> None:
    assert not unit.lingers("me", tmp_path)
    (tmp_path / "me").touch()
    assert unit.lingers("me", tmp_path)


def test_the_network_of_the_unit(tmp_path: Path) -> None:
    file = tmp_path / UNIT
    assert "started by hand" in next(unit.network(file, {})).what
    text = shipped(UNIT).read_text("utf-8")
    file.write_text(text)
    assert [one.level for one in unit.network(file, {})] == ["ok"]
    assert "gives it none" in next(unit.network(file, {})).what
    file.write_text(text.replace("PrivateNetwork=yes", "").replace("RestrictAddressFamilies=AF_UNIX", ""))
    assert worst(unit.network(file, {})) == "warning"
    said = [one.what for one in unit.network(file, {"HF_ENDPOINT": "https://mirror", "HF_HUB_OFFLINE": "1"})]
    assert "https://mirror" in said[1]
    assert "would refuse" in said[2]


# Models and formats


@pytest.mark.skipif(missing_extra() is not None, reason="the stronger encoder's packages are not installed")
def test_the_files_of_the_stronger_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    encode = load(environment={"HOME": str(tmp_path)}).encode
    folder, (said,) = models.stronger(encode)
    assert (folder, said.level, said.mend) == (None, "ok", "glimpse model pull BAAI/bge-m3")
    assert models.pull_command(encode) == "glimpse model pull BAAI/bge-m3"
    broken = tmp_path / "hub" / "models--BAAI--bge-m3" / "snapshots" / "c"
    broken.mkdir(parents=True)
    (broken / "config.json").write_text("{}")
    _, (said,) = models.stronger(encode)
    assert (said.level, "lacks" in said.what) == ("warning", True)
    forced = load(environment={"HOME": str(tmp_path)}, flags={"encode.encoder": "bge-m3"}).encode
    _, (said,) = models.stronger(forced)
    assert (said.level, "stands in" in said.what) == ("fault", True)
    alone = load(environment={"HOME": str(tmp_path)}, flags={"encode.encoder": "fallback"}).encode
    assert models.stronger(alone)[1][0].level == "ok"


def test_tesseract_names_the_packages_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = 'case "$1" in --version) echo "tesseract 5.3.0";; *) printf "List:\\neng\\nosd\\n";; esac'
    program(tmp_path / "bin" / "tesseract", script)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    forget()
    try:
        (said,) = models.tesseract(["ru", "auto"])
        assert (said.level, said.area) == ("warning", "ocr")
        assert said.mend == "sudo apt install tesseract-ocr-rus"
        assert models.tesseract([]).__next__().level == "ok"
        monkeypatch.setenv("PATH", str(tmp_path))
        forget()
        (none,) = models.tesseract(["ru"])
        assert (none.level, none.mend) == ("warning", "sudo apt install tesseract-ocr tesseract-ocr-rus")
        monkeypatch.setenv("LC_ALL", "C")
        (auto,) = models.tesseract(["auto"])
        assert auto.level == "ok"
        assert auto.mend is not None
        assert auto.mend.startswith("sudo apt install tesseract-ocr")
        fault, *_ = models.tesseract([], str(tmp_path / "bin"))
        assert (fault.level, "has no file" in fault.what) == ("fault", True)
    finally:
        forget()


def forget() -> None:
    for known in (tesseract.program, tesseract.packs, tesseract.version, tesseract._listed):
        known.cache_clear()


def test_formats() -> None:
    modules, said = models.readable()
    assert "PIL._avif" in modules
    assert worst(said) == "ok"
    assert "jpeg, png" in said[0].what


def test_a_check_that_fails_is_a_finding() -> None:
    def failing() -> list[Finding]:
        raise OSError(5, "input/output error")

    assert [one.level for one in told_by("disk", failing)] == ["fault"]
