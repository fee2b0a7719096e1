"""What people say of USB: orders, ports, confirmed devices, and what is kept of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from appliance.auditlog import show
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.usb import orders, ports, seen
from appliance.usb.devices_rows import Present, keep_present, port_order, present
from appliance.usb.library import described
from appliance.usb.model import Decision

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock

STICK = described("stick-sandisk-ultra-fit").device
KEYBOARD = described("keyboard-matias-ergo-pro").device


def test_an_order_stands_until_it_is_ended_and_the_log_has_both(db: Database, clock: ManualClock) -> None:
    """Who, when, why and the device; its words and the reason can be erased from the log."""
    order = orders.let_in(db, STICK, words="a stick", who="Ida", why="paper jam", clock=clock, sitting="monday")
    assert orders.standing(db) == (order,)
    assert (order.subject.hash, order.subject.port, order.until_us) == (STICK.hash, "1-1", None)
    ended = orders.end_order(db, order.id, who="Grace", clock=clock)
    assert (ended.ended_by, orders.standing(db)) == ("Grace", ())
    with pytest.raises(ConflictError):
        orders.end_order(db, order.id, who="Grace", clock=clock)
    assert [line.action for line in show(db)][-2:] in (
        ["usb.let_in", "usb.order_ended"], ["usb.order_ended", "usb.let_in"],
    )  # fmt: skip
    assert "paper jam" not in str([row[0] for row in db.conn.execute("SELECT body FROM log_entry")])


@pytest.mark.parametrize("why", ["", "   ", "x" * 501])
def test_what_opens_usb_needs_a_reason(db: Database, clock: ManualClock, why: str) -> None:
    """Nothing is stored without one, or with one that is too long."""
    later = clock.wall_us() + SECOND_US
    for act in (
        lambda: orders.stand_down(db, who="Ida", why=why, clock=clock),
        lambda: orders.let_in(db, STICK, words="", who="Ida", why=why, clock=clock),
        lambda: orders.export(db, STICK, words="", who="Ida", why=why, until_us=later, clock=clock),
    ):
        with pytest.raises(BadInputError, match=r"^why:"):
            act()
    assert orders.standing(db) == ()


@pytest.mark.parametrize("seconds", [0, -1, 30 * 60 + 1])
def test_an_export_is_for_half_an_hour_at_most(db: Database, clock: ManualClock, seconds: int) -> None:
    """A time that is over or too far away is refused."""
    until_us = clock.wall_us() + seconds * SECOND_US
    with pytest.raises(BadInputError, match=r"^until_us:"):
        orders.export(db, STICK, words="", who="Ida", why="marks", until_us=until_us, clock=clock)


def test_standing_down_ends_what_was_ordered_and_arming_ends_standing_down(db: Database, clock: ManualClock) -> None:
    """Two orders that contradict never stand beside each other."""
    orders.arm(db, who="Ida", clock=clock)
    with pytest.raises(ConflictError):
        orders.arm(db, who="Ida", clock=clock)
    orders.stand_down(db, who="Ida", why="keyboard", clock=clock)
    assert [one.kind for one in orders.standing(db)] == ["stand_down"]
    with pytest.raises(ConflictError):
        orders.stand_down(db, who="Ida", why="keyboard", clock=clock)
    orders.arm(db, who="Ida", clock=clock)
    assert [one.kind for one in orders.standing(db)] == ["arm"]
    assert len(orders.orders(db)) == 3


def test_rearming_leaves_arming_to_the_sittings(db: Database, clock: ManualClock) -> None:
    """Orders to stand down end, and none to arm is made."""
    orders.stand_down(db, who="Ida", why="keyboard", clock=clock)
    assert orders.rearm(db, who="Ida", clock=clock) == 1
    assert orders.standing(db) == ()


def test_a_device_is_let_in_once_and_for_some_hours_where_no_sitting_is_on(db: Database, clock: ManualClock) -> None:
    """Without a sitting there is an end; the same again is refused, another port is another order."""
    order = orders.let_in(db, STICK, words="", who="Ida", why="so", clock=clock)
    assert order.until_us == clock.wall_us() + orders.LONGEST_LET_IN_US
    with pytest.raises(ConflictError):
        orders.let_in(db, STICK, words="", who="Ida", why="so", clock=clock)
    other = msgspec.structs.replace(STICK, port="1-2")
    orders.let_in(db, other, words="", who="Ida", why="so", clock=clock)
    assert len(orders.standing(db)) == 2


def test_a_port_has_the_name_and_seat_of_the_nearest_hub_that_has_one(db: Database, clock: ManualClock) -> None:
    """Label and seat each on their own; a socket of two names is found by either."""
    ports.name_port(db, "1-1", label="left  row", seat="A1", who="Ida", clock=clock)
    ports.name_port(db, "1-1.4", label="front", who="Ida", clock=clock)
    known = ports.ports(db)
    assert ports.place_of(known, "1-1.4") == ports.Place("front", "A1")
    assert ports.place_of(known, "1-1.2.3") == ports.Place("left row", "A1")
    assert ports.place_of(known, "1-2") == ports.Place()
    assert ports.place_of(known, "1-10") == ports.Place()
    assert ports.place_of(known, "2-1.2", {"2-1": "1-1"}) == ports.Place("left row", "A1")
    gone = ports.forget_port(db, "1-1.4", who="Ida", clock=clock)
    assert gone.label == "front"
    assert ports.place_of(ports.ports(db), "1-1.4").label == "left row"
    with pytest.raises(NotFoundError):
        ports.forget_port(db, "1-1.4", who="Ida", clock=clock)


@pytest.mark.parametrize(
    ("port", "said", "field"),
    [
        ("../etc", {"label": "x"}, "port"),
        ("1-1", {}, "label"),
        ("1-1", {"seat": "x" * 61}, "seat"),
        ("1-1:1.0", {"label": "x"}, "port"),
    ],
)
def test_a_wrong_port_is_refused_by_name(
    db: Database, clock: ManualClock, port: str, said: dict[str, Any], field: str
) -> None:
    """Nothing is stored."""
    with pytest.raises(BadInputError, match=f"^{field}:"):
        ports.name_port(db, port, who="Ida", clock=clock, **said)
    assert ports.ports(db) == ()


def plugged(db: Database, *devices: Any) -> None:
    """Have devices plugged in."""
    with write(db):
        for one in devices:
            decision = Decision(verdict="block")
            keep_present(db, Present(device=one, decision=decision, state="out", since_us=1, looked_us=1))


def test_confirming_takes_proposed_and_plugged_in_devices(db: Database, clock: ManualClock) -> None:
    """What is not named stays a proposal; what nobody knows is refused as a whole."""
    other = msgspec.structs.replace(described("camera-logitech-c920").device, port="1-3")
    seen.propose(db, [STICK, KEYBOARD], clock=clock)
    assert seen.awaits_confirmation(db)
    plugged(db, other)
    with pytest.raises(NotFoundError):
        seen.confirm(db, [KEYBOARD.hash, "nobody"], who="Ida", clock=clock)
    assert seen.confirmed(db) == frozenset()
    assert seen.confirm(db, [KEYBOARD.hash, other.hash], who="Ida", clock=clock) == 2
    assert seen.confirm(db, [KEYBOARD.hash], who="Ida", clock=clock) == 0
    assert seen.confirmed(db) == {KEYBOARD.hash, other.hash}
    assert [one.hash for one in seen.proposed(db)] == [STICK.hash]
    assert not seen.awaits_confirmation(db)
    assert seen.withdraw(db, [other.hash], who="Ida", clock=clock) == 1
    assert seen.confirmed(db) == {KEYBOARD.hash}


def test_nothing_is_confirmed_where_nothing_is_named(db: Database, clock: ManualClock) -> None:
    """And a device without a hash cannot be told from another, so it is never proposed."""
    with pytest.raises(BadInputError):
        seen.confirm(db, [], who="Ida", clock=clock)
    assert seen.propose(db, [msgspec.structs.replace(STICK, hash="")], clock=clock) == 0


def test_ports_stand_in_the_order_people_expect(db: Database) -> None:
    """1-2 before 1-10, a hub before what hangs on it."""
    names = ["1-10", "1-2", "1-1.2", "2-1", "1-1"]
    plugged(db, *(msgspec.structs.replace(STICK, port=name) for name in names))
    assert [one.device.port for one in present(db)] == ["1-1", "1-1.2", "1-2", "1-10", "2-1"]
    assert sorted(["usb2", "1-1", "usb1"], key=port_order) == ["usb1", "1-1", "usb2"]
