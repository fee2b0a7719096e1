"""DUTY centre: reports to the central service, tells it what happened, takes over what it changed; forever.

What fails is waited out with jitter, at most a minute, and said where people look (`outbox.targets`). Nothing leaves
the box before the witness of its numbers is on the disk.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.auditlog import append
from appliance.centre import heads, pushing
from appliance.centre.context import Taking
from appliance.centre.enrolling import hub_caller
from appliance.centre.epoch_keeping import EpochKeeper
from appliance.centre.hub_caller import HubCaller, HubCallError, HubRefusedError
from appliance.centre.keys import load_centre_keys
from appliance.centre.machine import machine_of
from appliance.centre.measuring import CentreState, ClockMeter, read_state, state_path, write_state
from appliance.centre.offering_again import Acknowledged
from appliance.centre.reporting import report_of
from appliance.centre.running import running_sittings
from appliance.centre.store import Centre, centre_of, note_answer
from appliance.centre.taking_over import reconsider, take_changes
from appliance.centre.telling import tell_clock_step
from appliance.clock import SECOND_US, clock_is_trusted
from appliance.database import write
from appliance.exchange.centre.epochs import HubWord
from appliance.exchange.centre.messages import (
    MAX_CHANGES,
    PullAnswer,
    PullRequest,
    PushAnswer,
    PushRequest,
    ReportAnswer,
)
from appliance.exchange.centre.routes import PULL, PUSH, REPORT
from appliance.integrations.exchange_key import exchange_key
from appliance.outbox.epochs import remember_box
from appliance.outbox.reasons import reason
from appliance.outbox.rows import CENTRE
from appliance.outbox.targets import target_state
from appliance.vault.keys import load_box_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.centre.pushing import Batch
    from appliance.clock import Clock
    from appliance.config import Settings

REPORT_S: Final = 5
ROUND_US: Final = 20 * SECOND_US
"""A round ends after this, so that the process sees that nothing hangs; the next one follows at once."""
HELD_US: Final = 30 * SECOND_US
"""So often it is looked again at what cannot be taken over yet."""
_LONGEST_WAIT_US: Final = 1800 * SECOND_US
_PULL: Final = min(200, MAX_CHANGES)
_SPLIT: Final = frozenset({400, 413, 422})
_LOG: Final = log.get(__name__)


@dataclass(frozen=True, slots=True)
class _Link:
    """A centre, and what speaks to it."""

    centre: Centre
    caller: HubCaller
    box: str
    taking: Taking


class CentreDuty:
    """Does all that between box and centre but recordings.

    Args:
        settings: of the box.
        db: the box's database; closed at the end.
        clock: the box's.
        roll: random numbers, 0 to below 1.
        own_trusted: whether the kernel's clock is synchronised.
        machine: of this computer; as `machine_of` says where it is None.
    """

    name = "centre"
    longest_s = 300.0

    def __init__(
        self,
        settings: Settings,
        db: Database,
        clock: Clock,
        *,
        roll: Callable[[], float] = random.random,
        own_trusted: Callable[[], bool] = clock_is_trusted,
        machine: str | None = None,
    ) -> None:
        self._settings = settings
        self._db = db
        self._clock = clock
        self._roll = roll
        self._state_path = state_path(settings)
        self._state = read_state(self._state_path)
        self._meter = ClockMeter(clock, self._state.samples, own_trusted=own_trusted, stepped=self._stepped)
        self._keeper = EpochKeeper(
            db, settings.state_dir, machine=machine_of(settings) if machine is None else machine, clock=clock
        )
        self._keeper.check()
        self._acknowledged = Acknowledged(db, clock)
        self._link: _Link | None = None
        self._report_mono_us = 0
        self._held_mono_us = 0
        self._manifest_mono_us = 0
        self._head_mono_us = 0
        self._head_seq = -1
        self._running: frozenset[str] = frozenset()
        self._pull = True
        self._more = False

    def due_us(self, now_us: int) -> int | None:
        """Return when the next round is due; None where the box belongs to no centre."""
        if self._link is None:
            return None
        if self._more:
            return now_us
        wait_us = self._wait_us(now_us)
        return now_us + (wait_us or max(0, self._report_mono_us - self._clock.mono_us()))

    def run(self) -> None:
        """Do what is due."""
        self._more = False
        link = self._linked()
        if link is None:
            return
        self._meter.look()
        self._look_at_waiting(link)
        self._keeper.note()  # also while there is no network: a stick may be written
        if self._wait_us(self._clock.wall_us()):
            return
        try:
            self._speak(link)
        except HubCallError as problem:
            self._failed(problem)

    def close(self) -> None:
        """End."""
        if self._link is not None:
            self._link.caller.close()
        self._db.conn.close()

    def _linked(self) -> _Link | None:
        """Return what speaks to the centre the box belongs to now; a new enrolment is another link."""
        centre = centre_of(self._db)
        link = self._link
        if centre is not None and link is not None and _same(centre, link.centre):
            return link
        if link is not None:
            link.caller.close()
            self._link = None
        if centre is None:
            return None
        keys = load_centre_keys(self._settings.keys_dir)
        box = remember_box(self._db, load_box_id(self._settings.keys_dir), self._clock).box
        caller = hub_caller(self._settings, centre, box=box, keys=keys, clock=self._clock, meter=self._meter)
        taking = Taking(self._settings, self._clock, box, exchange_key(self._settings), keys)
        self._link = _Link(centre, caller, box, taking)
        self._report_mono_us, self._pull = 0, True
        return self._link

    def _wait_us(self, now_us: int) -> int:
        """Return how long nothing is tried, 0 where it may be."""
        state = target_state(self._db, CENTRE)
        wait_us = state.next_try_us - now_us
        return wait_us if state.silent_since_us is not None and 0 < wait_us <= _LONGEST_WAIT_US else 0

    def _speak(self, link: _Link) -> None:
        end_us = self._clock.mono_us() + ROUND_US
        self._tell_heads(link)
        self._report(link)
        while self._push(link) | self._pull_some(link):
            self._report(link)
            if self._clock.mono_us() >= end_us:
                self._more = True
                return

    def _report(self, link: _Link) -> None:
        if self._clock.mono_us() < self._report_mono_us:
            return
        mark = self._keeper.note()
        report = report_of(
            self._db,
            self._settings,
            hub=link.centre.hub,
            box=link.box,
            mark=mark,
            meter=self._meter,
            at_us=self._clock.wall_us(),
        )
        answer = link.caller.call(REPORT, ReportAnswer, report, epoch=mark.epoch)
        self._report_mono_us = self._clock.mono_us() + answer.next_report_s * SECOND_US
        pushing.note_well(self._db, clock=self._clock)
        now_us = self._clock.wall_us()
        note_answer(self._db, link.centre, now_us=now_us)
        self._pull = self._pull or answer.changed
        self._say(answered_us=now_us, reported_us=now_us, changed=self._pull, wants_media=answer.wants_media)
        self._acknowledged.reported(answer.held)
        decision = self._keeper.check(HubWord(answer.epoch, answer.highest))
        if decision.new:
            self._report_mono_us = 0

    def _push(self, link: _Link) -> bool:
        """Send one batch, if there is something; return whether there may be more."""
        batch = pushing.next_batch(self._db, box=link.box, clock=self._clock)
        if batch is None:
            return False
        self._send(link, batch)
        return True

    def _send(self, link: _Link, batch: Batch) -> None:
        batch = pushing.begun(self._db, batch, clock=self._clock)
        if not batch.rows:
            return
        mark = self._keeper.note()
        at_us, began_us = self._clock.wall_us(), self._clock.mono_us()
        try:
            answer = link.caller.call(PUSH, PushAnswer, PushRequest(items=batch.items), epoch=mark.epoch)
        except HubRefusedError as problem:
            if problem.answer_status not in _SPLIT:
                raise
            self._split(link, batch, problem)
            return
        took_us = self._clock.mono_us() - began_us
        self._acknowledged.pushed(answer.before)  # before these count: they came after what is missing
        try:
            pushed = pushing.settle_push(
                self._db, batch, answer.results, at_us=at_us, took_us=took_us, clock=self._clock
            )
        except ValueError as problem:
            raise HubCallError(f"The central service answers amiss: {problem}.", reason=reason("not_http")) from problem
        done = zip(batch.rows, answer.results, strict=True)
        self._acknowledged.note((row.epoch, row.seq) for row, one in done if one.result in pushing.ARRIVED)
        if pushed.renamed:
            self._keeper.note()
            self._report_mono_us = 0
        if pushed.left == len(batch.rows):
            raise HubCallError("The central service took nothing of a batch.", reason=reason("status", "waits"))

    def _split(self, link: _Link, batch: Batch, problem: HubRefusedError) -> None:
        """Find the item for which a whole batch is refused: it is parked, the others go."""
        if len(batch.rows) == 1:
            pushing.park_one(self._db, batch.rows[0], problem.message, clock=self._clock)
            return
        middle = len(batch.rows) // 2
        for part in (slice(None, middle), slice(middle, None)):
            self._send(link, type(batch)(batch.rows[part], batch.items[part]))

    def _pull_some(self, link: _Link) -> bool:
        """Take one chunk over, if there is something; return whether there is more."""
        if not self._pull:
            return False
        centre = centre_of(self._db)
        if centre is None or not _same(centre, link.centre):
            return False
        mark = self._keeper.note()
        asked = PullRequest(cursor=centre.cursor, limit=_PULL)
        answer = link.caller.call(PULL, PullAnswer, asked, epoch=mark.epoch)
        if answer.changes or answer.cursor != centre.cursor:
            taken = take_changes(self._db, centre, answer.changes, link.taking, cursor=answer.cursor)
            _LOG.info("taken over from the centre", applied=taken.applied, proposed=taken.proposed, held=taken.held)
        if answer.more and answer.cursor == centre.cursor:
            raise HubCallError("The central service tells the same again.", reason=reason("not_http", "cursor"))
        self._pull = answer.more
        if not answer.more:
            self._say(pulled_us=self._clock.wall_us(), changed=False)
        return answer.more

    def _look_at_waiting(self, link: _Link) -> None:
        """Look at what waits again when a sitting began or ended, and now and then."""
        running = running_sittings(self._db)
        if running == self._running and self._clock.mono_us() < self._held_mono_us:
            return
        self._running, self._held_mono_us = running, self._clock.mono_us() + HELD_US
        reconsider(self._db, link.centre, link.taking)

    def _tell_heads(self, link: _Link) -> None:
        now_us = self._clock.mono_us()
        if now_us >= self._manifest_mono_us:
            self._manifest_mono_us = now_us + HELD_US
            while heads.tell_manifests(self._db, link.centre.hub, self._settings.vault_dir, clock=self._clock):
                pass
        if now_us >= self._head_mono_us:
            self._head_mono_us = now_us + heads.HEAD_EVERY_US
            self._head_seq = heads.tell_log_head(self._db, self._head_seq, clock=self._clock)

    def _failed(self, problem: HubCallError) -> None:
        self._say(**({"answered_us": self._clock.wall_us()} if isinstance(problem, HubRefusedError) else {}))
        next_us = pushing.note_trouble(
            self._db, problem.reason, clock=self._clock, roll=self._roll, retry_after_s=problem.retry_after_s
        )
        self._pull = True
        again_in_s = max(0, next_us - self._clock.wall_us()) / SECOND_US
        _LOG.warning("the centre could not be told", why=problem.message, again_in_s=round(again_in_s, 1))

    def _say(self, **news: int | bool | None) -> None:
        old = {name: getattr(self._state, name) for name in CentreState.__struct_fields__}
        self._state = CentreState(**{**old, **news, "boot": self._meter.boot, "samples": self._meter.samples})
        try:
            write_state(self._state_path, self._state)
        except OSError as problem:
            _LOG.warning("what is known of the centre cannot be shown", problem=str(problem))

    def _stepped(self, by_us: int) -> None:
        trusted = self._meter.own_trusted
        with write(self._db):
            append(self._db, "clock.stepped", clock=self._clock, detail={"by_us": by_us, "trusted": trusted})
            tell_clock_step(self._db, by_us, trusted=trusted, clock=self._clock)
        _LOG.warning("the wall clock was set", by_s=by_us / SECOND_US)


def _same(one: Centre, other: Centre) -> bool:
    return (one.hub, one.address, one.enrolled_us) == (other.hub, other.address, other.enrolled_us)
