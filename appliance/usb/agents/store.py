"""The seat agents of a box: listed, looked up for each report, given a seat, revoked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from appliance.auditlog import append
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import ApplianceError, BadInputError, NotFoundError
from appliance.usb.agents.codes import checked_seat

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

GOOD_DAYS: Final = 365
"""An agent's key is taken for so long after it joined; a new code lets it in again."""
MAX_WHY: Final = 500
_DAY_US: Final = 24 * 3600 * SECOND_US
_FIELDS: Final = (
    "id", "name", "seat", "public_key", "enrolled_us", "enrolled_by", "expires_us", "revoked_us", "heard_us",
    "silent_since_us", "silent_warning", "policy_version", "state",
)  # fmt: skip
_SELECT: Final = f"SELECT {', '.join(_FIELDS)} FROM seat_agent"  # noqa: S608  own words


class AgentRefusedError(ApplianceError):
    """An agent may not speak here; ``reason``: ``revoked``, ``expired``, ``copied``."""

    code = "seat.refused"
    status = 403

    def __init__(self, message: str, *, reason: Literal["revoked", "expired", "copied"], hint: str) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SeatAgent:
    """A workstation that joined; times are UTC by the box's clock.

    Attributes:
        id: as it is called in its tokens, ``seat-1f2e3d4c5b6a``.
        name: the workstation's, as it calls itself.
        seat: where it stands, as in the seating plans; empty: nobody said.
        public_key: raw Ed25519.
        heard_us: when it last reported, to some seconds; None: never.
        silent_since_us: None while it reports.
        policy_version: of the signed policy it last said it has.
        state: what it last said of itself, with the box's own notes (`sittings.seat_reports`).
    """

    id: str
    name: str
    seat: str
    public_key: bytes = field(repr=False)
    enrolled_us: int
    enrolled_by: str
    expires_us: int
    revoked_us: int | None
    heard_us: int | None
    silent_since_us: int | None
    silent_warning: int | None
    policy_version: int
    state: dict[str, Any]

    def refusal(self, now_us: int) -> Literal["revoked", "expired"] | None:
        """Return why it is refused, None where it is not."""
        if self.revoked_us is not None:
            return "revoked"
        return "expired" if now_us >= self.expires_us else None


def list_agents(db: Database, *, revoked: bool = False) -> list[SeatAgent]:
    """Return the agents by seat and name, those that were revoked only where they are asked for."""
    rows = db.conn.execute(
        f"{_SELECT} WHERE (revoked_us IS NOT NULL) = ?"
        " ORDER BY seat = '', length(seat), seat COLLATE NOCASE, name COLLATE NOCASE, id LIMIT 2000",
        (revoked,),
    )
    return [_agent(row) for row in rows]


def get_agent(db: Database, agent: str) -> SeatAgent:
    """Return an agent by its id, also one that was revoked.

    Raises:
        NotFoundError: none of this id ever joined.
    """
    row = db.conn.execute(f"{_SELECT} WHERE id = ?", (agent,)).fetchone()
    if row is None:
        raise NotFoundError("There is no such seat agent.", hint="Load the page again.")
    return _agent(row)


def check_good(agent: SeatAgent, *, now_us: int) -> SeatAgent:
    """Return the agent if it may speak here.

    Raises:
        AgentRefusedError: it was revoked, or its time is over.
    """
    match agent.refusal(now_us):
        case "revoked":
            raise AgentRefusedError(
                "This seat agent was revoked at the box.",
                reason="revoked",
                hint="Enrol the workstation with a new code if it shall be watched again.",
            )
        case "expired":
            raise AgentRefusedError(
                "The time this workstation was let in for is over.",
                reason="expired",
                hint="Enrol the workstation with a new code.",
            )
    return agent


def put_agent(
    db: Database, *, agent: str, name: str, seat: str, public_key: bytes, clock: Clock, who: str, where: str = ""
) -> SeatAgent:
    """Let a workstation in, in the open transaction; one that was here before is let in again.

    Raises:
        ValueError: no transaction is open.
    """
    if not db.conn.in_transaction:
        raise ValueError("an agent joins in one transaction with the use of its code")
    now = clock.wall_us()
    again = db.conn.execute("SELECT 1 FROM seat_agent WHERE id = ?", (agent,)).fetchone() is not None
    db.conn.execute(
        "INSERT INTO seat_agent (id, name, seat, public_key, enrolled_us, enrolled_by, expires_us)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET name = ?2,"
        " seat = CASE WHEN ?3 = '' THEN seat ELSE ?3 END, enrolled_us = ?5, enrolled_by = ?6, expires_us = ?7,"
        " revoked_us = NULL, heard_us = NULL, silent_since_us = NULL, silent_warning = NULL, state = '{}'",
        (agent, name, seat, public_key, now, who, now + GOOD_DAYS * _DAY_US),
    )
    detail = {"agent": agent, "name": name, "seat": seat, "again": again}
    append(db, "seat.agent_enrolled", clock=clock, who=who, where=where, detail=detail)
    return get_agent(db, agent)


def seat_agent_at(db: Database, agent: str, *, seat: str, clock: Clock, who: str, where: str = "") -> SeatAgent:
    """Say at which seat a workstation stands; empty takes it away from where it stood.

    Raises:
        NotFoundError: there is no such agent.
        BadInputError: the label is wrong.
    """
    seat = checked_seat(seat)
    with write(db):
        before = get_agent(db, agent)
        if before.seat != seat:
            db.conn.execute("UPDATE seat_agent SET seat = ? WHERE id = ?", (seat, agent))
            detail = {"agent": agent, "from": before.seat, "seat": seat}
            append(db, "seat.agent_placed", clock=clock, who=who, where=where, detail=detail)
        return get_agent(db, agent)


def revoke_agent(db: Database, agent: str, *, why: str, clock: Clock, who: str, where: str = "") -> SeatAgent:
    """Refuse an agent from now on; what it reported stays. Enrolling it with a new code lets it in again.

    Raises:
        NotFoundError: there is no such agent.
        BadInputError: no reason is given.
    """
    why = why.strip()
    if not 1 <= len(why) <= MAX_WHY:
        raise BadInputError(f"why: has to have 1 to {MAX_WHY} characters.", hint="Say it for those who read the log.")
    with write(db):
        before = get_agent(db, agent)
        if before.revoked_us is None:
            db.conn.execute("UPDATE seat_agent SET revoked_us = ? WHERE id = ?", (clock.wall_us(), agent))
            detail = {"agent": agent, "name": before.name, "seat": before.seat}
            append(db, "seat.agent_revoked", clock=clock, who=who, where=where, detail=detail, personal={"why": why})
        return get_agent(db, agent)


def note_heard(db: Database, heard: dict[str, int]) -> None:
    """Keep when agents were last heard, all of them in one transaction; an older moment changes nothing."""
    with write(db):
        db.conn.executemany(
            "UPDATE seat_agent SET heard_us = MAX(ifnull(heard_us, 0), ?) WHERE id = ?",
            [(at_us, agent) for agent, at_us in heard.items()],
        )


def forget_told(db: Database, *, before_us: int) -> int:
    """Remove what agents told before a time and no warning rests on, and codes that ended before; return how many rows.

    The last of each numbering stays: by it the box knows what it has.
    """
    with write(db):
        told = db.conn.execute(
            "DELETE FROM seat_event WHERE received_us < ? AND warning IS NULL AND seq < (SELECT MAX(e.seq) FROM"
            " seat_event e WHERE e.agent = seat_event.agent AND e.epoch = seat_event.epoch)",
            (before_us,),
        ).rowcount
        ended = db.conn.execute("DELETE FROM seat_agent_code WHERE until_us < ?", (before_us,)).rowcount
    return int(told + ended)


def _agent(row: tuple[Any, ...]) -> SeatAgent:
    values = dict(zip(_FIELDS, row, strict=True))
    return SeatAgent(**values | {"state": msgspec.json.decode(values["state"], type=dict[str, Any])})
