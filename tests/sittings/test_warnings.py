"""Warnings: kept all, told in merged form, judged by people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.clock import SECOND_US
from appliance.errors import ConflictError, NotFoundError
from appliance.exams.records import Warning as Flag
from appliance.sittings.warnings import StoredWarning, judge_warning, note_warning, tell_merged, warnings_of
from tests.sittings.a_box import MINUTE, NINE, actions, told
from tests.sittings.a_sitting import Room

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.sittings.values import StoredSession


@pytest.fixture
def room(db: Database, settings: Settings) -> Room:
    """A sitting in which one candidate writes; a timeout is hidden."""
    room = Room(db, settings, "1", visibleWarnings={"warning_timeout": False})
    room.hands_over("1")
    room.writes("1")
    return room


@pytest.fixture
def session(room: Room) -> StoredSession:
    """Their session."""
    return room.hands_over("1")


def noted(room: Room, session: StoredSession, name: str, at_s: float, until_s: float, **more: Any) -> StoredWarning:
    """A warning so many seconds after the start."""
    flag = Flag(
        id=name,
        session=session.id,
        kind=more.pop("kind", "phone"),
        start_us=NINE + round(at_s * SECOND_US),
        end_us=NINE + round(until_s * SECOND_US),
        **more,
    )
    return note_warning(room.db, flag, clock=room.clock)


def sent(room: Room) -> list[tuple[int, str, str, bool]]:
    """What the LMS is told of warnings: id, type, end, cyber."""
    return [
        (body["id"], body["type"].removeprefix("WARNING_"), body["end"][14:19], body["cyber"])
        for _, kind, body in told(room.db)
        if kind == "warning"
    ]


def reviews(room: Room) -> list[Any]:
    """The reviews that wait."""
    return [body for _, kind, body in told(room.db) if kind == "review"]


def test_the_first_is_told_at_once_and_repeats_move_its_end(room: Room, session: StoredSession) -> None:
    """Every warning is kept; the LMS gets one of each group, and its end when the repeats have stopped."""
    for number in range(5):
        noted(room, session, f"w{number}", number * 3, number * 3 + 2)
    noted(room, session, "other", 4, 5, kind="avert_eyes")
    assert len(warnings_of(room.db, session=session.id)) == 6
    assert sent(room) == [(1, "PHONE", "00:02", True), (6, "AVERT_EYES", "00:05", True)]
    room.clock.advance(20)
    assert tell_merged(room.db, clock=room.clock) == 0
    room.clock.advance(4)
    assert tell_merged(room.db, clock=room.clock) == 1
    assert sent(room)[-1] == (1, "PHONE", "00:14", True)
    assert tell_merged(room.db, clock=room.clock) == 0
    noted(room, session, "later", 60, 61)
    assert sent(room)[-1] == (7, "PHONE", "01:01", True)


def test_what_goes_on_is_told_every_half_minute(room: Room, session: StoredSession) -> None:
    """A phone on the table for two minutes is five messages, not hundreds."""
    for second in range(120):
        room.clock.advance(1)
        noted(room, session, f"w{second}", second, second + 1)
        tell_merged(room.db, clock=room.clock)
    room.clock.advance(11)
    tell_merged(room.db, clock=room.clock)
    assert [end for _, _, end, _ in sent(room)] == ["00:01", "00:31", "01:01", "01:31", "02:00"]


def test_one_that_lasts_is_prolonged(room: Room, session: StoredSession) -> None:
    """The same id again moves the end and never back; a repeat that lasts moves the end of what it is told with."""
    noted(room, session, "w", 0, 2)
    noted(room, session, "w", 0, 8)
    noted(room, session, "w", 0, 4)
    noted(room, session, "x", 10, 11)
    noted(room, session, "x", 10, 20)
    ends = [(one.warning.end_us - NINE) // SECOND_US for one in warnings_of(room.db, session=session.id)]
    assert ends == [8, 20]
    room.clock.advance(60)
    tell_merged(room.db, clock=room.clock)
    assert sent(room) == [(1, "PHONE", "00:02", True), (1, "PHONE", "00:20", True)]


def test_a_hidden_kind_is_kept_and_not_told(room: Room, session: StoredSession) -> None:
    """It counts for the review queue's score as its weight says, and the LMS never sees it."""
    noted(room, session, "w", 0, 2, kind="timeout")
    room.does("finish", "1")
    assert sent(room) == []
    assert reviews(room)[-1]["warnings"] == []
    assert len(warnings_of(room.db, sitting=room.sitting)) == 1


def test_a_persons_word_changes_score_and_message(room: Room, session: StoredSession) -> None:
    """Confirmed is told again as a person's; dismissed leaves the review, with a reason that is kept."""
    for number in range(3):
        noted(room, session, f"w{number}", number * 60, number * 60 + 1, kind="no_user_in_frame")
    room.does("finish", "1")
    assert (reviews(room)[-1]["score"], len(reviews(room)[-1]["warnings"])) == (6, 3)
    with pytest.raises(ConflictError, match="reason"):
        judge_warning(room.db, 2, "dismissed", who="Rita", clock=room.clock)
    judge_warning(room.db, 2, "dismissed", who="Rita", why="tied a shoe", clock=room.clock)
    assert (reviews(room)[-1]["score"], len(reviews(room)[-1]["warnings"])) == (4, 2)
    assert room.db.execute("SELECT score FROM review").fetchone() == (4,)
    judged = judge_warning(room.db, 1, "confirmed", who="Rita", clock=room.clock)
    assert (judged.warning.decision, judged.warning.cyber) == ("confirmed", False)
    assert sent(room)[-1] == (1, "NO_USER_IN_FRAME", "00:01", False)
    assert [one["cyber"] for one in reviews(room)[-1]["warnings"]] == [False, True]
    assert actions(room.db)[-2:] == ["warning.judged", "warning.judged"]
    with pytest.raises(ConflictError, match="already"):
        judge_warning(room.db, 1, "confirmed", who="Rita", clock=room.clock)
    with pytest.raises(NotFoundError):
        judge_warning(room.db, 99, "confirmed", who="Rita", clock=room.clock)
    last = warnings_of(room.db, session=session.id)[1].warning.judgements
    assert [(one.who, one.why) for one in last] == [("Rita", "tied a shoe")]


def test_what_comes_late_is_told_in_a_new_review(room: Room, session: StoredSession) -> None:
    """A warning found after the finish changes the score that orders the queue and what the LMS has."""
    room.does("finish", "1")
    assert reviews(room)[-1]["score"] == 0
    noted(room, session, "w", 60, 61, kind="no_user_in_frame")
    assert reviews(room)[-1]["score"] == 2
    assert room.db.execute("SELECT score FROM review").fetchone() == (2,)


def test_a_warning_of_the_room_is_nobodys(room: Room) -> None:
    """It is kept with its seat and told to no LMS; one of an unknown session is refused."""
    flag = Flag(id="r", session="", kind="extra_user_in_frame", start_us=NINE, end_us=NINE + MINUTE)
    kept = note_warning(room.db, flag, clock=room.clock, sitting=room.sitting, seat="A1")
    assert (kept.sitting, kept.seat, kept.warning.session) == (room.sitting, "A1", "")
    assert sent(room) == []
    with pytest.raises(NotFoundError):
        note_warning(room.db, Flag(id="q", session="no", kind="phone", start_us=1, end_us=2), clock=room.clock)


def test_how_a_warning_was_made_is_kept(room: Room, session: StoredSession) -> None:
    """Model, threshold and confidence stand beside it, as the law on such software asks."""
    kept = noted(room, session, "w", 0, 1, model="m 1", threshold=0.5, confidence=0.9, camera="front")
    one = kept.warning
    assert (one.model, one.threshold, one.confidence, one.camera) == ("m 1", 0.5, 0.9, "front")
