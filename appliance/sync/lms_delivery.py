"""The duty that delivers to LMSs: one at a time of each session, many sessions side by side, forever.

A round takes in the answers that came, settles them in one transaction, and sends what may go next; it never waits
for the network. An answer counts once it is committed: a process that dies before sends that delivery again, under
the same key.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from appliance import log
from appliance.centre.epoch_keeping import EpochKeeper
from appliance.certificates.own_address import own_address
from appliance.clock import SECOND_US
from appliance.database import ChangeWatch, write
from appliance.exchange.delivery import Outcome, due, is_refusal
from appliance.outbox.begun import note_begun
from appliance.outbox.epochs import remember_box
from appliance.outbox.heads import head, heads, is_due, open_targets
from appliance.outbox.rows import LMS_PREFIX
from appliance.outbox.settling import postpone, settle
from appliance.outbox.targets import SILENT_AFTER_STREAMS, hold, target_state
from appliance.sync.answers import names_of, tried
from appliance.sync.lms_requests import Held, access_to, call_for
from appliance.vault.keys import load_box_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.integrations.exchange_key import ExchangeKey
    from appliance.outbox.calling import Answer, Call
    from appliance.outbox.rows import Delivery
    from appliance.outbox.settling import Tried
    from appliance.sync.lms_requests import LmsAccess

POSTPONED_US: Final = 60 * SECOND_US
"""What cannot be sent as the box is set up is looked at again after this."""
LOOK_US: Final = 250_000
"""The whole of what waits is looked through at most so often; a stream that goes on is followed without it."""
_STOP_S: Final = 5.0


class Calls(Protocol):
    """What sends; `appliance.outbox.calling.Caller`."""

    def call(self, call: Call) -> Future[Answer]:
        """Begin a call; the future always gets an answer."""
        ...

    def close(self) -> None:
        """End."""
        ...


@dataclass(frozen=True, slots=True)
class _OnItsWay:
    delivery: Delivery
    secret: str
    answer: Future[Answer]


class LmsDelivery:
    """Delivers what the outbox holds for LMSs.

    Args:
        settings: how many at once, and where the keys are.
        db: a connection of its own.
        clock: when something is due.
        calls: what sends.
        keys: opens the integrations' secrets.
        wake: called when an answer came, from any thread.
        roll: random numbers, 0 to below 1.
    """

    name = "deliveries"
    longest_s = 60.0

    def __init__(
        self,
        settings: Settings,
        db: Database,
        clock: Clock,
        *,
        calls: Calls,
        keys: ExchangeKey,
        wake: Callable[[], None],
        roll: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._db = db
        self._clock = clock
        self._calls = calls
        self._keys = keys
        self._wake = wake
        self._roll = roll
        self._numbers = EpochKeeper(db, settings.state_dir, machine="", clock=clock)
        self._watch = ChangeWatch(db)
        self._log = log.get(__name__)
        self._box = ""
        self._on_their_way: dict[tuple[str, str], _OnItsWay] = {}
        self._ready: dict[str, deque[str]] = {}
        """Streams that may have something to send, by target; looked at again before anything is sent."""
        self._failing: dict[str, set[str]] = {}
        """Streams that failed since the target's last success."""
        self._unsendable: dict[str, list[int]] = {}
        self._next_us: int | None = None
        self._looked_us = 0
        self._changed = True

    @property
    def on_their_way(self) -> int:
        """How many deliveries are on their way."""
        return len(self._on_their_way)

    def due_us(self, now_us: int) -> int | None:
        """Return when something waits to be tried again, or is to be looked for after a change."""
        soonest_us = min(self._looked_us + LOOK_US, now_us + LOOK_US)
        if self._changed:
            return soonest_us
        return None if self._next_us is None else max(self._next_us, soonest_us)

    def run(self) -> None:
        """Settle what was answered, and send what may go."""
        if not self._box:
            self._box = remember_box(self._db, load_box_id(self._settings.keys_dir), self._clock).box
        self._settle()
        self._look()
        self._send()

    def close(self) -> None:
        """Wait some seconds for what is on its way, settle it, and end; what is not answered is sent again later."""
        end_us = self._clock.mono_us() + round(_STOP_S * SECOND_US)
        while self._on_their_way and self._clock.mono_us() < end_us:
            self._settle()
            self._clock.sleep(0.02)
        self._calls.close()
        self._db.conn.close()

    def _settle(self) -> None:
        """Commit what was answered; a stream is busy until then, so nothing of it is sent twice or too early."""
        done = [one for one in self._on_their_way.values() if one.answer.done()]
        if not done:
            return
        attempts = [self._tried(one) for one in done]
        self._count_failing(done, attempts)
        silent = [target for target, streams in self._failing.items() if len(streams) >= SILENT_AFTER_STREAMS]
        outcomes = settle(self._db, attempts, silent=silent, clock=self._clock, roll=self._roll)
        for delivery, outcome in outcomes:
            del self._on_their_way[delivery.target, delivery.stream]
            if outcome is Outcome.DELIVERED:
                self._ready.setdefault(delivery.target, deque()).append(delivery.stream)
            else:
                self._changed = True
        for one, (_, outcome) in zip(attempts, outcomes, strict=True):
            if outcome is not Outcome.DELIVERED:
                self._log.warning("not delivered", delivery=one.delivery, outcome=outcome.value, why=one.reason)

    def _tried(self, one: _OnItsWay) -> Tried:
        answer = one.answer.result()
        names = names_of(self._db, one.delivery.stream) if answer.text else ()
        return tried(one.delivery.id, answer, secrets=(one.secret,), names=names)

    def _count_failing(self, done: list[_OnItsWay], attempts: list[Tried]) -> None:
        for one, attempt in zip(done, attempts, strict=True):
            target = one.delivery.target
            taken = attempt.status is not None and 200 <= attempt.status < 300  # noqa: PLR2004  HTTP's successes
            if taken or is_refusal(attempt.status):
                if self._failing.pop(target, None) is not None:
                    self._changed = True  # what waited for it may go
            else:
                self._failing.setdefault(target, set()).add(one.delivery.stream)

    def _look(self) -> None:
        """Look through what waits, if something changed or something has become due."""
        now_us = self._clock.wall_us()
        self._changed = self._watch.changed() or self._changed
        since_us = now_us - self._looked_us
        is_time = self._next_us is not None and self._next_us <= now_us
        if not (self._changed or is_time) or 0 <= since_us < LOOK_US:
            return
        self._changed, self._looked_us, self._next_us = False, now_us, None
        self._ready = {}
        for target in open_targets(self._db):
            if target.startswith(LMS_PREFIX):
                self._look_at(target, now_us)

    def _look_at(self, target: str, now_us: int) -> None:
        waiting = heads(self._db, target, now_us=now_us)
        busy = frozenset(stream for name, stream in self._on_their_way if name == target)
        self._ready[target] = deque(one.session for one in due(waiting, now_us=now_us, busy=busy))
        later = [one.next_try_us for one in waiting if not one.parked and one.next_try_us > now_us]
        if later:
            self._due_by(min(later))

    def _due_by(self, at_us: int) -> None:
        self._next_us = at_us if self._next_us is None else min(self._next_us, at_us)

    def _send(self) -> None:
        """Send what may go, one of each target in turn, so that a long backlog of one holds no other up."""
        access: dict[str, LmsAccess | Held] = {}
        more = [target for target, streams in self._ready.items() if streams]
        if more:
            self._numbers.note()  # before any of them leaves the box
        while more and self.on_their_way < self._settings.sync.at_once:
            more = [target for target in more if self._send_one(target, access)]
        self._postpone()

    def _send_one(self, target: str, access: dict[str, LmsAccess | Held]) -> bool:
        """Send the next of a target; return whether more may go."""
        if self.on_their_way >= self._settings.sync.at_once or not self._may_send(target):
            return False
        if target not in access:
            access[target] = self._access(target)
        can = access[target]
        if isinstance(can, Held):
            self._due_by(self._clock.wall_us() + POSTPONED_US)
            return False
        streams = self._ready[target]
        while streams:
            delivery = self._next_of(target, streams.popleft())
            if delivery is not None:
                self._begin(delivery, can)
                return bool(streams)
        return False

    def _may_send(self, target: str) -> bool:
        """Whether a target has room for one more: a silent one for one now and again."""
        busy = sum(name == target for name, _ in self._on_their_way)
        state = target_state(self._db, target)
        if state.silent_since_us is None:
            return busy < self._settings.sync.at_once_to_one
        now_us = self._clock.wall_us()
        if now_us < state.next_try_us <= now_us + 1800 * SECOND_US:  # further away: the clock was set back
            self._due_by(state.next_try_us)
            return False
        self._failing.setdefault(target, set())  # its next success lets all go, also after a restart
        return busy == 0

    def _access(self, target: str) -> LmsAccess | Held:
        access = access_to(self._db, target, keys=self._keys)
        why = access.reason if isinstance(access, Held) else ""
        if target_state(self._db, target).reason != why:
            with write(self._db):
                hold(self._db, target, why)
        return access

    def _next_of(self, target: str, stream: str) -> Delivery | None:
        if (target, stream) in self._on_their_way:
            return None
        delivery = head(self._db, target, stream)
        return delivery if delivery is not None and is_due(delivery, now_us=self._clock.wall_us()) else None

    def _begin(self, delivery: Delivery, access: LmsAccess) -> None:
        call = call_for(delivery, access, box=self._box, here=own_address(self._settings), clock=self._clock)
        if isinstance(call, Held):
            self._unsendable.setdefault(call.reason, []).append(delivery.id)
            return
        if not note_begun(self._db, [delivery], at_us=self._clock.wall_us()):
            self._changed = True  # what superseded it goes in its place
            return
        answer = self._calls.call(call)
        self._on_their_way[delivery.target, delivery.stream] = _OnItsWay(delivery, access.secret, answer)
        answer.add_done_callback(lambda _: self._wake())

    def _postpone(self) -> None:
        if not self._unsendable:
            return
        until_us = self._clock.wall_us() + POSTPONED_US
        with write(self._db):
            for why, numbers in self._unsendable.items():
                postpone(self._db, numbers, why, until_us=until_us)
        self._unsendable = {}
        self._due_by(until_us)
