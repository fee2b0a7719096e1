"""Children of `exambox run`: restarted when they die, ended with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import ManualClock, SystemClock
from appliance.commands import supervision
from appliance.commands.supervision import Child, Program, Supervisor

PROGRAM = Program("capture", ("capture",))


class FakeProcess:
    """A process that does what the test says."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.pid = 1
        self.code: int | None = None
        self.deaf = deaf
        self.asked = 0

    def poll(self) -> int | None:
        """Return the code the test set."""
        return self.code

    def terminate(self) -> None:
        """End unless deaf."""
        self.asked += 1
        if not self.deaf:
            self.code = -signal.SIGTERM

    def kill(self) -> None:
        """End."""
        self.code = -signal.SIGKILL


class Starter:
    """Starts fake processes and keeps them."""

    def __init__(self) -> None:
        self.started: list[FakeProcess] = []
        self.deaf = False

    def __call__(self, program: Program) -> FakeProcess:
        """Start one."""
        self.started.append(FakeProcess(deaf=self.deaf))
        return self.started[-1]


def test_a_child_that_dies_is_back_within_a_second() -> None:
    """A death is told at once, with its cause, and the program runs again at most a second later."""
    clock, starter = ManualClock(), Starter()
    child = Child(PROGRAM, clock, starter)
    assert child.tend() is None
    assert len(starter.started) == 1
    starter.started[0].code = -signal.SIGKILL
    news = child.tend()
    assert news is not None
    assert "capture ended (SIGKILL)" in news
    assert child.pid is None
    clock.advance(1.0)
    child.tend()
    assert len(starter.started) == 2
    assert child.pid == 1


@given(lives=st.lists(st.integers(min_value=0, max_value=200), min_size=1, max_size=60))
def test_a_child_is_always_started_again(lives: list[int]) -> None:
    """However often and however soon it dies, it is started again, after 15 s at the latest."""
    clock, starter = ManualClock(), Starter()
    child = Child(PROGRAM, clock, starter)
    child.tend()
    for number, seconds in enumerate(lives, 1):
        assert len(starter.started) == number
        clock.advance(seconds)
        starter.started[-1].code = 1
        assert child.tend() is not None
        clock.advance(supervision.RESTART_LAST)
        child.tend()
    assert len(starter.started) == len(lives) + 1


def test_waits_grow_and_a_steady_run_forgives() -> None:
    """A child that keeps dying is tried more rarely; after a steady minute it is restarted at once again."""
    clock, starter = ManualClock(), Starter()
    child = Child(PROGRAM, clock, starter)
    waits = []
    for _ in range(12):
        child.tend()
        starter.started[-1].code = 1
        news = child.tend() or ""
        waits.append(float(news.split(" in ")[1].split(" s.")[0]))
        clock.advance(waits[-1])
    assert waits == sorted(waits)
    assert waits[0] <= 1.0
    assert waits[-1] == supervision.RESTART_LAST
    child.tend()
    clock.advance(61)
    starter.started[-1].code = 0
    assert "in 0.2 s" in (child.tend() or "")


def test_a_program_that_cannot_be_started_is_tried_again() -> None:
    """A missing program is told in plain words and tried again, as a death is."""
    clock = ManualClock()

    def start(program: Program) -> FakeProcess:
        raise FileNotFoundError(2, "No such file or directory")

    child = Child(PROGRAM, clock, start)
    assert "could not be started (No such file or directory)" in (child.tend() or "")
    assert child.tend() is None
    clock.advance(1)
    assert "could not be started" in (child.tend() or "")


def test_the_end_reaches_every_child_even_a_deaf_one() -> None:
    """At the end all children are asked to stop, and one that does not listen is killed after the patience."""
    clock, starter = ManualClock(), Starter()
    starter.deaf = True
    supervisor = Supervisor([PROGRAM, Program("web", ("web",))], clock=clock, start=starter, tell=lambda _line: None)
    before = clock.mono_us()
    supervisor.run(supervisor.request_stop)
    assert [process.code for process in starter.started] == [-signal.SIGKILL, -signal.SIGKILL]
    assert all(process.asked == 1 for process in starter.started)
    assert (clock.mono_us() - before) / 1e6 < supervision.STOP_SECONDS + 1


def test_children_are_ended_when_the_parent_fails() -> None:
    """An error in the parent leaves no child behind."""
    starter = Starter()
    supervisor = Supervisor([PROGRAM], clock=ManualClock(), start=starter, tell=lambda _line: None)

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        supervisor.run(fail)
    assert starter.started[0].code is not None


def test_a_real_process_is_restarted_and_ended() -> None:
    """With real processes: one that is killed comes back under a new number, and none is left at the end."""
    script = "import time\nwhile True: time.sleep(0.05)"
    program = Program("sleeper", (sys.executable, "-c", script))
    seen: list[int] = []
    told: list[str] = []
    environ = supervision.child_environment()
    supervisor = Supervisor(
        [program],
        clock=SystemClock(),
        start=lambda wanted: supervision.start_process(wanted, environ),
        tell=told.append,
    )
    deadline = time.monotonic() + 20

    def tick() -> None:
        pid = supervisor.children[0].pid
        if pid and pid not in seen:
            seen.append(pid)
            if len(seen) == 1:
                os.kill(pid, signal.SIGKILL)
        if len(seen) == 2 or time.monotonic() > deadline:
            supervisor.request_stop()

    supervisor.run(tick)
    assert len(seen) == 2
    assert "SIGKILL" in told[0]
    assert all(not _alive(pid) for pid in seen)


def test_children_end_with_a_parent_that_was_killed() -> None:
    """Even a parent that dies by SIGKILL leaves no child running."""
    code = (
        "import time\nfrom appliance.commands import supervision as s\n"
        "p = s.start_process(s.Program('x', ('sleep', '600')), s.child_environment())\n"
        "print(p.pid, flush=True)\ntime.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        for _ in range(200):  # setpriv has to be through before its parent goes
            if b"sleep" in _command(pid):
                break
            time.sleep(0.02)
        parent.kill()
        parent.wait()
    for _ in range(200):
        if not _alive(pid):
            break
        time.sleep(0.02)
    assert not _alive(pid)


def test_children_do_not_speak_for_us_to_systemd() -> None:
    """What systemd gave this process alone is not handed on; settings are."""
    environ = supervision.child_environment({"NOTIFY_SOCKET": "/x", "HOME": "/h"}, EXAMBOX_WEB__PORT="1")
    assert environ == {"HOME": "/h", "EXAMBOX_WEB__PORT": "1"}


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return b""


def _alive(pid: int) -> bool:
    """Return whether the process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
