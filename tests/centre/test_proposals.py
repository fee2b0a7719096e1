"""What the centre changes in a running sitting waits for the room: accepted, declined, or taken over in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.centre.proposals import PlanWish, proposals
from appliance.centre.taking_over import accept_proposal, decline_proposal, reconsider
from appliance.centre.waiting_rows import waiting_changes
from appliance.clock import SECOND_US, ManualClock
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.exams.states import CandidateStatus
from appliance.exams.timing import SittingTiming
from appliance.exams.transitions import IllegalTransitionError
from appliance.hub.extra_time import grant_extra_time, withdraw_extra_time
from appliance.integrations.store import get_integration
from appliance.outbox import CENTRE, waiting
from appliance.sittings.acts import act
from appliance.sittings.changes import changed_since_frozen
from appliance.sittings.planning import change_plan, remove_sitting
from appliance.sittings.rosters import candidates_of, roster_of
from appliance.sittings.runs import run_of, stored_sitting
from appliance.sittings.values import SittingPlan
from tests.centre.test_taking_over import START, expect, plan, pull

if TYPE_CHECKING:
    from appliance.centre.waiting_rows import Waiting
    from appliance.exams.transitions import Role
    from tests.centre.box import Box
    from tests.support.hub_server import HubServer


@pytest.fixture
def clock() -> ManualClock:
    """A clock at the planned start."""
    return ManualClock(wall_us=START)


@pytest.fixture
def sitting(box: Box, server: HubServer) -> str:
    """A sitting of the centre that runs on the box, with two candidates."""
    lms, _ = server.lms()
    exam = server.exam(lms, "law")
    made = plan(server, exam)
    expect(server, made, exam, "4711", "4712")
    server.give("sitting", made, box.id)
    pull(box, server)
    begin(box, made)
    return made


def begin(box: Box, sitting: str, *, until: str = "start") -> None:
    """Bring a sitting on the box under way."""
    steps: list[tuple[str, Role, str]] = [
        ("check_readiness", "invigilator", ""),
        ("override_readiness", "invigilator", "tried by hand"),
        ("admit", "invigilator", ""),
        ("start", "invigilator", ""),
    ]
    for name, role, why in steps:
        if name == "override_readiness":
            detail = {"room": "no camera"}
            act(box.db, sitting, "note_readiness", who="box", role="system", clock=box.clock, detail=detail)
        act(box.db, sitting, name, who="ida", role=role, clock=box.clock, why=why)
        if name == until:
            return


def enter(
    box: Box, sitting: str, step: str, candidate: str, *, role: Role = "invigilator", why: str = "", **detail: str
) -> None:
    """Do one step of a candidate's."""
    act(
        box.db, sitting, step, who="ida", role=role, clock=box.clock, candidate=candidate, why=why, detail=detail
    )  # fmt: skip


def only(box: Box) -> Waiting:
    """Return the one change that waits."""
    (found,) = waiting_changes(box.db, box.centre.hub)
    return found


def exam_of(server: HubServer, sitting: str) -> str:
    """Return the sitting's exam at the hub."""
    return stored_sitting(server.db, sitting).sitting.exams[0]


def given(box: Box, sitting: str) -> list[tuple[str, str, str]]:
    """Return the extra time in a sitting's history: what, who, in what role."""
    return [(one.name, one.who, one.role) for one in run_of(box.db, sitting).history if one.name.startswith("extend")]


def told(box: Box) -> list[object]:
    """Return what the box has to tell, or told, of acceptances."""
    rows = box.db.conn.execute(
        "SELECT json_extract(body, '$.accepted') FROM delivery WHERE kind = 'acceptance' ORDER BY id"
    )
    return [bool(row[0]) for row in rows]


def test_extra_time_waits_for_the_room_and_is_given_once(box: Box, server: HubServer, sitting: str) -> None:
    """Ten minutes of the centre change nothing until the invigilator accepts; then they count, once, in its name."""
    grant_extra_time(server.db, sitting, minutes=10, why="fire alarm", clock=box.clock, who="cara")
    pull(box, server)
    assert given(box, sitting) == []
    proposal = only(box)
    assert (proposal.state, proposal.change.kind) == ("proposed", "extra_time")
    assert [one["kind"] for one in box.logged("centre.proposed")] == ["extra_time"]
    accept_proposal(box.db, proposal.number, box.taking)
    assert given(box, sitting) == [("extend_all", "cara", "centre")]
    assert told(box) == [True]
    assert box.logged("centre.accepted") != []
    with pytest.raises(NotFoundError):
        accept_proposal(box.db, proposal.number, box.taking)
    box.duty._pull = True
    with write(box.db):
        box.db.conn.execute("UPDATE centre SET cursor = ''")
    pull(box, server)
    assert given(box, sitting) == [("extend_all", "cara", "centre")]
    assert waiting_changes(box.db, box.centre.hub) == []


def test_extra_time_of_one_candidate_is_theirs(box: Box, server: HubServer, sitting: str) -> None:
    """What the centre gives one candidate is given to that candidate here, by the box's own name of them."""
    name = next(one for one, person in candidates_of(box.db, sitting).items() if person.number == "4711")
    steps: list[tuple[str, Role]] = [("arrive", "invigilator"), ("consent", "candidate"), ("begin", "candidate")]
    for step, role in steps:
        if step == "consent" and run_of(box.db, sitting).people[name].status is CandidateStatus.ARRIVED:
            enter(box, sitting, "waive_identity", name, why="known to the room")
        if step == "begin":
            enter(box, sitting, "seat", name, seat="1")
        enter(box, sitting, step, name, role=role, **({"notice": "1"} if step == "consent" else {}))
    at_hub = next(one.candidate.id for one in roster_of(server.db, sitting).entries if one.candidate.number == "4711")
    grant_extra_time(server.db, sitting, minutes=5, why="ill", clock=box.clock, who="cara", candidate=at_hub)
    pull(box, server)
    accept_proposal(box.db, only(box).number, box.taking)
    event = next(one for one in run_of(box.db, sitting).history if one.name == "extend")
    assert candidates_of(box.db, sitting)[event.candidate].number == "4711"
    assert event.detail["amount_us"] == 300 * SECOND_US


def test_a_declined_change_is_told_with_its_reason(box: Box, server: HubServer, sitting: str) -> None:
    """Declining needs a reason; the centre is told it, and what was declined is not asked about again."""
    grant_extra_time(server.db, sitting, minutes=10, why="fire alarm", clock=box.clock, who="cara")
    pull(box, server)
    number = only(box).number
    with pytest.raises(BadInputError, match="why"):
        decline_proposal(box.db, number, box.taking, why="  ")
    decline_proposal(box.db, number, box.taking, why="it was next door")
    found = only(box)
    assert (found.state, found.decided_by, found.decided_why) == ("declined", "ida", "it was next door")
    assert told(box) == [False]
    with pytest.raises(ConflictError):
        accept_proposal(box.db, number, box.taking)
    pull(box, server)
    assert only(box).state == "declined"
    assert [one for one in waiting(box.db, CENTRE) if one.kind == "acceptance"] == []


def test_a_withdrawn_grant_waits_no_more(box: Box, server: HubServer, sitting: str) -> None:
    """A grant that the centre withdraws before the room accepted it is gone, and was never given."""
    grant = grant_extra_time(server.db, sitting, minutes=10, why="fire alarm", clock=box.clock, who="cara")
    pull(box, server)
    number = only(box).number
    withdraw_extra_time(server.db, grant, clock=box.clock, who="cara")
    pull(box, server)
    assert waiting_changes(box.db, box.centre.hub) == []
    with pytest.raises(NotFoundError):
        accept_proposal(box.db, number, box.taking)
    assert given(box, sitting) == []


def test_a_changed_roster_waits_and_what_comes_later_takes_its_place(box: Box, server: HubServer, sitting: str) -> None:
    """Of two rosters the newest waits; accepted, who is new is enrolled and who is gone is withdrawn."""
    exam = exam_of(server, sitting)
    box.clock.advance(1)
    expect(server, sitting, exam, "4711", "4712", "4713")
    pull(box, server)
    first = only(box)
    box.clock.advance(1)
    expect(server, sitting, exam, "4711", "4713")
    pull(box, server)
    second = only(box)
    assert second.number != first.number
    with pytest.raises(NotFoundError):
        accept_proposal(box.db, first.number, box.taking)
    accept_proposal(box.db, second.number, box.taking)
    people = candidates_of(box.db, sitting)
    run = run_of(box.db, sitting)
    status = {people[name].number: person.status for name, person in run.people.items()}
    assert status["4713"] is CandidateStatus.EXPECTED
    assert status["4712"] is CandidateStatus.WITHDRAWN


def test_a_changed_exam_is_asked_about_by_the_sitting_itself(box: Box, server: HubServer, sitting: str) -> None:
    """A running sitting goes on with the exam it froze; its page is told what changed (`sittings.changes`)."""
    lms = next(iter(server.db.conn.execute("SELECT id FROM integration")))[0]
    box.clock.advance(1)
    server.exam(get_integration(server.db, lms), "law", duration=33)
    pull(box, server)
    assert waiting_changes(box.db, box.centre.hub) == []
    (change,) = changed_since_frozen(box.db, sitting)
    assert change.fields == ("duration_us",)


def test_what_waits_is_taken_over_when_the_sitting_is_over(box: Box, server: HubServer, sitting: str) -> None:
    """Closed, the sitting needs nobody's acceptance: what waited is settled, and late extra time changes nothing."""
    grant_extra_time(server.db, sitting, minutes=10, why="fire alarm", clock=box.clock, who="cara")
    pull(box, server)
    for name in run_of(box.db, sitting).people:
        enter(box, sitting, "mark_absent", name)
    for name, why in (("end_early", "done"), ("sign_register", ""), ("close", "")):
        act(box.db, sitting, name, who="ida", role="centre_manager", clock=box.clock, why=why)
    reconsider(box.db, box.centre, box.taking)
    assert waiting_changes(box.db, box.centre.hub) == []
    assert given(box, sitting) == []
    assert [one["kind"] for one in box.logged("centre.too_late")] == ["extra_time"]


def test_a_proposal_that_cannot_be_taken_over_goes_on_waiting(box: Box, server: HubServer, sitting: str) -> None:
    """A removal of a running sitting cannot be accepted; the room is told why, and nothing is lost."""
    remove_sitting(server.db, sitting, clock=box.clock, who="cara")
    pull(box, server)
    proposals = [one for one in waiting_changes(box.db, box.centre.hub) if one.change.kind == "sitting"]
    assert [one.state for one in proposals] == ["proposed"]
    with pytest.raises(IllegalTransitionError):
        accept_proposal(box.db, proposals[0].number, box.taking)
    assert [one.number for one in waiting_changes(box.db, box.centre.hub) if one.state == "proposed"] != []
    assert stored_sitting(box.db, sitting).removed_us is None
    assert told(box) == []


def test_extra_time_of_a_planned_sitting_is_asked_about_once_somebody_is_there(box: Box, server: HubServer) -> None:
    """Extra time for a sitting that is only planned is held, and becomes a proposal with its readiness check."""
    lms, _ = server.lms()
    exam = server.exam(lms, "law")
    made = plan(server, exam)
    expect(server, made, exam, "4711")
    server.give("sitting", made, box.id)
    grant_extra_time(server.db, made, minutes=10, why="late bus", clock=box.clock, who="cara")
    pull(box, server)
    assert (only(box).state, only(box).reason) == ("held", "The sitting is only planned.")
    begin(box, made, until="check_readiness")
    box.round()
    assert only(box).state == "proposed"


@pytest.mark.parametrize("until", ["check_readiness", "admit"])
@pytest.mark.parametrize("of_one", [False, True])
def test_extra_time_accepted_before_the_start_counts_at_once(
    box: Box, server: HubServer, until: str, *, of_one: bool
) -> None:
    """Accepted before the start, extra time is in everybody's end, or in one's, and waits no more."""
    lms, _ = server.lms()
    exam = server.exam(lms, "law")
    made = plan(server, exam)
    expect(server, made, exam, "4711", "4712")
    server.give("sitting", made, box.id)
    pull(box, server)
    begin(box, made, until=until)
    at_hub = next(one.candidate.id for one in roster_of(server.db, made).entries if one.candidate.number == "4711")
    more = {"candidate": at_hub} if of_one else {}
    grant_extra_time(server.db, made, minutes=10, why="late bus", clock=box.clock, who="cara", **more)
    pull(box, server)
    before = run_of(box.db, made).ends(box.clock.wall_us())
    accept_proposal(box.db, only(box).number, box.taking)
    assert waiting_changes(box.db, box.centre.hub) == []
    people = candidates_of(box.db, made)
    longer = {
        people[name].number
        for name, end in run_of(box.db, made).ends(box.clock.wall_us()).items()
        if end.at_us == before[name].at_us + 600 * SECOND_US
    }
    assert longer == ({"4711"} if of_one else {"4711", "4712"})


def test_the_hub_hears_how_many_proposals_wait(box: Box, server: HubServer, sitting: str) -> None:
    """The report counts what waits for the room."""
    grant_extra_time(server.db, sitting, minutes=10, why="fire alarm", clock=box.clock, who="cara")
    pull(box, server)
    box.round()
    report = server.hub.reports.heard()[box.id].report
    assert report.proposals == 1
    assert [one.id for one in report.sittings] == [sitting]


def replan(server: HubServer, sitting: str, *exams: str, later_s: int = 0, name: str = "Law") -> None:
    """Change a sitting's plan at the hub."""
    server.clock.advance(1)  # type: ignore[attr-defined]  # a manual one
    timing = SittingTiming(start_us=START + later_s * SECOND_US, late_rule="common_end" if later_s else "full_time")
    made = SittingPlan(name=name, room="Hall 2", exams=exams, timing=timing)
    change_plan(server.db, sitting, made, clock=server.clock, who="cara")


def planned_here(box: Box, sitting: str) -> tuple[str, int]:
    """Return the sitting's name and start on the box, by its row and by its run."""
    stored, run = stored_sitting(box.db, sitting), run_of(box.db, sitting)
    assert stored.sitting.timing == run.timing
    return stored.sitting.name, stored.start_us - START


def test_a_changed_plan_of_a_running_sitting_waits_for_the_room(box: Box, server: HubServer, sitting: str) -> None:
    """Other times and an exam more change nothing until the invigilator accepts; then they are an act of the centre."""
    lms = get_integration(server.db, str(server.db.conn.execute("SELECT id FROM integration").fetchone()[0]))
    replan(server, sitting, exam_of(server, sitting), server.exam(lms, "more"), later_s=600, name="Law and more")
    pull(box, server)
    assert planned_here(box, sitting) == ("Law", 0)
    (proposal,) = [one for one in waiting_changes(box.db, box.centre.hub) if one.change.kind == "sitting"]
    assert proposal.state == "proposed"
    wish = next(one.wish for one in proposals(box.db, sitting) if one.waiting.number == proposal.number)
    assert isinstance(wish, PlanWish)
    assert (wish.added, wish.left_out) == (("more",), ())
    accept_proposal(box.db, proposal.number, box.taking)
    assert planned_here(box, sitting) == ("Law and more", 600 * SECOND_US)
    event = run_of(box.db, sitting).history[-1]
    assert (event.name, event.role, event.detail["accepted_by"]) == ("change_plan", "centre", "ida")
    assert len(run_of(box.db, sitting).exams) == 2
    assert changed_since_frozen(box.db, sitting) == []
    assert told(box) == [True]


def test_a_declined_plan_changes_nothing(box: Box, server: HubServer, sitting: str) -> None:
    """Declined, the sitting goes on as it is; once it is closed the plan comes too late, and nothing waits."""
    replan(server, sitting, exam_of(server, sitting), later_s=600)
    pull(box, server)
    decline_proposal(box.db, only(box).number, box.taking, why="they write already")
    pull(box, server)
    assert planned_here(box, sitting) == ("Law", 0)
    for name in run_of(box.db, sitting).people:
        enter(box, sitting, "mark_absent", name)
    for name, why in (("end_early", "done"), ("sign_register", ""), ("close", "")):
        act(box.db, sitting, name, who="ida", role="centre_manager", clock=box.clock, why=why)
    reconsider(box.db, box.centre, box.taking)
    assert planned_here(box, sitting) == ("Law", 0)
    assert waiting_changes(box.db, box.centre.hub) == []


def test_an_exam_that_somebody_has_is_not_left_out(box: Box, server: HubServer, sitting: str) -> None:
    """A plan without an exam that candidates have is refused with what to do, and goes on waiting."""
    lms = get_integration(server.db, str(server.db.conn.execute("SELECT id FROM integration").fetchone()[0]))
    expect(server, sitting, exam_of(server, sitting))
    replan(server, sitting, server.exam(lms, "other"))
    pull(box, server)
    (proposal,) = [one for one in waiting_changes(box.db, box.centre.hub) if one.change.kind == "sitting"]
    with pytest.raises(ConflictError, match="leaves out 'law', which 2 candidates"):
        accept_proposal(box.db, proposal.number, box.taking)
    assert [one.state for one in waiting_changes(box.db, box.centre.hub) if one.change.kind == "sitting"] == [
        "proposed"
    ]
    assert len(run_of(box.db, sitting).exams) == 1


def test_a_plan_applies_by_itself_while_the_sitting_is_only_planned(box: Box, server: HubServer) -> None:
    """Where somebody was enrolled already but no readiness check has begun, nobody is asked."""
    lms, _ = server.lms()
    exam = server.exam(lms, "law")
    made = plan(server, exam)
    server.give("sitting", made, box.id)
    pull(box, server)
    local = stored_sitting(box.db, made).sitting.exams[0]
    with write(box.db):
        now = box.clock.wall_us()
        box.db.conn.execute("INSERT INTO candidate (id, created_us, updated_us) VALUES ('guest', ?, ?)", (now, now))
        enter(box, made, "enrol", "guest", why="a guest", exam=local)
    replan(server, made, exam, later_s=300)
    pull(box, server)
    assert waiting_changes(box.db, box.centre.hub) == []
    assert planned_here(box, made) == ("Law", 300 * SECOND_US)
    assert run_of(box.db, made).history[-1].name == "change_plan"
