"""Extra time the centre grants in a sitting: signed changes that are added, never written over one another."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.auditlog import append
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError, NotFoundError
from appliance.exchange.centre.extra_time import ExtraTime, extra_time_id
from appliance.hub.forms import checked_why
from appliance.hub.identity import hub_facts
from appliance.sittings.runs import stored_sitting

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

MAX_MINUTES: Final = 600
_NONCE_BYTES: Final = 16


def grant_extra_time(
    db: Database, sitting: str, *, minutes: int, why: str, clock: Clock, who: str, candidate: str = "", where: str = ""
) -> str:
    """Grant extra time and return its id; a box whose sitting runs asks the invigilator first.

    Args:
        db: the hub's database.
        sitting: which.
        minutes: 1 to 600.
        why: the reason, which the room reads.
        clock: dates it.
        who: who grants it.
        candidate: the centre's id of one candidate; empty: everybody.
        where: from where.

    Raises:
        NotFoundError: there is no such sitting, or the candidate is not on its roster.
        BadInputError: the time or the reason is wrong.
    """
    why = checked_why(why)
    if not 1 <= minutes <= MAX_MINUTES:
        raise BadInputError(f"minutes: has to be 1 to {MAX_MINUTES}.")
    with write(db):
        stored_sitting(db, sitting)
        if (
            candidate
            and not db.conn.execute(
                "SELECT 1 FROM roster_entry WHERE sitting = ? AND candidate = ?", (sitting, candidate)
            ).fetchone()
        ):
            raise NotFoundError("This candidate is not on the sitting's roster.")
        grant = ExtraTime(
            sitting=sitting, candidate=candidate, amount_us=minutes * 60 * SECOND_US, who=who[:255], why=why,
            at_us=clock.wall_us(), origin=hub_facts(db).id, nonce=secrets.token_hex(_NONCE_BYTES),
        )  # fmt: skip
        name = extra_time_id(grant)
        db.conn.execute(
            "INSERT INTO hub_extra_time (id, sitting, body, made_us) VALUES (?, ?, ?, ?)",
            (name, sitting, msgspec.json.encode(grant).decode(), clock.wall_us()),
        )
        _note(db, name)
        detail = {"sitting": sitting, "grant": name, "minutes": minutes, "candidate": candidate}
        append(db, "hub.extra_time_granted", clock=clock, who=who, where=where, detail=detail, personal={"why": why})
    return name


def withdraw_extra_time(db: Database, grant: str, *, clock: Clock, who: str, where: str = "") -> None:
    """Withdraw a grant; it has effect where no room has accepted it yet.

    Raises:
        NotFoundError: there is no such grant.
    """
    with write(db):
        row = db.conn.execute("SELECT sitting, withdrawn_us FROM hub_extra_time WHERE id = ?", (grant,)).fetchone()
        if row is None:
            raise NotFoundError("There is no such grant of extra time.")
        if row[1] is None:
            db.conn.execute("UPDATE hub_extra_time SET withdrawn_us = ? WHERE id = ?", (clock.wall_us(), grant))
            _note(db, grant)
            detail = {"sitting": row[0], "grant": grant}
            append(db, "hub.extra_time_withdrawn", clock=clock, who=who, where=where, detail=detail)


def _note(db: Database, grant: str) -> None:
    db.conn.execute("INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('extra_time', ?)", (grant,))
