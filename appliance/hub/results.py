"""What became of sessions: as boxes told, what a person concluded, and whether the LMS has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from appliance.sittings.rows import like

if TYPE_CHECKING:
    from sqlite_utils import Database

Delivered = Literal["", "delivered", "waiting", "parked", "discarded"]


@dataclass(frozen=True, slots=True)
class Result:
    """A session at the hub; times are UTC.

    Attributes:
        id: ours; None where the LMS brought the candidate to the box and not here.
        name: of the candidate, as far as the LMS told the hub.
        room: of the box that has it.
        status: the LMS's word for it.
        conclusion: ``accepted``, ``rejected``, ``undefined`` …; empty before the box told one.
        delivered: how the newest review stands on its way to the LMS (one that is forgotten was delivered); empty where
            there was none to send.
        finish_us: when the LMS ended it, where it did.
    """

    integration: str
    session_id: str
    id: str | None
    exam: str
    name: str
    box: str | None
    room: str
    status: str
    begun_us: int | None
    ended_us: int | None
    conclusion: str
    score: float | None
    warnings: int
    told_us: int | None
    finish_us: int | None
    delivered: Delivered
    row: int


_SELECT = """
SELECT i.name, h.session_id, s.id, ifnull(e.name, ''),
    trim(ifnull(c.last_name || ', ' || c.first_name, ''), ', '), h.box, ifnull(b.room, ''),
    ifnull(h.status, ifnull(s.status, 'not_scheduled')), h.begun_us, h.ended_us, h.conclusion, h.score, h.warnings,
    h.told_us, h.finish_us,
    ifnull(d.state, CASE WHEN h.tell_seq IS NULL THEN '' ELSE 'delivered' END),
    ifnull(h.told_us, ifnull(s.created_us, 0))
FROM hub_session h
JOIN integration i ON i.id = h.integration
LEFT JOIN session s ON s.integration = h.integration AND s.session_id = h.session_id
LEFT JOIN exam e ON e.id = s.exam
LEFT JOIN candidate c ON c.id = s.candidate
LEFT JOIN hub_box b ON b.id = h.box
LEFT JOIN delivery d ON d.epoch = h.tell_epoch AND d.seq = h.tell_seq
"""


def list_results(
    db: Database, *, text: str = "", box: str = "", before: tuple[int, str] | None = None, limit: int = 50
) -> list[Result]:
    """Return sessions that a box has, the last told of first.

    Args:
        db: the hub's database.
        text: only those whose session, exam or candidate holds it.
        box: only those of one box.
        before: continue after this one: (`Result.row`, session_id) of the last one shown.
        limit: at most so many.
    """
    conditions, values = ["1 = 1"], list[object]()
    if text:
        found = "{} LIKE ? ESCAPE '\\'"
        columns = ("h.session_id", "e.name", "c.last_name", "c.first_name", "c.number")
        conditions.append(f"({' OR '.join(found.format(column) for column in columns)})")
        values += [like(text)] * len(columns)
    if box:
        conditions.append("h.box = ?")
        values.append(box)
    if before is not None:
        conditions.append("(ifnull(h.told_us, ifnull(s.created_us, 0)), h.session_id) < (?, ?)")
        values += before
    sql = (
        f"{_SELECT} WHERE {' AND '.join(conditions)}"
        " ORDER BY ifnull(h.told_us, ifnull(s.created_us, 0)) DESC, h.session_id DESC LIMIT ?"
    )
    return [Result(*row) for row in db.conn.execute(sql, (*values, limit))]
