"""What boxes say of themselves, and the recordings they are asked for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from jwt.utils import base64url_encode

from appliance.auditlog import verify
from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.centre.messages import CamerasWord, MediaOffer, Segment, write_message
from appliance.exchange.centre.routes import OFFER, SEGMENT
from appliance.hub.media import ask_media, get_media, segment_path, withdraw_media
from appliance.hub.overview import epochs_of, overview

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.hub.media import Media
    from appliance.web.hub.state import Hub
    from tests.support.hub_box import HubBox

SEGMENTS = {(1, number): bytes([number]) * (100 + number) for number in range(4)}


def test_reports_are_answered_from_memory_and_written_down_later(
    new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock
) -> None:
    """A report is answered with the hub's time at once, and stands in the database seconds later."""
    box = new_box()
    answer = box.report(cameras=CamerasWord(live=3, lost=1))
    assert (answer.status, answer.json()["at_us"]) == (200, clock.wall_us())
    assert db.conn.execute("SELECT report FROM hub_box").fetchone()[0] is None
    clock.advance(4)
    box.report(cameras=CamerasWord(live=4))
    hub.tend(db, flush=True)
    (standing,) = overview(db, None, now_us=clock.wall_us())
    assert standing.report is not None
    assert (standing.report.cameras.live, standing.level) == (4, "good")


def test_a_box_learns_that_something_waits(new_box: Callable[..., HubBox], db: Database, clock: ManualClock) -> None:
    """A report is answered with whether there is something to pull beyond what the box has."""
    box = new_box()
    assert box.report().json().get("changed", False) is False
    _media(db, box, clock)
    clock.advance(2)
    answer = box.report().json()
    assert (answer["changed"], answer["wants_media"]) == (True, 1)
    box.pull_all()
    clock.advance(2)
    assert box.report().json().get("changed", False) is False


def test_a_box_that_is_silent_for_fifteen_seconds_is_told(
    new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock
) -> None:
    """Whoever has not reported for fifteen seconds comes first on the page, with the reason."""
    quiet, loud = new_box(), new_box("box-loud", room="Aula")
    quiet.report()
    clock.advance(15)
    loud.report()
    found = overview(db, hub.reports.heard(), now_us=clock.wall_us())
    assert [one.troubles for one in found] == [(), ()]
    clock.advance(1)
    found = overview(db, hub.reports.heard(), now_us=clock.wall_us())
    assert [(one.box.id, one.troubles) for one in found] == [(quiet.box, ("silent",)), (loud.box, ())]


def test_a_copy_of_a_box_is_told_apart(
    new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock
) -> None:
    """A second computer with the same numbering is told that it is a copy; the page and the log say so."""
    box = new_box()
    box.report()
    assert box.report(machine=sha256_text(b"another computer")).json()["epoch"] == "cloned"
    assert box.report().json().get("epoch", "ok") == "ok"
    hub.tend(db, flush=True)
    assert [one.said for one in epochs_of(db, box.box)] == ["cloned"]
    (standing,) = overview(db, hub.reports.heard(), now_us=clock.wall_us())
    assert standing.troubles == ("cloned",)


def test_a_restored_box_learns_how_far_it_was(
    new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock
) -> None:
    """A box that tells a lower number than it gave learns the highest; one such report alone is no restore."""
    box = new_box()
    box.push(box.item("log_head", {}), box.item("log_head", {"a": 1}))
    box.report()
    clock.advance(2)
    answer = box.report(seq=1).json()
    assert (answer["epoch"], answer["highest"]) == ("restored", 2)
    hub.tend(db, flush=True)
    assert epochs_of(db, box.box)[0].said == "ok"
    for _ in range(2):
        box.report(seq=1)
    hub.tend(db, flush=True)
    assert epochs_of(db, box.box)[0].said == "restored"


def _media(db: Database, box: HubBox, clock: ManualClock) -> Media:
    return ask_media(
        db, box.box, sitting="exam", camera="front", from_us=1, to_us=60_000_000, why="appeal", clock=clock, who="test"
    )


def _offer(box: HubBox, media: Media, *, last: bool = True) -> tuple[int, dict[str, object]]:
    segments = tuple(
        Segment(part=part, seq=seq, sha256=_hash(data), size=len(data)) for (part, seq), data in SEGMENTS.items()
    )
    body = MediaOffer(request=media.id, sitting="exam", camera="front", segments=segments, last=last)
    answer = box.call(OFFER, write_message(body))
    return answer.status, answer.json()


def _put(box: HubBox, media: Media, part: int, seq: int, data: bytes) -> tuple[int, str]:
    answer = box.call(SEGMENT, data, path=SEGMENT.at(request=media.id, part=part, seq=seq))
    return answer.status, answer.json().get("result") or answer.json()["reason"]


def _hash(data: bytes) -> str:
    return base64url_encode(hashlib.sha256(data).digest()).decode()


def test_media_go_on_after_a_cut(new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock) -> None:
    """After a cut the box offers again and sends what is missing alone; the request is complete with the last piece."""
    box = new_box()
    media = _media(db, box, clock)
    assert box.pull_all()["media_request", media.id].content()["camera"] == "front"
    status, told = _offer(box, media)
    assert (status, len(told["missing"])) == (200, 4)  # type: ignore[arg-type]  # a list
    for part, seq in list(SEGMENTS)[:2]:
        assert _put(box, media, part, seq, SEGMENTS[part, seq]) == (200, "stored")
    assert _put(box, media, 1, 0, SEGMENTS[1, 0]) == (200, "known")
    _, told = _offer(box, media)
    assert told["missing"] == [{"part": 1, "seq": 2}, {"part": 1, "seq": 3}]
    assert not told.get("complete", False)
    for part, seq in list(SEGMENTS)[2:]:
        _put(box, media, part, seq, SEGMENTS[part, seq])
    assert get_media(db, media.id).complete_us == clock.wall_us()
    assert segment_path(hub.media_folder, media.id, 1, 3).read_bytes() == SEGMENTS[1, 3]
    assert box.pull_all()["media_request", media.id].deleted


def test_no_more_is_offered_for_one_request_than_is_taken(
    new_box: Callable[..., HubBox], db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offering the same again after a cut counts once; one segment too many is refused, and nothing of it is kept."""
    box = new_box()
    media = _media(db, box, clock)
    monkeypatch.setattr("appliance.hub.media.MAX_OFFERED", len(SEGMENTS))
    assert [_offer(box, media, last=False)[0] for _ in range(2)] == [200, 200]
    monkeypatch.setattr("appliance.hub.media.MAX_OFFERED", len(SEGMENTS) - 1)
    other = _media(db, box, clock)
    assert _offer(box, other)[0] == 409
    assert get_media(db, other.id).offered == 0


@pytest.mark.parametrize(
    ("seq", "data", "expected"),
    [(0, b"x" * 100, (422, "sha256")), (0, b"x", (422, "size")), (9, b"x", (422, "offered"))],
)
def test_a_segment_that_was_not_offered_is_refused(  # noqa: PLR0917  fixtures
    new_box: Callable[..., HubBox], hub: Hub, db: Database, clock: ManualClock, seq: int, data: bytes,
    expected: tuple[int, str],
) -> None:  # fmt: skip
    """A piece that is not what was offered is refused with the reason, and no file is left of it."""
    box = new_box()
    media = _media(db, box, clock)
    _offer(box, media)
    assert _put(box, media, 1, seq, data) == expected
    assert not list(hub.media_folder.rglob("*"))


def test_media_are_asked_of_one_box(new_box: Callable[..., HubBox], db: Database, clock: ManualClock) -> None:
    """Another box can neither offer nor send for a request; a withdrawn one wants nothing more."""
    box, other = new_box(), new_box("box-other", room="Hall 3")
    media = _media(db, box, clock)
    assert _offer(other, media)[0] == 404
    withdraw_media(db, media.id, clock=clock, who="test")
    assert _offer(box, media) == (200, {"missing": [], "complete": True})


def test_the_log_is_signed(new_box: Callable[..., HubBox], hub: Hub, db: Database) -> None:
    """What happened at the hub is in its log, whole, and signed to the end with the hub's key."""
    new_box()
    hub.tend(db, flush=True)
    report = verify(db, hub.keys.public)
    assert report.ok
    assert report.covered == report.entries > 0
