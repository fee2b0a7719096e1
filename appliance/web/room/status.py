"""The room's state: capture, keyring and wishes put together, whichever of them answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.cameras.store import list_cameras
from appliance.cameras.wishes import current_wish
from appliance.errors import ApplianceError, NotFoundError
from appliance.exams.states import SittingStatus
from appliance.sittings.runs import stored_sitting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlite_utils import Database

    from appliance.cameras.wishes import Wish
    from appliance.web.account.sessions import Person
    from appliance.web.services import Services

_CAPTURE_PARTS = frozenset({"ok", "cameras", "disk", "clock"})
# What differs at each look without anything having happened; a page counts on from the moments themselves.
_RESTLESS = frozenset({"last_segment_age_ms", "viewers", "bytes", "segments"})
_DISK = ("state", "stopped", "total", "minutes_left", "due", "clock_doubtful")
_KEYRING = ("available", "locked", "unlocks_itself", "protected")
_FREE_STEP = 50_000_000


def room_status(box: Services, db: Database, person: Person) -> dict[str, Any]:
    """Return the room's state; a part of the box that does not answer is named, the others still speak."""
    now = box.clock.wall_us()
    return {
        "now_us": now,
        "capture": _asked(box.live.status),
        "keyring": _asked(box.keyring.status),
        "wish": _wish(db),
        "session": {"ends_in_s": max(0, (person.ends_us - now) // 1_000_000)},
    }


def room_facts(box: Services, db: Database) -> dict[str, Any]:
    """Return the room's state as facts by name, made so that a fact differs only when there is news.

    ``cameras`` (those that are set up), ``camera.<id>`` (what capture says of it, and who watches), ``capture``,
    ``disk`` (free space in steps of 50 MB), ``clock``, ``keyring``, ``wish``.
    """
    capture = _asked(box.live.status)
    keyring = _asked(box.keyring.status)
    watching = box.fan.watchers()
    facts: dict[str, Any] = {
        "cameras": [{"id": one.id, "name": one.name, "enabled": one.enabled} for one in list_cameras(db)],
        "capture": {name: value for name, value in capture.items() if name not in _CAPTURE_PARTS},
        "disk": _disk(capture.get("disk", {})),
        "clock": {"trusted": capture.get("clock", {}).get("trusted")},
        "keyring": {name: keyring[name] for name in _KEYRING if name in keyring},
        "wish": _wish(db),
    }
    for camera in capture.get("cameras", []):
        said = {name: value for name, value in camera.items() if name not in _RESTLESS}
        facts[f"camera.{camera['camera']}"] = {**said, "viewers": watching.get(camera["camera"], 0)}
    return facts


def _disk(disk: Mapping[str, Any]) -> dict[str, Any]:
    free = disk.get("free")
    known = {name: disk[name] for name in _DISK if name in disk}
    return {**known, "free": free // _FREE_STEP * _FREE_STEP if isinstance(free, int) else None}


def _wish(db: Database) -> dict[str, Any] | None:
    wish = current_wish(db)
    if wish is None:
        return None
    of = sitting_of(db, wish)
    return {"sitting": wish.sitting, "since_us": wish.wished_us, "by": wish.wished_by, "of": of}


def sitting_of(db: Database, wish: Wish | None) -> str:
    """Return what the sitting is called that is recorded and not over; empty where the recording is nobody's own."""
    if wish is None:
        return ""
    try:
        stored = stored_sitting(db, wish.sitting)
    except NotFoundError:
        return ""
    return "" if stored.status is SittingStatus.CLOSED else stored.sitting.name or stored.id


def _asked(question: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    try:
        return {"available": True, **question()}
    except ApplianceError as problem:
        return {"available": False, **problem.as_dict()}
