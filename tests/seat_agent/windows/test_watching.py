"""From the desktop session to the agent and the box: the helper's socket, and real processes."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.clock import SECOND_US, ManualClock
from appliance.seat_agent.windows.watching import Active, Receiver, Sender, WindowWatch, desktop_of
from tests.seat_agent.windows.desktop import x_desktop
from tests.seat_agent.world import ROOT, Workstation, a_box, until

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.usb.agents.bodies import WindowChange


def active(application: str) -> Active:
    """What the helper says."""
    return Active(application=application, desktop="x11")


def test_nothing_is_kept_before_the_box_asks(tmp_path: Path) -> None:
    """What was active before the exam is where it starts from; after it nothing is told."""
    told: list[WindowChange] = []
    clock = ManualClock()
    watch = WindowWatch(told.append, clock)
    watch.take(active("Mail"))
    watch.take(active("Bank"))
    watch.want(wanted=True)
    watch.take(active("Bank"))
    assert told == []
    watch.take(active("Exam"))
    assert [(one.former, one.application) for one in told] == [("Bank", "Exam")]
    watch.take(active("Files"))
    clock.advance(10)
    watch.tick()
    assert [one.application for one in told] == ["Exam", "Files"]
    watch.want(wanted=False)
    clock.advance(60)
    watch.take(active("Bank"))
    watch.tick()
    assert len(told) == 2
    assert watch.desktop == "x11"
    clock.advance(15)
    assert watch.desktop == ""


def test_the_helpers_socket_takes_what_has_its_form(tmp_path: Path) -> None:
    """Datagrams of the session come through; nonsense does not, and an agent that is not there costs nothing."""
    clock, stop, taken = ManualClock(), threading.Event(), list[Active]()
    path = tmp_path / "window.sock"
    sender = Sender(path, clock)
    sender.take(active("Exam"))
    receiver = Receiver(path)
    thread = threading.Thread(target=receiver.run, args=(taken.append, stop))
    thread.start()
    sender.take(active("Exam"))
    sender.take(active("Exam"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.sendto(b"nonsense", str(path))
        other.sendto(b'{"application":1}', str(path))
    sender.take(active("Files"))
    clock.advance(5)
    sender.take(active("Files"))
    until(lambda: len(taken) == 3)
    assert [one.application for one in taken] == ["Exam", "Files", "Files"]
    stop.set()
    thread.join(20)
    receiver.close()
    assert not path.exists()


def test_a_desktop_is_known_by_its_environment() -> None:
    """Sway before X11, which it offers too; nothing where there is neither."""
    assert desktop_of({"DISPLAY": ":0", "SWAYSOCK": "/run/s"}) == "sway"
    assert desktop_of({"DISPLAY": ":0"}) == "x11"
    assert desktop_of({"WAYLAND_DISPLAY": "wayland-0"}) is None


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="xvfb is not installed")
def test_another_window_in_the_exam_is_a_warning_of_the_candidate(tmp_path: Path) -> None:
    """The session's helper sees a real X server, the agent tells the box, the room is warned with the application."""
    (tmp_path / "pc").mkdir()
    pc = Workstation(tmp_path / "pc")
    with a_box(tmp_path / "box") as box, x_desktop() as desktop:
        room = box.exam_now("7", seats=("seat 7",))
        assert pc.enrols(box.address, box.code("seat 7")).returncode == 0
        desktop.activate("Exam", "my answers")
        helper = [sys.executable, "-m", "appliance.cli", "seat-agent", "window", "--state", str(tmp_path / "pc/agent")]
        session = subprocess.Popen(helper, cwd=ROOT, env={**pc.environment(), "DISPLAY": desktop.name})
        try:
            pc.starts()
            until(lambda: pc.status().get("windows_wanted") and pc.status()["windows"] == "x11", "windows are watched")
            desktop.activate("Files", "my secrets")
            (warning,) = until(lambda: box.warnings("change_active_window_on_computer"), "the warning")
        finally:
            pc.close()
            session.kill()
            session.wait(20)
        assert warning.warning.session
        assert (warning.subject["former"], warning.subject["name"]) == ("Exam", "Files")
        kept = box.db.conn.execute("SELECT group_concat(body) FROM seat_event").fetchone()[0]
        assert "secret" not in kept
        assert "answers" not in kept
        assert room.clock.wall_us() <= warning.warning.start_us + SECOND_US
