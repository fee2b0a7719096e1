"""The keyring as a real process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.clock import SystemClock
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.errors import LockedError, UnavailableError
from appliance.ipc.keyring import KeyringClient
from appliance.vault import keys
from tests.keyring.conftest import WORDS, Ask, serves
from tests.support.waiting import until

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Start keyring processes on the test's box, and end them."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(**environ: str) -> subprocess.Popen[bytes]:
        paths = {"EXAMBOX_PATHS__STATE": settings.paths.state, "EXAMBOX_PATHS__RUN": settings.paths.run}
        process = subprocess.Popen(
            [sys.executable, "-m", "appliance.cli", "keyring"], env={**os.environ, **paths, **environ}
        )
        running.append(process)
        until(lambda: serves(KeyringClient(settings.keyring_socket)), what="the keyring's first answer")
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait(10)


def test_a_killed_keyring_of_a_trial_box_comes_back_unlocked(settings: Settings, start: Start, ask: Ask) -> None:
    """Kill -9 costs a trial box nothing but the restart; the dead one's socket is no obstacle."""
    for _ in range(3):
        process = start()
        client = KeyringClient(settings.keyring_socket)
        assert client.part_key(**ask()) == b"k" * 32
        client.lock("anna")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        with pytest.raises(UnavailableError):
            client.status()


def test_a_killed_keyring_of_a_provisioned_box_comes_back_locked(settings: Settings, start: Start, ask: Ask) -> None:
    """What was unlocked by passphrase is locked after a restart: the private key was in memory only."""
    provisioned = Settings(box=BoxSettings(trial=False), paths=PathSettings(state=settings.paths.state))
    keys.init_keys(provisioned, passphrase=WORDS, clock=SystemClock())
    client = KeyringClient(settings.keyring_socket)
    process = start(EXAMBOX_BOX__TRIAL="false")
    client.unlock(WORDS, "anna")
    client.part_key(**ask())
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    start(EXAMBOX_BOX__TRIAL="false")
    with pytest.raises(LockedError):
        client.part_key(**ask())
    client.unlock(WORDS, "anna")
    assert client.part_key(**ask()) == b"k" * 32


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(settings: Settings, start: Start, number: signal.Signals) -> None:
    """Asked to end it ends soon, with success, and takes its socket away."""
    process = start()
    process.send_signal(number)
    assert process.wait(10) == 0
    assert not settings.keyring_socket.exists()


def test_its_memory_is_not_for_others(start: Start) -> None:
    """No core dump is written, whatever the shell allows, and hardening makes a process not dumpable."""
    process = start()
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    probe = "import sys, ctypes; from appliance.keyring.hardening import harden; dumpable = ctypes.CDLL(None).prctl"
    probe += "; before = dumpable(3, 0, 0, 0, 0); harden(); print(before, dumpable(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    told = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout
    assert told.split() == ["1", "0"]


def test_systemd_is_told(settings: Settings, start: Start, tmp_path: Path) -> None:
    """Ready, state, watchdog and end arrive at the service manager."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)
        process = start(NOTIFY_SOCKET=str(path), WATCHDOG_USEC="2000000")
        told = [manager.recv(4096).decode() for _ in range(3)]
        process.terminate()
        process.wait(10)
        manager.settimeout(0)
        while True:
            try:
                told.append(manager.recv(4096).decode())
            except BlockingIOError:
                break
    assert told[:3] == ["READY=1", "STATUS=The review key is unlocked.", "WATCHDOG=1"]
    assert told[-1] == "STOPPING=1"
