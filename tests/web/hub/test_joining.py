"""Boxes join by one-time codes, and are let in no longer than they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.clock import SECOND_US, ManualClock
from appliance.exchange.centre.messages import write_message
from appliance.exchange.centre.routes import ENROL, REPORT
from appliance.hub.boxes import extend_box, revoke_box
from appliance.hub.codes import list_codes, make_code, withdraw_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.web.hub.state import Hub
    from tests.support.hub_box import HubBox

HOUR_US = 3600 * SECOND_US


def _secret(db: Database, hub: Hub, clock: ManualClock, hours: int = 24) -> str:
    return make_code(db, hub.keys, room="Hall 2", clock=clock, who="test", hours=hours).code.secret


def test_a_box_joins_once_by_a_code(new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock) -> None:
    """A code lets one box in, names its room and the hub's keys, and lets no second box in."""
    secret = _secret(db, hub, clock)
    box, other = new_box(join=False), new_box("box-other", join=False)
    answer = box.enrol(secret)
    assert answer.status == 200
    told = answer.json()
    assert (told["hub"], told["room"], told["centre"]) == (hub.keys.id, "Hall 2", "North campus")
    assert bytes.fromhex(told["public"]) == hub.keys.public
    again = other.enrol(secret)
    assert again.status == 403
    assert (again.json()["code"], again.json()["reason"]) == ("centre.enrol_refused", "used")
    assert db["hub_box"].count == 1


def test_a_box_whose_answer_was_lost_may_join_again(
    new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock
) -> None:
    """The same box with the same key and code is answered the same again, so that a lost answer costs nothing."""
    secret = _secret(db, hub, clock)
    box = new_box(join=False)
    assert box.enrol(secret).body == box.enrol(secret).body
    assert db["hub_box"].count == 1


def test_codes_end(new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock) -> None:
    """A code that is out of time, withdrawn or unknown lets nobody in, and the answer says which it is."""
    late, gone = _secret(db, hub, clock, hours=1), _secret(db, hub, clock, hours=48)
    withdrawn = next(one for one in list_codes(db, since_us=0) if one.expires_us > clock.wall_us() + 2 * HOUR_US)
    withdraw_code(db, withdrawn.number, clock=clock, who="test")
    clock.advance(3600)
    box = new_box(join=False)
    reasons = [box.enrol(secret).json()["reason"] for secret in (late, gone, "0" * 12)]
    assert reasons == ["expired", "withdrawn", "unknown"]
    assert db["hub_box"].count == 0


def test_a_name_is_not_taken_over(new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock) -> None:
    """Another key cannot join under the name of a box that is not revoked; once it is, a new code lets it in."""
    box, thief = new_box(), new_box(join=False)
    assert thief.enrol(_secret(db, hub, clock)).status == 409
    assert box.report().status == 200
    revoke_box(db, box.box, why="new disk", clock=clock, who="test")
    assert thief.enrol(_secret(db, hub, clock)).status == 200
    assert thief.report().status == 200
    assert box.report().status == 401


def test_a_revoked_box_is_refused_with_the_reason(
    new_box: Callable[..., HubBox], db: Database, clock: ManualClock
) -> None:
    """A revoked box is answered 403 with the reason, signed, so that it learns the time as well."""
    box = new_box()
    revoke_box(db, box.box, why="stolen", clock=clock, who="test")
    answer = box.report()
    assert (answer.status, answer.json()["code"], answer.json()["reason"]) == (403, "centre.box_refused", "revoked")
    assert "X-Exambox-Answer" in answer.headers


def test_a_box_is_let_in_until_its_time_is_over(
    new_box: Callable[..., HubBox], db: Database, clock: ManualClock
) -> None:
    """A box whose time is over is refused as expired, and let in again when somebody extends it."""
    box = new_box()
    extend_box(db, box.box, until_us=clock.wall_us() + HOUR_US, clock=clock, who="test")
    assert box.report().status == 200
    clock.advance(3600)
    assert box.report().json()["reason"] == "expired"
    extend_box(db, box.box, until_us=None, clock=clock, who="test")
    assert box.report().status == 200


def test_a_token_is_good_for_one_request_alone(new_box: Callable[..., HubBox], clock: ManualClock) -> None:
    """A token for another hub, another body, another path, of another key, too old, or sent twice is refused."""
    box = new_box()
    body = b'{"cursor":""}'
    assert box.call(REPORT, body, audience="hub:other").json()["reason"] == "audience"
    assert box.call(REPORT, body, signed_body=b"{}").json()["reason"] == "request"
    stranger = new_box(join=False)
    stranger.hub, stranger.hub_public = box.hub, box.hub_public
    assert stranger.call(REPORT, body).json()["reason"] == "signature"
    unknown = new_box("box-unknown", join=False)
    unknown.hub, unknown.hub_public = box.hub, box.hub_public
    assert unknown.call(REPORT, body).json()["reason"] == "unknown"
    seen: list[str] = []
    way = box.send

    def twice(method: str, path: str, headers: dict[str, str], content: bytes) -> object:
        way(method, path, headers, content)
        seen.append(headers["Authorization"])
        return way(method, path, headers, content)

    box.send = twice  # type: ignore[assignment]  # the same signature
    assert box.report().json()["code"] == "token.replayed"
    box.send = way
    early = box.call(REPORT, body, token=seen[0].removeprefix("JWT "))
    assert early.status == 401
    box.clock = ManualClock(clock.wall_us() - 120 * SECOND_US)
    assert box.report().json()["reason"] == "expired"
    box.clock = ManualClock(clock.wall_us() + 120 * SECOND_US)
    assert box.report().json()["reason"] == "future"


def test_an_enrolment_is_signed_with_the_key_it_brings(
    new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock
) -> None:
    """Who knows a code and not the key it names does not use the code up."""
    secret = _secret(db, hub, clock)
    box, other = new_box(join=False), new_box(join=False)
    request = write_message(box.enrol_request(secret))
    answer = other.call(ENROL, request, audience="enrol")
    assert (answer.status, answer.json()["reason"]) == (401, "signature")
    assert box.enrol(secret).status == 200
