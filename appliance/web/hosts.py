"""Which names this box answers to, and which pages of others may ask it anything (pure).

Against DNS rebinding, forged Host headers, and requests that another site's page makes with a person's cookies
(Fetch Metadata, W3C; RFC 9110, 7.2).
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]{2,45})\]|(?P<name>[A-Za-z0-9.-]{1,253}))(?::(?P<port>[0-9]{1,5}))?")
_FOREIGN = frozenset({"cross-site", "same-site"})
_OWN = frozenset({"same-origin", "none"})


def host_of(header: str) -> str | None:
    """Return the host a Host header names, in lower case and without its port; None where it is none."""
    found = _HOST.fullmatch(header)
    if found is None:
        return None
    if found["six"]:
        try:
            return str(ipaddress.IPv6Address(found["six"]))
        except ValueError:
            return None
    return str(found["name"]).lower().rstrip(".") or None


def is_ours(header: str, names: Collection[str]) -> bool:
    """Whether a Host header names this box.

    Args:
        header: as it was sent.
        names: names and addresses of the box, in lower case; loopback's are always among them.
    """
    host = host_of(header)
    return host is not None and (host in LOOPBACK_NAMES or host in names)


def is_foreign(*, site: str, origin: str, host: str, secure: bool) -> bool:
    """Whether a request was made by a page of somebody else.

    Args:
        site: the header Sec-Fetch-Site, empty where a browser sends none.
        origin: the header Origin, empty where there is none.
        host: the header Host, which names this box.
        secure: whether the request came by HTTPS.
    """
    if site in _FOREIGN:
        return True
    if site in _OWN:
        # No page can forge this header; Origin says "null" here, as our own pages send no referrer.
        return False
    return bool(origin) and origin.lower() != f"{'https' if secure else 'http'}://{host.lower()}"


def plain_address(address: str) -> str:
    """Return a client's address; an IPv4 one that came by an IPv6 socket as IPv4 (RFC 4291, 2.5.5.2)."""
    return address.removeprefix("::ffff:") if address.startswith("::ffff:") and "." in address else address


def plain_host(name: str) -> str:
    """Return a name or address as `host_of` says it: in lower case, an IPv6 address in its short form."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower().rstrip(".")
