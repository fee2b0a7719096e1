"""Sittings planned, changed, removed and brought back. What changed in exams since: `changes`."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError, ConflictError
from appliance.sittings.booking import book, book_anew, book_roster
from appliance.sittings.changes import ExamChange, accept_changes, changed_since_frozen
from appliance.sittings.exams import get_exam
from appliance.sittings.rows import Cause, insert, to_json
from appliance.sittings.runs import stored_sitting
from appliance.sittings.session_rows import sessions_of
from appliance.sittings.values import SittingPlan

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.sittings.values import StoredSitting

__all__ = [
    "ChangedMeanwhileError",
    "ExamChange",
    "PlanError",
    "accept_changes",
    "change_plan",
    "changed_since_frozen",
    "plan_sitting",
    "remove_sitting",
    "restore_sitting",
]
MAX_EXAMS: Final = 50
_TRIES: Final = 20


class PlanError(BadInputError):
    """A sitting's plan is wrong; ``field`` says which of its fields. Nothing was stored."""

    code = "sittings.plan"

    def __init__(self, field: str, message: str, *, hint: str) -> None:
        super().__init__(f"{field}: {message}", hint=hint)
        self.field = field


class ChangedMeanwhileError(ConflictError):
    """What a person began to change was changed by somebody else since."""

    code = "conflict.changed"


def plan_sitting(db: Database, plan: SittingPlan, *, clock: Clock, who: str, where: str = "") -> StoredSitting:
    """Plan a sitting.

    Raises:
        PlanError: names the field: no exam, an unknown one, times that contradict one another.
        ConflictError: the id is in use.
    """
    plan, now = checked(plan), clock.wall_us()
    with write(db):
        check_exams(db, plan)
        name = plan.id or _free_id(db, plan.timing.start_us)
        if _is_used(db, name):
            raise ConflictError(f"A sitting {name} is known already.", hint="Give another id, or none.")
        row = {
            "id": name,
            **_columns(plan),
            "opening": plan.opening,
            "origin": plan.origin,
            "created_us": now,
            "created_by": who,
            "updated_us": now,
        }
        insert(db, "sitting", row)
        _hold_exams(db, name, plan)
        cause = Cause(clock, who, where)
        cause.log(db, "sitting.planned", {"sitting": name, "opening": plan.opening, "start_us": plan.timing.start_us})
        return stored_sitting(db, name)


def change_plan(
    db: Database,
    sitting: str,
    plan: SittingPlan,
    *,
    clock: Clock,
    who: str,
    where: str = "",
    version: int | None = None,
) -> StoredSitting:
    """Change the plan of a sitting in which nothing has happened yet (afterwards: acts).

    ``id``, ``opening`` and ``origin`` stay as they are. The LMS is told where the start moves.

    Raises:
        PlanError: as `plan_sitting`; also where somebody on the roster writes an exam that is left out.
        ConflictError: something has happened in it.
        ChangedMeanwhileError: somebody changed it since ``version``.
        NotFoundError: there is no such sitting.
    """
    plan = checked(plan)
    with write(db):
        before = stored_sitting(db, sitting)
        if version is not None and version != before.version:
            raise ChangedMeanwhileError(
                "Somebody else has changed this sitting in the meantime.",
                hint="Compare with what is there now, and save again if yours is right.",
            )
        if before.seq or before.removed_us is not None:
            raise ConflictError(
                "The plan of this sitting can no longer be changed: something has happened in it.",
                hint="Give extra time, enrol candidates or call the sitting off instead.",
            )
        check_exams(db, plan)
        _check_roster(db, sitting, plan)
        values = _columns(plan)
        db.conn.execute(
            f"UPDATE sitting SET {', '.join(f'{name} = ?' for name in values)}, version = version + 1,"  # noqa: S608  own names
            " updated_us = ? WHERE id = ?",
            (*values.values(), clock.wall_us(), sitting),
        )
        db.conn.execute("DELETE FROM sitting_exam WHERE sitting = ?", (sitting,))
        _hold_exams(db, sitting, plan)
        after = stored_sitting(db, sitting)
        cause = Cause(clock, who, where)
        cause.log(db, "sitting.changed", {"sitting": sitting, "version": after.version, "start_us": after.start_us})
        if after.start_us != before.start_us:
            book_anew(db, sitting, clock=clock)
        return after


def remove_sitting(db: Database, sitting: str, *, clock: Clock, who: str, where: str = "") -> None:
    """Remove a sitting in which nothing has happened; `restore_sitting` undoes it. Who was booked there no longer is.

    Raises:
        ConflictError: something has happened in it: it can be called off.
        NotFoundError: there is no such sitting.
    """
    with write(db):
        before = stored_sitting(db, sitting)
        if before.removed_us is not None:
            return
        if before.seq:
            raise ConflictError(
                "This sitting cannot be removed: something has happened in it.", hint="Call it off instead."
            )
        db.conn.execute("UPDATE sitting SET removed_us = ? WHERE id = ?", (clock.wall_us(), sitting))
        for session in sessions_of(db, sitting):
            book(db, session, None, clock=clock)  # nobody has begun: nothing has happened
        Cause(clock, who, where).log(db, "sitting.removed", {"sitting": sitting})


def restore_sitting(db: Database, sitting: str, *, clock: Clock, who: str, where: str = "") -> StoredSitting:
    """Bring a removed sitting back, with those of its roster who have no other.

    Raises:
        NotFoundError: there is no such sitting.
    """
    with write(db):
        if stored_sitting(db, sitting).removed_us is not None:
            db.conn.execute("UPDATE sitting SET removed_us = NULL WHERE id = ?", (sitting,))
            book_roster(db, sitting, clock=clock)
            Cause(clock, who, where).log(db, "sitting.restored", {"sitting": sitting})
        return stored_sitting(db, sitting)


def checked(plan: SittingPlan) -> SittingPlan:
    """Return a plan with its texts trimmed.

    Raises:
        PlanError: names the field.
    """
    plan = msgspec.structs.replace(plan, name=plan.name.strip(), room=plan.room.strip())
    try:
        msgspec.convert(msgspec.to_builtins(plan), SittingPlan)
    except msgspec.ValidationError as problem:
        reason, _, place = str(problem).partition(" - at `$.")
        raise PlanError(place.rstrip("`") or "plan", f"{reason}.", hint="Correct it and try again.") from problem
    for field in ("name", "room"):
        if not getattr(plan, field):
            raise PlanError(field, "is empty.", hint="Fill it in.")
    if not 1 <= len(set(plan.exams)) == len(plan.exams) <= MAX_EXAMS:
        raise PlanError("exams", f"1 to {MAX_EXAMS}, each once.", hint="Choose the exams that are written.")
    first, last = plan.timing.first_start_us, plan.timing.last_start_us
    if first is not None and last is not None and last < first:
        raise PlanError("timing.last_start_us", "lies before the first start.", hint="Correct one of the two.")
    if last is not None and last < plan.timing.start_us:
        raise PlanError("timing.last_start_us", "lies before the start.", hint="Correct one of the two.")
    return plan


def _columns(plan: SittingPlan) -> dict[str, Any]:
    return {
        "room": plan.room,
        "name": plan.name,
        "timing": to_json(plan.timing),
        "lead_us": plan.lead_us,
        "start_us": plan.timing.start_us,
    }


def check_exams(db: Database, plan: SittingPlan) -> None:
    """Refuse exams that are not there, or whose window has ended before the start.

    Raises:
        PlanError: names the field.
    """
    for name in plan.exams:
        row = db.conn.execute("SELECT removed_us FROM exam WHERE id = ?", (name,)).fetchone()
        if row is None or row[0] is not None:
            raise PlanError("exams", f"there is no exam {name[:80]!r}.", hint="Choose one of the list.")
        exam = get_exam(db, name).exam
        if plan.timing.start_us > exam.window_end_us:
            raise PlanError(
                "timing.start_us",
                f"lies after the window of {exam.name!r} has ended: nobody could begin.",
                hint="Choose another start, or ask for a longer window in the LMS.",
            )


def _check_roster(db: Database, sitting: str, plan: SittingPlan) -> None:
    marks = ", ".join("?" * len(plan.exams))
    row = db.conn.execute(
        f"SELECT e.name, COUNT(*) FROM roster_entry r JOIN exam e ON e.id = r.exam WHERE r.sitting = ?"  # noqa: S608  question marks
        f" AND r.exam NOT IN ({marks}) GROUP BY e.id",
        (sitting, *plan.exams),
    ).fetchone()
    if row is not None:
        raise PlanError(
            "exams", f"{row[1]} on the roster write {row[0]!r}, which is left out.", hint="Change the roster first."
        )


def _hold_exams(db: Database, sitting: str, plan: SittingPlan) -> None:
    db.conn.executemany(
        "INSERT INTO sitting_exam (sitting, exam) VALUES (?, ?)", [(sitting, exam) for exam in plan.exams]
    )


def _free_id(db: Database, start_us: int) -> str:
    stamp = datetime.fromtimestamp(start_us // SECOND_US, UTC).strftime("%Y%m%d-%H%M")
    for _ in range(_TRIES):
        name = f"{stamp}-{secrets.token_hex(2)}"
        if not _is_used(db, name):
            return name
    return f"{stamp}-{secrets.token_hex(8)}"


def _is_used(db: Database, name: str) -> bool:
    """Return whether a sitting, or a recording made by hand, has this name: it is a folder's name in the vault."""
    sql = "SELECT 1 FROM sitting WHERE id = ? UNION SELECT 1 FROM recording_wish WHERE sitting = ?"
    return db.conn.execute(sql, (name, name)).fetchone() is not None
