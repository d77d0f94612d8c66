"""A real `systemd --user` of its own, in private namespaces: nothing of it is seen or left on the machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.waiting import wait_for

ROOT = Path(__file__).parents[1]
HOME = "/home/glimpser"
RUNTIME = "/run/user/glimpser"

_BEGIN = f"""
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /home
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/systemd/system {RUNTIME} {HOME}/Pictures
chmod 700 {RUNTIME} {HOME}
exec 1>{HOME}/journal 2>&1
/lib/systemd/systemd --user --log-target=console --log-level=info &
wait
"""
_PREFIX = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


class Manager:
    """The manager of a session that has its own /run and /home."""

    def __init__(self, process: int) -> None:
        self._root = Path(f"/proc/{process}/root")
        self._process = process

    def path(self, inside: str) -> Path:
        """Where a path of the session is seen from here."""
        return self._root / inside.removeprefix("/")

    @property
    def home(self) -> Path:
        return self.path(HOME)

    @property
    def socket(self) -> Path:
        return self.path(f"{RUNTIME}/glimpsed/glimpsed.sock")

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the session."""
        done = subprocess.run(
            ["nsenter", "--target", str(self._process), "--mount", "--pid", *command],
            env=_environment() | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}{self.journal()}"
        return done

    def systemctl(self, *arguments: str, check: bool = True) -> str:
        return self.run("systemctl", "--user", *arguments, check=check).stdout.strip()

    def glimpse(self, *arguments: str, check: bool = True) -> str:
        """What the client of this source prints in the session."""
        return self.run(sys.executable, "-P", "-c", _GLIMPSE, *arguments, check=check).stdout

    def show(self, name: str, unit: str = "glimpsed.service") -> str:
        """A property of a unit."""
        return self.systemctl("show", "--property", name, "--value", unit)

    def journal(self) -> str:
        """The end of what the manager and its services said."""
        return (self.home / "journal").read_text("utf-8", "replace")[-6000:]


_GLIMPSE = "import sys; sys.argv[0] = 'glimpse'; from glimpsed.cli import glimpse; glimpse()"


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    return {**kept, "HOME": HOME, "XDG_RUNTIME_DIR": RUNTIME, "PYTHONPATH": str(ROOT / "daemon")}


@contextmanager
def session() -> Iterator[Manager]:
    """A session; skips the test, with the reason, where this machine does not allow one."""
    for program in ("unshare", "nsenter", "systemctl"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("systemd is not installed")
    for place in (str(ROOT), sys.prefix, sys.base_prefix):
        if place.startswith(("/tmp/", "/var/tmp/", "/home/", "/run/")):
            pytest.skip(f"the service would not see {place}, which the session or PrivateTmp= covers")
    prefix = _PREFIX if os.geteuid() == 0 else [*_PREFIX, "--map-root-user"]
    with subprocess.Popen(
        [*prefix, "bash", "-c", _BEGIN],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    ) as process:
        try:
            manager = wait_for(lambda: _begun(process))
            assert manager is not None
            yield manager
        finally:
            process.kill()


def _begun(process: subprocess.Popen[bytes]) -> Manager | None:
    if process.poll() is not None:
        assert process.stdout is not None
        pytest.skip(f"no private session is possible here: {process.stdout.read().decode().strip()}")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
    if not children:
        return None
    manager = Manager(int(children[0]))
    if not manager.path(f"{RUNTIME}/systemd/private").is_socket():
        return None
    return manager
