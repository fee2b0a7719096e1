"""Sittings read from their rows: the plan, and the run that folding the history gives."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.errors import NotFoundError
from appliance.exams.allowances import Allowance
from appliance.exams.model import Candidate, Roster, RosterEntry, SeatingPlan, Sitting
from appliance.exams.planning import planned_run
from appliance.exams.sitting_run import SittingRun, restored
from appliance.exams.states import SittingStatus
from appliance.exams.timing import SittingTiming
from appliance.exams.transitions import Event
from appliance.sittings.frozen import definitions
from appliance.sittings.rows import like, one_row, rows_of
from appliance.sittings.values import StoredSitting

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.model import Exam

_SELECT: Final = (
    "SELECT s.*, (SELECT group_concat(exam, ' ') FROM (SELECT exam FROM sitting_exam WHERE sitting = s.id"
    " ORDER BY exam)) AS exams, (SELECT COUNT(*) FROM roster_entry WHERE sitting = s.id) AS candidates FROM sitting s"
)
_MOST_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class _Kept:
    """A run that was worked out before: of which plan, up to which event, with that event's text."""

    plan: tuple[object, ...]
    seq: int
    last: str
    run: SittingRun


_kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
_lock = threading.Lock()


def stored_sitting(db: Database, id: str) -> StoredSitting:  # noqa: A002  the model's word
    """Return a sitting, also a removed one.

    Raises:
        NotFoundError: there is none.
    """
    row = one_row(db, f"{_SELECT} WHERE s.id = ?", (id,))
    if row is None:
        raise _unknown()
    return _stored(row)


def list_sittings(
    db: Database,
    *,
    now_us: int,
    limit: int = 50,
    before: tuple[int, str] | None = None,
    text: str = "",
    removed: bool = False,
) -> list[StoredSitting]:
    """Return sittings: those that are not over first, the soonest first; then closed ones, the newest first.

    Args:
        db: the box's database.
        now_us: the present wall time; of those not over, the one whose start is nearest comes first.
        limit: at most so many.
        before: continue among closed ones after (start, id) of the last one shown.
        text: only those whose name, room or id holds it.
        removed: only removed ones instead.
    """
    conditions, values = [f"s.removed_us IS {'NOT ' if removed else ''}NULL"], list[object]()
    if text:
        conditions.append("(s.name LIKE ? ESCAPE '\\' OR s.room LIKE ? ESCAPE '\\' OR s.id LIKE ? ESCAPE '\\')")
        values += [like(text)] * 3
    if before is not None:
        conditions.append("s.status = 'closed' AND (s.start_us, s.id) < (?, ?)")
        values += before
    sql = (
        f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY s.status = 'closed',"
        " CASE WHEN s.status = 'closed' THEN -s.start_us ELSE ABS(s.start_us - ?) END, s.id DESC LIMIT ?"
    )
    return [_stored(row) for row in rows_of(db, sql, [*values, now_us, limit])]


def sittings_of_exam(db: Database, exam: str, *, limit: int) -> list[StoredSitting]:
    """Return the sittings an exam is taken in, the newest first, without removed ones."""
    sql = (
        f"{_SELECT} WHERE s.removed_us IS NULL AND EXISTS (SELECT 1 FROM sitting_exam WHERE sitting = s.id"  # noqa: S608  own words
        " AND exam = ?) ORDER BY s.start_us DESC, s.id DESC LIMIT ?"
    )
    return [_stored(row) for row in rows_of(db, sql, [exam, limit])]


def open_sittings(db: Database) -> list[StoredSitting]:
    """Return the sittings that are neither closed nor removed, in order of their start."""
    sql = f"{_SELECT} WHERE s.status <> 'closed' AND s.removed_us IS NULL ORDER BY s.start_us, s.id"
    return [_stored(row) for row in rows_of(db, sql)]


def run_of(db: Database, sitting: str) -> SittingRun:
    """Return the sitting as it stands; only events since the last look are applied.

    Raises:
        NotFoundError: there is no such sitting.
    """
    head = one_row(
        db,
        "SELECT version, seq, (SELECT group_concat(e.id || ' ' || e.version) FROM sitting_exam x"
        " JOIN exam e ON e.id = x.exam WHERE x.sitting = sitting.id AND x.definition IS NULL) AS exams"
        " FROM sitting WHERE id = ?",
        (sitting,),
    )
    if head is None:
        raise _unknown()
    key = (_file(db), sitting)
    plan = (head["version"], head["exams"] or "")
    with _lock:
        kept = _kept.get(key)
    now = _gone_on(db, sitting, kept) if kept is not None and kept.plan == plan else None
    if now is None:
        now = _from_start(db, sitting, plan)
    if now is not kept and not db.conn.in_transaction:  # what is not committed may yet be taken back
        _keep(key, now)
    return now.run


def exams_of(db: Database, sitting: str) -> dict[str, Exam]:
    """Return the sitting's exams by id: as frozen when the readiness check began or accepted since, else as now."""
    return {name: definition.present for name, definition in definitions(db, sitting).items()}


def planned_entries(db: Database, sitting: str) -> tuple[RosterEntry, ...]:
    """Return the roster's rows in the order of last name, first name and number."""
    rows = rows_of(
        db,
        "SELECT r.exam AS of_exam, r.planned, c.* FROM roster_entry r JOIN candidate c ON c.id = r.candidate"
        " WHERE r.sitting = ? ORDER BY c.last_name COLLATE NOCASE, c.first_name COLLATE NOCASE, c.number, c.id",
        (sitting,),
    )
    fields = Candidate.__struct_fields__
    return tuple(
        RosterEntry(
            candidate=Candidate(**{name: row[name] for name in fields}),
            exam=row["of_exam"],
            planned=msgspec.json.decode(row["planned"], type=Allowance),
        )
        for row in rows
    )


def planned_seats(db: Database, sitting: str) -> dict[str, str]:
    """Return who is planned where in the rows: seat to candidate."""
    sql = "SELECT seat, candidate FROM roster_entry WHERE sitting = ? AND seat <> ''"
    return {str(seat): str(candidate) for seat, candidate in db.conn.execute(sql, (sitting,))}


def bump_version(db: Database, sitting: str) -> None:
    """Count a change of a sitting's plan, roster or seats, in the open transaction."""
    db.conn.execute("UPDATE sitting SET version = version + 1 WHERE id = ?", (sitting,))


def _gone_on(db: Database, sitting: str, kept: _Kept) -> _Kept | None:
    """Return the run after the events since; None where what was kept is not this history's."""
    sql = "SELECT seq, body FROM sitting_event WHERE sitting = ? AND seq >= ? ORDER BY seq"
    rows = db.conn.execute(sql, (sitting, max(1, kept.seq))).fetchall()
    if kept.seq:
        if not rows or rows[0] != (kept.seq, kept.last):
            return None
        rows = rows[1:]
    if not rows:
        return kept
    run = restored(kept.run, [msgspec.json.decode(body, type=Event) for _, body in rows])
    return _Kept(kept.plan, rows[-1][0], rows[-1][1], run)


def _from_start(db: Database, sitting: str, plan: tuple[object, ...]) -> _Kept:
    stored = stored_sitting(db, sitting)
    exams = [definition.planned for definition in definitions(db, sitting).values()]
    roster = Roster(sitting=sitting, entries=planned_entries(db, sitting))
    seating = SeatingPlan(sitting=sitting, seats=(), assigned=planned_seats(db, sitting))
    begin = _Kept(plan, 0, "", planned_run(stored.sitting, exams, roster, seating))
    return _gone_on(db, sitting, begin) or begin


def _keep(key: tuple[str, str], kept: _Kept) -> None:
    with _lock:
        _kept[key] = kept
        _kept.move_to_end(key)
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)


def _file(db: Database) -> str:
    return str(db.conn.execute("PRAGMA database_list").fetchone()[2])


def _stored(row: dict[str, Any]) -> StoredSitting:
    sitting = Sitting(
        id=row["id"],
        room=row["room"],
        name=row["name"],
        exams=tuple((row["exams"] or "").split()),
        timing=msgspec.json.decode(row["timing"], type=SittingTiming),
        opening=row["opening"],
    )
    names = ("origin", "lead_us", "start_us", "ends_us", "seq", "version", "created_us", "created_by", "updated_us")
    return StoredSitting(
        sitting=sitting,
        status=SittingStatus(row["status"]),
        removed_us=row["removed_us"],
        candidates=row["candidates"],
        **{name: row[name] for name in names},
    )


def _unknown() -> NotFoundError:
    return NotFoundError("There is no such sitting.", hint="Look at the list of sittings.")
