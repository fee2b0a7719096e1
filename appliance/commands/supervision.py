"""Keeping child processes running: what `exambox run` does in place of systemd on a trial box."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from appliance.capture.ladder import Ladder
from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appliance.clock import Clock

# A child that dies is back within a second; one that keeps dying is tried more rarely, for ever.
RESTART_STEPS = ((3, 0.2), (3, 1.0), (3, 5.0))
RESTART_LAST = 15.0
STEADY_US = 60 * SECOND_US
"""A child that ran this long has recovered: its next death starts at the quick end again."""
STOP_SECONDS = 15.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Program:
    """A child to keep running: its name for people, and what to execute."""

    name: str
    argv: tuple[str, ...]


class Process(Protocol):
    """The part of `subprocess.Popen` that is used here."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit code of an ended process, None while it runs."""
        ...

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        ...

    def kill(self) -> None:
        """End it (SIGKILL)."""
        ...


def start_process(program: Program, environ: Mapping[str, str]) -> Process:
    """Start a child in a session of its own, so that Ctrl-C reaches it only through its parent.

    Where util-linux offers it, the kernel ends the child if this process dies without a word.
    """
    setpriv = shutil.which("setpriv")
    guard = (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()
    return subprocess.Popen(  # noqa: S603  our own interpreter with fixed words
        [*guard, *program.argv], env=dict(environ), stdin=subprocess.DEVNULL, start_new_session=True
    )


class Child:
    """One program, started now and again after each death.

    Args:
        program: what to run.
        clock: times the waits.
        start: starts it; raises OSError where that is not possible.
    """

    def __init__(self, program: Program, clock: Clock, start: Callable[[Program], Process]) -> None:
        self.program = program
        self._clock = clock
        self._start = start
        self._ladder = Ladder(RESTART_STEPS, RESTART_LAST)
        self._process: Process | None = None
        self._started_us = 0
        self._due_us = clock.mono_us()

    @property
    def pid(self) -> int | None:
        """The running process's number, None between death and restart."""
        return self._process.pid if self._process else None

    def tend(self) -> str | None:
        """Start the program if its time has come, notice its death; return a line for people if it died."""
        if self._process is None:
            return self._try_to_start() if self._clock.mono_us() >= self._due_us else None
        code = self._process.poll()
        if code is None:
            return None
        self._process = None
        if self._clock.mono_us() - self._started_us >= STEADY_US:
            self._ladder.reset()
        return self._wait_after(f"{self.program.name} ended ({explain_exit(code)})")

    def _try_to_start(self) -> str | None:
        try:
            self._process = self._start(self.program)
        except OSError as problem:
            return self._wait_after(f"{self.program.name} could not be started ({problem.strerror})")
        self._started_us = self._clock.mono_us()
        return None

    def _wait_after(self, what: str) -> str:
        seconds = self._ladder.next()
        self._due_us = self._clock.mono_us() + round(seconds * SECOND_US)
        return f"{what}; starting it again in {seconds:g} s."

    def terminate(self) -> None:
        """Ask the program to end; nothing happens where it has ended."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def ended(self, *, kill: bool = False) -> bool:
        """Return whether the program has ended; with ``kill`` make sure that it will."""
        if self._process is None or self._process.poll() is not None:
            self._process = None
            return True
        if kill:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        return False


def explain_exit(code: int) -> str:
    """Return an exit code in words: ``exit code 2`` or ``SIGKILL``."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


class Supervisor:
    """Keeps several programs running until it is told to stop.

    Args:
        programs: started in this order, each on its own.
        clock: times restarts and the end.
        start: starts one program.
        tell: gets each line for people.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        clock: Clock,
        start: Callable[[Program], Process],
        tell: Callable[[str], None],
    ) -> None:
        self.children = [Child(program, clock, start) for program in programs]
        self._clock = clock
        self._tell = tell
        self._stopping = False

    def request_stop(self) -> None:
        """Let `run` end; safe in a signal handler."""
        self._stopping = True

    def run(self, on_tick: Callable[[], None]) -> None:
        """Tend the children until `request_stop`; then end them all, whatever happened.

        ``on_tick`` is called after each round, about ten times a second.
        """
        try:
            while not self._stopping:
                for child in self.children:
                    news = child.tend()
                    if news:
                        self._tell(news)
                on_tick()
                self._clock.sleep(POLL_SECONDS)
        finally:
            self._end_all()

    def _end_all(self) -> None:
        for child in self.children:
            child.terminate()
        patience_us = self._clock.mono_us() + round(STOP_SECONDS * SECOND_US)
        left = self.children
        while left:
            impatient = self._clock.mono_us() >= patience_us
            left = [child for child in left if not child.ended(kill=impatient)]
            if left:
                self._clock.sleep(POLL_SECONDS)


def child_environment(environ: Mapping[str, str] = os.environ, **settings: str) -> dict[str, str]:
    """Return the environment for children: this one's, our settings, and nothing meant for us by systemd."""
    ours = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"}
    return {name: value for name, value in environ.items() if name not in ours} | settings
