"""What a hub changes comes to the box: exams, sittings, rosters, bookings; in chunks, cut, doubled and out of order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.centre.taking_over import take_changes
from appliance.centre.waiting_rows import waiting_changes
from appliance.clock import SECOND_US
from appliance.exams.allowances import Allowance
from appliance.exams.model import Candidate, RosterEntry, Seat
from appliance.exams.roster import RosterDraft
from appliance.exams.seating import SeatingDraft
from appliance.exams.timing import SittingTiming
from appliance.exchange.centre.messages import PullAnswer
from appliance.exchange.exam_parameters import parse_exam
from appliance.hub.feed import every_change
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.secrets import good_secrets, rotate_secret
from appliance.integrations.store import find_integration
from appliance.sittings.exams import list_exams, remove_exam, upsert_exam
from appliance.sittings.planning import plan_sitting, remove_sitting
from appliance.sittings.rosters import candidates_of, roster_of, seating_of, take_roster, take_seating
from appliance.sittings.runs import stored_sitting
from appliance.sittings.values import SittingPlan
from appliance.sync import centre_duty
from tests.exchange.values import EXAMPLE

if TYPE_CHECKING:
    from appliance.exchange.centre.changes import Change
    from tests.centre.box import Box
    from tests.support.hub_server import HubServer

START = parse_exam(EXAMPLE).start.us + 60 * SECOND_US


def plan(server: HubServer, *exams: str, name: str = "Law") -> str:
    """Plan a sitting at the hub."""
    made = SittingPlan(name=name, room="Hall 2", exams=exams, timing=SittingTiming(start_us=START))
    return plan_sitting(server.db, made, clock=server.clock, who="cara").id


def expect(server: HubServer, sitting: str, exam: str, *numbers: str, minutes: int = 0) -> None:
    """Put candidates on a sitting's roster at the hub, instead of those before."""
    entries = tuple(
        RosterEntry(
            candidate=Candidate(id="x", number=one, last_name=f"Name {one}", first_name="Ada"),
            exam=exam,
            planned=Allowance(minutes=minutes),
        )
        for one in numbers
    )
    draft = RosterDraft(sitting=sitting, entries=entries, problems=(), rows=len(entries))
    take_roster(server.db, sitting, draft, replace=True, clock=server.clock, who="cara")


def pull(box: Box, server: HubServer) -> None:
    """Let the hub look what is new, and the box report and pull."""
    server.look()
    box.round()
    box.round()


def feed(server: HubServer, box: Box) -> list[Change]:
    """Return all changes the hub has for a box."""
    server.hub.publisher.publish(server.db)
    return list(every_change(server.db, box.id, hub=server.hub.facts))


def test_an_exam_comes_with_its_lms_and_secret_and_changes(box: Box, server: HubServer) -> None:
    """The exam is on the box with the LMS's integration and secrets; a change and a new secret follow."""
    lms, secret = server.lms()
    exam = server.exam(lms, "law")
    server.give("exam", exam, box.id)
    pull(box, server)
    (found,) = list_exams(box.db, now_us=0)
    assert (found.exam_id, found.origin) == ("law", "centre")
    here = find_integration(box.db, "campus")
    keys = exchange_key(box.settings)
    assert [one.text for one in good_secrets(box.db, here.id, now_us=box.clock.wall_us(), keys=keys)] == [secret]
    server.exam(lms, "law", duration=77)
    overlap_us = 3600 * SECOND_US
    new = rotate_secret(
        server.db, lms.id, overlap_us=overlap_us, clock=box.clock, who="cara", keys=exchange_key(server.settings)
    )
    pull(box, server)
    (found,) = list_exams(box.db, now_us=0)
    assert found.parameters["duration"] == 77
    assert [one.text for one in good_secrets(box.db, here.id, now_us=box.clock.wall_us(), keys=keys)] == [new, secret]
    after_us = box.clock.wall_us() + 2 * overlap_us
    assert [one.text for one in good_secrets(box.db, here.id, now_us=after_us, keys=keys)] == [new]


def test_a_sitting_comes_with_roster_and_seats_and_goes_again(box: Box, server: HubServer) -> None:
    """Plan, roster with extra time and seats are on the box as at the hub; removed at the hub they are gone."""
    lms, _ = server.lms()
    exam = server.exam(lms, "law")
    sitting = plan(server, exam)
    expect(server, sitting, exam, "4711", "4712", minutes=10)
    first = roster_of(server.db, sitting).entries[0].candidate.id
    seats = (Seat(label="A1", row=1, column=1), Seat(label="A2", row=1, column=2, cameras=("cam-there",)))
    draft = SeatingDraft(sitting=sitting, seats=seats, assigned={"A2": first}, unseated=(), problems=(), rows=2)
    take_seating(server.db, sitting, draft, clock=server.clock, who="cara")
    server.give("sitting", sitting, box.id)
    pull(box, server)
    here = stored_sitting(box.db, sitting)
    assert (here.sitting.name, here.origin, here.sitting.timing.start_us) == ("Law", "centre", START)
    roster = roster_of(box.db, sitting)
    assert [(one.candidate.number, one.planned.minutes) for one in roster.entries] == [("4711", 10), ("4712", 10)]
    seating = seating_of(box.db, sitting)
    assert [one.label for one in seating.seats] == ["A1", "A2"]
    assert candidates_of(box.db, sitting)[seating.assigned["A2"]].number == "4711"
    expect(server, sitting, exam, "4712")
    pull(box, server)
    assert [one.candidate.number for one in roster_of(box.db, sitting).entries] == ["4712"]
    remove_sitting(server.db, sitting, clock=server.clock, who="cara")
    pull(box, server)
    assert stored_sitting(box.db, sitting).removed_us is not None
    assert list_exams(box.db, now_us=0) == []
    assert waiting_changes(box.db, box.centre.hub) == []


def test_a_pull_that_is_cut_goes_on_where_it_was(box: Box, server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four chunks the third is cut in its body: rows and cursor stand at the second, and the rest comes after."""
    monkeypatch.setattr(centre_duty, "_PULL", 3)
    lms, _ = server.lms()
    for n in range(9):
        server.give("exam", server.exam(lms, f"exam-{n}"), box.id)
    pulls: list[int] = []

    def cutting(app: Any, environ: dict[str, Any], start: Any) -> Any:
        if not environ["PATH_INFO"].endswith("/pull/"):
            return app(environ, start)
        pulls.append(1)
        body = b"".join(app(environ, start))
        return [body[: len(body) // 2]] if len(pulls) == 3 else [body]

    server.between = cutting
    box.round()
    assert len(pulls) == 3
    assert len(list_exams(box.db, now_us=0)) == 5  # the first chunk has the integration
    cursor = box.centre.cursor
    box.again()
    assert len(list_exams(box.db, now_us=0)) == 9
    assert box.centre.cursor != cursor
    taken = box.db.conn.execute("SELECT COUNT(*), COUNT(DISTINCT id) FROM centre_thing").fetchone()
    assert taken == (10, 10)


def test_rows_and_cursor_move_together(box: Box, server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the process dies between taking over and moving the cursor, neither has happened."""
    lms, _ = server.lms()
    server.give("exam", server.exam(lms, "law"), box.id)
    changes = feed(server, box)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("appliance.centre.taking_over.move_cursor", dies)
    with pytest.raises(KeyboardInterrupt):
        take_changes(box.db, box.centre, changes, box.taking, cursor="c1")
    assert list_exams(box.db, now_us=0) == []
    assert box.centre.cursor == ""


def test_order_and_repetition_do_not_matter(box: Box, server: HubServer) -> None:
    """Changes in the wrong order, one by one and twice, end as in the right order; what came too early is held."""
    lms, _ = server.lms()
    exam = server.exam(lms, "law")
    sitting = plan(server, exam)
    expect(server, sitting, exam, "4711")
    server.give("sitting", sitting, box.id)
    changes = feed(server, box)
    assert {one.kind for one in changes} == {"integration", "exam", "sitting", "roster"}
    for change in reversed(changes):
        take_changes(box.db, box.centre, [change], box.taking)
    assert [one.candidate.number for one in roster_of(box.db, sitting).entries] == ["4711"]
    assert waiting_changes(box.db, box.centre.hub) == []
    before = box.db.conn.execute("SELECT COUNT(*) FROM log_entry").fetchone()
    again = take_changes(box.db, box.centre, [*changes, *changes], box.taking)
    assert (again.applied, again.known) == (0, 2 * len(changes))
    assert box.db.conn.execute("SELECT COUNT(*) FROM log_entry").fetchone() == before


def test_what_is_held_says_why(box: Box, server: HubServer) -> None:
    """A roster without its sitting waits with a reason in plain words, and holds up nothing else."""
    lms, _ = server.lms()
    exam = server.exam(lms, "law")
    sitting = plan(server, exam)
    expect(server, sitting, exam, "4711")
    server.give("sitting", sitting, box.id)
    changes = [one for one in feed(server, box) if one.kind in {"integration", "exam", "roster"}]
    taken = take_changes(box.db, box.centre, changes, box.taking)
    assert (taken.applied, taken.held) == (2, 1)
    (held,) = waiting_changes(box.db, box.centre.hub)
    assert (held.state, held.reason) == ("held", f"The sitting {sitting} has not arrived yet.")


def test_a_deletion_wins_over_what_is_older(box: Box, server: HubServer) -> None:
    """A tombstone that overtakes an older change keeps it away; a newer one brings the exam back."""
    lms, _ = server.lms()
    exam = server.exam(lms, "law")
    server.give("exam", exam, box.id)
    old = feed(server, box)
    remove_exam(server.db, exam, clock=server.clock, who="cara")
    gone = [one for one in feed(server, box) if one.key == ("exam", exam)]
    assert gone[0].deleted
    take_changes(box.db, box.centre, gone, box.taking)
    taken = take_changes(box.db, box.centre, old, box.taking)
    assert list_exams(box.db, now_us=0) == []
    assert taken.known == 1
    box.clock.advance(5)
    server.exam(lms, "law")
    take_changes(box.db, box.centre, feed(server, box), box.taking)
    assert [one.exam_id for one in list_exams(box.db, now_us=0)] == ["law"]


def test_what_the_hub_did_not_sign_is_refused_and_logged(box: Box, server: HubServer) -> None:
    """A change with another body than was signed is not taken, the log says so, and others are."""
    from msgspec.structs import replace

    lms, _ = server.lms()
    server.give("exam", server.exam(lms, "law"), box.id)
    changes = [replace(one, version=one.version + 1) if one.kind == "exam" else one for one in feed(server, box)]
    taken = take_changes(box.db, box.centre, changes, box.taking)
    assert (taken.applied, taken.refused) == (1, 1)
    assert list_exams(box.db, now_us=0) == []
    assert [one["kind"] for one in box.logged("centre.change_refused")] == ["exam"]


def test_an_integration_of_the_boxs_own_keeps_its_name(box: Box, server: HubServer) -> None:
    """The centre's LMS of a name that the box has itself is held with what to do; its exams wait with it."""
    from appliance.integrations.store import add_integration

    own, _ = add_integration(box.db, name="Campus", clock=box.clock, who="ann", keys=exchange_key(box.settings))
    lms, _ = server.lms()
    server.give("exam", server.exam(lms, "law"), box.id)
    pull(box, server)
    reasons = [one.reason for one in waiting_changes(box.db, box.centre.hub)]
    assert len(reasons) == 2
    assert "of its own" in reasons[0]
    upsert_exam(box.db, own, parse_exam(EXAMPLE), clock=box.clock, who="LMS")
    assert len(list_exams(box.db, now_us=0)) == 1


def test_a_pull_answer_is_what_the_protocol_says() -> None:
    """A box asks for no more changes than a message holds."""
    assert PullAnswer().changes == ()
    assert centre_duty._PULL <= 500
