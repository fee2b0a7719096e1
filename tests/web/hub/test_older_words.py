"""What a restored or copied box inherited never takes the place of what was told since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.exchange.enums import Conclusion, ScheduleEvent
from appliance.exchange.messages import Review, SessionName, agreement_body, schedule_body
from appliance.hub.older_words import OLDER
from appliance.hub.results import list_results
from appliance.outbox import lms_target, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.exams.model import Integration
    from appliance.exchange.centre.items import Item
    from tests.support.hub_box import HubBox

ONE = SessionName(123, "one")


def told(kind: str, message: dict[str, Any]) -> dict[str, Any]:
    """Return the body of an item about a session."""
    return {"integration": "campus", "kind": kind, "message": message}


def review(box: HubBox, conclusion: Conclusion) -> Item:
    """Return the next review of the one session."""
    body = Review(session=ONE, attention=30, rejected=80, conclusion=conclusion).body()
    return box.item("review", told("review", body), stream="s")


def schedule(box: HubBox, event: ScheduleEvent) -> Item:
    """Return the next word on when the session is."""
    body = schedule_body(ONE, event, start_us=1_800_000_000_000_000, cancel_deadline_us=None)
    return box.item("session", told("schedule", body), stream="s")


def event(box: HubBox, name: str, number: int, *, epoch: str = "") -> Item:
    """Return an event of the one sitting, its number there in its key too."""
    body = {"sitting": "a", "seq": number, "event": {"name": name}}
    return box.item("sitting_event", body, stream="sitting:a", seq=number, epoch=epoch)


def conclusions(db: Database, integration: Integration) -> list[str]:
    """Return what the LMS is told of the session, the first first."""
    return [str(one.body["conclusion"]) for one in waiting(db, lms_target(integration.id)) if one.kind == "review"]


def notes(db: Database) -> list[str]:
    """Return what is noted beside each item, in the order of arrival."""
    return [row[0] for row in db.conn.execute("SELECT note FROM hub_item ORDER BY number")]


def test_a_copys_inherited_review_does_not_follow_a_newer_one(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database, clock: ManualClock
) -> None:
    """A review the original never sent, for a newer one took its place, comes from the copy and stays history."""
    box = new_box()
    first = review(box, Conclusion.UNKNOWN)
    clock.advance(60)
    assert box.push(review(box, Conclusion.ACCEPTED)) == [("stored", "")]
    box.epoch = "2-copy"  # who sends now is the copy
    assert box.push(first) == [("stored", "")]
    assert box.push(first) == [("known", "")]
    assert conclusions(db, lms[0]) == ["accepted"]
    assert list_results(db)[0].conclusion == "accepted"
    assert notes(db) == ["", OLDER]


def test_of_another_epoch_what_happened_later_is_newer(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database, clock: ManualClock
) -> None:
    """Where the original went on in a new epoch too, an inherited review of before that is history."""
    box = new_box()
    first = review(box, Conclusion.UNKNOWN)
    clock.advance(60)
    box.epoch, box.seq = "2-restored", 0
    box.push(review(box, Conclusion.ACCEPTED))
    box.epoch = "2-copy"
    assert box.push(first) == [("stored", "")]
    assert conclusions(db, lms[0]) == ["accepted"]


def test_an_inherited_review_that_is_the_newest_is_passed_on(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database, clock: ManualClock
) -> None:
    """What a restored box, or one moved to another computer, had not sent yet reaches the LMS."""
    box = new_box()
    box.push(review(box, Conclusion.UNKNOWN))
    clock.advance(60)
    second = review(box, Conclusion.ACCEPTED)
    box.epoch = "2-moved"
    box.push(second)
    assert conclusions(db, lms[0]) == ["accepted"]
    assert notes(db) == ["", ""]


def test_the_senders_present_word_counts_whatever_its_clock_says(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database, clock: ManualClock
) -> None:
    """What a box numbered in its present epoch is its word now, though its clock was set back."""
    box = new_box()
    clock.advance(3600)
    box.push(review(box, Conclusion.UNKNOWN))
    box.epoch, box.seq = "2-restored", 0
    clock.step(-3600)
    box.push(review(box, Conclusion.ACCEPTED))
    assert conclusions(db, lms[0]) == ["accepted"]


def test_what_is_no_state_is_passed_on_late_too(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database
) -> None:
    """An agreement happened, whenever it is told; a schedule is made older by a schedule alone."""
    box = new_box()
    agreed = box.item("agreement", told("agreement", agreement_body(ONE, accepted_us=1)), stream="s")
    booked, off = schedule(box, ScheduleEvent.SCHEDULED), schedule(box, ScheduleEvent.CANCELED)
    box.push(review(box, Conclusion.ACCEPTED))
    box.epoch = "2-copy"
    box.push(agreed, off)
    box.push(booked)
    kinds = [(one.kind, one.body.get("event")) for one in waiting(db, lms_target(lms[0].id))]
    assert kinds == [("review", None), ("agreement", None), ("schedule", "canceled")]


@pytest.mark.parametrize(("held", "late", "status"), [
    ({2: "start", 3: "note_readiness"}, (1, "admit"), "running"),
    ({1: "start", 3: "extend_all"}, (2, "end"), "ended"),
])  # fmt: skip
def test_a_sitting_is_as_far_as_its_newest_move_says(
    new_box: Callable[..., HubBox], db: Database, held: dict[int, str], late: tuple[int, str], status: str
) -> None:
    """An inherited event that moved the sitting is made older by a later move alone, not by what moves nothing."""
    box = new_box()
    box.push(*(event(box, name, number) for number, name in held.items()))
    box.epoch = "2-copy"
    box.push(event(box, late[1], late[0], epoch="1-aaaa"))
    assert db.conn.execute("SELECT status FROM hub_sitting").fetchone() == (status,)
