"""What the live page is told each second: capture, keyring and wishes put together, whichever of them answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.cameras.wishes import current_wish
from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlite_utils import Database

    from appliance.web.account.sessions import Person
    from appliance.web.services import Services


def room_status(box: Services, db: Database, person: Person) -> dict[str, Any]:
    """Return the room's state; a part of the box that does not answer is named, the others still speak."""
    now = box.clock.wall_us()
    wish = current_wish(db)
    return {
        "now_us": now,
        "capture": _asked(box.live.status),
        "keyring": _asked(box.keyring.status),
        "wish": {"sitting": wish.sitting, "since_us": wish.wished_us, "by": wish.wished_by} if wish else None,
        "session": {"ends_in_s": max(0, (person.ends_us - now) // 1_000_000)},
    }


def _asked(question: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    try:
        return {"available": True, **question()}
    except ApplianceError as problem:
        return {"available": False, **problem.as_dict()}
