"""A box speaks to a real hub: it joins, reports, tells and is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.centre.hub_caller import HubCallError, HubRefusedError
from appliance.centre.status import centre_status
from appliance.centre.store import centre_of, leave_centre
from appliance.errors import ConflictError
from appliance.exchange.centre.enrol_code import EnrolCodeError
from appliance.outbox import attempts, waiting
from tests.centre.box import Box, held_items

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import ManualClock
    from appliance.exchange.json_edge import JsonObject
    from tests.support.hub_server import HubServer


def test_a_box_joins_reports_and_its_items_arrive_once(box: Box, server: HubServer) -> None:
    """Twenty items of two streams arrive in order, once, are delivered here, and the hub has heard how the box is."""
    for n in range(20):
        box.put(n, stream=f"s{n % 2}")
    box.round()
    assert sorted(held_items(server, box.id)) == sorted((f"s{n % 2}", n) for n in range(20))
    assert [n for stream, n in held_items(server, box.id) if stream == "s1"] == list(range(1, 20, 2))
    assert box.states().get("waiting", 0) == 0
    heard = server.hub.reports.heard()[box.id].report
    assert (heard.box, heard.epoch) == (box.id, box.epoch()[0])
    box.round()
    assert len(held_items(server, box.id)) == 20
    stands = centre_status(box.db, box.settings, box.clock)
    assert stands.centre is not None
    assert stands.centre.name == "North campus"
    assert stands.stands is not None
    assert stands.stands.backlog == 0
    assert stands.last_heard_us() == box.clock.wall_us()


def test_a_code_of_another_hub_is_noticed(tmp_path: Path, clock: ManualClock, server: HubServer) -> None:
    """A hub that did not make the code is not believed, and the box joins nothing."""
    box = Box(tmp_path / "other", clock)
    code = server.code()
    wrong = code[:15] + ("0000-0000-0000" if code[15:] != "0000-0000-0000" else "1111-1111-1111")
    from appliance.centre.enrolling import enrol

    with pytest.raises(EnrolCodeError):
        enrol(box.db, box.settings, wrong, address=server.address, clock=clock, who="ann")
    assert centre_of(box.db) is None
    box.close()


def test_a_used_code_is_refused_in_the_hubs_words(box: Box, tmp_path: Path, server: HubServer) -> None:
    """A second box with a code that was used is told so; leaving and a new code let the first one in again."""
    from appliance.centre.enrolling import enrol

    other = Box(tmp_path / "other", box.clock)
    code = server.code()
    enrol(box.db, box.settings, code, address=server.address, clock=box.clock, who="ann")
    with pytest.raises(HubRefusedError, match="used"):
        enrol(other.db, other.settings, code, address=server.address, clock=box.clock, who="ann")
    other.close()
    leave_centre(box.db, clock=box.clock, who="ann")
    asked = len(server.asked)
    box.round()
    assert len(server.asked) == asked
    box.enrol(server)
    box.put(1)
    box.round()
    assert held_items(server, box.id) == [("", 1)]


def test_another_hubs_code_does_not_take_a_box_away(box: Box, tmp_path: Path) -> None:
    """A box that belongs to a centre refuses another centre's code before it is used up."""
    from appliance.centre.enrolling import enrol
    from tests.support.hub_server import serving_hub

    with serving_hub(tmp_path / "two", box.clock) as two:
        with pytest.raises(ConflictError, match="North campus"):
            enrol(box.db, box.settings, two.code(), address=two.address, clock=box.clock, who="ann")
        assert two.asked == []


def test_without_a_network_everything_waits_and_goes_on(box: Box, server: HubServer) -> None:
    """While the hub answers 500 or nothing, why and when next is said; after it is back everything arrives once."""
    box.round()

    def broken(_app: object, _environ: object, start: object) -> list[bytes]:
        start("500 Oops", [("Content-Type", "text/plain")])  # type: ignore[operator]  # WSGI's callable
        return [b"no"]

    server.between = broken
    for n in range(3):
        box.put(n, stream="s")
    box.round()
    stands = centre_status(box.db, box.settings, box.clock).stands
    assert stands is not None
    assert (stands.backlog, stands.last_error) == (3, "status: 500")
    assert stands.next_try_us is not None
    assert stands.next_try_us > box.clock.wall_us()
    asked = len(server.asked)
    box.round(0.1)
    assert len(server.asked) == asked
    server.between = None
    box.round(70)
    assert held_items(server, box.id) == [("s", 0), ("s", 1), ("s", 2)]
    assert set(box.states()) == {"delivered"}


def test_a_lost_answer_doubles_nothing(box: Box, server: HubServer) -> None:
    """An answer that is lost after the hub stored the batch is asked for again, and the hub knows the items."""
    lost: list[object] = []

    def losing(app: object, environ: dict[str, str], start: object) -> object:
        if environ["PATH_INFO"].endswith("/push/") and not lost:
            lost.append(list(app(environ, lambda *_: None)))  # type: ignore[operator]  # WSGI's callable
            start("502 Bad Gateway", [])  # type: ignore[operator]
            return [b""]
        return app(environ, start)  # type: ignore[operator]

    server.between = losing  # type: ignore[assignment]
    box.put(1, stream="s")
    box.round()
    assert len(lost) == 1
    box.again()
    assert held_items(server, box.id) == [("s", 1)]
    assert box.states().get("waiting", 0) == 0


def test_what_was_sent_in_vain_is_not_superseded(box: Box, server: HubServer) -> None:
    """A review whose request got lost may arrive yet: a newer one does not take its place but comes after it."""
    from appliance.database import write
    from appliance.outbox import CENTRE, put

    lms, _ = server.lms()

    def review(conclusion: str) -> None:
        message: JsonObject = {"accountId": "a", "sessionId": "s", "conclusion": conclusion}
        body: JsonObject = {"integration": lms.name, "kind": "review", "message": message}
        with write(box.db):
            put(box.db, target=CENTRE, stream="s", kind="review", body=body, clock=box.clock, supersedes=True)

    def gone(app: object, environ: dict[str, str], start: object) -> object:
        if not environ["PATH_INFO"].endswith("/push/"):
            return app(environ, start)  # type: ignore[operator]  # WSGI's callable
        start("502 Bad Gateway", [])  # type: ignore[operator]
        return [b""]

    review("unknown")
    review("accepted")
    box.round()
    review("unknown")
    server.between = gone  # type: ignore[assignment]
    box.again()
    server.between = None
    review("rejected")
    box.again()
    told = server.db.conn.execute(
        "SELECT json_extract(body, '$.message.conclusion') FROM hub_item WHERE kind = 'review' ORDER BY number"
    ).fetchall()
    assert [row[0] for row in told] == ["accepted", "unknown", "rejected"]


def test_a_refused_item_is_parked_and_holds_up_its_stream_alone(box: Box, server: HubServer) -> None:
    """What the hub cannot use is parked with its reason; what is behind it waits, other streams go."""
    with_wrong: JsonObject = {"integration": "campus", "kind": "review", "message": {}}
    from appliance.database import write
    from appliance.outbox import CENTRE, put

    with write(box.db):
        put(box.db, target=CENTRE, stream="s", kind="review", body=with_wrong, clock=box.clock)
    box.put(1, stream="s")
    box.put(2, stream="t")
    box.round()
    assert held_items(server, box.id) == [("t", 2)]
    parked = [one for one in waiting(box.db, CENTRE) if one.state == "parked"]
    assert [one.kind for one in parked] == ["review"]
    assert "session" in parked[0].reason
    assert [one.body for one in attempts(box.db, parked[0].id)] == ["refused"]
    asked = len(server.asked)
    box.round(0.1)
    assert len(server.asked) == asked


def test_a_revoked_box_says_why(box: Box, server: HubServer) -> None:
    """A box whose key was revoked is told so, keeps what it has, and tries on without end."""
    from appliance.hub.boxes import revoke_box

    box.round()
    revoke_box(server.db, box.id, why="stolen", clock=box.clock, who="cara")
    box.put(1)
    box.round()
    stands = centre_status(box.db, box.settings, box.clock).stands
    assert stands is not None
    assert stands.last_error.startswith("unauthorised: 403")
    assert "revoked" in stands.last_error
    box.enrol(server)
    box.again()
    assert held_items(server, box.id) == [("", 1)]


def test_who_answers_in_the_hubs_place_is_not_believed(box: Box, server: HubServer) -> None:
    """An answer that the hub did not sign, or that was changed on its way, changes nothing on the box."""
    box.put(1)

    def forging(app: object, environ: dict[str, str], start: object) -> object:
        def changed(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            start(status, [one for one in headers if one[0] != "Content-Length"])  # type: ignore[operator]

        return [b"".join(app(environ, changed)) + b" "]  # type: ignore[operator]

    server.between = forging  # type: ignore[assignment]
    box.round()
    assert box.states()["waiting"] >= 1
    stands = centre_status(box.db, box.settings, box.clock).stands
    assert stands is not None
    assert stands.last_error.startswith("not_hub")
    assert issubclass(HubRefusedError, HubCallError)
