"""Alerts: what software found at a place reaches the room at once, in its words, with the picture of that second."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from appliance.cameras.model import Camera
from appliance.cameras.store import add_camera
from appliance.exams.records import Warning as Flag
from appliance.sittings.sessions import sessions_of
from appliance.sittings.warnings import get_warning, note_warning, warnings_of
from appliance.usb.orders import end_order, stand_down
from appliance.usb.words import KINDS as ENGLISH
from appliance.web.room import alerts
from appliance.web.room.alerts import SHOWN, Row, alerts_fact, open_rows, repeats_of
from appliance.web.room.photos import KEPT, Photos
from appliance.web.services import of
from appliance.web.sittings.day import version_of
from appliance.web.usb_words import KINDS, alert_words, subject_words
from tests.support.waiting import until

if TYPE_CHECKING:
    from tests.web.sittings.conftest import Day

STICK = {
    "what": "usb-stick",
    "name": "SanDisk Ultra",
    "port": "front left",
    "verdict": "block",
    "rule": "storage",
    "hash": "h1",
}


def found(day: Day, number: str = "w1", *, seat: str = "", **changes: str) -> int:
    """Keep a warning of a stick in the room."""
    now = day.clock.wall_us()
    flag = Flag(id=number, session="", kind="forbidden_device", start_us=now, end_us=now)
    subject = STICK | changes
    return note_warning(day.db, flag, clock=day.clock, sitting=day.sitting, seat=seat, subject=subject).number


def heard(day: Day, **headers: str) -> dict[str, Any]:
    """Return the fact ``alerts`` as a browser is told it now."""
    answer = day.invigilator.client.get("/api/events?once=true", headers=headers).text
    (snapshot,) = [block for block in answer.split("\n\n") if "event: snapshot" in block]
    told: dict[str, Any] = json.loads(snapshot.partition("data: ")[2])["facts"]["alerts"]
    return told


def test_a_stick_is_told_in_plain_words(day: Day) -> None:
    """What it is, what it calls itself, where, and what was done; in the reader's language."""
    day.ready()
    found(day, seat="A1")
    (item,) = heard(day)["items"]
    assert item["title"] == "USB stick, SanDisk Ultra, front left, blocked"
    assert item["detail"] == "Seat A1 · Sitting Morning"
    assert item["page"] == f"/sittings/{day.sitting}/warnings"
    (german,) = heard(day, **{"Accept-Language": "de"})["items"]
    assert german["title"] == "USB-Stick, SanDisk Ultra, front left, blockiert"


def test_repeats_are_one_alert_and_judged_as_one(day: Day) -> None:
    """The same thing at the same place counts up; one word of a person is for all of them, another thing stays."""
    day.ready()
    numbers = [found(day, f"w{count}") for count in range(3)]
    other = found(day, "other", hash="h2", name="Kingston")
    told = heard(day)
    assert told["open"] == 2
    assert [item["times"] for item in told["items"]] == [1, 3]
    assert day.post(f"/api/alerts/{numbers[1]}", decision="dismissed").status_code == 409, "a dismissal needs a reason"
    answer = day.post(f"/api/alerts/{numbers[1]}", decision="dismissed", why="The centre's own")
    assert answer.get_json()["warnings"] == 3
    assert {get_warning(day.db, number).warning.decision for number in numbers} == {"dismissed"}
    assert get_warning(day.db, other).warning.decision == "open"
    assert day.post(f"/api/alerts/{numbers[1]}", decision="confirmed").status_code == 404
    assert day.post(f"/api/alerts/{other}", decision="confirmed").status_code == 200
    assert open_rows(day.db, now_us=day.clock.wall_us()) == []


def test_a_warning_of_the_room_is_given_to_a_candidate(day: Day) -> None:
    """Who knows whose stick it was says so once; another sitting's candidate, or a second time, is refused."""
    day.writing("Lovelace")
    number = found(day)
    where = f"{day.path}/warnings/{number}/give"
    page = day.page("/warnings")
    assert "USB stick, SanDisk Ultra, front left, blocked" in page
    sessions = {one.candidate for one in sessions_of(day.db, day.sitting)}
    candidate = day.candidate("Lovelace")
    answer = day.post(where, candidate=candidate)
    if candidate in sessions:
        assert answer.status_code == 200
        assert get_warning(day.db, number).warning.session
    else:
        assert answer.status_code == 409, "a candidate of a roster made by hand has no session of an LMS"
    assert day.post(where, candidate="nobody").status_code == 409


def test_the_room_as_it_looked_at_that_second(day: Day) -> None:
    """While somebody follows the room, a new alert has the room's picture, which is nowhere on the disk."""
    day.ready()
    add_camera(
        day.db, Camera(id="front", name="Front", role="room", kind="pattern", address="64x48@5"), None,
        clock=day.clock, who="test",
    )  # fmt: skip
    watch = of(day.app).room
    watch.look_now()
    watch._looked = 0.0  # the look of a moment ago is not enough here
    number = found(day)
    watch.look_now()
    assert until(lambda: watch.photos.of(number) == ["front"])
    picture = day.invigilator.get(f"/live/alerts/{number}/front")
    assert (picture.data, picture.headers["Cache-Control"]) == (b"\xff\xd8picture", "no-store")
    assert day.invigilator.get(f"/live/alerts/{number}/back").status_code == 404


def test_an_alert_does_not_wait_for_capture(day: Day) -> None:
    """Though capture answers nothing, a change of the database is told as an alert at once."""
    day.ready()
    watch = of(day.app).room
    watch.look_now()
    hold = threading.Event()
    day.capture.status = lambda: hold.wait(5) and {}  # type: ignore[method-assign,assignment]  # it hangs
    found(day)
    watch._alert(day.db)  # the step of the watching thread that comes first
    (event,) = watch.log.after(watch.log._number - 1)  # the newest
    assert event.data["set"].keys() == {"alerts"}
    hold.set()


def test_pictures_are_bounded_and_a_lost_camera_costs_only_its_own() -> None:
    """Only the newest warnings keep pictures; a camera without one is left out."""

    def snapshot(camera: str) -> bytes:
        if camera == "lost":
            raise OSError("no picture")
        return camera.encode()

    photos = Photos(snapshot)
    for number in range(KEPT + 5):
        photos.take(number, ["lost", "front"]).join()
    assert photos.of(0) == []
    assert photos.of(KEPT + 4) == ["front"]
    assert photos.picture(KEPT + 4, "front") == b"front"
    assert photos.picture(KEPT + 4, "lost") is None


rows = st.builds(
    Row,
    number=st.integers(1, 10_000),
    kind=st.just("forbidden_device"),
    start_us=st.integers(0, 10**9),
    end_us=st.integers(0, 10**9),
    seat=st.sampled_from(["", "A1"]),
    session=st.sampled_from(["", "s"]),
    sitting=st.sampled_from(["", "m"]),
    sitting_name=st.just("Morning"),
    subject=st.fixed_dictionaries(
        {},
        optional={
            "hash": st.sampled_from("abc"),
            "port": st.sampled_from(["1-1", "left"]),
            "times": st.one_of(st.integers(), st.text(max_size=3)),
        },
    ),
)


@given(st.lists(rows, max_size=60, unique_by=lambda row: row.number))
def test_every_warning_is_in_one_group_and_none_is_lost(known: list[Row]) -> None:
    """What is not shown is counted, the newest come first, and repeats are found from any of them."""
    fact = alerts_fact(known)
    shown = [item["number"] for item in fact["items"]]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == min(SHOWN, fact["open"])
    groups = {tuple(repeats_of(known, row.number)) for row in known}
    assert sorted(number for group in groups for number in group) == sorted(row.number for row in known)
    assert fact["open"] == len(groups)


def test_every_kind_of_device_has_words() -> None:
    """The web's words are those of the kinds there are, with the same English."""
    assert ENGLISH.keys() <= KINDS.keys()
    assert {kind: KINDS[kind].within("en") for kind in ENGLISH} == dict(ENGLISH)


@given(
    st.dictionaries(
        st.sampled_from(["what", "name", "port", "verdict"]),
        st.text(st.characters(exclude_characters=","), max_size=20),
    )
)
def test_what_is_not_known_is_left_out(subject: dict[str, str]) -> None:
    """Any subject has one line of words, and an alert of it a title."""
    line = subject_words(subject, "en")
    assert not line.startswith(",")
    assert alert_words({"subject": subject, "seat": "", "sitting_name": ""}, "de")["title"]


def test_the_list_of_warnings_counts_each(day: Day) -> None:
    """A group is for the eye: every warning stays a row of its own."""
    day.ready()
    found(day, "w1")
    found(day, "w2")
    assert len(warnings_of(day.db, sitting=day.sitting)) == 2


def test_usb_that_was_opened_is_said_above_the_day(day: Day) -> None:
    """Who opened it and why stands in red until somebody ends it, and the page learns of it by its pulse."""
    day.ready()
    before = version_of(day.db, day.sitting)
    order = stand_down(day.db, who="Ida", why="The keyboard broke", clock=day.clock)
    assert version_of(day.db, day.sitting) != before
    page = day.page()
    assert "USB is open." in page
    assert "Ida opened it: The keyboard broke" in page
    end_order(day.db, order.id, who="Ida", clock=day.clock)
    assert "USB is open." not in day.page()


def test_what_is_asked_at_each_commit_reads_no_warnings_of_sittings_that_are_closed(day: Day) -> None:
    """A box of many years is asked as fast as a new one: warnings are reached by their sitting."""
    plan = [row[3] for row in day.db.conn.execute(f"EXPLAIN QUERY PLAN {alerts._OPEN}", (0, 500))]
    assert [step for step in plan if " w " in f"{step} "] == [
        "SEARCH w USING INDEX warning_sitting (sitting=?)",
        "SEARCH w USING INDEX warning_sitting (sitting=? AND start_us>?)",
    ]


def test_another_window_is_a_warning_of_its_candidate_and_no_alert(day: Day) -> None:
    """It happens often and nobody has to come: it stands among the warnings, not above the room."""
    day.ready()
    now = day.clock.wall_us()
    flag = Flag(id="w", session="", kind="change_active_window_on_computer", start_us=now, end_us=now)
    note_warning(day.db, flag, clock=day.clock, sitting=day.sitting, subject={"what": "window", "name": "firefox"})
    assert open_rows(day.db, now_us=now) == []
    assert "Active window, firefox" in day.page("/warnings")
