"""What people enter about rooms and boxes, checked (pure)."""

from __future__ import annotations

import re
from typing import Final

from appliance.errors import BadInputError

MAX_ROOM: Final = 80
MAX_WHY: Final = 500
_ADDRESS: Final = re.compile(r"https?://[^/\s?#@\\]+")
_MAX_ADDRESS: Final = 200


def checked_room(room: str) -> str:
    """Return the name of a room, trimmed.

    Raises:
        BadInputError: it is empty or longer than 80 characters.
    """
    room = " ".join(room.split())
    if not 1 <= len(room) <= MAX_ROOM:
        raise BadInputError(f"room: has to have 1 to {MAX_ROOM} characters.", hint="Name the room as its door does.")
    return room


def checked_address(address: str) -> str:
    """Return the beginning of a box's addresses, without a slash at the end; empty stays empty.

    Raises:
        BadInputError: it is no address of http or https, or has more than host and port.
    """
    address = address.strip().rstrip("/")
    if address and (len(address) > _MAX_ADDRESS or not _ADDRESS.fullmatch(address)):
        raise BadInputError(
            "address: has to be https:// with host and port alone.", hint="For example https://hall-2.local:8443."
        )
    return address


def checked_why(why: str) -> str:
    """Return a reason, trimmed.

    Raises:
        BadInputError: there is none, or it is longer than 500 characters.
    """
    why = why.strip()
    if not 1 <= len(why) <= MAX_WHY:
        raise BadInputError(f"why: has to have 1 to {MAX_WHY} characters.", hint="Say it for those who read the log.")
    return why
