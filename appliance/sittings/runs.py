"""Sittings read from their rows: the plan, and the run that folding the history gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.model import Exam
    from appliance.exams.sitting_run import SittingRun
    from appliance.sittings.values import StoredSitting


def stored_sitting(db: Database, id: str) -> StoredSitting:  # noqa: A002  the model's word
    """Return a sitting, also a removed one.

    Raises:
        NotFoundError: there is none.
    """
    raise NotImplementedError


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
        now_us: the present wall time.
        limit: at most so many.
        before: continue among closed ones after (start, id) of the last one shown.
        text: only those whose name, room or id holds it.
        removed: only removed ones instead.
    """
    raise NotImplementedError


def run_of(db: Database, sitting: str) -> SittingRun:
    """Return the sitting as it stands; only events since the last look are applied.

    Raises:
        NotFoundError: there is no such sitting.
    """
    raise NotImplementedError


def exams_of(db: Database, sitting: str) -> dict[str, Exam]:
    """Return the sitting's exams by id: as frozen when the readiness check began or accepted since, else as now."""
    raise NotImplementedError
