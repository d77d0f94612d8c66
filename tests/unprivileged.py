"""A program for which permissions count, also where the tests run as root."""

import os
import shutil
from collections.abc import Sequence

import pytest


def without_privileges(command: Sequence[str]) -> list[str]:
    """The command to start in its place; skips where there is none."""
    if os.geteuid() != 0:
        return list(command)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root, and no setpriv: permissions do not count")
    return [setpriv, "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all", *command]
