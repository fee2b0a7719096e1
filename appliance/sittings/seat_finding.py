"""Who sits at a seat now: the session a warning of that seat concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.sittings.runs import run_of
from appliance.sittings.session_rows import sessions_of

if TYPE_CHECKING:
    from sqlite_utils import Database


def session_at(db: Database, sitting: str, seat: str) -> str:
    """Return the id of the session of whoever sits at a seat (its label) in a sitting; empty where nobody does.

    Of several sessions of that candidate the one that is not finished counts, the newest first. An unregistered one
    never does. Letter case and spaces around the label make no difference.

    Raises:
        NotFoundError: there is no such sitting.
    """
    wanted = seat.strip().casefold()
    if not wanted:
        return ""
    people = run_of(db, sitting).people
    candidate = next(
        (who for who, one in people.items() if one.occupies_seat and one.seat.strip().casefold() == wanted), None
    )
    if candidate is None:
        return ""
    found = [one for one in sessions_of(db, sitting, candidate) if one.removed_us is None]
    found.sort(key=lambda one: (one.finished_us is None, one.created_us, one.id))
    return found[-1].id if found else ""
