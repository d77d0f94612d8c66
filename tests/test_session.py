"""The service under a real `systemd --user`, with all its hardening, from its installation to its removal."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests import pictures
from tests.managers import HOME, ROOT, Manager, session
from tests.waiting import wait_for

from glimpsed import cli_service
from glimpsed.client import Client
from glimpsed.config import load

DROP_IN = f"""
[Service]
# This source, whatever is installed.
Environment=PYTHONPATH={ROOT}/daemon GLIMPSED_READ_OCR=false
StandardOutput=append:{HOME}/journal
StandardError=append:{HOME}/journal
RestartSec=0.1
"""


def configure(manager: Manager, name: str, text: str) -> None:
    file = manager.home / ".config/systemd/user/glimpsed.service.d" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def active(manager: Manager) -> bool:
    return manager.show("ActiveState") == "active"


@pytest.fixture(scope="module")
def manager() -> Iterator[Manager]:
    """A session in which it is installed, enabled and started."""
    with session() as manager:
        configure(manager, "test.conf", DROP_IN)
        manager.glimpse("service", "install", "--enable")
        assert active(manager), manager.journal()
        yield manager


def test_it_is_ready_and_says_how_it_is(manager: Manager) -> None:
    assert manager.show("Type") == "notify"
    assert manager.show("StatusText").endswith("; fallback on cpu")
    assert manager.show("WatchdogUSec") == "1min"
    assert manager.glimpse("status").startswith("glimpsed ")
    done = manager.run("systemctl", "--user", "is-enabled", "glimpsed.service", "glimpsed.socket")
    assert done.stdout.split() == ["enabled", "enabled"]


def test_a_picture_is_dropped_and_found_under_the_full_hardening(manager: Manager) -> None:
    pictures.save(manager.home / "Pictures/dropped.jpg", pictures.noisy(), caption="A heron on a pier")
    found = manager.glimpse("search", "--sync", "--paths", "heron")
    assert found == f"{HOME}/Pictures/dropped.jpg\n"
    # What the unit forbids is not what the workers need to confine themselves.
    confinement = json.loads(manager.glimpse("status", "--json"))["confinement"]
    assert [one for one in confinement if not one["holds"] and "permitted" in one["how"]] == []
    assert {"memory", "file size", "open files", "time"} <= {one["name"] for one in confinement if one["holds"]}
    process = manager.show("MainPID")
    inside = ["nsenter", "--target", process, "--mount", "--net"]
    assert manager.run(*inside, "touch", f"{HOME}/Pictures/x", check=False).returncode == 1
    assert manager.run(*inside, "touch", f"{HOME}/.local/state/glimpsed/x").returncode == 0
    links = manager.run(*inside, "cat", "/proc/net/dev").stdout.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in links] == ["lo"]
    status = manager.run("cat", f"/proc/{process}/status").stdout
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert "CapBnd:\t0000000000000000" in status


def test_systemctl_reload_takes_up_another_folder(manager: Manager) -> None:
    more = manager.home / "More"
    more.mkdir()
    pictures.save(more / "more.png", pictures.noisy((40, 30), seed=2), caption="A stork")
    file = manager.home / ".config/glimpsed/config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'[watch]\nfolders = ["{HOME}/Pictures", "{HOME}/More"]\n', encoding="utf-8")
    before = manager.show("MainPID")
    manager.systemctl("reload", "glimpsed.service")
    wait_for(lambda: "config_reloaded" in manager.journal())
    wait_for(lambda: manager.glimpse("search", "stork", "--paths", check=False).startswith(f"{HOME}/More"))
    assert wait_for(lambda: active(manager))
    assert manager.show("MainPID") == before


def test_one_that_hangs_is_killed_and_started_again(manager: Manager) -> None:
    configure(manager, "watchdog.conf", "[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n")
    manager.systemctl("daemon-reload")
    manager.systemctl("restart", "glimpsed.service")
    before = manager.show("MainPID")
    manager.run("kill", "-STOP", before)
    wait_for(lambda: manager.show("NRestarts") == "1")
    assert wait_for(lambda: active(manager))
    assert manager.show("MainPID") not in {before, "0"}
    assert manager.glimpse("search", "heron", "--paths", "-k", "1") == f"{HOME}/Pictures/dropped.jpg\n"
    configure(manager, "watchdog.conf", "")
    manager.systemctl("daemon-reload")


def test_no_request_is_lost_over_a_restart(manager: Manager) -> None:
    def ask(_: int) -> int:
        with Client(str(manager.socket), timeout=120) as client:
            return len(client.search("heron")["hits"])

    with ThreadPoolExecutor(16) as clients:
        answers = clients.map(ask, range(100))
        first = next(answers)
        before = manager.show("MainPID")
        manager.systemctl("restart", "glimpsed.service")
        assert {first, *answers} == {first}
    assert manager.show("MainPID") != before


def test_the_next_request_starts_one_that_was_stopped(manager: Manager) -> None:
    manager.systemctl("stop", "glimpsed.service")
    assert manager.show("ActiveState") == "inactive"
    assert manager.socket.is_socket()
    assert manager.glimpse("status").startswith("glimpsed ")
    assert active(manager)


def test_paths_of_any_name_are_what_systemd_takes_them_for(manager: Manager) -> None:
    state = f"{HOME}/it's $HOME, 100% a\\b"
    place = f"{HOME}/$HOME, 100%"  # systemd starts nothing that has quotes or backslashes in its path
    manager.run("mkdir", state, place)
    program = manager.path(f"{place}/glimpsed")
    program.write_text('#!/bin/sh\ntouch "$GLIMPSED_STORE_PATH/here"\n', encoding="utf-8")
    program.chmod(0o755)
    settings = ("Type=oneshot", "ProtectSystem=strict", "ProtectHome=read-only", "ReadWritePaths=", "ExecStart=")
    environment = {"HOME": HOME, "GLIMPSED_STORE_PATH": state, "GLIMPSED_SERVE_SOCKET": "/run/odd"}
    config, carried = load(environment=environment), cli_service.carried(environment)
    text = cli_service.unit_text("\n".join(["[Service]", *settings]), f"{place}/glimpsed", config, carried)
    (manager.home / ".config/systemd/user/odd.service").write_text(text, encoding="utf-8")
    manager.systemctl("daemon-reload")
    manager.systemctl("start", "odd.service")
    assert manager.path(f"{state}/here").exists()
    (manager.home / ".config/systemd/user/odd.service").unlink()


def test_nothing_is_left_of_it_but_the_index(manager: Manager) -> None:
    """The last one here: it takes the service away."""
    manager.glimpse("service", "uninstall")
    assert manager.show("LoadState") == "not-found"
    assert not manager.socket.exists()
    units = manager.home / ".config/systemd/user"
    assert sorted(one.name for one in units.rglob("*") if not one.is_dir()) == ["test.conf", "watchdog.conf"]
    assert (manager.home / ".local/state/glimpsed").is_dir()
