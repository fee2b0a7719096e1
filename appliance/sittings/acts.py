"""The one way anything happens in a sitting: an event, and all that follows from it, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.database import write
from appliance.errors import ConflictError
from appliance.exams.sitting_run import apply
from appliance.exams.states import UNDER_WAY
from appliance.exams.transitions import Event
from appliance.sittings.consequences import follow
from appliance.sittings.frozen import freeze
from appliance.sittings.rows import Cause, insert
from appliance.sittings.runs import run_of
from appliance.sittings.steps import body_of, look_at, step_since

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.clock_steps import Look
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.transitions import Role

BOX: Final = "box"
"""Who acts in the role ``system``."""
_FREEZES: Final = frozenset({"check_readiness", "call_off"})
_MOVES_ENDS: Final = frozenset(
    {
        "accept_change",
        "begin",
        "begin_late",
        "change_plan",
        "clock_stepped",
        "continue_writing",
        "enrol",
        "extend",
        "extend_all",
        "pause",
        "pause_all",
        "resume",
        "resume_all",
        "return_from_break",
        "set_allowance",
        "start",
        "take_break",
    }
)
_LOGGED: Final = ("seat", "exam", "sitting", "notice", "document", "late_rule")


def act(
    db: Database,
    sitting: str,
    name: str,
    *,
    who: str,
    role: Role,
    clock: Clock,
    candidate: str = "",
    why: str = "",
    detail: Mapping[str, str | int | bool] | None = None,
    where: str = "",
) -> SittingRun:
    """Let a named transition happen now and return the sitting after it; committed when it returns.

    With it are written: the event, the log's entry, the states of the sitting and of the sessions it touches, review
    tasks, what the LMS and the centre are told, and the wish to record. A step of the clock that was noticed is its own
    event before it.

    Raises:
        IllegalTransitionError: it is not possible now; nothing was written.
        NotFoundError: there is no such sitting.
        ConflictError: the sitting was removed.
    """
    joins = db.conn.in_transaction
    cause = Cause(clock, who, where)
    with write(db):
        run = happen(db, run_of(db, sitting), name, cause=cause, role=role, candidate=candidate, why=why, detail=detail)
    if not joins:
        run_of(db, sitting)  # keeps it for the next look
    return run


def happen(
    db: Database,
    run: SittingRun,
    name: str,
    *,
    cause: Cause,
    role: Role,
    candidate: str = "",
    why: str = "",
    detail: Mapping[str, str | int | bool] | None = None,
) -> SittingRun:
    """Do what `act` does to a run just read, in the open transaction: for several acts that belong together.

    Raises:
        IllegalTransitionError: as `act`; the transaction must not be committed.
        ConflictError: the sitting was removed.
    """
    look = look_at(cause.clock)
    by_us = step_since(db, run.sitting, look)
    if by_us and run.status != "closed":
        run = _happen(db, run, _step(by_us, look), look, Cause(cause.clock, BOX))
    event = Event(
        name=name,
        at_us=look.wall_us,
        who=cause.who,
        role=role,
        candidate=candidate,
        why=why.strip(),
        detail=dict(detail or {}),
    )
    return _happen(db, run, event, look, cause)


def note_step(db: Database, sitting: str, clock: Clock) -> bool:
    """State a step of the clock since the sitting's last event, where there was one; return whether there was."""
    with write(db):
        run, look = run_of(db, sitting), look_at(clock)
        by_us = step_since(db, sitting, look)
        if not by_us or run.status == "closed":
            return False
        _happen(db, run, _step(by_us, look), look, Cause(clock, BOX))
    return True


def _step(by_us: int, look: Look) -> Event:
    return Event(name="clock_stepped", at_us=look.wall_us, who=BOX, role="system", detail={"by_us": by_us})


def _happen(db: Database, run: SittingRun, event: Event, look: Look, cause: Cause) -> SittingRun:
    changed = apply(run, event)
    if event.name in _FREEZES:
        freeze(db, run.sitting)
    seq = len(changed.history)
    insert(
        db,
        "sitting_event",
        {
            "sitting": run.sitting,
            "seq": seq,
            "at_us": event.at_us,
            "name": event.name,
            "candidate": event.candidate,
            "body": body_of(event, look),
        },
    )
    _keep_head(db, changed, event, seq)
    detail = {key: value for key, value in event.detail.items() if key in _LOGGED or not isinstance(value, str)}
    entry = {"sitting": run.sitting, "name": event.name, "seq": seq, "role": event.role, "detail": detail}
    if event.candidate:
        entry["candidate"] = event.candidate
    cause.log(db, "sitting.acted", entry, why=event.why)
    follow(db, run, changed, event, cause)
    return changed


def _keep_head(db: Database, run: SittingRun, event: Event, seq: int) -> None:
    """Write the sitting's state into its row, and the last end of anybody where that may have moved."""
    ends = None
    if run.status in UNDER_WAY and event.name in _MOVES_ENDS:
        ends = max((end.at_us for end in run.ends(event.at_us).values()), default=None)
    changed = db.conn.execute(
        "UPDATE sitting SET status = ?, seq = ?, ends_us = COALESCE(?, ends_us), updated_us = ?"
        " WHERE id = ? AND seq = ? AND removed_us IS NULL",
        (run.status, seq, ends, event.at_us, run.sitting, seq - 1),
    )
    if changed.rowcount != 1:
        raise ConflictError("This sitting was removed.", hint="Bring it back from the list of removed ones first.")
