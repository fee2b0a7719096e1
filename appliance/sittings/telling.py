"""Who is told what after a cause: rows of the outbox, in the cause's transaction; only to addresses that are set.

Addresses of the box in bodies (``archive``, ``reportUrl``) begin with ``/``. Who sends them puts the box's public
address before them (`addressed`), so that they are right when they arrive, whatever the box was called days before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from appliance.exams.register import register_of
from appliance.exams.score import score_of, thresholds_of
from appliance.exchange.coalescing import coalesce
from appliance.exchange.enums import Conclusion, ScheduleEvent, SessionStatus
from appliance.exchange.messages import Review, agreement_body, schedule_body, status_body
from appliance.sittings.candidates import candidates_by_id
from appliance.sittings.facts import session_facts
from appliance.sittings.receivers import concerns_centre, receiver_of, tell, tell_centre
from appliance.sittings.review_rows import review_of
from appliance.sittings.session_rows import name_of
from appliance.sittings.warning_rows import facts_to_tell, warnings_of

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.transitions import Event
    from appliance.exchange.json_edge import JsonObject
    from appliance.sittings.values import StoredSession

_ADDRESSES: Final = ("archive", "reportUrl")
_REGISTER: Final = frozenset({"sign_register", "close"})


def addressed(body: JsonObject, address: str) -> JsonObject:
    """Return a body with the box's address (``https://host:port``) before the addresses that begin with ``/``."""
    news: JsonObject = {}
    for key in _ADDRESSES:
        path = body.get(key)
        if isinstance(path, str) and path.startswith("/"):
            news[key] = address.rstrip("/") + path
    return {**body, **news}


def archive_path(integration: str, session_id: str) -> str:
    """Return the path of the reviewer's page of a session, by the names the LMS uses."""
    return f"/integration/simple/{quote(integration, safe='')}/archive/{quote(session_id, safe='')}/"


def told_review(db: Database, session: str, *, now_us: int) -> Review:
    """Return what the LMS is told of a session now; ``archive`` begins with ``/`` (see `addressed`).

    The score is told once the session is over. Warnings the exam hides are left out; they count all the same.
    """
    facts = session_facts(db, session, now_us=now_us)
    to = receiver_of(db, facts.session.integration)
    flags = [one.warning for one in warnings_of(db, session=session)]
    task, levels = review_of(db, session), thresholds_of(facts.exam.score)
    begun, over = facts.start_us, facts.end_us
    known = begun is not None and over is not None
    return Review(
        session=facts.name,
        archive=None if begun is None or to is None else archive_path(to.name, facts.session.session_id),
        conclusion=Conclusion(task.conclusion),
        comment="" if task.released is None else task.released.why,
        score=score_of(facts.exam.score, flags, start_us=begun or 0).value if known else None,
        attention=levels.attention,
        rejected=levels.rejected,
        start_us=begun,
        end_us=over,
        warnings=tuple(coalesce(facts_to_tell(db, session, facts.exam.hidden_warnings))),
        report_url=None,
    )


def tell_review(db: Database, session: StoredSession, *, clock: Clock) -> None:
    """Tell what is known of a session now; a message before it that was not tried yet is superseded."""
    to = receiver_of(db, session.integration)
    if to is not None and to.wants("review"):
        body = told_review(db, session.id, now_us=clock.wall_us()).body()
        tell(db, to, "review", body, session=session.id, clock=clock, supersedes=True)


def tell_schedule(
    db: Database,
    session: StoredSession,
    event: ScheduleEvent,
    *,
    start_us: int | None,
    clock: Clock,
    cancel_until_us: int | None = None,
) -> None:
    """Tell that a candidate has a time, or has none any more; it can be given up until it begins, or until earlier."""
    to = receiver_of(db, session.integration)
    if to is not None:
        body = schedule_body(name_of(session), event, start_us=start_us, cancel_deadline_us=cancel_until_us or start_us)
        tell(db, to, "schedule", body, session=session.id, clock=clock)


def tell_status(db: Database, session: StoredSession, *, clock: Clock) -> None:
    """Tell the centre where a session of its stands now; the LMS asks the centre."""
    to = receiver_of(db, session.integration)
    if to is not None and to.of_centre:
        word = SessionStatus(session.status.value)
        body = status_body(name_of(session), word, start_us=session.begun_us, end_us=session.finished_us)
        tell(db, to, "status", body, session=session.id, clock=clock)


def tell_agreement(db: Database, session: StoredSession, *, at_us: int, clock: Clock) -> None:
    """Tell that the candidate agreed to the notice."""
    to = receiver_of(db, session.integration)
    if to is not None:
        tell(db, to, "agreement", agreement_body(name_of(session), accepted_us=at_us), session=session.id, clock=clock)


def tell_event(db: Database, run: SittingRun, event: Event, *, clock: Clock) -> None:
    """Tell the centre, where the sitting concerns it: each event, and the register when it is signed and at the close.

    Candidates are named as the centre knows them, by number or the LMS's id, beside the box's own id.
    """
    if not concerns_centre(db, run.sitting):
        return
    stream = f"sitting:{run.sitting}"
    body: JsonObject = {"sitting": run.sitting, "seq": len(run.history), "event": msgspec.to_builtins(event)}
    if event.candidate:
        body["candidate"] = _named(db, [event.candidate]).get(event.candidate)
    tell_centre(db, "sitting_event", body, stream=stream, clock=clock)
    if event.name in _REGISTER:
        register = register_of(run)
        told: JsonObject = {
            "register": msgspec.to_builtins(register),
            "candidates": _named(db, list(run.people)),
        }
        tell_centre(db, "register", told, stream=stream, clock=clock)


def _named(db: Database, ids: list[str]) -> JsonObject:
    return {one.id: {"number": one.number, "userId": one.user_id} for one in candidates_by_id(db, ids).values()}
