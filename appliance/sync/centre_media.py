"""DUTY recordings: sends what the centre asked for of sealed recordings, behind everything else and slower than it.

It goes on where it was cut: each time the hub says what it lacks. Nothing is decrypted.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Final

from appliance import log
from appliance.centre.enrolling import hub_caller
from appliance.centre.hub_caller import HubCaller, HubCallError, HubRefusedError
from appliance.centre.keys import load_centre_keys
from appliance.centre.measuring import ClockMeter, read_state, state_path
from appliance.centre.media import MediaAsked, Place, is_over, media_asked, note_media, offered, places, sealed
from appliance.centre.store import Centre, centre_of
from appliance.clock import SECOND_US
from appliance.errors import IntegrityError, VaultError
from appliance.exchange.centre.messages import MAX_SEGMENTS, MediaAnswer, MediaOffer, Segment, SegmentAnswer
from appliance.exchange.centre.routes import OFFER, SEGMENT
from appliance.exchange.delivery import wait_s
from appliance.outbox.epochs import present_epoch
from appliance.outbox.rows import CENTRE
from appliance.outbox.targets import target_state
from appliance.vault.disk import disk_state, read_space
from appliance.vault.keys import load_box_id

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

LOOK_US: Final = 30 * SECOND_US
ROUND_US: Final = 15 * SECOND_US
LOWER_PRIORITY: Final = 10
_LONGEST_TRIES: Final = 8
_GONE: Final = frozenset({404, 409})
_LOG: Final = log.get(__name__)


class MediaDuty:
    """Sends recordings the centre asked for.

    Args:
        settings: of the box.
        db: the box's database; closed at the end.
        clock: the box's.
    """

    name = "recordings"
    longest_s = 600.0

    def __init__(self, settings: Settings, db: Database, clock: Clock) -> None:
        self._settings = settings
        self._db = db
        self._clock = clock
        self._caller: tuple[int, HubCaller] | None = None
        self._offers: dict[str, dict[tuple[int, int], tuple[Place, Segment]]] = {}
        self._next_mono_us = 0
        self._troubles = 0
        with contextlib.suppress(OSError, AttributeError):  # a hardened service has its weight from systemd instead
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWER_PRIORITY)

    def due_us(self, now_us: int) -> int | None:
        """Return when to look again."""
        return now_us + max(0, self._next_mono_us - self._clock.mono_us())

    def run(self) -> None:
        """Send for some seconds, if something is asked for and nothing else waits for the centre."""
        if self._clock.mono_us() < self._next_mono_us:
            return
        self._next_mono_us = self._clock.mono_us() + LOOK_US
        centre = centre_of(self._db)
        if centre is None or not self._may_send():
            return
        asked = media_asked(self._db, centre.hub, only_open=True, limit=1)
        if not asked:
            self._offers.clear()
            return
        try:
            self._send(self._calling(centre), asked[0])
            self._troubles = 0
        except HubCallError as problem:
            self._failed(asked[0], problem)
        except (VaultError, OSError) as problem:
            note_media(self._db, asked[0].id, now_us=self._clock.wall_us(), reason=str(problem))
            _LOG.warning("a recording cannot be sent now", media=asked[0].id, problem=str(problem))

    def close(self) -> None:
        """End."""
        if self._caller is not None:
            self._caller[1].close()
        self._db.conn.close()

    def _may_send(self) -> bool:
        """Whether what happened has all been told, and the disk is not in need: recording comes first."""
        sql = "SELECT 1 FROM delivery INDEXED BY delivery_open WHERE state IN ('waiting', 'parked') AND target = ?"
        if self._db.conn.execute(f"{sql} AND state = 'waiting' LIMIT 1", (CENTRE,)).fetchone() is not None:
            return False
        if target_state(self._db, CENTRE).silent_since_us is not None:
            return False
        vault = self._settings.vault_dir
        if not vault.exists():
            return True
        space = read_space(vault)
        return disk_state(space.total, space.free, self._settings.vault) != "stop"

    def _calling(self, centre: Centre) -> HubCaller:
        if self._caller is not None and self._caller[0] == centre.enrolled_us:
            return self._caller[1]
        if self._caller is not None:
            self._caller[1].close()
        keys = load_centre_keys(self._settings.keys_dir)
        meter = ClockMeter(self._clock, read_state(state_path(self._settings)).samples)
        box = load_box_id(self._settings.keys_dir)
        caller = hub_caller(self._settings, centre, box=box, keys=keys, clock=self._clock, meter=meter)
        self._caller = (centre.enrolled_us, caller)
        return caller

    def _send(self, caller: HubCaller, asked: MediaAsked) -> None:
        end_us = self._clock.mono_us() + ROUND_US
        known = self._known(asked)
        whole = is_over(asked, now_us=self._clock.wall_us())
        if not known and not whole:
            return
        answer = self._offer(caller, asked, list(known.values()), last=whole)
        while answer.missing and not answer.complete:
            for name in answer.missing:
                if (name.part, name.seq) not in known:
                    raise HubCallError("The central service asks for what was not offered.", reason="not_http: offer")
                self._put(caller, asked, known[name.part, name.seq][0])
                if self._clock.mono_us() >= end_us:
                    self._next_mono_us = 0
                    return
            answer = self._offer(caller, asked, [], last=whole)
        if answer.complete:
            state = "complete" if known else "nothing"
            note_media(self._db, asked.id, now_us=self._clock.wall_us(), state=state)
            self._offers.pop(asked.id, None)
            self._next_mono_us = 0

    def _known(self, asked: MediaAsked) -> dict[tuple[int, int], tuple[Place, Segment]]:
        """Return what the box has of a request, each segment hashed once; new ones of a running recording are added."""
        known = self._offers.setdefault(asked.id, {})
        for place in places(self._settings.vault_dir, asked):
            if (place.part, place.seq) not in known:
                with contextlib.suppress(IntegrityError):  # what is damaged is not offered; its gap is in the manifest
                    known[place.part, place.seq] = (place, offered(place))
        return known

    def _offer(
        self, caller: HubCaller, asked: MediaAsked, what: list[tuple[Place, Segment]], *, last: bool
    ) -> MediaAnswer:
        segments = [segment for _, segment in what]
        chunks = [segments[first : first + MAX_SEGMENTS] for first in range(0, len(segments), MAX_SEGMENTS)] or [[]]
        answer = MediaAnswer()
        for number, chunk in enumerate(chunks, 1):
            offer = MediaOffer(
                request=asked.id,
                sitting=asked.sitting,
                camera=asked.camera,
                segments=tuple(chunk),
                last=last and number == len(chunks),
            )
            answer = caller.call(OFFER, MediaAnswer, offer, epoch=self._epoch())
        return answer

    def _put(self, caller: HubCaller, asked: MediaAsked, place: Place) -> None:
        data = sealed(place)
        began_us = self._clock.mono_us()
        caller.call(SEGMENT, SegmentAnswer, data, epoch=self._epoch(), request=asked.id, part=place.part, seq=place.seq)
        note_media(self._db, asked.id, now_us=self._clock.wall_us(), segments=1, size=len(data))
        self._slow_down(len(data), self._clock.mono_us() - began_us)

    def _slow_down(self, size: int, took_us: int) -> None:
        """Leave the network to others: wait as long as the segment should have taken."""
        rate = self._settings.sync.media_kbit_per_second
        if rate:
            wait_us = size * 8 * 1000 // rate - took_us
            self._clock.sleep(max(0, wait_us) / SECOND_US)

    def _failed(self, asked: MediaAsked, problem: HubCallError) -> None:
        self._troubles = min(self._troubles + 1, _LONGEST_TRIES)
        gone = isinstance(problem, HubRefusedError) and problem.answer_status in _GONE
        state = "withdrawn" if gone else "asked"
        note_media(self._db, asked.id, now_us=self._clock.wall_us(), state=state, reason=problem.message)
        self._next_mono_us = self._clock.mono_us() + round(wait_s(self._troubles, 0.5) * SECOND_US)
        _LOG.warning("a recording could not be sent", media=asked.id, why=problem.message)

    def _epoch(self) -> str:
        return present_epoch(self._db) or "none"
