"""`exambox run`, the whole trial box, with real processes."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.certificates.store import CertificateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 60.0


class Box:
    """A running `exambox run` and what it has printed so far."""

    def __init__(self, folder: Path, *options: str, **settings: str) -> None:
        self.folder = folder
        self.said = folder / "said.txt"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("EXAMBOX_")}
        environ |= {"EXAMBOX_PATHS__STATE": str(folder / "state"), "PYTHONUNBUFFERED": "1", **settings}
        # A second box in the same folder adds to what the first has said; only what it says itself is waited for.
        self._before = self.said.stat().st_size if self.said.exists() else 0
        with self.said.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance.cli", "run", "--port", "0", *options],
                env=environ,
                stdout=out,
                stderr=out,
            )

    def text(self) -> str:
        """Return everything it has printed."""
        return self.said.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first place where it printed something that fits."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(pattern, self.said.read_bytes()[self._before :].decode(errors="replace"))
            if found:
                return found
            time.sleep(0.05)
        pytest.fail(f"{pattern!r} was not printed:\n{self.text()[-3000:]}")

    def children(self) -> dict[str, int]:
        """Return the numbers of its children by the process's name."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        words = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in pids}
        return {
            line[line.index(b"appliance.cli") + 1].decode(): int(pid)
            for pid, line in words.items()
            if b"appliance.cli" in line
        }

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it as Ctrl-C does and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=40)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A trial box started for the first time; surely gone afterwards."""
    running = Box(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def _segments(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "state/vault").rglob("*.sqlite"))


def _until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "this did not come true in time"
        time.sleep(0.05)


@pytest.mark.timeout(180)
def test_from_first_start_to_ctrl_c(box: Box) -> None:
    """The first start prints a reachable address and a password, records, survives a death, and ends cleanly."""
    address = box.wait_for(r"http://127\.0\.0\.1:(\d+)/")
    assert re.search(r"One-time password +\S{10,}", box.text())
    connection = http.client.HTTPConnection("127.0.0.1", int(address[1]), timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().status < 500
    connection.close()

    _until(lambda: _segments(box.folder) > 50_000)
    before = box.children()
    assert set(before) == {"capture", "keyring", "web", "sync", "devices"}
    os.kill(before["capture"], signal.SIGKILL)
    box.wait_for(r"capture ended \(SIGKILL\)")
    _until(lambda: box.children().get("capture", before["capture"]) != before["capture"])
    size = _segments(box.folder)
    _until(lambda: _segments(box.folder) > size + 50_000)

    children = box.children().values()
    assert box.stop() == 0
    assert "Stopped." in box.text()
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


@pytest.mark.timeout(180)
def test_a_second_box_on_the_same_folder_is_refused(box: Box, tmp_path: Path) -> None:
    """Two boxes never share a state folder; the second says who has it and ends."""
    box.wait_for("One-time password")
    second = Box(tmp_path)
    assert second.process.wait(timeout=30) == 4
    assert f"Another box runs on {tmp_path / 'state'} (process {box.process.pid})" in box.text()
    assert box.stop(signal.SIGTERM) == 0


def test_a_provisioned_box_is_not_run_by_hand(tmp_path: Path) -> None:
    """With a settings file `run` refuses and names the unit to start."""
    config = tmp_path / "config.toml"
    config.write_text(f'[paths]\nstate = "{tmp_path}/state"\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "--config", str(config), "run"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 4
    assert "systemctl start exambox.target" in done.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.timeout(180)
def test_a_trial_box_on_the_network(tmp_path: Path) -> None:
    """With --lan it makes its certificate, says where it is and what to compare; the next start keeps them."""
    with closing(socket.create_server(("127.0.0.21", 0))) as free:
        port = free.getsockname()[1]
    wished = {"EXAMBOX_WEB__LAN_ADDRESS": "127.0.0.21", "EXAMBOX_WEB__HTTPS_PORT": str(port),
              "EXAMBOX_WEB__NAMES": '["trial.local"]', "EXAMBOX_WEB__ANNOUNCE": "false"}  # fmt: skip
    box = Box(tmp_path, "--lan", **wished)
    try:
        box.wait_for(rf"https://trial\.local:{port}/certificate")
        store = CertificateStore(tmp_path / "state/tls")
        context = ssl.create_default_context(cafile=str(store.ca_file))
        with (
            socket.create_connection(("127.0.0.21", port), timeout=10) as made,
            context.wrap_socket(made, server_hostname="trial.local") as connection,
        ):
            assert connection.version() == "TLSv1.3"
        first = store.facts()
        assert first.ca_sha256
        assert first.ca_sha256[:4].upper() in box.text()
    finally:
        box.stop()
    again = Box(tmp_path, "--lan", **wished)
    try:
        again.wait_for("is running")
        assert store.facts() == first
    finally:
        again.stop()


def test_a_taken_https_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    """Devices look for that port: another one is not chosen in silence."""
    with closing(socket.create_server(("127.0.0.21", 0))) as taken:
        port = taken.getsockname()[1]
        box = Box(tmp_path, "--lan", EXAMBOX_WEB__LAN_ADDRESS="127.0.0.21", EXAMBOX_WEB__HTTPS_PORT=str(port))
        assert box.process.wait(30) == 4
    assert f"Port {port} is taken" in box.text()
    assert "EXAMBOX_WEB__HTTPS_PORT" in box.text()
