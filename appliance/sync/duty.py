"""What the sync process does, as duties: each in a thread of its own, so that one that waits holds no other up."""

from __future__ import annotations

import contextvars
import sqlite3
import threading
from typing import TYPE_CHECKING, Final, Protocol

from appliance import log
from appliance.clock import SECOND_US
from appliance.errors import ApplianceError
from appliance.exchange.delivery import wait_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.clock import Clock

LONGEST_REST_S: Final = 5.0
"""A duty that nothing is due for looks again after this, so that a clock that was set costs no more."""
LONGEST_TROUBLE_S: Final = 30.0
STOP_S: Final = 8.0


class Duty(Protocol):
    """Something the process does now and again.

    Attributes:
        name: for the journal and the health check.
        longest_s: a round that takes longer is hung; the service manager then starts the process anew.
    """

    name: str
    longest_s: float

    def due_us(self, now_us: int) -> int | None:
        """Return when the next round is due by the wall clock; None: not before something changes."""
        ...

    def run(self) -> None:
        """Do one round. It is also called when the database changed, so an early one has to cost little.

        Raises:
            ApplianceError, OSError, sqlite3.Error: it could not be done now; it is tried again.
        """
        ...

    def close(self) -> None:
        """End; called once, from the duty's own thread."""
        ...


class DutyThread:
    """Runs one duty until it is stopped; trouble is told to the journal and waited out.

    Args:
        make: makes the duty, with a `wake` that makes it run again at once, safe from any thread. It is called in
            the duty's own thread, and again after trouble while making it.
        name: the duty's.
        clock: due times, and how long a round takes.
    """

    def __init__(self, name: str, make: Callable[[Callable[[], None]], Duty], clock: Clock) -> None:
        self.name = name
        self._make = make
        self._clock = clock
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._began_us: int | None = None
        self._longest_us = 0
        self._troubles = 0
        self._log = log.get(__name__)
        # With the context of who makes it, so that its lines in the journal name the process.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Let the duty run again at once; safe from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """End after the round in hand; returns once it has, or after some seconds."""
        self.request_stop()
        self._thread.join(STOP_S)

    def request_stop(self) -> None:
        """Let it end after the round in hand."""
        self._stopping.set()
        self._wake.set()

    @property
    def is_well(self) -> bool:
        """Whether it neither died nor hangs."""
        began = self._began_us
        hung = began is not None and self._clock.mono_us() - began > self._longest_us
        return self._thread.is_alive() and not hung

    @property
    def is_in_trouble(self) -> bool:
        """Whether its last round failed."""
        return self._troubles > 0

    def _run(self) -> None:
        duty: Duty | None = None
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                if duty is None:
                    duty = self._make(self.wake)
                    self._longest_us = round(duty.longest_s * SECOND_US)
                self._began_us = self._clock.mono_us()
                duty.run()
                self._troubles = 0
                self._began_us = None
                self._wake.wait(self._rest_s(duty))
            except Exception as problem:  # noqa: BLE001  a duty ends here: a fault in one must not end the others
                self._began_us = None
                self._wait_out(problem)
        if duty is not None:
            self._close(duty)

    def _close(self, duty: Duty) -> None:
        try:
            duty.close()
        except (ApplianceError, OSError, sqlite3.Error) as problem:
            self._log.error("a duty did not end in order", duty=self.name, problem=str(problem))

    def _rest_s(self, duty: Duty) -> float:
        now_us = self._clock.wall_us()
        due_us = duty.due_us(now_us)
        return LONGEST_REST_S if due_us is None else min(LONGEST_REST_S, max(0.0, (due_us - now_us) / SECOND_US))

    def _wait_out(self, problem: Exception) -> None:
        self._troubles += 1
        seconds = min(LONGEST_TROUBLE_S, wait_s(self._troubles, 0.0))
        expected = isinstance(problem, (ApplianceError, OSError, sqlite3.Error))
        self._log.error(
            "a duty could not be done",
            duty=self.name,
            problem=str(problem) if expected else repr(problem),
            again_in_s=seconds,
            exc_info=None if expected else problem,
        )
        self._stopping.wait(seconds)
