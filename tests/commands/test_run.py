"""`exambox run`, the whole trial box, with real processes."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 60.0


class Box:
    """A running `exambox run` and what it has printed so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = folder / "said.txt"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("EXAMBOX_")}
        environ |= {"EXAMBOX_PATHS__STATE": str(folder / "state"), "PYTHONUNBUFFERED": "1"}
        with self.said.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance.cli", "run", "--port", "0"], env=environ, stdout=out, stderr=out
            )

    def text(self) -> str:
        """Return everything it has printed."""
        return self.said.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first place where it printed something that fits."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(pattern, self.text())
            if found:
                return found
            time.sleep(0.05)
        pytest.fail(f"{pattern!r} was not printed:\n{self.text()[-3000:]}")

    def children(self) -> dict[str, int]:
        """Return the numbers of its children by the process's name."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        words = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in pids}
        return {line[-2].decode(): int(pid) for pid, line in words.items() if len(line) > 1}

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
    assert set(before) == {"capture", "keyring", "web"}
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
