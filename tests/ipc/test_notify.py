from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from appliance.ipc.notify import Notifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A service manager's socket and its NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(5)
        name = str(tmp_path / "notify") if request.param == "path" else f"@exambox-test-{os.getpid()}"
        listening.bind(name.replace("@", "\0", 1))
        yield listening, name


def test_messages_arrive_as_systemd_reads_them(manager: tuple[socket.socket, str]) -> None:
    """Ready with a status, watchdog, status on one line, stopping; by path and by abstract name."""
    listening, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())})
    notifier.ready("two\nlines")
    notifier.watchdog()
    notifier.status("x" * 2000 + "\nREADY=1")
    notifier.stopping()
    told = [listening.recv(4096).decode() for _ in range(4)]
    assert told == ["READY=1\nSTATUS=two lines", "WATCHDOG=1", "STATUS=" + "x" * 500, "STOPPING=1"]


def test_outside_systemd_nothing_happens(tmp_path: Path) -> None:
    """No socket, or one nobody reads: the process goes on."""
    for environ in ({}, {"NOTIFY_SOCKET": str(tmp_path / "none")}, {"NOTIFY_SOCKET": "x" * 500}):
        notifier = Notifier(environ)
        notifier.ready()
        notifier.stopping()
        assert notifier.watchdog_seconds is None


def test_a_full_socket_holds_nobody(manager: tuple[socket.socket, str]) -> None:
    """A service manager that reads nothing cannot stop the work."""
    notifier = Notifier({"NOTIFY_SOCKET": manager[1]})
    for _ in range(2000):
        notifier.status("x" * 400)


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [("4000000", None, 2.0), ("4000000", "own", 2.0), ("4000000", "1", None), ("0", None, None), ("x", None, None)],
)
def test_the_watchdog_is_for_the_process_it_names(usec: str, pid: str | None, expected: float | None) -> None:
    """Half the allowed time; none for another process or without a sensible value."""
    environ = {"WATCHDOG_USEC": usec}
    if pid:
        environ["WATCHDOG_PID"] = str(os.getpid()) if pid == "own" else pid
    assert Notifier(environ).watchdog_seconds == expected
