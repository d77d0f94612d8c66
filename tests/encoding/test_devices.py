"""What is found out about this machine, and about others by their kernel's files."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from glimpsed.encoding import devices
from glimpsed.encoding.encoder import Text
from glimpsed.encoding.precision import precision
from glimpsed.errors import DeviceError
from glimpsed.records import Encoding


class Steady:
    """An encoder of a known speed on a clock of its own."""

    id = "steady"
    name = "steady"
    dimension = 1
    device = "cpu"
    has_sparse = False
    has_colbert = False
    precision = "float32"
    max_tokens = 10

    def __init__(self, texts_per_second: Sequence[float]) -> None:
        self.now = 100.0
        self._speeds = iter(texts_per_second)
        self.calls = 0

    def encode(self, texts: Sequence[Text], *, query: bool) -> list[Encoding]:
        assert not query
        self.calls += 1
        self.now += len(texts) / next(self._speeds)
        return [Encoding(np.ones(1, np.float32)) for _ in texts]

    def close(self) -> None:
        pass


def test_the_measurement_leaves_out_the_first_batch_and_the_disturbed_ones() -> None:
    encoder = Steady([1.0, 50.0, 80.0, 20.0])
    assert devices.measure(encoder, seconds=60, clock=lambda: encoder.now) == pytest.approx(80.0)
    assert encoder.calls == 4


def test_the_measurement_of_a_slow_encoder_ends_soon() -> None:
    encoder = Steady([0.5, 0.5])
    assert devices.measure(encoder, seconds=1, clock=lambda: encoder.now) == pytest.approx(0.5)
    assert encoder.calls == 2


def test_a_clock_that_stands_still_measures_nothing() -> None:
    with pytest.raises(DeviceError):
        devices.measure(Steady([1.0, 1.0]), clock=lambda: 1.0)


def test_the_probe_finds_the_cpu_last() -> None:
    found = devices.probe()
    assert found[-1].name == "cpu"
    assert found[-1].free > 100 << 20
    assert found[-1].weight_bytes == (2 if precision("cpu", exact=False) == "bfloat16" else 4)
    assert all(device.name.startswith("cuda:") for device in found[:-1])
    assert [device.free for device in found[:-1]] == sorted((device.free for device in found[:-1]), reverse=True)


def test_bf16_is_used_only_where_the_cpu_says_that_it_has_it() -> None:
    if not devices.cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"}:
        assert not devices.runs_bf16()
    else:
        assert devices.runs_bf16()


def test_bf16_is_not_used_where_code_must_not_be_made_at_run_time(tmp_path: Path) -> None:
    if not devices.runs_bf16():
        pytest.skip("this CPU has no bf16")
    # As MemoryDenyWriteExecute= does it: PR_SET_MDWE (65) with PR_MDWE_REFUSE_EXEC_GAIN (1), Linux 6.3.
    program = """
import ctypes, sys
from glimpsed.encoding import devices
devices.load_torch()
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):
    sys.exit("refused")
print(devices.runs_bf16())
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    if "refused" in run.stderr:
        pytest.skip("this kernel has no PR_SET_MDWE")
    assert run.stdout.strip() == "False", run.stderr


def test_the_flags_of_other_processors_are_read(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nFeatures\t: fp asimd bf16 i8mm\nCPU part\t: 0xd40\n")
    assert "bf16" in devices.cpu_flags(str(cpuinfo))
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Old\nflags\t\t: fpu sse2 avx2\n")
    assert devices.cpu_flags(str(cpuinfo)) == {"fpu", "sse2", "avx2"}
    cpuinfo.write_text("uarch: sifive\n")
    assert devices.cpu_flags(str(cpuinfo)) == frozenset()
    assert devices.cpu_flags(str(tmp_path / "none")) == frozenset()


@pytest.fixture
def kernel(tmp_path: Path) -> tuple[Path, Path]:
    """A /proc with 8,000,000 kB available, and the hierarchy of a process in /user.slice/app.service."""
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 16000000 kB\nMemFree: 100 kB\nMemAvailable:    8000000 kB\n")
    (proc / "self" / "cgroup").write_text("0::/user.slice/app.service\n")
    own = cgroups / "user.slice" / "app.service"
    own.mkdir(parents=True)
    for group, limit, used in ((own, "max", 7), (own.parent, "max", 70)):
        (group / "memory.max").write_text(f"{limit}\n")
        (group / "memory.current").write_text(f"{used}\n")
    return proc, cgroups


def test_free_memory_is_what_the_kernel_has(kernel: tuple[Path, Path]) -> None:
    proc, cgroups = kernel
    assert devices.free_memory(str(proc), str(cgroups)) == 8_000_000 << 10


@pytest.mark.parametrize("group", ["user.slice", "user.slice/app.service"])
def test_free_memory_is_bounded_by_each_cgroup(kernel: tuple[Path, Path], group: str) -> None:
    proc, cgroups = kernel
    (cgroups / group / "memory.max").write_text("1000000\n")
    (cgroups / group / "memory.current").write_text("400000\n")
    assert devices.free_memory(str(proc), str(cgroups)) == 600_000
    (cgroups / group / "memory.current").write_text("1400000\n")
    assert devices.free_memory(str(proc), str(cgroups)) == 0


def test_free_memory_without_cgroups_is_the_kernels(kernel: tuple[Path, Path]) -> None:
    proc, cgroups = kernel
    (proc / "self" / "cgroup").write_text("12:memory:/\n")
    assert devices.free_memory(str(proc), str(cgroups)) == 8_000_000 << 10
    (proc / "self" / "cgroup").unlink()
    assert devices.free_memory(str(proc), str(cgroups)) == 8_000_000 << 10
    (proc / "meminfo").write_text("MemTotal: 1 kB\n")
    assert devices.free_memory(str(proc), str(cgroups)) == 0


def test_nothing_is_missing_here() -> None:
    assert devices.missing_extra() is None


@pytest.fixture
def without_flag_embedding() -> Iterator[None]:
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "FlagEmbedding"}
    sys.modules["FlagEmbedding"] = None  # type: ignore[assignment]  # how Python itself says "not there"
    yield
    del sys.modules["FlagEmbedding"]
    sys.modules.update(kept)


@pytest.mark.usefixtures("without_flag_embedding")
def test_a_missing_package_is_named_with_what_to_do() -> None:
    error = devices.missing_extra()
    assert error is not None
    assert error.step == "extra"
    assert "FlagEmbedding is not installed" in str(error)
    assert "make bge-m3" in str(error)


def test_a_torch_that_cannot_be_imported_is_an_error_of_the_extra(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libcudart.so.12: cannot open shared object file')")
    program = """
from glimpsed.encoding import devices
from glimpsed.errors import ExtraMissingError
try:
    devices.probe()
except ExtraMissingError as error:
    print(error)
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "libcudart.so.12" in run.stdout
    assert "make bge-m3" in run.stdout


def test_gpus_are_listed_by_free_memory_and_a_broken_one_is_left_out(tmp_path: Path) -> None:
    # No GPU where the tests run: a module with the few functions that the probe calls.
    (tmp_path / "torch.py").write_text("""
class cuda:
    device_count = staticmethod(lambda: 3)
    get_device_name = staticmethod(lambda number: f"GPU {number}")
    @staticmethod
    def mem_get_info(number):
        if number == 1:
            raise RuntimeError("CUDA error: ECC")
        return (number + 1) * 10**9, 8 * 10**9
def inference_mode():
    raise RuntimeError("could not create a primitive")
""")
    program = """
from glimpsed.encoding import devices
print(*((one.name, one.title, one.free, one.weight_bytes) for one in devices.probe()[:-1]))
print(devices.probe()[-1].name, devices.probe()[-1].weight_bytes)
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert run.stdout.splitlines() == ["('cuda:2', 'GPU 2', 3000000000, 2) ('cuda:0', 'GPU 0', 1000000000, 2)", "cpu 4"]


def test_waiting_threads_do_not_spin(tmp_path: Path) -> None:
    program = """
import os
from glimpsed.encoding import devices
devices.load_torch()
print(os.environ["OMP_WAIT_POLICY"])
"""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert run.stdout.strip() == "passive"
