"""The stick: both ways, twice, without a network; what arrived is known by the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.centre.sticks import export_items, import_changes, list_sticks
from appliance.centre.waiting_rows import waiting_changes
from appliance.clock import ManualClock
from appliance.errors import ConflictError
from appliance.exchange.centre.bundle import BundleError, read_header
from appliance.hub.extra_time import grant_extra_time
from appliance.hub.sticks import export_changes, import_items
from appliance.sittings.exams import list_exams
from appliance.sittings.rosters import roster_of
from tests.centre.box import Box, held_items
from tests.centre.test_proposals import begin
from tests.centre.test_taking_over import START, expect, plan

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.hub_server import HubServer


@pytest.fixture
def clock() -> ManualClock:
    """A clock at the planned start."""
    return ManualClock(wall_us=START)


def from_hub(server: HubServer, box: Box) -> bytes:
    """Write a stick at the hub."""
    return export_changes(
        server.db, box.id, keys=server.hub.keys, publisher=server.hub.publisher, clock=server.clock, who="cara"
    )


def to_hub(server: HubServer, data: bytes) -> tuple[int, int]:
    """Read a stick at the hub; return how many items were new, and known."""
    taken = import_items(server.db, data, keys=server.hub.keys, clock=server.clock, who="cara")
    return taken.stored, taken.known


def test_a_stick_there_and_back_twice_brings_everything_once(box: Box, server: HubServer) -> None:
    """Exams come in, items go out; each file is read twice, and each item and change counts once."""
    lms, _ = server.lms()
    exam = server.exam(lms, "law")
    sitting = plan(server, exam)
    expect(server, sitting, exam, "4711", "4712")
    server.give("sitting", sitting, box.id)
    stick = from_hub(server, box)
    first = import_changes(box.db, stick, box.taking, who="ann")
    again = import_changes(box.db, stick, box.taking, who="ann")
    assert (first.taken.applied, first.before_us) == (4, None)
    assert (again.taken.applied, again.taken.known, again.before_us) == (0, 4, box.clock.wall_us())
    assert len(roster_of(box.db, sitting).entries) == 2
    for n in range(5):
        box.put(n, stream="s")
    out = export_items(box.db, box.taking, who="ann")
    assert (out.items, out.left) == (5, 0)
    assert b'"n"' not in out.data
    assert to_hub(server, out.data) == (5, 0)
    assert to_hub(server, out.data) == (0, 5)
    assert box.states() == {"waiting": 5}
    back = import_changes(box.db, from_hub(server, box), box.taking, who="ann")
    assert back.receipts == 5
    assert box.states() == {"delivered": 5}
    with pytest.raises(ConflictError, match="Nothing waits"):
        export_items(box.db, box.taking, who="ann")
    assert [n for _, n in held_items(server, box.id)] == list(range(5))
    assert [(one.way, one.count) for one in list_sticks(box.db, box.centre.hub)][-1][0] in {"in", "out"}
    assert len(box.logged("centre.stick_read")) == 3


def test_what_went_by_stick_is_known_by_network(box: Box, server: HubServer) -> None:
    """Items that a stick brought are sent by network as well, and the hub has each once."""
    for n in range(3):
        box.put(n, stream="s")
    to_hub(server, export_items(box.db, box.taking, who="ann").data)
    box.round()
    assert [n for _, n in held_items(server, box.id)] == [0, 1, 2]
    assert box.states().get("waiting", 0) == 0


def test_a_stick_does_not_change_a_running_sitting(box: Box, server: HubServer) -> None:
    """Extra time on a stick waits for the room as it does by network."""
    lms, _ = server.lms()
    exam = server.exam(lms, "law")
    sitting = plan(server, exam)
    expect(server, sitting, exam, "4711")
    server.give("sitting", sitting, box.id)
    import_changes(box.db, from_hub(server, box), box.taking, who="ann")
    begin(box, sitting)
    grant_extra_time(server.db, sitting, minutes=10, why="fire alarm", clock=box.clock, who="cara")
    read = import_changes(box.db, from_hub(server, box), box.taking, who="ann")
    assert read.taken.proposed == 1
    assert [one.state for one in waiting_changes(box.db, box.centre.hub)] == ["proposed"]


def test_a_file_of_somebody_else_is_refused(box: Box, server: HubServer, tmp_path: Path) -> None:
    """A file for another box, one that was changed, and one of a box itself are refused with what to do."""
    other = Box(tmp_path / "other", box.clock)
    other.enrol(server)
    lms, _ = server.lms()
    server.give("exam", server.exam(lms, "law"), box.id, other.id)
    with pytest.raises(BundleError, match=f"for {other.id}"):
        import_changes(box.db, from_hub(server, other), box.taking, who="ann")
    good = from_hub(server, box)
    with pytest.raises(BundleError, match="is not what"):
        import_changes(box.db, good[:-70] + b"x" + good[-69:], box.taking, who="ann")
    box.put(1)
    own = export_items(box.db, box.taking, who="ann").data
    with pytest.raises(BundleError, match="not for"):
        import_changes(box.db, own, box.taking, who="ann")
    assert read_header(own).sender == box.id
    assert list_exams(box.db, now_us=0) == []
    other.close()


def test_a_receipt_of_another_box_says_nothing_here(box: Box, server: HubServer, tmp_path: Path) -> None:
    """A receipt for another box's numbers is refused, and nothing here counts as delivered."""
    from appliance.centre.taking_over import take_changes
    from appliance.exchange.centre.bodies import ReceiptBody
    from appliance.exchange.centre.changes import sign_change

    box.put(1)
    epoch = box.epoch()[0]
    body = ReceiptBody(box="box-other", epoch=epoch, ranges=((1, 5),)).body()
    keys = server.hub.keys
    change = sign_change(keys.sign_private, hub=keys.id, kind="receipt", id=f"{epoch}:0", version=1, at_us=1, body=body)
    taken = take_changes(box.db, box.centre, [change], box.taking)
    assert taken.applied == 0
    assert box.states() == {"waiting": 1}
