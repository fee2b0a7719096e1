"""What is in use on the box, in the centre's names: what an invigilator has to be asked before it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.exams.states import SittingStatus
from appliance.exchange.centre.kinds import ChangeKind
from appliance.exchange.centre.merging import Running
from appliance.sittings.runs import open_sittings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.exchange.centre.changes import Change
    from appliance.exchange.centre.merging import ObjectKey

_NOT_YET: Final = frozenset({SittingStatus.PLANNED})


def running_sittings(db: Database) -> frozenset[str]:
    """Return the sittings from the readiness check on that are not closed."""
    return frozenset(one.id for one in open_sittings(db) if one.status not in _NOT_YET)


def running_of(db: Database, hub: str, changes: Iterable[Change], *, declined: Iterable[str] = ()) -> Running:
    """Return what is in use, as far as these changes are about it.

    An exam is not asked about here: a sitting has frozen its exams, and its page asks whether a changed one is to count
    (`sittings.changes`). An integration is asked about only where it would be gone: a new secret changes no exam.

    Args:
        db: the box's database.
        hub: whose names are meant.
        changes: what was told.
        declined: digests of what an invigilator declined.
    """
    sittings = running_sittings(db)
    ending = {one.key for one in changes if one.kind == ChangeKind.INTEGRATION and _ends(one)}
    uses = frozenset(ending & _integrations(db, hub, sittings)) if ending else frozenset[tuple[str, str]]()
    return Running(sittings=sittings, uses=uses, declined=frozenset(declined))


def sittings_using(db: Database, hub: str, integration: str) -> frozenset[str]:
    """Return the running sittings that have an exam of one of the centre's integrations."""
    rows = db.conn.execute(
        "SELECT DISTINCT x.sitting FROM centre_thing t JOIN exam e ON e.integration = t.local"
        " JOIN sitting_exam x ON x.exam = e.id WHERE t.hub = ? AND t.kind = ? AND t.id = ?",
        (hub, ChangeKind.INTEGRATION, integration),
    )
    return frozenset(str(row[0]) for row in rows) & running_sittings(db)


def _ends(change: Change) -> bool:
    return change.deleted or change.content().get("is_active") is False


def _integrations(db: Database, hub: str, sittings: frozenset[str]) -> set[ObjectKey]:
    rows = db.conn.execute(
        "SELECT DISTINCT t.id, x.sitting FROM centre_thing t JOIN exam e ON e.integration = t.local"
        " JOIN sitting_exam x ON x.exam = e.id WHERE t.hub = ? AND t.kind = ?",
        (hub, ChangeKind.INTEGRATION),
    )
    return {(str(ChangeKind.INTEGRATION), str(name)) for name, sitting in rows if sitting in sittings}
