"""Which box gets what: exams and sittings by assignment, and what hangs on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from appliance.exchange.centre.kinds import ChangeKind

if TYPE_CHECKING:
    from sqlite_utils import Database

Thing: TypeAlias = tuple[str, str]
"""Kind and id."""
_SITTINGS: Final = (
    "SELECT s.id FROM hub_assignment a JOIN sitting s ON s.id = a.id WHERE a.kind = 'sitting' AND a.box = :box"
    " AND s.removed_us IS NULL"
)
_EXAMS: Final = (
    "SELECT e.id, e.integration FROM exam e WHERE e.removed_us IS NULL AND (e.id IN (SELECT id FROM hub_assignment"  # noqa: S608  own words
    " WHERE kind = 'exam' AND box = :box) OR e.id IN (SELECT x.exam FROM sitting_exam x"
    f" WHERE x.sitting IN ({_SITTINGS})))"
)
_SESSIONS: Final = (
    f"SELECT id FROM session WHERE removed_us IS NULL AND (sitting IN ({_SITTINGS}) OR id IN (SELECT n.id FROM"  # noqa: S608  own words
    " hub_session h JOIN session n ON n.integration = h.integration AND n.session_id = h.session_id"
    f" WHERE h.box = :box AND (h.begun_us IS NOT NULL OR n.exam IN (SELECT id FROM ({_EXAMS})))))"
)
_OF_SITTING: Final = (
    "SELECT a.box FROM hub_assignment a JOIN sitting s ON s.id = a.id WHERE a.kind = 'sitting' AND a.id = :id"
    " AND s.removed_us IS NULL"
)
_HAVING: Final = (
    "SELECT a.box FROM hub_assignment a WHERE a.kind = 'exam' AND a.id = {exam} UNION SELECT a.box FROM sitting_exam x"
    " JOIN sitting s ON s.id = x.sitting JOIN hub_assignment a ON a.kind = 'sitting' AND a.id = x.sitting"
    " WHERE x.exam = {exam} AND s.removed_us IS NULL"
)
"""The boxes an exam is given to, by itself or with a sitting."""
_SEEING: Final = {
    ChangeKind.INTEGRATION: (
        "SELECT a.box FROM exam e JOIN hub_assignment a ON a.kind = 'exam' AND a.id = e.id WHERE e.integration = :id"
        " AND e.removed_us IS NULL UNION SELECT a.box FROM exam e JOIN sitting_exam x ON x.exam = e.id"
        " JOIN sitting s ON s.id = x.sitting AND s.removed_us IS NULL"
        " JOIN hub_assignment a ON a.kind = 'sitting' AND a.id = x.sitting WHERE e.integration = :id"
        " AND e.removed_us IS NULL"
    ),
    ChangeKind.EXAM: (
        f"SELECT box FROM ({_HAVING.format(exam=':id')}) WHERE EXISTS (SELECT 1 FROM exam WHERE id = :id"  # noqa: S608  own words
        " AND removed_us IS NULL)"
    ),
    ChangeKind.SITTING: _OF_SITTING,
    ChangeKind.ROSTER: _OF_SITTING,
    ChangeKind.SEATING: _OF_SITTING,
    ChangeKind.SESSION: (
        # One that has not begun goes where its exam is: a box that lost the exam loses the booking.
        "SELECT h.box FROM session n JOIN hub_session h ON h.integration = n.integration AND h.session_id ="  # noqa: S608  own words
        " n.session_id JOIN exam e ON e.id = n.exam WHERE n.id = :id AND h.box IS NOT NULL AND (h.begun_us IS NOT NULL"
        f" OR (e.removed_us IS NULL AND h.box IN ({_HAVING.format(exam='e.id')})))"
        " UNION SELECT a.box FROM session n JOIN hub_assignment a ON a.kind = 'sitting' AND a.id = n.sitting"
        " JOIN sitting s ON s.id = n.sitting AND s.removed_us IS NULL WHERE n.id = :id"
    ),
    ChangeKind.EXTRA_TIME: (
        "SELECT a.box FROM hub_extra_time t JOIN hub_assignment a ON a.kind = 'sitting' AND a.id = t.sitting"
        " WHERE t.id = :id"
    ),
    ChangeKind.MEDIA_REQUEST: "SELECT box FROM hub_media WHERE id = :id",
}


def boxes_seeing(db: Database, kind: str, id: str) -> set[str]:  # noqa: A002  the model's word
    """Return the boxes that get a thing, if there is one of that kind and id."""
    return {str(row[0]) for row in db.conn.execute(_SEEING[ChangeKind(kind)], {"id": id})}


def visible(db: Database, box: str) -> set[Thing]:
    """Return all that a box gets."""
    named = {"box": box}
    exams = db.conn.execute(_EXAMS, named).fetchall()
    sittings = [row[0] for row in db.conn.execute(_SITTINGS, named)]
    of_sittings = (ChangeKind.SITTING, ChangeKind.ROSTER, ChangeKind.SEATING)
    found: set[Thing] = {(str(kind), sitting) for sitting in sittings for kind in of_sittings}
    found |= {(str(ChangeKind.EXAM), exam) for exam, _ in exams}
    found |= {(str(ChangeKind.INTEGRATION), integration) for _, integration in exams}
    found |= {(str(ChangeKind.SESSION), row[0]) for row in db.conn.execute(_SESSIONS, named)}
    extra = f"SELECT id FROM hub_extra_time WHERE sitting IN ({_SITTINGS})"  # noqa: S608  own words
    found |= {(str(ChangeKind.EXTRA_TIME), row[0]) for row in db.conn.execute(extra, named)}
    media = "SELECT id FROM hub_media WHERE box = :box AND withdrawn_us IS NULL AND complete_us IS NULL"
    found |= {(str(ChangeKind.MEDIA_REQUEST), row[0]) for row in db.conn.execute(media, named)}
    return found
