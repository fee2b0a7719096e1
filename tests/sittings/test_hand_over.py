"""Candidates handed over by an LMS that knows nothing of the box but the API."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from appliance.auditlog import verify
from appliance.database import open_box_database
from appliance.errors import ConflictError
from appliance.exams.states import CandidateStatus, SessionStatus, SittingStatus
from appliance.exams.timing import SittingTiming
from appliance.exchange.messages import status_body
from appliance.sittings.acts import act
from appliance.sittings.exams import get_exam
from appliance.sittings.hand_over import hand_over
from appliance.sittings.planning import plan_sitting
from appliance.sittings.runs import run_of, stored_sitting
from appliance.sittings.sessions import (
    find_session,
    finish_session,
    record_agreement,
    recordings_of,
    session_facts,
    sessions_of,
)
from appliance.sittings.values import SittingPlan, StoredSession
from appliance.sittings.walking import NOBODY_CHECKED, walk
from tests.sittings.a_box import MINUTE, NINE, a_clock, actions, an_exam, an_integration, start_said, told

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.exams.model import Integration


class Lms:
    """An LMS and the box it speaks to."""

    def __init__(self, db: Database, settings: Settings, **urls: str | None) -> None:
        self.db, self.settings, self.clock = db, settings, a_clock()
        self.integration: Integration = an_integration(db, **urls)

    def sends(self, **changes: Any) -> StoredSession:
        """Hand a candidate over."""
        start = start_said(**changes)
        return hand_over(self.db, self.integration, start, clock=self.clock, settings=self.settings).session

    def facts(self, session: StoredSession) -> Any:
        """What is known of it now."""
        return session_facts(self.db, session.id, now_us=self.clock.wall_us())


@pytest.fixture
def lms(db: Database, settings: Settings) -> Lms:
    """An LMS with every address set, and a trial box."""
    return Lms(db, settings)


def strict(settings: Settings, **exams: Any) -> Settings:
    """A box that opens nothing by itself."""
    changed = msgspec.structs.replace(settings.exams, open_sittings=False, **exams)
    return msgspec.structs.replace(settings, exams=changed)


def begin(lms: Lms, session: StoredSession) -> None:
    """The candidate agrees and begins, as the page does it."""
    record_agreement(lms.db, session, notice="2026-1", clock=lms.clock)
    walk(lms.db, session, clock=lms.clock)
    act(
        lms.db,
        str(session.sitting),
        "begin",
        who="the page",
        role="candidate",
        clock=lms.clock,
        candidate=session.candidate,
    )


def test_an_unmodified_plugin_gets_from_the_hand_over_to_the_review(lms: Lms) -> None:
    """Start, agree, write, finish: the box makes all that is missing, and every message has its cause."""
    session = lms.sends()
    facts = lms.facts(session)
    assert facts.status is SessionStatus.READY_TO_START
    assert facts.standing.status is CandidateStatus.IDENTITY_CHECKED
    assert facts.standing.why == NOBODY_CHECKED
    assert facts.sitting.automatic
    assert (facts.candidate.display_name, facts.exam.name) == ("Ada Lovelace", "Algebra")
    assert status_body(facts.name, facts.status, start_us=facts.start_us, end_us=facts.end_us) == {
        "accountId": 123,
        "sessionId": 4711,
        "status": "ready_to_start",
        "sessionStart": None,
        "sessionEnd": None,
    }
    lms.clock.advance(60)
    begin(lms, session)
    facts = lms.facts(session)
    assert (facts.status, facts.start_us) == (SessionStatus.STARTED, NINE + MINUTE)
    assert facts.end.at_us == NINE + 121 * MINUTE
    lms.clock.advance(3600)
    asked = find_session(lms.db, lms.integration.id, "4711")
    assert finish_session(lms.db, asked, who="moodle", role="lms", clock=lms.clock, finish_url="https://lms.example/x")
    assert not finish_session(lms.db, asked, who="moodle", role="lms", clock=lms.clock)
    facts = lms.facts(session)
    assert (facts.status, facts.end_us) == (SessionStatus.FINISHED, NINE + 61 * MINUTE)
    assert facts.session.finish_url == "https://lms.example/x"
    bodies = told(lms.db)
    assert [(target, kind) for target, kind, _ in bodies] == [
        ("lms:id-of-moodle", "agreement"),
        ("lms:id-of-moodle", "review"),
    ]
    review = bodies[-1][2]
    assert (review["accountId"], review["sessionId"]) == (123, 4711)
    assert (review["sessionStart"], review["sessionEnd"]) == ("2026-11-25T10:01:00Z", "2026-11-25T11:01:00Z")
    assert (review["archive"], review["conclusion"]) == ("/integration/simple/moodle/archive/4711/", "unknown")
    log = actions(lms.db)
    assert [one for one in log if one.startswith("session.")] == [
        "session.handed_over",
        "session.agreed",
        "session.finished",
    ]
    assert "recording.started" in log
    assert verify(lms.db, None).ok
    (where,) = recordings_of(lms.db, session, now_us=lms.clock.wall_us())
    assert (where.sitting, where.from_us, where.to_us) == (session.sitting, NINE + MINUTE, NINE + 61 * MINUTE)


def test_names_of_people_stand_in_candidate_rows_alone(lms: Lms) -> None:
    """Neither events, nor what of the log cannot be erased, nor sessions, exams and messages name anybody."""
    begin(lms, lms.sends(userId="u-lovelace-7", email="ada@lovelace.example", specialAccommodationsInfo="Ada: more"))
    rows = lms.db.conn.execute("SELECT body FROM sitting_event").fetchall()
    rows += lms.db.conn.execute("SELECT CAST(body AS TEXT) FROM log_entry").fetchall()
    rows += lms.db.conn.execute("SELECT parameters FROM session UNION ALL SELECT parameters FROM exam").fetchall()
    rows += lms.db.conn.execute("SELECT body FROM delivery").fetchall()
    assert not [body for (body,) in rows if "ovelace" in body or "Ada" in body]


def test_a_second_candidate_joins_the_sitting_the_box_opened(lms: Lms) -> None:
    """One exam has one automatic sitting; another exam another."""
    first = lms.sends()
    second = lms.sends(userId=8, sessionId="s8")
    third = lms.sends(userId=9, sessionId="s9", examId="physics")
    assert first.sitting == second.sitting != third.sitting
    assert len(run_of(lms.db, str(first.sitting)).people) == 2


def test_handing_over_again_changes_nothing_that_has_begun(lms: Lms) -> None:
    """The page loaded anew finds the same session, candidate and place; addresses are taken over."""
    session = lms.sends()
    begin(lms, session)
    seq = stored_sitting(lms.db, str(session.sitting)).seq
    again = lms.sends(sessionUrl="https://lms.example/other", sessionId="4711")
    assert (again.id, again.sitting, again.candidate) == (session.id, session.sitting, session.candidate)
    assert again.session_url == "https://lms.example/other"
    assert again.wire.session == "4711"
    assert stored_sitting(lms.db, str(session.sitting)).seq == seq


def test_what_a_token_says_of_one_candidate_changes_no_exam(lms: Lms) -> None:
    """Photos, accommodations and unknown keys stand in the session; the exam keeps its version."""
    made = an_exam(lms.db, lms.integration, lms.clock, examId="e1", groupSize=3)
    one = lms.sends(examId="e1", specialAccommodationsInfo="quarter more", attempt=1)
    two = lms.sends(
        examId="e1",
        userId=8,
        sessionId="x",
        preliminaryCheck={"enabled": True, "photo_url": "https://lms.example/8.jpg"},
    )
    exam = get_exam(lms.db, made.id)
    assert (exam.version, exam.parameters["groupSize"]) == (1, 3)
    assert one.parameters["attempt"] == 1
    assert two.parameters["preliminaryCheck"]["enabled"] is True
    assert lms.facts(one).candidate.accommodations == "quarter more"
    lms.sends(examId="e1", duration=30)
    assert get_exam(lms.db, made.id).version == 2


def test_a_token_alone_says_all_of_an_exam(lms: Lms) -> None:
    """Validation and instructions count where the exam was never sent by itself."""
    session = lms.sends(requiresValidation=True, instructions="Phones off.", attempt=1)
    exam = lms.facts(session).exam
    assert (exam.requires_validation, exam.instructions) == (True, "Phones off.")
    assert "attempt" not in get_exam(lms.db, session.exam).parameters


def test_a_session_is_one_candidates_of_one_exam(lms: Lms) -> None:
    """The same sessionId for somebody else is refused, and nothing is stored of it."""
    lms.sends()
    before = actions(lms.db)
    for changes in ({"userId": 8}, {"examId": "other"}):
        with pytest.raises(ConflictError, match="another"):
            lms.sends(**changes)
    assert actions(lms.db) == before
    assert lms.db.table("candidate").count == 1


def test_a_candidate_on_a_roster_gets_their_own_sitting(lms: Lms) -> None:
    """Who is expected somewhere goes there, found by the centre's number too; the LMS learns the time."""
    exam = an_exam(lms.db, lms.integration, lms.clock, schedule=True)
    plan = SittingPlan(name="A", room="Hall", exams=(exam.id,), timing=SittingTiming(start_us=NINE + 60 * MINUTE))
    sitting = plan_sitting(lms.db, plan, clock=lms.clock, who="Grace")
    lms.db.conn.execute(
        "INSERT INTO candidate (id, number, last_name, created_us, updated_us) VALUES ('c1', '7', 'L.', 1, 1)"
    )
    lms.db.conn.execute(
        "INSERT INTO roster_entry (sitting, candidate, exam) VALUES (?, 'c1', ?)", (sitting.id, exam.id)
    )
    lms.db.conn.execute("UPDATE sitting SET version = version + 1")
    lms.db.conn.commit()
    session = lms.sends(schedule=True)
    assert (session.sitting, session.candidate, session.scheduled_us) == (sitting.id, "c1", NINE + 60 * MINUTE)
    assert lms.facts(session).candidate.last_name == "Lovelace"
    assert session.status is SessionStatus.READY_TO_START
    assert told(lms.db)[-1][2] == {
        "accountId": 123,
        "sessionId": 4711,
        "event": "scheduled",
        "start": "2026-11-25T11:00:00Z",
        "cancelDeadline": "2026-11-25T11:00:00Z",
    }
    count = len(told(lms.db))
    lms.sends(schedule=True)
    assert len(told(lms.db)) == count


def open_by_people(lms: Lms) -> str:
    """A sitting of the exam with its doors open."""
    exam = an_exam(lms.db, lms.integration, lms.clock)
    plan = SittingPlan(name="A", room="Hall", exams=(exam.id,), timing=SittingTiming(start_us=NINE))
    name = plan_sitting(lms.db, plan, clock=lms.clock, who="Grace").id
    for step, role in (("check_readiness", "invigilator"), ("note_readiness", "system"), ("admit", "invigilator")):
        act(lms.db, name, step, who="Grace", role=role, clock=lms.clock)  # type: ignore[arg-type]  # a role
    return name


def test_a_walk_in_joins_an_open_sitting_and_waits_for_the_room(lms: Lms) -> None:
    """They are enrolled with a reason in the history, and their identity is the invigilator's to check."""
    name = open_by_people(lms)
    session = lms.sends()
    assert session.sitting == name
    standing = walk(lms.db, session, clock=lms.clock)
    assert standing is not None
    assert (standing.status, standing.identity_asked) == (CandidateStatus.ARRIVED, True)
    enrolled = [one for one in run_of(lms.db, name).history if one.name == "enrol"]
    assert [(one.role, one.who, one.why) for one in enrolled] == [
        ("lms", "moodle", "handed over by the LMS, not on the roster")
    ]


def test_a_box_may_take_no_walk_ins_and_open_nothing(lms: Lms) -> None:
    """The session is known, belongs to no sitting, and its status follows the exam's window."""
    open_by_people(lms)
    lms.settings = strict(lms.settings, walk_ins=False)
    session = lms.sends()
    assert session.sitting is None
    assert lms.facts(session).status is SessionStatus.READY_TO_START
    assert lms.facts(lms.sends(examId="b", sessionId="b", schedule=True)).status is SessionStatus.NOT_SCHEDULED
    early = lms.sends(examId="c", sessionId="c", startDate="2026-11-25T12:00:00Z")
    assert lms.facts(early).status is SessionStatus.EARLY_TO_START
    late = lms.sends(examId="d", sessionId="d", endDate="2026-11-25T09:00:00Z")
    assert lms.facts(late).status is SessionStatus.LATE_TO_START


def test_the_same_candidate_from_many_pages_at_once_is_one_session(lms: Lms) -> None:
    """A page that is loaded again and again while it is slow makes one exam, candidate, session and sitting."""
    gate, found = threading.Barrier(6), set[str]()

    def load() -> None:
        db = open_box_database(lms.settings.database)
        gate.wait()
        done = hand_over(db, lms.integration, start_said(), clock=lms.clock, settings=lms.settings)
        found.add(done.session.id)
        db.conn.close()

    threads = [threading.Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert [lms.db.table(name).count for name in ("exam", "candidate", "session", "sitting")] == [1] * 4
    assert verify(lms.db, None).ok


def test_outside_the_window_the_box_opens_nothing(lms: Lms) -> None:
    """Too early is told as such, and the sitting is opened when the candidate comes again in time."""
    session = lms.sends(startDate="2026-11-25T11:00:00Z")
    assert (session.sitting, lms.facts(session).status) == (None, SessionStatus.EARLY_TO_START)
    lms.clock.advance(3600)
    assert lms.sends(startDate="2026-11-25T11:00:00Z").sitting is not None


def test_an_unstarted_session_is_unregistered(lms: Lms) -> None:
    """The finish of a session that has not begun takes the candidate out and says so, once; they may come again."""
    session = lms.sends(schedule=True)
    assert finish_session(lms.db, session, who="moodle", role="lms", clock=lms.clock)
    assert not finish_session(lms.db, session, who="moodle", role="lms", clock=lms.clock)
    facts = lms.facts(session)
    assert (facts.status, facts.standing.status) == (SessionStatus.NOT_SCHEDULED, CandidateStatus.WITHDRAWN)
    assert [body["event"] for _, kind, body in told(lms.db) if kind == "schedule"] == ["scheduled", "canceled"]
    assert actions(lms.db)[-1] == "session.unregistered"
    again = lms.sends(schedule=True)
    assert again.removed_us is None
    assert again.sitting not in {None, session.sitting}
    begin(lms, again)
    assert lms.facts(again).status is SessionStatus.STARTED


def test_a_second_attempt_is_another_sitting(lms: Lms) -> None:
    """Who has finished one attempt and is handed over with a new sessionId begins anew."""
    first = lms.sends()
    begin(lms, first)
    finish_session(lms.db, first, who="moodle", role="lms", clock=lms.clock)
    second = lms.sends(sessionId="again")
    assert second.sitting != first.sitting
    begin(lms, second)
    assert [lms.facts(one).status for one in (first, second)] == [SessionStatus.FINISHED, SessionStatus.STARTED]


def test_a_new_attempt_before_the_first_begins_takes_its_place(lms: Lms) -> None:
    """A candidate has one session in a sitting: the one the LMS sent last."""
    first = lms.sends()
    second = lms.sends(sessionId="again")
    assert [one.id for one in sessions_of(lms.db, str(second.sitting))] == [second.id]
    assert first.sitting == second.sitting


def test_agreement_counts_once(lms: Lms) -> None:
    """The first version agreed to is kept and told; without a sitting there is nothing else to do."""
    lms.settings = strict(lms.settings)
    session = lms.sends()
    agreed = record_agreement(lms.db, session, notice="2026-1", clock=lms.clock)
    lms.clock.advance(60)
    assert record_agreement(lms.db, session, notice="2026-2", clock=lms.clock) == agreed
    assert (agreed.agreed_us, agreed.agreed_notice) == (NINE, "2026-1")
    assert [(kind, body["timestamp"]) for _, kind, body in told(lms.db)] == [("agreement", "2026-11-25T10:00:00Z")]


def test_only_addresses_that_are_set_are_told(db: Database, settings: Settings) -> None:
    """Where the LMS names no address, nothing waits in the outbox."""
    lms = Lms(db, settings, review_url=None, schedule_url=None, agreement_acceptance_url=None, warning_url=None)
    begin(lms, lms.sends(schedule=True))
    assert told(db) == []


def test_the_centres_sessions_are_told_to_the_centre_alone(db: Database, settings: Settings) -> None:
    """Whatever addresses its LMS has: the centre passes on what it is told, and hears of the room as well."""
    lms = Lms(db, settings)
    db.conn.execute("UPDATE integration SET origin = 'centre'")
    db.conn.commit()
    session = lms.sends(schedule=True)
    begin(lms, session)
    bodies = told(db)
    assert {target for target, _, _ in bodies} == {"centre"}
    assert {kind for _, kind, _ in bodies} == {"session", "agreement", "review", "sitting_event"}
    review = next(body for _, kind, body in bodies if kind == "review")
    assert (review["integration"], review["kind"], review["message"]["sessionId"]) == ("moodle", "review", 4711)
    told_of = [(body["kind"], body["message"].get("status")) for _, kind, body in bodies if kind == "session"]
    assert told_of == [("schedule", None), ("status", "ready_to_start"), ("status", "started")]


def test_a_failure_on_the_way_leaves_nothing(lms: Lms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it breaks, there is neither exam, candidate, session, sitting, message nor entry."""

    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError

    for place in ("hand_over.walk", "hand_over.place", "placing.happen", "consequences.tell_event"):
        with monkeypatch.context() as patch:
            patch.setattr(f"appliance.sittings.{place}", fail)
            with pytest.raises(RuntimeError):
                lms.sends(schedule=True)
        names = ("exam", "candidate", "session", "sitting", "sitting_event", "delivery", "log_entry", "recording_wish")
        assert [lms.db.table(name).count for name in names] == [0] * len(names)
    assert lms.sends().sitting is not None
    assert stored_sitting(lms.db, str(sessions_sitting(lms.db))).status is SittingStatus.RUNNING


def sessions_sitting(db: Database) -> object:
    """The sitting of the only session."""
    return db.conn.execute("SELECT sitting FROM session").fetchone()[0]


def test_walking_is_safe_to_ask_for_again(lms: Lms) -> None:
    """Where nothing is left to do, nothing happens; without a sitting there is nowhere to walk."""
    session = lms.sends()
    begin(lms, session)
    seq = stored_sitting(lms.db, str(session.sitting)).seq
    standing = walk(lms.db, session, clock=lms.clock)
    assert standing is not None
    assert (standing.status, standing.seat) == (CandidateStatus.WRITING, "1")
    assert stored_sitting(lms.db, str(session.sitting)).seq == seq
    assert walk(lms.db, msgspec.structs.replace(session, sitting=None), clock=lms.clock) is None
