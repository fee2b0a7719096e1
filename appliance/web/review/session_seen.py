"""One session as a reviewer sees it: who, where, when and why it ended, its pictures, warnings, incidents, verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from appliance.errors import NotFoundError
from appliance.exams.reviewing import REVIEW_TABLE
from appliance.exams.transitions import possible
from appliance.sittings.incidents import list_incidents
from appliance.sittings.review_lists import is_reviewed
from appliance.sittings.reviews import review_of
from appliance.sittings.runs import run_of
from appliance.sittings.sessions import recordings_of, session_facts
from appliance.sittings.warnings import warnings_of
from appliance.web.review import overview, sittings
from appliance.web.review.blueprint import camera_names, held_sittings, sitting_now
from appliance.web.review.judging import weighed
from appliance.web.review.told import told_of
from appliance.web.services import database, services

if TYPE_CHECKING:
    from appliance.exams.reviewing import Review
    from appliance.exams.transitions import Event, Role
    from appliance.sittings.incidents import StoredIncident
    from appliance.sittings.values import RecordingRange, SessionFacts
    from appliance.web.account.sessions import Person
    from appliance.web.review.judging import Order, Weighed
    from appliance.web.review.sittings import SittingRow
    from appliance.web.review.told import Told

_OF_ALL: Final = frozenset(
    {"start", "pause_all", "resume_all", "extend_all", "end", "end_early", "close_ghosts", "clock_stepped", "call_off"}
)


@dataclass(frozen=True, slots=True)
class SeenSession:
    """All of a session's page.

    Attributes:
        facts: who, which exam, where, when.
        task: its review; ``reviewed`` whether it has one.
        weighed: its warnings in groups, and the score.
        incidents: those about the session, and those of the whole room.
        events: what happened to the candidate, or to everybody at once.
        ranges: where its pictures are.
        told: what the LMS knows.
    """

    facts: SessionFacts
    task: Review
    reviewed: bool
    weighed: Weighed
    incidents: tuple[StoredIncident, ...]
    events: tuple[Event, ...]
    ranges: tuple[RecordingRange, ...]
    told: Told

    @property
    def id(self) -> str:
        """Our name of the session."""
        return self.facts.session.id

    def may(self, person: Person) -> list[str]:
        """Return what of the review a person may do now, in the order of the table's sense."""
        if not self.reviewed or self.is_for_others(person.name):
            return []
        found = possible(REVIEW_TABLE, self.task.status, cast("Role", person.role))
        wanted = ("pass", "fail", "change_to_passed", "change_to_failed", "release", "ask_second")
        return [name for name in wanted if name in found and (name != "release" or self.task.differs)]

    def is_for_others(self, name: str) -> bool:
        """Whether a second review is wanted that this person may not make: the last verdict was theirs."""
        return self.task.second_wanted and self.task.verdicts[-1].who == name


@dataclass(frozen=True, slots=True)
class Film:
    """One recording of a session: the stretch that is the session's, and what the list of recordings says of it."""

    range: RecordingRange
    row: SittingRow


def seen_session(session: str, *, order: Order) -> SeenSession:
    """Return a session as it is now.

    Raises:
        NotFoundError: there is none.
    """
    db, now_us = database(), services().clock.wall_us()
    facts = session_facts(db, session, now_us=now_us)
    stored = warnings_of(db, session=session)
    return SeenSession(
        facts=facts,
        task=review_of(db, session),
        reviewed=is_reviewed(db, session),
        weighed=weighed(facts.exam, stored, start_us=facts.session.begun_us or 0, order=order),
        incidents=_incidents(facts),
        events=_events(facts),
        ranges=tuple(recordings_of(db, facts.session, now_us=now_us)),
        told=told_of(db, facts.session.integration, session),
    )


def films_of(seen: SeenSession) -> list[Film]:
    """Return those of a session's recordings of which something is left."""
    found = []
    for one in seen.ranges:
        try:
            lines = overview.lines_of(services().settings.vault_dir, one.sitting, camera_names(), sitting_now())
        except NotFoundError:
            continue  # never recorded, or deleted when its time was over
        known = sittings.Known(camera_names(), sitting_now(), {}, held_sittings())
        found.append(Film(one, sittings.joined(one.sitting, lines, known)))
    return found


def _incidents(facts: SessionFacts) -> tuple[StoredIncident, ...]:
    if facts.sitting is None:
        return tuple(list_incidents(database(), session=facts.session.id))
    every = list_incidents(database(), sitting=facts.sitting.id)
    return tuple(
        one
        for one in every
        if one.incident.session == facts.session.id
        or (not one.incident.session and one.incident.seat in {"", facts.seat})
    )


def _events(facts: SessionFacts) -> tuple[Event, ...]:
    if facts.sitting is None:
        return ()
    history = run_of(database(), facts.sitting.id).history
    return tuple(one for one in history if one.candidate == facts.session.candidate or one.name in _OF_ALL)
