"""What a box announces by mDNS and what it makes of others' announcements (pure).

RFC 6762, 6763: service ``_exambox._tcp``; the instance is the room's name, TXT holds the version, the beginning of the
box's id and of its authority's fingerprint, nothing about people or exams. What others say is not proved: it is cut to
size and offered as a link, no more; trust is the certificate.
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
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\.local")
FINGERPRINT_SIGNS: Final = 16


@dataclass(frozen=True, slots=True, order=True)
class Neighbour:
    """A box that was heard.

    ``address`` is where its dashboard is said to be, ``box`` the beginning of its id, ``fingerprint`` the beginning of
    its authority's SHA-256 in hex: to be compared with what the browser shows, not instead of it.
    """

    name: str
    address: str
    version: str
    box: str
    fingerprint: str


def instance_name(room: str, box: str) -> str:
    """Return the name a box announces itself by: its room and the beginning of its id, so that no two are alike."""
    ending = f" ({box[:6]})"
    kept = "".join(sign for sign in _printable(room) if sign not in ".\\")
    while len((kept + ending).encode()) > MAX_NAME:
        kept = kept[:-1]
    return kept.strip() + ending


def properties(version: str, box: str, fingerprint: str) -> dict[str, str]:
    """Return the TXT record."""
    told = {"txtvers": "1", "api": "1", "version": version, "box": box[:12], "path": "/"}
    return told | ({"ca": fingerprint[:FINGERPRINT_SIGNS]} if fingerprint else {})


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
    name = _printable(instance.removesuffix("." + SERVICE))[:MAX_NAME].strip()
    if not name or not 0 < port < 1 << 16:
        return None
    short = host.rstrip(".").lower()
    where = short if _HOST.fullmatch(short) else _first(addresses)
    if not where:
        return None
    return Neighbour(
        name=name,
        address=f"https://{where}:{port}/",
        version=_matching(_VERSION, txt.get(b"version")),
        box=_matching(_BOX, txt.get(b"box")),
        fingerprint=_matching(_FINGERPRINT, txt.get(b"ca")),
    )


def _printable(text: str) -> str:
    """Without control signs and those that turn the direction of writing."""
    return "".join(sign for sign in text if sign.isprintable())


def _is_inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_private and not (address.is_loopback or address.is_unspecified or address.is_multicast)


def _first(addresses: Iterable[str]) -> str:
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv4Address):
            if _is_inside(address):
                return str(address)
        elif _is_inside(address) and not (address.is_link_local or address.scope_id):
            return f"[{address}]"
    return ""


def _matching(form: re.Pattern[str], raw: bytes | None) -> str:
    text = (raw or b"")[:64].decode("ascii", "replace")
    return text if form.fullmatch(text) else ""
