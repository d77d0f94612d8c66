"""Running a test's code where watches are few and mounts are ours: in namespaces of its own."""

import shutil
import subprocess
import sys

import pytest


def confined(script: str, *arguments: str, watches: int | None = None, timeout: float = 500.0) -> str:
    """What `script` prints; in it, `assert` and `until` work as usual. Skips where the kernel forbids namespaces."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no unshare(1): watches cannot be limited nor disks unmounted")
    enter = [unshare, "--user", "--map-root-user", "--mount"]
    allowed = subprocess.run([*enter, "true"], capture_output=True, text=True, check=False)
    if allowed.returncode != 0:
        pytest.skip(f"no namespaces here: {allowed.stderr.strip()}")
    limit = f"echo {watches} > /proc/sys/user/max_inotify_watches && " if watches is not None else ""
    done = subprocess.run(
        [*enter, "sh", "-c", limit + 'exec "$@"', "sh", sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
