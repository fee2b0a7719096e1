"""A workstation joins by a one-time code: its key becomes known, the code is used up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from appliance.database import write
from appliance.errors import ApplianceError, NotFoundError
from appliance.usb.agents.codes import hash_of
from appliance.usb.agents.store import SeatAgent, get_agent, put_agent

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock


class SeatEnrolError(ApplianceError):
    """A code does not let a workstation in; ``reason``: ``unknown``, ``used``, ``expired``, ``withdrawn``."""

    code = "seat.enrol_refused"
    status = 403

    def __init__(self, message: str, *, reason: Literal["unknown", "used", "expired", "withdrawn"]) -> None:
        super().__init__(message, hint="Make a new code at the box: “Administration, Seat agents”.")
        self.reason = reason


def enrol(
    db: Database, secret: str, *, agent: str, name: str, public_key: bytes, clock: Clock, where: str = ""
) -> SeatAgent:
    """Let a workstation in; the request was checked with the key it names. Durable when it returns.

    Asked again with the same key and code it is answered the same, so that a lost answer costs nothing.

    Raises:
        SeatEnrolError: the code is not known, used, out of time or withdrawn.
    """
    now, hashed = clock.wall_us(), hash_of(secret)
    with write(db):
        row = db.conn.execute(
            "SELECT seat, made_by, until_us, used_us, withdrawn_us FROM seat_agent_code WHERE secret_hash = ?",
            (hashed,),
        ).fetchone()
        if row is None:
            raise SeatEnrolError("This code is not known here.", reason="unknown")
        seat, made_by, until_us, used_us, withdrawn_us = row
        if used_us is not None:
            known = _known(db, agent)
            # The same moment: it joined by this very code, and not by a later one.
            if known is None or known.enrolled_us != used_us or known.revoked_us is not None:
                raise SeatEnrolError("This code has been used.", reason="used")
            return known
        if withdrawn_us is not None:
            raise SeatEnrolError("This code was withdrawn.", reason="withdrawn")
        if now >= until_us:
            raise SeatEnrolError("This code is out of time.", reason="expired")
        made = put_agent(
            db, agent=agent, name=name, seat=seat, public_key=public_key, clock=clock, who=made_by, where=where
        )
        db.conn.execute("UPDATE seat_agent_code SET used_us = ? WHERE secret_hash = ?", (made.enrolled_us, hashed))
        return made


def _known(db: Database, agent: str) -> SeatAgent | None:
    try:
        return get_agent(db, agent)
    except NotFoundError:
        return None
