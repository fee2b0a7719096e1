"""Exams that changed since a sitting froze them: told to the room, taken over by a named person or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.database import write
from appliance.errors import ConflictError
from appliance.exams.model import Exam
from appliance.sittings.acts import act
from appliance.sittings.exams import get_exam
from appliance.sittings.frozen import accept, definitions
from appliance.sittings.runs import stored_sitting

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.transitions import Role
    from appliance.sittings.values import StoredSitting


class ExamChange(msgspec.Struct, frozen=True):
    """An exam that says something else now than when the sitting froze it, and in which fields of `model.Exam`."""

    frozen: Exam
    present: Exam
    fields: tuple[str, ...]


def changed_since_frozen(db: Database, sitting: str) -> list[ExamChange]:
    """Return the exams of a sitting that say something else now than what the sitting goes by."""
    found = []
    for name, definition in definitions(db, sitting).items():
        frozen, present = definition.present, get_exam(db, name).exam
        fields = tuple(one for one in Exam.__struct_fields__ if getattr(frozen, one) != getattr(present, one))
        if fields:
            found.append(ExamChange(frozen, present, fields))
    return found


def accept_changes(
    db: Database, sitting: str, exam: str, *, clock: Clock, who: str, role: Role, why: str = "", where: str = ""
) -> StoredSitting:
    """Let a sitting go by what its exam says now: an act of a named person.

    What it says about time counts from now on for everybody who has not finished. Who is already expected keeps what
    was asked of their identity.

    Raises:
        ConflictError: nothing has changed.
        IllegalTransitionError: not by this role, or the sitting is over.
    """
    with write(db):
        changes = {change.present.id: change.present for change in changed_since_frozen(db, sitting)}
        if exam not in changes:
            raise ConflictError("Nothing has changed in this exam.", hint="Load the page again.")
        present = changes[exam]
        detail: dict[str, str | int | bool] = {
            "exam": exam,
            "duration_us": present.duration_us,
            "window_start_us": present.window_start_us,
            "window_end_us": present.window_end_us,
        }
        accept(db, sitting, present)
        act(db, sitting, "accept_change", who=who, role=role, clock=clock, why=why, detail=detail, where=where)
        return stored_sitting(db, sitting)
