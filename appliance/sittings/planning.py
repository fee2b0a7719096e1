"""Sittings planned, changed, removed and brought back; what changed in exams since they were frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from appliance.exams.model import Exam

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.transitions import Role
    from appliance.sittings.values import SittingPlan, StoredSitting


class ExamChange(msgspec.Struct, frozen=True):
    """An exam that says something else now than when the sitting froze it, and in which fields of `model.Exam`."""

    frozen: Exam
    present: Exam
    fields: tuple[str, ...]


def plan_sitting(db: Database, plan: SittingPlan, *, clock: Clock, who: str, where: str = "") -> StoredSitting:
    """Plan a sitting.

    Raises:
        BadInputError: names the field: no exam, an unknown one, times that contradict one another.
        ConflictError: the id is in use.
    """
    raise NotImplementedError


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
    """Change the plan of a sitting whose readiness check has not begun (afterwards: acts).

    Raises:
        BadInputError: as `plan_sitting`.
        ConflictError: it is no longer planned, somebody changed it since `version`, or somebody on the roster writes an
            exam that is left out.
        NotFoundError: there is no such sitting.
    """
    raise NotImplementedError


def remove_sitting(db: Database, sitting: str, *, clock: Clock, who: str, where: str = "") -> None:
    """Remove a sitting in which nothing has happened; `restore_sitting` undoes it.

    Raises:
        ConflictError: something has happened in it: it can be called off.
        NotFoundError: there is no such sitting.
    """
    raise NotImplementedError


def restore_sitting(db: Database, sitting: str, *, clock: Clock, who: str, where: str = "") -> StoredSitting:
    """Bring a removed sitting back.

    Raises:
        NotFoundError: there is no such sitting.
    """
    raise NotImplementedError


def changed_since_frozen(db: Database, sitting: str) -> list[ExamChange]:
    """Return the exams of a sitting that say something else now than what the sitting goes by."""
    raise NotImplementedError


def accept_changes(
    db: Database, sitting: str, exam: str, *, clock: Clock, who: str, role: Role, why: str = "", where: str = ""
) -> StoredSitting:
    """Let a sitting go by what its exam says now: an act of a named person.

    Raises:
        ConflictError: nothing has changed.
        IllegalTransitionError: not by this role, or the sitting is over.
    """
    raise NotImplementedError
