"""Boxes push what happened: once, in order, with all that follows from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from appliance.exchange.centre.messages import PushRequest, write_message
from appliance.exchange.centre.routes import PUSH
from appliance.exchange.enums import Conclusion, ScheduleEvent
from appliance.exchange.messages import (
    Review,
    SessionName,
    WarningFact,
    agreement_body,
    schedule_body,
    warning_body,
)
from appliance.hub.results import list_results
from appliance.outbox import lms_target, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.exams.model import Integration
    from tests.support.hub_box import HubBox

NOW_US = 1_800_000_000_000_000
ONE = SessionName(123, "one")


def _told(kind: str, message: dict[str, Any], integration: str = "campus") -> dict[str, Any]:
    return {"integration": integration, "kind": kind, "message": message}


def _review(name: SessionName = ONE, **more: Any) -> dict[str, Any]:
    return _told("review", Review(session=name, attention=30, rejected=80, **more).body())


def _bodies(db: Database, integration: Integration) -> list[tuple[str, str, dict[str, Any]]]:
    return [(one.stream, one.kind, one.body) for one in waiting(db, lms_target(integration.id))]


def test_the_lms_is_told_once_of_each_thing_in_order(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database
) -> None:
    """What a box tells of a session becomes the LMS's deliveries, each once and in order, however often it comes."""
    box = new_box()
    items = [
        box.item("session", _told("schedule", schedule_body(ONE, ScheduleEvent.SCHEDULED, start_us=NOW_US,
                                                            cancel_deadline_us=NOW_US)), stream="s1"),
        box.item("agreement", _told("agreement", agreement_body(ONE, accepted_us=NOW_US)), stream="s1"),
        box.item("warning", _told("warning", warning_body(ONE, WarningFact(7, "WARNING_PHONE", NOW_US, NOW_US))),
                 stream="s1"),
        box.item("review", _review(start_us=NOW_US, end_us=NOW_US + 60_000_000, score=40.0), stream="s1"),
    ]  # fmt: skip
    assert box.push(*items) == [("stored", "")] * 4
    assert box.push(*items) == [("known", "")] * 4
    assert box.push(items[2]) == [("known", "")]
    told = _bodies(db, lms[0])
    assert [kind for _, kind, _ in told] == ["schedule", "agreement", "warning", "review"]
    assert {stream for stream, _, _ in told} == {"one"}
    assert db["hub_item"].count == 4
    found = list_results(db)[0]
    assert (found.session_id, found.status, found.score, found.room) == ("one", "finished", 40.0, "Hall 2")
    assert found.delivered == "waiting"


def test_warnings_of_two_boxes_keep_numbers_apart(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database
) -> None:
    """Two boxes number their warnings alike; the LMS gets numbers of the hub, the same for the same warning."""
    boxes = new_box(), new_box("box-other", room="Hall 3")
    for number, box in enumerate(boxes):
        name = SessionName(123, f"session-{number}")
        for end in (0, 5):
            fact = WarningFact(1, "WARNING_PHONE", NOW_US, NOW_US + end * 1_000_000)
            told = box.push(box.item("warning", _told("warning", warning_body(name, fact)), stream="s"))
            assert told == [("stored", "")]
    numbers = [body["id"] for _, _, body in _bodies(db, lms[0])]
    assert numbers[0] == numbers[1] != numbers[2] == numbers[3]


def test_another_content_under_a_known_key_is_a_conflict(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database
) -> None:
    """The same key with another content is a conflict; what is behind it in its stream waits, other streams go on."""
    box = new_box()
    assert box.push(box.item("log_head", {"seq": 1}, stream="a")) == [("stored", "")]
    results = box.push(
        box.item("log_head", {"seq": 2}, stream="a", seq=1),
        box.item("log_head", {"seq": 3}, stream="a"),
        box.item("log_head", {"seq": 4}, stream="b"),
        box.item("log_head", {"seq": 5}),
    )
    assert [one for one, _ in results] == ["conflict", "waits", "stored", "stored"]
    assert db.conn.execute("SELECT body FROM hub_item WHERE seq = 1").fetchone()[0] == '{"seq":1}'
    assert box.report().json()["epoch"] == "conflict"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("review", {"integration": "campus", "kind": "review"}),
        ("review", {"integration": "campus", "kind": "warning", "message": {"sessionId": "one"}}),
        ("review", {"integration": "unknown", "kind": "review", "message": {"sessionId": "one"}}),
        (
            "review",
            {"integration": "campus", "kind": "review", "message": {"sessionId": "one", "sessionStart": "soon"}},
        ),
        ("warning", {"integration": "campus", "kind": "warning", "message": {"sessionId": "one", "id": 1}}),
        ("sitting_event", {"sitting": 3}),
        ("register", {"register": []}),
        ("exam", {}),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database, kind: str, body: dict[str, Any]
) -> None:
    """An item of a known kind without its form is refused with a reason, stored nowhere, and tells the LMS nothing."""
    box = new_box()
    (result,) = box.push(box.item(kind, body, stream="s"))
    assert result[0] == "refused"
    assert result[1]
    assert (db["hub_item"].count, db["hub_session"].count, db["delivery"].count) == (0, 0, 0)


def test_an_unknown_kind_is_kept(new_box: Callable[..., HubBox], db: Database) -> None:
    """A kind that a newer box has is kept unread."""
    box = new_box()
    assert box.push(box.item("weather", {"sun": True})) == [("stored", "")]
    assert db.conn.execute("SELECT kind, body FROM hub_item").fetchall() == [("weather", '{"sun":true}')]


def test_another_boxs_items_are_refused(new_box: Callable[..., HubBox], db: Database) -> None:
    """A box tells for itself alone."""
    box, other = new_box(), new_box("box-other", room="Hall 3")
    (result,) = box.push(other.item("log_head", {}))
    assert result[0] == "refused"
    assert db["hub_item"].count == 0


def test_a_batch_whose_answer_was_lost_is_known_again(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database
) -> None:
    """A hub that dies between the commit and the answer knows the whole batch when it comes again."""
    box = new_box()
    items = tuple(box.item("review", _review(SessionName(1, f"s{n}")), stream=f"s{n}") for n in range(5))
    way = box.send

    def lost(method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        way(method, path, headers, body)
        raise ConnectionResetError

    box.send = lost
    with pytest.raises(ConnectionResetError):
        box.push(*items)
    box.send = way
    assert box.push(*items) == [("known", "")] * 5
    assert len(_bodies(db, lms[0])) == 5


def test_a_broken_batch_is_refused_whole(new_box: Callable[..., HubBox], db: Database) -> None:
    """A batch with a wrong field, or that is no JSON, is answered 400 and stores nothing of its good items."""
    box = new_box()
    good = json.loads(write_message(PushRequest(items=(box.item("log_head", {}),))))
    good["items"].append({**good["items"][0], "key": 5})
    for body in (json.dumps(good).encode(), b"{", b"[]", b'{"items":[]}', b'{"items":' + b"[" * 3000):
        answer = box.call(PUSH, body)
        assert answer.status == 400, answer.body
    assert db["hub_item"].count == 0


def test_what_a_box_and_its_copy_tell_again_is_here_once(new_box: Callable[..., HubBox], db: Database) -> None:
    """A key whose content conflicts is given up, by a box and by its copy: the second of the two new keys is known."""
    box = new_box()
    first = box.item("incident", {"n": 1}, stream="a")
    box.push(first)
    other = box.item("incident", {"n": 2}, stream="a", seq=box.seq)
    assert box.push(other)[0][0] == "conflict"
    for epoch, result in (("2-bbbb", "stored"), ("3-cccc", "known")):
        again = replace(other, key=f"{box.box}:{epoch}:1")
        assert box.push(again) == [(result, "")]
    assert box.push(other) == [("known", "")]
    assert [row[0] for row in db.conn.execute("SELECT body FROM hub_item ORDER BY number")] == [first.body, other.body]


def test_the_same_words_at_another_time_are_another_thing(new_box: Callable[..., HubBox], clock: ManualClock) -> None:
    """A restored box that says the same again, later and under an old number, is asked to number it anew."""
    box = new_box()
    first = box.item("incident", {"n": 1}, stream="a")
    box.push(first)
    clock.advance(60)
    later = box.item("incident", {"n": 1}, stream="a", seq=box.seq)
    assert box.push(first, later) == [("known", ""), ("conflict", "Another content has this key here.")]


def test_a_restored_box_is_believed_how_far_a_sitting_is(new_box: Callable[..., HubBox], db: Database) -> None:
    """A box that was brought back tells lower numbers again, in a new epoch: what it tells last counts."""
    box = new_box()
    for seq, name in ((1, "check_readiness"), (2, "admit"), (3, "start")):
        event = {"sitting": "a", "seq": seq, "event": {"name": name}}
        assert box.push(box.item("sitting_event", event, stream="sitting:a")) == [("stored", "")]
    box.epoch, box.seq = "2-bbbb", 0
    box.push(box.item("sitting_event", {"sitting": "a", "seq": 2, "event": {"name": "admit"}}, stream="sitting:a"))
    assert db.conn.execute("SELECT status, seq FROM hub_sitting").fetchone() == ("admitting", 2)


def test_events_and_the_register_of_a_sitting_are_kept(new_box: Callable[..., HubBox], db: Database) -> None:
    """The hub knows how far a sitting is, by the newest event, and the register as it was signed."""
    box = new_box()
    events = [("admit", 2), ("start", 3)]
    box.push(
        *(
            box.item("sitting_event", {"sitting": "a", "seq": seq, "event": {"name": name}}, stream="sitting:a")
            for name, seq in events
        ),
        box.item("register", {"register": {"sitting": "a", "signed_by": "Ada"}}, stream="sitting:a"),
    )
    row = db.conn.execute("SELECT status, seq, register FROM hub_sitting").fetchone()
    assert row[:2] == ("running", 3)
    assert json.loads(row[2])["register"]["signed_by"] == "Ada"


def test_a_review_that_says_less_takes_nothing_away(
    new_box: Callable[..., HubBox], lms: tuple[Integration, str], db: Database
) -> None:
    """When a session began and ended stays known, and the last conclusion counts."""
    box = new_box()
    begun, ended = NOW_US, NOW_US + 60_000_000
    box.push(
        box.item("review", _review(start_us=begun, end_us=ended), stream="s"),
        box.item("review", _review(conclusion=Conclusion.ACCEPTED), stream="s"),
    )
    found = list_results(db)[0]
    assert (found.begun_us, found.ended_us, found.conclusion) == (begun, ended, "accepted")
