"""What a box announces by mDNS and what it makes of others' announcements (pure).

RFC 6762, 6763: service ``_exambox._tcp``; the instance is the room's name, TXT holds the version and the beginning of
the box's id, nothing about people. What others say is not proved: it is cut to size and offered as a link, no more.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SERVICE: Final = "_exambox._tcp.local."
MAX_NAME: Final = 63
"""Bytes of an instance's name (RFC 6763, 4.1.1)."""
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,20}")
_BOX = re.compile(r"[0-9a-f]{4,16}")
_HOST = re.compile(r"[a-z0-9-]{1,63}\.local")


@dataclass(frozen=True, slots=True, order=True)
class Neighbour:
    """A box that was heard. ``address`` is where its dashboard is said to be; ``box`` the beginning of its id."""

    name: str
    address: str
    version: str
    box: str


def instance_name(room: str, box: str) -> str:
    """Return the name a box announces itself by: its room and the beginning of its id, so that no two are alike."""
    ending = f" ({box[:6]})"
    kept = "".join(sign for sign in room if sign.isprintable() and sign not in ".\\")
    while len((kept + ending).encode()) > MAX_NAME:
        kept = kept[:-1]
    return kept.strip() + ending


def properties(version: str, box: str) -> dict[str, str]:
    """Return the TXT record."""
    return {"txtvers": "1", "version": version, "box": box[:12], "path": "/"}


def neighbour(
    instance: str, host: str, port: int, addresses: Iterable[str], txt: Mapping[bytes, bytes | None]
) -> Neighbour | None:
    """Return what another box says of itself, or None where it makes no sense.

    Args:
        instance: the whole service name.
        host: the host it names.
        port: where it says its dashboard is.
        addresses: IP addresses in text.
        txt: its TXT record as bytes.
    """
    name = "".join(sign for sign in instance.removesuffix("." + SERVICE) if sign.isprintable())[:MAX_NAME].strip()
    if not name or not 0 < port < 1 << 16:
        return None
    short = host.rstrip(".").lower()
    where = short if _HOST.fullmatch(short) else _first(addresses)
    if not where:
        return None
    version, box = _text(txt.get(b"version")), _text(txt.get(b"box"))
    return Neighbour(
        name=name,
        address=f"https://{where}:{port}/",
        version=version if _VERSION.fullmatch(version) else "",
        box=box if _BOX.fullmatch(box) else "",
    )


def _first(addresses: Iterable[str]) -> str:
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if address.is_private and not address.is_loopback:
            return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004  IP's version
    return ""


def _text(raw: bytes | None) -> str:
    return (raw or b"")[:64].decode("ascii", "replace")
