"""A session that has begun on the box goes on and is delivered, whatever is taken away at the centre meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.centre.taking_over import accept_proposal
from appliance.centre.waiting_rows import waiting_changes
from appliance.clock import ManualClock
from appliance.exchange.session_parameters import parse_start
from appliance.hub.results import list_results
from appliance.hub.sessions import arrive, finish_at_hub
from appliance.integrations.store import find_integration
from appliance.outbox import lms_target, waiting
from appliance.sittings.acts import act
from appliance.sittings.hand_over import hand_over
from appliance.sittings.session_rows import find_session, get_session
from appliance.sittings.sessions import record_agreement
from appliance.sittings.walking import walk
from tests.centre.test_taking_over import START, pull
from tests.exchange.values import EXAMPLE

if TYPE_CHECKING:
    from appliance.exams.model import Integration
    from appliance.sittings.values import StoredSession
    from tests.centre.box import Box
    from tests.support.hub_server import HubServer

TOKEN = {
    **EXAMPLE,
    "examId": "law",
    "examName": "law",
    "identification": "skip",
    "userId": "u1",
    "lastName": "Lovelace",
    "firstName": "Ada",
    "sessionId": "one",
    "sessionUrl": "https://lms.example/quiz",
}


@pytest.fixture
def clock() -> ManualClock:
    """A clock within the exam's window."""
    return ManualClock(wall_us=START)


@pytest.fixture
def lms(server: HubServer) -> Integration:
    """An LMS that speaks to the hub."""
    return server.lms()[0]


@pytest.fixture
def exam(box: Box, server: HubServer, lms: Integration) -> str:
    """An exam that the box has of the hub."""
    made = server.exam(lms, "law", identification="skip")
    server.give("exam", made, box.id)
    pull(box, server)
    return made


@pytest.fixture
def writing(box: Box, server: HubServer, lms: Integration, exam: str) -> StoredSession:
    """A candidate of that exam who came by the hub and writes, in a sitting the box opened by itself."""
    start = parse_start(TOKEN)
    arrive(server.db, lms, start, clock=box.clock, settings=server.settings)
    here = find_integration(box.db, "campus")
    session = hand_over(box.db, here, start, clock=box.clock, settings=box.settings).session
    record_agreement(box.db, session, notice="1", clock=box.clock)
    walk(box.db, session, clock=box.clock)
    act(
        box.db, str(session.sitting), "begin", who="the page", role="candidate", clock=box.clock,
        candidate=session.candidate,
    )  # fmt: skip
    pull(box, server)
    return get_session(box.db, session.id)


def test_a_begun_session_outlives_its_exam_at_the_centre(
    box: Box, server: HubServer, lms: Integration, exam: str, writing: StoredSession
) -> None:
    """Exam and LMS are taken from the box, which somebody accepts; the LMS ends it all the same, and is told."""
    assert writing.begun_us is not None
    server.give("exam", exam)
    pull(box, server)
    for one in waiting_changes(box.db, box.centre.hub):
        if one.state == "proposed":
            accept_proposal(box.db, one.number, box.taking)
    assert box.db.conn.execute("SELECT removed_us IS NOT NULL FROM integration").fetchall() == [(1,)]
    box.clock.advance(60)
    finish_at_hub(
        server.db, find_session(server.db, lms.id, "one"), who="campus", clock=box.clock, finish_url="https://lms.example/e"
    )  # fmt: skip
    pull(box, server)
    assert [one.reason for one in waiting_changes(box.db, box.centre.hub) if one.change.kind == "session"] == []
    assert get_session(box.db, writing.id).finished_us is not None
    box.round()
    (found,) = list_results(server.db)
    assert (found.status, found.ended_us is None) == ("finished", False)
    last = [one.body for one in waiting(server.db, lms_target(lms.id)) if one.kind == "review"][-1]
    assert last["sessionEnd"] is not None
