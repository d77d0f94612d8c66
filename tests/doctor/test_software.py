"""Python, libraries and their files: as they are here, and as they would be with faults in real packages."""

import base64
import hashlib
import sys
from pathlib import Path

import pytest

from glimpsed.doctor import probes, software
from glimpsed.doctor.findings import worst
from glimpsed.encoding.hub_files import RemoteFile


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of packages that Python looks at first, here and in child processes."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(path for path in sys.path if path)}")
    return tmp_path


def package(site: Path, name: str, *needs: str, version: str = "1.0", files: dict[str, bytes] | None = None) -> None:
    """An installed package, as pip leaves it."""
    place = site / f"{name}-{version}.dist-info"
    place.mkdir()
    required = "".join(f"Requires-Dist: {one}\n" for one in needs)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}\n")
    lines = []
    for file, data in (files or {}).items():
        (site / file).parent.mkdir(exist_ok=True)
        (site / file).write_bytes(data)
        sum_ = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{file},sha256={sum_},{len(data)}\n")
    (place / "RECORD").write_text("".join(lines))


def test_python() -> None:
    assert worst(software.python()) == "ok"
    (old,) = software.python((3, 9, 2))
    assert (old.level, "3.9.2" in old.what) == ("fault", True)


def test_libraries_that_are_missing_or_of_another_version(site: Path) -> None:
    package(site, "fresh")
    package(site, "aged", version="2.1")
    package(site, "whole", "fresh", "aged>=2; python_version>'3'", "nothere>3; extra == 'more'")
    (said,) = software.libraries("whole")
    assert (said.level, said.what) == ("ok", "whole 1.0: all 2 are installed, in versions that fit")
    package(site, "broken", "fresh>=0.5", "aged<2", "no-such-package>=7", "not ! a requirement")
    aged, missing = software.libraries("broken")
    assert (aged.level, aged.what) == ("warning", "aged 2.1 is installed, but <2 is needed")
    assert aged.mend is not None
    assert aged.mend.endswith("-m pip install 'aged<2'")
    assert (missing.level, missing.what) == ("fault", "no-such-package is not installed")
    assert worst(software.libraries("no-such-program")) == "warning"


def test_what_is_installed_here() -> None:
    assert {one.area for one in software.libraries()} == {"libraries"}
    (said,) = software.encoders()
    assert said.level in ("ok", "warning")


def test_models_in_wheels_are_as_published(site: Path) -> None:
    package(site, "models", files={"models/a.onnx": b"weights", "models/__init__.py": b""})
    (said,) = software.bundled(["models"])
    assert (said.level, said.what) == ("ok", "models 1.0: 1 files, 0 MB, sums are right")
    (site / "models" / "a.onnx").write_bytes(b"wejghts")
    (said,) = software.bundled(["models"])
    assert (said.level, said.what) == ("fault", "models: not as published: models/a.onnx")
    assert said.mend is not None
    assert said.mend.endswith("pip install --force-reinstall --no-deps models==1.0")
    (site / "models" / "a.onnx").unlink()
    assert worst(software.bundled(["models"])) == "fault"
    package(site, "bare")
    assert [one.level for one in software.bundled(["bare", "no-such-package"])] == ["warning", "fault"]
    assert worst(software.bundled()) == "ok"


def test_a_library_that_does_not_load(site: Path) -> None:
    (site / "brokenlib.py").write_text("raise OSError('libGL.so.1: cannot open shared object file')")
    (said,) = probes.run("imports", "libraries", "brokenlib", timeout=60)
    assert (said.level, "brokenlib cannot be imported: OSError: libGL.so.1" in said.what) == ("fault", True)
    (said,) = probes.run("decoders", "formats", "brokenlib", timeout=60)
    assert (said.level, said.area) == ("fault", "formats")
    assert probes.run("decoders", "formats", "json", timeout=60) == []


def test_a_library_that_crashes_or_prints(site: Path) -> None:
    (site / "crashing.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    (said,) = probes.run("imports", "libraries", "crashing", timeout=60)
    assert (said.level, said.what) == ("fault", "the check was killed by signal 11")
    (site / "leaving.py").write_text("import os, sys; print('bye', file=sys.stderr, flush=True); os._exit(3)")
    (said,) = probes.run("imports", "libraries", "leaving", timeout=60)
    assert (said.level, said.what) == ("fault", "the check ended with 3: bye")
    (site / "chatting.py").write_text("print('hello')")
    (said,) = probes.run("imports", "libraries", "chatting", timeout=60)
    assert said.level == "ok"


def test_a_probe_that_hangs(site: Path) -> None:
    (site / "hanging.py").write_text("import threading; threading.Event().wait()")
    (said,) = probes.run("imports", "libraries", "hanging", timeout=1)
    assert (said.level, "no answer within 1 s" in said.what) == ("warning", True)


def test_the_bundled_models_work() -> None:
    pytest.importorskip("rapidocr")
    for name, area in (("ocr", "ocr"), ("fallback", "encoders")):
        (said,) = probes.run(name, area, timeout=240)
        assert (said.level, said.area) == ("ok", area), said


def test_a_torch_that_cannot_be_imported(site: Path) -> None:
    (site / "torch.py").write_text("raise ImportError('undefined symbol')")
    (said,) = probes.run("devices", "torch", timeout=60)
    assert (said.level, said.what) == ("fault", "torch cannot be imported: undefined symbol")


def test_a_sum_tells_how_far_it_is(tmp_path: Path) -> None:
    file, data = tmp_path / "weights", b"x" * 2_500_000
    file.write_bytes(data)
    steps: list[int] = []
    assert RemoteFile("weights", len(data), hashlib.sha256(data).hexdigest()).fits(file, steps.append)
    assert (steps == sorted(steps), len(steps), steps[-1]) == (True, 3, len(data))


def test_sums_of_a_model_in_the_cache(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "c"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    data = b"weights" * 100
    names = (hashlib.sha256(data).hexdigest(), hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest())
    for number, name in enumerate(names):
        (blobs / name).write_bytes(data)
        (snapshot / f"file{number}").symlink_to(f"../../blobs/{name}")
    (snapshot / "plain").write_bytes(b"x")
    (said,) = probes.run("sums", "weights", str(snapshot), "glimpse model pull m", timeout=60)
    assert (said.level, said.what) == ("ok", "2 files, 1.4 kB: sums are right")
    (blobs / names[1]).write_bytes(data[:-1] + b"x")
    (said,) = probes.run("sums", "weights", str(snapshot), "glimpse model pull m", timeout=60)
    assert (said.level, said.what, said.mend) == ("fault", f"damaged in {snapshot}: file1", "glimpse model pull m")
    (said,) = probes.sums(str(blobs), "glimpse model pull m")
    assert (said.level, "no sums" in said.what) == ("ok", True)
