"""What a workstation's agent reports: kept once, in order, and what the room and the LMS are told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from appliance.clock import SECOND_US
from appliance.exams.seating import draft_seating
from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.seat.messages import Item, ReportRequest, State
from appliance.sittings.rosters import roster_of
from appliance.sittings.seat_reports import MOST_WARNINGS, OutOfOrderError, take_report, watches_windows
from appliance.sittings.seat_silence import SilenceWatch
from appliance.sittings.seat_times import sitting_of_seat
from appliance.sittings.seating import take_seating
from appliance.sittings.warnings import warnings_of
from appliance.usb.agents import codes, store
from appliance.usb.agents.bodies import AgentWord, UsbSeen, WindowChange, read_body, write_body
from appliance.usb.agents.enrolling import enrol
from appliance.usb.model import Decision, Device, Interface
from tests.sittings.a_box import actions, told
from tests.sittings.a_sitting import Room

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.exchange.seat.messages import ItemKind
    from appliance.sittings.values import StoredSession
    from appliance.sittings.warning_rows import StoredWarning
    from appliance.usb.agents.bodies import Body

REPEAT_US = 60 * SECOND_US
STICK = Device(
    port="1-2", vendor=0x0781, product=0x5581, manufacturer="SanDisk", name="Ultra", hash="the stick",
    interfaces=(Interface(8, 6, 80),),
)  # fmt: skip
BLOCKED = Decision(verdict="block", rule="storage", why="It is storage.")
SEEN = UsbSeen(change="plugged", device=STICK, decision=BLOCKED, state="out", mode="armed")


class Seat:
    """A workstation at a seat of a room, as the box sees it."""

    def __init__(self, room: Room, seat: str = "seat 7") -> None:
        self.room, self.seq, self.epoch, self.run = room, 0, "1-a", "1-r"
        self.agent = "seat-0123456789ab"
        codes.keep_code(room.db, "SECRET", seat=seat, clock=room.clock, who="Ada")
        enrol(room.db, "SECRET", agent=self.agent, name="pc-7", public_key=bytes(32), clock=room.clock)

    def item(self, kind: ItemKind, body: Body, *, ago: int = 0) -> Item:
        """The next item, of some seconds ago."""
        self.seq += 1
        ago_us = ago * SECOND_US
        return Item(
            seq=self.seq, at_us=self.room.clock.wall_us() - ago_us, mono_us=self.room.clock.mono_us() - ago_us,
            boot="b", kind=kind, body=write_body(body),
        )  # fmt: skip

    def report(self, *items: Item, **more: Any) -> ReportRequest:
        """A report."""
        facts: dict[str, Any] = {
            "epoch": self.epoch, "run": self.run, "boot": "b", "mono_us": self.room.clock.mono_us(),
            "at_us": self.room.clock.wall_us(), "machine": sha256_text(b""), "state": State(version="1"),
        }  # fmt: skip
        return ReportRequest(items=items, **facts | more)

    def sends(self, *items: Item, **more: Any) -> int:
        """Report; return up to which number the box has all."""
        return take_report(
            self.room.db, self.agent, self.report(*items, **more), clock=self.room.clock, repeat_us=REPEAT_US
        )

    def sees(self, body: Body, *, ago: int = 0) -> int:
        """Report one thing."""
        kind: ItemKind = "usb" if isinstance(body, UsbSeen) else "window" if isinstance(body, WindowChange) else "agent"
        return self.sends(self.item(kind, body, ago=ago))

    @property
    def warnings(self) -> list[StoredWarning]:
        """All warnings of the sitting."""
        return warnings_of(self.room.db, sitting=self.room.sitting)


def with_seats(room: Room, *labels: str) -> None:
    """Give the room seats."""
    rows = [["seat", "row", "column"], *([label, "1", str(column)] for column, label in enumerate(labels, 1))]
    draft = draft_seating(rows, roster=roster_of(room.db, room.sitting))
    take_seating(room.db, room.sitting, draft, clock=room.clock, who="Grace")


@pytest.fixture
def room(db: Database, settings: Settings) -> Room:
    """A room with a seat for candidate 7 and one that nobody has, before anything happens."""
    room = Room(db, settings, "7")
    with_seats(room, "seat 7", "seat 8")
    return room


@pytest.fixture
def session(room: Room) -> StoredSession:
    """Candidate 7 sits at their seat and writes."""
    session = room.hands_over("7")
    room.writes("7")
    return session


def test_a_forbidden_device_is_a_warning_of_who_sits_there(room: Room, session: StoredSession) -> None:
    """The candidate's session is named, the device in words, and the LMS is told once."""
    seat = Seat(room)
    assert seat.sees(SEEN) == 1
    (warning,) = seat.warnings
    assert (warning.warning.kind, warning.warning.session, warning.seat) == ("forbidden_device", session.id, "seat 7")
    assert warning.subject["what"] == "usb-stick"
    assert {name: warning.subject[name] for name in ("name", "port", "verdict", "rule", "hash", "state")} == {
        "name": "SanDisk Ultra", "port": "1-2", "verdict": "block", "rule": "storage", "hash": "the stick",
        "state": "out",
    }  # fmt: skip
    sent = [body for _, kind, body in told(room.db) if kind == "warning"]
    assert len(sent) == 1
    assert "seat.device_kept_out" in actions(room.db)


def test_the_same_again_is_one_warning(room: Room, session: StoredSession) -> None:
    """Within the time of repeats the warning's end moves; later, or at another port, it is another one."""
    seat = Seat(room)
    seat.sees(SEEN)
    room.clock.advance(40)
    seat.sees(SEEN)
    (warning,) = seat.warnings
    assert warning.warning.end_us - warning.warning.start_us == 40 * SECOND_US
    seat.sees(replace(SEEN, device=replace(STICK, port="1-3")))
    room.clock.advance(61)
    seat.sees(SEEN)
    assert len(seat.warnings) == 3
    assert actions(room.db).count("seat.device_kept_out") == 3
    assert session.id == warning.warning.session


@pytest.mark.parametrize(
    "body",
    [
        replace(SEEN, mode="maintenance"),
        replace(SEEN, change="unplugged"),
        replace(SEEN, decision=Decision(verdict="allow", rule="hubs")),
    ],
)
def test_what_is_not_forbidden_warns_of_nothing(room: Room, session: StoredSession, body: UsbSeen) -> None:
    """Devices that are allowed, gone, or plugged in while nothing is armed are kept and no more."""
    seat = Seat(room)
    assert seat.sees(body) == 1
    assert seat.warnings == []
    assert session.finished_us is None
    assert room.db.conn.execute("SELECT COUNT(*) FROM seat_event").fetchone()[0] == 1


def test_a_seat_where_nobody_sits_is_warned_of_without_a_candidate(room: Room, session: StoredSession) -> None:
    """The room learns of it, and no LMS does."""
    Seat(room, "SEAT 8 ").sees(SEEN)
    (warning,) = warnings_of(room.db, sitting=room.sitting)
    assert (warning.warning.session, warning.seat) == ("", "SEAT 8")
    assert [kind for _, kind, _ in told(room.db)].count("warning") == 0
    assert session.sitting == room.sitting


def test_without_a_sitting_it_is_in_the_log_alone(room: Room) -> None:
    """A workstation in an empty room, or at a seat nobody knows, makes no warning."""
    seat = Seat(room, "nowhere")
    seat.sees(SEEN)
    assert seat.warnings == []
    assert "seat.device_kept_out" in actions(room.db)


def test_what_comes_late_concerns_who_sat_there_then(room: Room, session: StoredSession) -> None:
    """What was kept while the network was gone is dated when it happened, and of the candidate of then."""
    seat = Seat(room)
    room.clock.advance(600)
    kept = seat.item("usb", SEEN, ago=500)
    seat.sends(kept)
    (warning,) = seat.warnings
    assert warning.warning.start_us == room.clock.wall_us() - 500 * SECOND_US
    assert warning.warning.session == session.id


def test_who_was_seated_afterwards_is_never_meant(room: Room, session: StoredSession) -> None:
    """A device plugged in before the candidate came to this seat is a warning of the seat alone."""
    room.clock.advance(600)
    room.does("move_seat", "7", seat="seat 8")
    seat = Seat(room, "seat 8")
    seat.sends(seat.item("usb", SEEN, ago=300))
    (warning,) = seat.warnings
    assert warning.warning.session == ""
    room.clock.advance(100)
    seat.sees(SEEN)
    assert [one.warning.session for one in seat.warnings] == ["", session.id]


def test_items_are_taken_once_and_in_order(room: Room, session: StoredSession) -> None:
    """A report that comes again changes nothing; numbers may be left out and never go back."""
    seat = Seat(room)
    first, second = seat.item("usb", SEEN), seat.item("agent", AgentWord(what="started"))
    seat.seq += 5
    third = seat.item("usb", replace(SEEN, device=replace(STICK, port="1-3")))
    assert seat.sends(first, second) == 2
    assert seat.sends(first, second, third) == 8
    assert seat.sends(second) == 8
    assert len(seat.warnings) == 2
    with pytest.raises(OutOfOrderError):
        seat.sends(third, first)
    assert session.id == seat.warnings[0].warning.session


def test_a_copied_workstation_is_noticed(room: Room) -> None:
    """Another content under a known number, and a start that comes back after a later one, are refused."""
    seat = Seat(room)
    seat.sees(SEEN)
    seat.seq -= 1
    with pytest.raises(store.AgentRefusedError) as other:
        seat.sees(replace(SEEN, change="changed"))
    assert other.value.reason == "copied"
    seat.sends(run="2-s")
    with pytest.raises(store.AgentRefusedError) as back:
        seat.sends(run="1-r")
    assert back.value.reason == "copied"
    assert seat.sends(run="2-s") == 1
    assert seat.sends(run="3-t", epoch="2-b") == 0


def test_another_window_is_a_warning_of_who_writes(room: Room, session: StoredSession) -> None:
    """Changes one after the other are one warning; the application is named, the time is when it began."""
    seat = Seat(room)
    seat.sees(WindowChange(application="Terminal", former="Exam"))
    room.clock.advance(20)
    seat.sees(WindowChange(application="Exam", former="Terminal", changes=3, span_us=8 * SECOND_US))
    (warning,) = seat.warnings
    assert (warning.warning.kind, warning.warning.session) == ("change_active_window_on_computer", session.id)
    assert (warning.subject["name"], warning.subject["former"]) == ("Terminal", "Exam")
    assert warning.warning.end_us - warning.warning.start_us == 20 * SECOND_US
    room.clock.advance(100)
    seat.sees(WindowChange(application="Files", former="Exam"))
    assert len(seat.warnings) == 2


def test_windows_are_watched_while_somebody_writes_what_asks_for_it(db: Database, settings: Settings) -> None:
    """Before the start, at an empty seat, after the end, and where the exam hides such warnings, nothing is watched."""
    room = Room(db, settings, "7")
    with_seats(room, "seat 7", "seat 8")
    now = room.clock.wall_us()
    assert not watches_windows(db, "seat 7", now_us=now)
    room.hands_over("7")
    room.writes("7")
    assert watches_windows(db, "seat 7", now_us=now)
    assert not watches_windows(db, "seat 8", now_us=now)
    assert not watches_windows(db, "", now_us=now)
    room.closes()
    assert not watches_windows(db, "seat 7", now_us=now)


def test_an_exam_that_hides_windows_has_none_watched(db: Database, settings: Settings) -> None:
    """What an exam does not show is not collected."""
    room = Room(db, settings, "7", visibleWarnings={"warning_change_active_window_on_computer": False})
    with_seats(room, "seat 7")
    room.hands_over("7")
    room.writes("7")
    assert not watches_windows(db, "seat 7", now_us=room.clock.wall_us())


def test_a_silent_agent_is_a_warning_of_the_seat_that_ends_by_itself(room: Room, session: StoredSession) -> None:
    """It begins after the time of silence, lasts until the agent is heard, and no LMS is told."""
    seat, watch = Seat(room), SilenceWatch(30 * SECOND_US, room.clock)
    store.note_heard(room.db, {seat.agent: room.clock.wall_us()})
    assert watch.look(room.db) == 0
    room.clock.advance(29)
    assert watch.look(room.db) == 0
    room.clock.advance(2)
    assert watch.look(room.db) == 1
    (warning,) = seat.warnings
    assert (warning.warning.kind, warning.warning.session, warning.seat) == ("timeout", "", "seat 7")
    assert warning.subject["what"] == "silent-agent"
    room.clock.advance(60)
    assert watch.look(room.db) == 1
    assert len(seat.warnings) == 1
    store.note_heard(room.db, {seat.agent: room.clock.wall_us()})
    assert watch.look(room.db) == 0
    (ended,) = seat.warnings
    assert ended.warning.end_us == room.clock.wall_us()
    assert store.get_agent(room.db, seat.agent).silent_since_us is None
    room.clock.advance(31)
    assert watch.look(room.db) == 1
    assert len(seat.warnings) == 2
    assert [kind for _, kind, _ in told(room.db)].count("warning") == 0
    words = actions(room.db)
    assert (words.count("seat.agent_silent"), words.count("seat.agent_back")) == (2, 1)
    assert session.id


def test_neither_a_restart_nor_a_clock_that_is_set_makes_silence(room: Room, session: StoredSession) -> None:
    """Silence is counted from what this process saw, by the monotonic clock."""
    seat = Seat(room)
    store.note_heard(room.db, {seat.agent: room.clock.wall_us()})
    room.clock.advance(3600)
    watch = SilenceWatch(30 * SECOND_US, room.clock)
    assert watch.look(room.db) == 0
    room.clock.step(7200)
    assert watch.look(room.db) == 0
    assert seat.warnings == []
    assert session.id


def test_an_empty_seat_is_silent_without_a_warning(room: Room, session: StoredSession) -> None:
    """A workstation where nobody sits, or that is revoked, or before the doors open, may be switched off."""
    empty = Seat(room, "seat 8")
    watch = SilenceWatch(30 * SECOND_US, room.clock)
    watch.look(room.db)
    room.clock.advance(60)
    assert watch.look(room.db) == 0
    store.seat_agent_at(room.db, empty.agent, seat="seat 7", clock=room.clock, who="Ada")
    assert watch.look(room.db) == 1
    store.seat_agent_at(room.db, empty.agent, seat="seat 8", clock=room.clock, who="Ada")
    assert watch.look(room.db) == 0
    assert store.get_agent(room.db, empty.agent).silent_since_us is None
    store.seat_agent_at(room.db, empty.agent, seat="seat 7", clock=room.clock, who="Ada")
    store.revoke_agent(room.db, empty.agent, why="broken", clock=room.clock, who="Ada")
    assert watch.look(room.db) == 0
    assert session.id


def test_a_seat_belongs_to_a_sitting_from_its_lead_until_it_is_closed(room: Room) -> None:
    """Before and after, the workstation belongs to none; another room's seat never does."""
    start = room.clock.wall_us()
    assert sitting_of_seat(room.db, "seat 7", at_us=start - 1) == ""
    assert sitting_of_seat(room.db, "Seat 7", at_us=start) == "monday"
    assert sitting_of_seat(room.db, "seat 9", at_us=start) == ""
    room.writes("7")
    room.clock.advance(600)
    room.closes()
    assert sitting_of_seat(room.db, "seat 7", at_us=room.clock.wall_us()) == "monday"
    assert sitting_of_seat(room.db, "seat 7", at_us=room.clock.wall_us() + 1) == ""


@pytest.mark.parametrize("text", ["{}", "[]", '{"change":"plugged"}', "nonsense"])
def test_what_is_no_body_holds_nothing_up(room: Room, text: str) -> None:
    """An item that a newer or a broken agent sent is kept as it came, and those behind it are taken."""
    seat = Seat(room)
    strange = replace(seat.item("usb", SEEN), body=text)
    assert seat.sends(strange, seat.item("agent", AgentWord(what="started"))) == 2
    assert seat.warnings == []


def test_hostile_words_of_a_device_are_made_safe_here_too(room: Room, session: StoredSession) -> None:
    """A workstation that cleaned nothing does not bring direction overrides or control characters into the room."""
    hostile = replace(SEEN, device=replace(STICK, name="\u202edrowssap\x1b[2J", manufacturer="<b>"))
    Seat(room).sees(hostile)
    (warning,) = warnings_of(room.db, sitting=room.sitting)
    assert "\u202e" not in warning.subject["name"]
    assert "\x1b" not in warning.subject["name"]
    assert warning.subject["name"].startswith("<b>")
    assert session.id
    body = read_body("usb", write_body(hostile))
    assert isinstance(body, UsbSeen)
    assert body.device.hash == "the stick"
    ruled = replace(SEEN, decision=replace(SEEN.decision, rule="\u202egnp\x1b"))
    told = read_body("usb", write_body(ruled))
    assert isinstance(told, UsbSeen)
    assert not {"\u202e", "\x1b"} & set(told.decision.rule)


def test_a_workstation_that_makes_up_devices_does_not_flood_the_room(room: Room, session: StoredSession) -> None:
    """Twenty are told one by one, the others are one warning; a minute later a new one is told by itself again."""
    seat = Seat(room)
    made_up = [replace(SEEN, device=replace(STICK, hash=f"made up {number}")) for number in range(200)]
    seat.sends(*(seat.item("usb", one) for one in made_up))
    subjects = [one.subject["what"] for one in seat.warnings]
    assert (len(subjects), subjects.count("storm")) == (MOST_WARNINGS + 1, 1)
    kept = room.db.conn.execute("SELECT COUNT(*) FROM seat_event").fetchone()[0]
    assert (kept, session.id != "") == (200, True)
    room.clock.advance(61)
    seat.sees(replace(SEEN, device=replace(STICK, hash="a real one")))
    assert seat.warnings[-1].subject["hash"] == "a real one"


@pytest.mark.parametrize("part", ["hash", "parent_hash", "rule"])
def test_words_of_a_workstation_beyond_any_length_are_no_body(part: str) -> None:
    """What has a known length is refused where it is longer, before it stands in a warning or the log."""
    long = "x" * 5000
    device = SEEN.device if part == "rule" else replace(SEEN.device, **{part: long})
    decision = replace(SEEN.decision, rule=long) if part == "rule" else SEEN.decision
    assert read_body("usb", write_body(replace(SEEN, device=device, decision=decision))) is None


def test_what_was_told_is_forgotten_after_its_time(room: Room, session: StoredSession) -> None:
    """What no warning rests on goes; the last number stays, so that nothing that comes again is taken twice."""
    seat = Seat(room)
    first = seat.item("agent", AgentWord(what="started"))
    seat.sends(first, seat.item("usb", SEEN), seat.item("agent", AgentWord(what="stopped")))
    room.clock.advance(100)
    assert store.forget_told(room.db, before_us=room.clock.wall_us() - 200 * SECOND_US) == 0
    assert store.forget_told(room.db, before_us=room.clock.wall_us()) == 1
    left = room.db.conn.execute("SELECT seq FROM seat_event ORDER BY seq").fetchall()
    assert left == [(2,), (3,)]
    assert seat.sends(first) == 3
    assert len(seat.warnings) == 1
    assert session.id == seat.warnings[0].warning.session
