"""The state directory is its owner's alone."""

import os
import stat
from pathlib import Path

import pytest

from glimpsed.errors import StateError
from glimpsed.storing.durable import locked


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_and_kept_for_its_owner(tmp_path: Path) -> None:
    state = tmp_path / "new" / "state"
    with locked(str(state)):
        assert mode(state) == 0o700
        assert mode(state / "lock") == 0o600
    state.chmod(0o755)  # by hand, or by an older version
    with locked(str(state)):
        assert mode(state) == 0o700


def test_what_is_no_state_directory_keeps_its_rights(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)
    (home / "letters").mkdir()
    with locked(str(home)):
        assert mode(home) == 0o755


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    state, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    state.mkdir()
    (state / "lock").symlink_to(elsewhere)
    with pytest.raises(StateError), locked(str(state)):
        pass
    assert not elsewhere.exists()


def test_one_of_another_user_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    try:
        os.chown(state, 12345, 12345)
    except OSError:
        pytest.skip("only root can give a directory away")
    with pytest.raises(StateError, match="another user"), locked(str(state)):
        pass
    assert list(state.iterdir()) == []
