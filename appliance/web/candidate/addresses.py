"""Addresses the LMS gave: which origin they are of, and the one the exam's frame is opened at (pure).

An origin (RFC 6454) goes into a policy and into ``postMessage``; so it is made anew of checked parts, and what a
policy cannot name (an IPv6 address, an odd host) has none: such an exam page is not framed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

CLIENT_ORIGIN: Final = "examus-client-origin"
"""The name LMS plugins read the frame's owner from (the proctoring JWT API, browser handshake)."""
READY: Final = "proctoringReady_n6EY"
"""What LMS plugins wait for."""
_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_MAX: Final = 2048


def origin_of(address: str | None) -> str | None:
    """Return the origin of an address of http or https; None where it has none that a policy can name."""
    if not address or len(address) > _MAX:
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii").lower().rstrip(".")
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in _PORTS or len(host) > 253 or not _HOST.fullmatch(host):  # noqa: PLR2004  RFC 1035, 2.3.4
        return None
    return f"{parts.scheme}://{host}" + ("" if port in {None, _PORTS[parts.scheme]} else f":{port}")


def origins_of(addresses: Iterable[str | None]) -> frozenset[str]:
    """Return the origins of those addresses that have one."""
    return frozenset(origin for address in addresses if (origin := origin_of(address)))


def framed(session_url: str, own_origin: str) -> str:
    """Return the exam's address with the frame's owner appended; its own query and fragment stay as they are."""
    parts = urlsplit(session_url)
    kept = [
        piece
        for piece in parts.query.split("&")
        if piece and not any(name == CLIENT_ORIGIN for name, _value in parse_qsl(piece, keep_blank_values=True))
    ]
    query = "&".join([*kept, f"{CLIENT_ORIGIN}={quote(own_origin, safe='')}"])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))


def known_return(wanted: str | None, origins: frozenset[str]) -> str | None:
    """Return an address a person may be sent to: it lies on one of the origins; None otherwise."""
    origin = origin_of(wanted)
    if wanted is None or origin is None or origin not in origins or not _is_plain(wanted):
        return None
    return wanted


def _is_plain(address: str) -> bool:
    """Whether browsers read the address as `urlsplit` does: no user, no backslash, blank or control character."""
    if any(sign <= " " or sign in '\\\x7f<>"' for sign in address):
        return False
    parts = urlsplit(address)
    return parts.username is None and parts.password is None and address.lower().startswith(f"{parts.scheme}://")
