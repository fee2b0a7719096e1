"""Candidates book a sitting that offers places: what they may choose, what the LMS hears, and that none is oversold."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from appliance.clock import SECOND_US
from appliance.database import connect
from appliance.exams.timing import SittingTiming
from appliance.sittings.hand_over import hand_over
from appliance.sittings.offers import HOUR_US, Offer, offer_of, offer_places, slots_for
from appliance.sittings.planning import change_plan, plan_sitting, remove_sitting, restore_sitting
from appliance.sittings.rosters import roster_of
from appliance.sittings.runs import stored_sitting
from appliance.sittings.sessions import get_session, session_facts
from appliance.sittings.slots import BookingFixedError, SlotGoneError, book_slot, give_up_slot
from appliance.sittings.values import SittingPlan
from tests.sittings.a_box import NINE, a_clock, actions, an_exam, an_integration, start_said, told

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.sittings.values import StoredSession

BEFORE = NINE - 48 * HOUR_US
WINDOW = {"startDate": "2026-11-24T08:00:00Z", "endDate": "2026-11-26T20:00:00Z"}


class Centre:
    """A box two days before its sitting, with an exam whose candidates book a time."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self.db, self.settings, self.clock = db, settings, a_clock()
        self.clock.advance((BEFORE - NINE) / SECOND_US)
        self.lms = an_integration(db)
        self.said = {"schedule": True, "identification": "skip", **WINDOW}
        self.exam = an_exam(db, self.lms, self.clock, **self.said)

    def plan(self, *, at_us: int = NINE, places: int = 0, name: str = "monday") -> str:
        """Plan a sitting that offers so many places, to be given up a day ahead."""
        made = plan_sitting(self.db, self._plan(at_us, name), clock=self.clock, who="Mia").id
        if places:
            offer_places(self.db, made, Offer(places, 24 * HOUR_US), clock=self.clock, who="Mia")
        return made

    def _plan(self, at_us: int, name: str) -> SittingPlan:
        timing = SittingTiming(start_us=at_us)
        return SittingPlan(id=name, name=name.title(), room="Hall", exams=(self.exam.id,), timing=timing)

    def moves(self, sitting: str, at_us: int) -> None:
        """Plan it for another time."""
        change_plan(self.db, sitting, self._plan(at_us, sitting), clock=self.clock, who="Mia")

    def comes(self, number: int = 7) -> StoredSession:
        """Let a candidate come from the LMS."""
        said = start_said(**self.said, userId=number, sessionId=f"s{number}", lastName=f"Last {number}")
        return hand_over(self.db, self.lms, said, clock=self.clock, settings=self.settings).session

    def heard(self) -> list[tuple[Any, Any, Any]]:
        """What the LMS hears of times: event, start, until when it can be given up."""
        bodies = [body for _target, kind, body in told(self.db) if kind == "schedule"]
        return [(body["event"], body["start"], body["cancelDeadline"]) for body in bodies]


@pytest.fixture
def centre(db: Database, settings: Settings) -> Centre:
    """Two days before."""
    return Centre(db, settings)


def test_a_candidate_chooses_and_the_lms_hears_it(centre: Centre) -> None:
    """What is offered, free and to come can be chosen; the candidate is expected there, and a deadline is told."""
    sitting = centre.plan(places=2)
    centre.plan(name="unoffered")
    session = centre.comes()
    assert session.sitting is None, "nobody is placed where candidates choose"
    facts = session_facts(centre.db, session.id, now_us=centre.clock.wall_us())
    assert facts.booking is not None
    assert not facts.booking.chosen
    (slot,) = slots_for(centre.db, session, now_us=centre.clock.wall_us())
    assert (slot.sitting.id, slot.free, slot.cancel_until_us) == (sitting, 2, NINE - 24 * HOUR_US)
    assert book_slot(centre.db, session, sitting, clock=centre.clock).sitting == sitting
    assert [one.candidate.id for one in roster_of(centre.db, sitting).entries] == [session.candidate]
    assert centre.heard() == [("scheduled", "2026-11-25T10:00:00Z", "2026-11-24T10:00:00Z")]
    assert "session.booked" in actions(centre.db)
    assert centre.comes().sitting == sitting, "who comes again is expected there"
    assert len(centre.heard()) == 1


def test_a_booking_is_given_up_until_its_deadline(centre: Centre) -> None:
    """Until then the place is free again and the LMS is told; afterwards staff alone take a candidate off."""
    sitting = centre.plan(places=1)
    session = book_slot(centre.db, centre.comes(), sitting, clock=centre.clock)
    assert give_up_slot(centre.db, session, clock=centre.clock).sitting is None
    assert roster_of(centre.db, sitting).entries == ()
    assert [event for event, _start, _until in centre.heard()] == ["scheduled", "canceled"]
    session = book_slot(centre.db, session, sitting, clock=centre.clock)
    centre.clock.advance(24 * 3600 + 1)
    with pytest.raises(BookingFixedError):
        give_up_slot(centre.db, session, clock=centre.clock)
    assert get_session(centre.db, session.id).sitting == sitting


def test_the_last_place_is_sold_once(centre: Centre, settings: Settings) -> None:
    """Of many who press at the same moment as many get a place as there are, and the others are told."""
    sitting, places = centre.plan(places=3), 3
    sessions = [centre.comes(number) for number in range(8)]
    gate, got, lost = threading.Barrier(len(sessions)), list[str](), list[str]()

    def press(session: StoredSession) -> None:
        db = connect(settings.database)
        gate.wait(30)
        try:
            book_slot(db, session, sitting, clock=centre.clock)
            got.append(session.id)
        except SlotGoneError:
            lost.append(session.id)
        finally:
            db.conn.close()

    threads = [threading.Thread(target=press, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(got), len(lost)) == (places, len(sessions) - places)
    assert len(roster_of(centre.db, sitting).entries) == places
    assert len(centre.heard()) == places
    offer = offer_of(centre.db, sitting)
    assert offer is not None
    assert offer.free == 0


def test_what_cannot_be_booked(centre: Centre) -> None:
    """Nothing that has begun, is past, full, removed, outside the window or not offered; and only one at a time."""
    full = centre.plan(places=1, name="full")
    book_slot(centre.db, centre.comes(1), full, clock=centre.clock)
    late = centre.plan(places=5, name="late", at_us=NINE + 3 * HOUR_US)
    early = centre.plan(places=5, name="early", at_us=BEFORE + HOUR_US)
    gone = centre.plan(places=5, name="gone")
    remove_sitting(centre.db, gone, clock=centre.clock, who="Mia")
    session = centre.comes(2)
    for sitting in (full, gone, early, centre.plan(name="unoffered"), "nowhere"):
        with pytest.raises(SlotGoneError):
            book_slot(centre.db, session, sitting, clock=centre.clock)
    other = centre.plan(places=5, name="other")
    session = book_slot(centre.db, session, late, clock=centre.clock)
    with pytest.raises(SlotGoneError):
        book_slot(centre.db, session, other, clock=centre.clock)
    centre.clock.advance(96 * 3600)
    assert slots_for(centre.db, centre.comes(3), now_us=centre.clock.wall_us()) == []


def test_as_soon_as_the_room_is_looked_at_people_place_candidates(centre: Centre) -> None:
    """From the readiness check on nothing is booked or given up, and what is offered stays as it is."""
    from appliance.sittings.acts import act

    sitting = centre.plan(places=2)
    session = book_slot(centre.db, centre.comes(), sitting, clock=centre.clock)
    other = centre.comes(8)
    act(centre.db, sitting, "check_readiness", who="Ina", role="invigilator", clock=centre.clock)
    with pytest.raises(SlotGoneError):
        book_slot(centre.db, other, sitting, clock=centre.clock)
    with pytest.raises(BookingFixedError):
        give_up_slot(centre.db, session, clock=centre.clock)
    with pytest.raises(Exception, match="can no longer be offered"):
        offer_places(centre.db, sitting, None, clock=centre.clock, who="Mia")


def test_a_booking_follows_the_plan(centre: Centre) -> None:
    """A moved sitting is told anew; a removed one is no longer booked, and booked again when it is brought back."""
    sitting = centre.plan(places=1)
    session = book_slot(centre.db, centre.comes(), sitting, clock=centre.clock)
    centre.moves(sitting, NINE + HOUR_US)
    assert centre.heard()[-1] == ("scheduled", "2026-11-25T11:00:00Z", "2026-11-24T11:00:00Z")
    remove_sitting(centre.db, sitting, clock=centre.clock, who="Mia")
    assert get_session(centre.db, session.id).sitting is None
    assert centre.heard()[-1][0] == "canceled"
    restore_sitting(centre.db, sitting, clock=centre.clock, who="Mia")
    assert get_session(centre.db, session.id).sitting == sitting
    assert centre.heard()[-1][0] == "scheduled"
    assert stored_sitting(centre.db, sitting).removed_us is None


def test_where_nothing_is_offered_all_is_as_before(centre: Centre) -> None:
    """Without an offer a candidate of such an exam is placed by people, the LMS, or the box itself."""
    session = centre.comes()
    facts = session_facts(centre.db, session.id, now_us=centre.clock.wall_us())
    assert facts.booking is None
