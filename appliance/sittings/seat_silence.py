"""A seat agent that does not report any more while somebody sits at its seat: a warning of the seat, for the room.

Its kind is *timeout*, "no signal for some time": that is what is known, and all that is. It is never one of a session,
so no LMS is told: there the same word means that the candidate's connection was gone, which nobody has seen. It ends,
by itself, when the agent reports again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.auditlog import append
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.exams.records import Warning as Flag
from appliance.sittings.seat_times import is_seat_in_use, sitting_of_seat
from appliance.sittings.warning_rows import get_warning
from appliance.sittings.warnings import note_warning
from appliance.usb.agents.store import list_agents

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.usb.agents.store import SeatAgent

PROLONG_US: Final = 10 * SECOND_US
"""While the silence lasts, the warning's end is moved on this often."""


@dataclass(slots=True)
class _Heard:
    """What was last read of when an agent was heard, and when that was first seen, on the monotonic clock."""

    heard_us: int | None
    seen_us: int


class SilenceWatch:
    """Looks at the agents again and again; one for the process that does.

    How long an agent is silent is counted from when this process saw it heard, on the monotonic clock: neither a start
    of the box nor a clock that was set makes a room full of warnings.

    Args:
        silent_us: so long without a report is silence.
        clock: the box's.
    """

    def __init__(self, silent_us: int, clock: Clock) -> None:
        self._silent_us = silent_us
        self._clock = clock
        self._heard: dict[str, _Heard] = {}

    def look(self, db: Database) -> int:
        """Begin, prolong and end silences; return how many agents are silent where somebody sits."""
        silent = 0
        agents = list_agents(db)
        self._heard = {one.id: self._seen(one) for one in agents}
        for agent in agents:
            quiet_us = self._clock.mono_us() - self._heard[agent.id].seen_us
            if quiet_us < self._silent_us:
                if agent.silent_since_us is not None:
                    self._end(db, agent)
                continue
            silent += self._is_silent(db, agent, quiet_us)
        return silent

    def _seen(self, agent: SeatAgent) -> _Heard:
        known = self._heard.get(agent.id)
        if known is not None and known.heard_us == agent.heard_us:
            return known
        return _Heard(agent.heard_us, self._clock.mono_us())

    def _is_silent(self, db: Database, agent: SeatAgent, quiet_us: int) -> bool:
        now = self._clock.wall_us()
        sitting = sitting_of_seat(db, agent.seat, at_us=now)
        if not sitting or not is_seat_in_use(db, sitting, agent.seat):
            if agent.silent_since_us is not None:
                self._end(db, agent)
            return False
        if agent.silent_since_us is None:
            self._begin(db, agent, sitting, since_us=now - quiet_us)
        elif agent.silent_warning is not None:
            self._prolong(db, agent.silent_warning, now)
        return True

    def _begin(self, db: Database, agent: SeatAgent, sitting: str, *, since_us: int) -> None:
        subject = {"what": "silent-agent", "name": agent.name, "seat": agent.seat, "agent": agent.id}
        flag = Flag(
            id=f"{agent.id}:silent:{since_us}", session="", kind="timeout", start_us=since_us,
            end_us=self._clock.wall_us(), model="seat-agent",
        )  # fmt: skip
        with write(db):
            made = note_warning(db, flag, clock=self._clock, sitting=sitting, seat=agent.seat, subject=subject)
            db.conn.execute(
                "UPDATE seat_agent SET silent_since_us = ?, silent_warning = ? WHERE id = ?",
                (since_us, made.number, agent.id),
            )
            detail = {"agent": agent.id, "seat": agent.seat, "sitting": sitting, "since_us": since_us}
            append(db, "seat.agent_silent", clock=self._clock, who="seat-agent", detail=detail)

    def _prolong(self, db: Database, number: int, end_us: int) -> None:
        kept = get_warning(db, number)
        if end_us - kept.warning.end_us >= PROLONG_US:
            db_flag = Flag(
                id=kept.warning.id, session="", kind="timeout", start_us=kept.warning.start_us, end_us=end_us
            )
            note_warning(db, db_flag, clock=self._clock)

    def _end(self, db: Database, agent: SeatAgent) -> None:
        with write(db):
            db.conn.execute("UPDATE seat_agent SET silent_since_us = NULL, silent_warning = NULL WHERE id = ?",
                            (agent.id,))  # fmt: skip
            if agent.silent_warning is not None and agent.heard_us is not None:
                self._prolong(db, agent.silent_warning, agent.heard_us)
            detail = {"agent": agent.id, "seat": agent.seat, "since_us": agent.silent_since_us}
            append(db, "seat.agent_back", clock=self._clock, who="seat-agent", detail=detail)
