"""Reports to the box: every few seconds, at once when something happened, and all that was kept once it answers."""

from __future__ import annotations

import random
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from appliance import log
from appliance.clock import SECOND_US, boot_id
from appliance.errors import ApplianceError, BadInputError
from appliance.exchange.seat.messages import ReportAnswer, ReportRequest, State, Watched
from appliance.exchange.seat.routes import REPORT
from appliance.seat_agent.box_caller import BoxCallError, BoxRefusedError
from appliance.seat_agent.enrolling import machine_id
from appliance.usb.agents.bodies import AgentWord, write_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.clock import Clock
    from appliance.seat_agent.box_caller import BoxCaller
    from appliance.seat_agent.home import Enrolment
    from appliance.seat_agent.policy import PolicyKeeper
    from appliance.seat_agent.spool import Spool

REFUSED_S: Final = 60.0
"""Asked again this rarely where the box refuses the agent itself: a person has to act."""
LONGEST_WAIT_S: Final = 15.0
_FOR_PEOPLE: Final = frozenset({"revoked", "expired", "copied", "unknown", "signature"})
_LOG = log.get(__name__)


class Reporter:
    """One for the process. `round` is for one thread; the rest is safe from any.

    Args:
        caller: to the box.
        enrolment: whose agent it is.
        spool: what is to be told.
        policy: takes newer policies.
        state: says how the agent is.
        clock: dates and times.
    """

    def __init__(
        self,
        caller: BoxCaller,
        enrolment: Enrolment,
        spool: Spool,
        policy: PolicyKeeper,
        *,
        state: Callable[[], State],
        clock: Clock,
        root: Path = Path("/"),
    ) -> None:
        self._caller, self._enrolment, self._spool, self._policy = caller, enrolment, spool, policy
        self._state, self._clock = state, clock
        self._run = f"{clock.wall_us() // SECOND_US}-{secrets.token_hex(8)}"
        self._boot = boot_id()
        self._machine = machine_id(root)
        self._wake = threading.Event()
        self._heard_mono_us = clock.mono_us()
        self._failures = 0
        self._refused_version = 0
        self.watched = Watched()
        self.seat = enrolment.seat
        self.problem = ""
        self.hint = ""
        self.answered_us: int | None = None

    @property
    def without_box_us(self) -> int:
        """How long the box was not heard of; counted from the start of the process where it never was."""
        return self._clock.mono_us() - self._heard_mono_us

    def wake(self) -> None:
        """Let the next report go at once."""
        self._wake.set()

    def wait(self, seconds: float) -> bool:
        """Rest for some seconds; return at once, and True, where the next report is to go."""
        woken = self._wake.wait(seconds)
        self._wake.clear()
        return woken

    def round(self) -> float:
        """Report once; return in how many seconds the next report is due, 0 where more waits.

        Raises:
            sqlite3.Error: the spool cannot be read.
        """
        items = self._spool.oldest()
        report = ReportRequest(
            epoch=self._spool.epoch, run=self._run, boot=self._boot, mono_us=self._clock.mono_us(),
            at_us=max(0, self._clock.wall_us()), policy_version=self._policy.version, machine=self._machine,
            state=msgspec.structs.replace(self._state(), waiting=self._spool.waiting()), items=tuple(items),
        )  # fmt: skip
        one = self._enrolment
        try:
            answer = self._caller.call(
                REPORT, report, ReportAnswer, sender=one.agent, audience=one.box, epoch=self._spool.epoch
            )
        except BoxCallError as problem:
            return self._failed(problem)
        self._take(answer)
        return 0.0 if items and self._spool.waiting() else float(answer.watched.report_seconds)

    def _take(self, answer: ReportAnswer) -> None:
        self._spool.forget(answer.acknowledged)
        self._caller.learn_time(answer.at_us)
        self._heard_mono_us = self._clock.mono_us()
        if self._failures:
            _LOG.info("the box answers again")
        self._failures, self.problem, self.hint = 0, "", ""
        self.watched, self.seat, self.answered_us = answer.watched, answer.seat, answer.at_us
        if answer.policy is not None:
            try:
                self._policy.take(answer.policy)
                _LOG.info("a new policy", version=self._policy.version)
            except BadInputError as problem:
                self._refused(answer.policy.version, problem)

    def _refused(self, version: int, problem: ApplianceError) -> None:
        """Tell once of each policy that is not taken."""
        if version != self._refused_version:
            self._refused_version = version
            _LOG.error("a policy was refused", version=version, reason=problem.message)
            word = AgentWord(what="policy_refused", detail=problem.message[:300], count=max(0, version))
            self._spool.add("agent", write_body(word))

    def _failed(self, problem: BoxCallError) -> float:
        if problem.message != self.problem:
            _LOG.warning("the box was not reached", reason=problem.message, hint=problem.hint)
        self._failures += 1
        self.problem, self.hint = problem.message, problem.hint
        if isinstance(problem, BoxRefusedError):
            if problem.reason in _FOR_PEOPLE:
                return REFUSED_S
            if problem.wait_s:
                return min(REFUSED_S, problem.wait_s)
        return min(LONGEST_WAIT_S, 2.0 + self._failures) * random.uniform(0.8, 1.2)  # noqa: S311  spreads, hides nothing
