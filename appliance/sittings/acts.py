"""The one way anything happens in a sitting: an event, and all that follows from it, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.transitions import Role


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
    """
    raise NotImplementedError
