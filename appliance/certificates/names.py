"""Names and addresses a server certificate covers (pure)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NAMES = 40
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Names:
    """DNS names (lower case, without a last dot) and IP addresses, each once, sorted."""

    dns: tuple[str, ...]
    addresses: tuple[IpAddress, ...]

    def covers(self, other: Names) -> bool:
        """Whether everything of the other is among these."""
        return set(other.dns) <= set(self.dns) and set(other.addresses) <= set(self.addresses)

    def words(self) -> list[str]:
        """Return all of them as text."""
        return [*self.dns, *map(str, self.addresses)]


def names_of(texts: Iterable[str], *, most: int = MAX_NAMES) -> Names:
    """Return names and addresses from texts.

    Raises:
        BadInputError: one is neither a host name nor an IP address, or there are too many.
    """
    dns: set[str] = set()
    addresses: set[IpAddress] = set()
    for text in texts:
        address = _address(text)
        if address is not None:
            addresses.add(address)
        else:
            dns.add(host_name(text))
    if len(dns) + len(addresses) > most:
        raise BadInputError(
            f"A certificate covers at most {most} names and addresses.", hint="Leave out those nobody uses."
        )
    return Names(tuple(sorted(dns)), tuple(sorted(addresses, key=lambda one: (one.version, int(one)))))


def host_name(text: str) -> str:
    """Return a host name in lower case (RFC 1123; international names in their ASCII form).

    Raises:
        BadInputError: it is none.
    """
    name = text.strip().rstrip(".").lower()
    if len(name) > 253 or not all(map(_LABEL.fullmatch, name.split("."))) or name.replace(".", "").isdigit():  # noqa: PLR2004  RFC 1035
        raise BadInputError(f"{text[:60]!r} is no host name.", hint="It looks like room-1 or room-1.example.org.")
    return name


def _address(text: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
