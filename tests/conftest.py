"""What all tests share: the event loop's backend, and waiting for a state."""

import ctypes
import os
import shutil
import signal
import tempfile

import pytest
from hypothesis import settings

# The same examples in every run, so that a change is judged by itself; `make torture` draws new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("new", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts its background jobs so, and the programs that the tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

_LIBM = ctypes.CDLL("libm.so.6")
_USUAL = ctypes.c_void_p(-1)  # FE_DFL_ENV, fenv.h


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Short paths for temporary files: that of a socket may have 107 bytes."""
    if not config.option.basetemp:
        config.option.basetemp = tempfile.mkdtemp(prefix="t-")
        config.stash[_OURS] = config.option.basetemp


def pytest_unconfigure(config: pytest.Config) -> None:
    """What is in them is not kept."""
    if ours := config.stash.get(_OURS, None):
        shutil.rmtree(ours, ignore_errors=True)


def pytest_runtest_setup() -> None:
    """OCR leaves the thread that it runs on without subnormal numbers, which hypothesis wants to draw."""
    _LIBM.fesetenv(_USUAL)


_OURS = pytest.StashKey[str]()


@pytest.fixture
def anyio_backend() -> str:
    """The LanceDB bindings need asyncio."""
    return "asyncio"
