"""A candidate arrives from the LMS: exam, candidate, session and the sitting they belong to, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.exams.model import Integration
    from appliance.exchange.session_parameters import StartParameters
    from appliance.sittings.values import HandedOver


def hand_over(
    db: Database,
    integration: Integration,
    start: StartParameters,
    *,
    clock: Clock,
    settings: Settings,
    where: str = "",
) -> HandedOver:
    """Make or change exam, candidate and session, and find the sitting; committed when it returns.

    The sitting is, in this order: where the candidate is on a roster for this exam and which is not closed; one that
    holds the exam and is open to arrivals (`exams.walk_ins`; they are enrolled, which the log says); one the box opens
    by itself (`exams.open_sittings`), within the exam's window. Otherwise the session belongs to none yet.

    Raises:
        ConflictError: the session is known as another candidate's or of another exam.
    """
    raise NotImplementedError
