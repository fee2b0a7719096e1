"""Which rooms get which exams and sittings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from appliance.auditlog import append
from appliance.database import write
from appliance.hub.boxes import get_box
from appliance.sittings.exams import get_exam
from appliance.sittings.runs import stored_sitting

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlite_utils import Database

    from appliance.clock import Clock

Assigned: TypeAlias = Literal["exam", "sitting"]


def assign(
    db: Database,
    kind: Assigned,
    id: str,  # noqa: A002  the model's word
    boxes: Collection[str],
    *,
    clock: Clock,
    who: str,
    where: str = "",
) -> bool:
    """Give an exam or a sitting to these boxes and to no others; return whether that changed anything.

    Boxes that had it before are told that it is gone; what they did with it stays with them.

    Raises:
        NotFoundError: there is no such exam, sitting or box.
    """
    with write(db):
        _check_there(db, kind, id)
        wanted = {get_box(db, box).id for box in boxes}
        before = set(boxes_assigned(db, kind, id))
        for box in before - wanted:
            db.conn.execute("DELETE FROM hub_assignment WHERE kind = ? AND id = ? AND box = ?", (kind, id, box))
        for box in wanted - before:
            db.conn.execute(
                "INSERT INTO hub_assignment (kind, id, box, made_us, made_by) VALUES (?, ?, ?, ?, ?)",
                (kind, id, box, clock.wall_us(), who),
            )
        for box in wanted ^ before:
            db.conn.execute("INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('box', ?)", (box,))
        if wanted != before:
            detail = {kind: id, "boxes": sorted(wanted)}
            append(db, "hub.assigned", clock=clock, who=who, where=where, detail=detail)
        return wanted != before


def boxes_assigned(db: Database, kind: Assigned, id: str) -> list[str]:  # noqa: A002  the model's word
    """Return the boxes an exam or a sitting is given to by itself, by id."""
    rows = db.conn.execute("SELECT box FROM hub_assignment WHERE kind = ? AND id = ? ORDER BY box", (kind, id))
    return [str(row[0]) for row in rows]


def assignments(db: Database) -> dict[tuple[str, str], list[str]]:
    """Return every assignment: (kind, id) to boxes."""
    found: dict[tuple[str, str], list[str]] = {}
    for kind, id_, box in db.conn.execute("SELECT kind, id, box FROM hub_assignment ORDER BY box"):
        found.setdefault((kind, id_), []).append(box)
    return found


def _check_there(db: Database, kind: Assigned, id: str) -> None:  # noqa: A002  the model's word
    if kind == "exam":
        get_exam(db, id)
    else:
        stored_sitting(db, id)
