"""What this machine is called on its network, so that its certificate covers it."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Final

import ifaddr

from appliance.certificates.names import MAX_NAMES, Names, names_of
from appliance.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable


UNNAMED: Final = "exambox"


def machine_names(given: Iterable[str] = ()) -> Names:
    """Return the given names with this machine's: its host name, with ``.local``, and its addresses.

    A machine with more addresses than a certificate holds gets the first of them.

    Raises:
        BadInputError: a given name is none, or too many are given.
    """
    host = host_label()
    fixed = [*given, host, f"{host}.local", "localhost", "127.0.0.1", "::1"]
    return names_of([*fixed, *local_addresses()[: max(0, MAX_NAMES - len(fixed))]])


def host_label() -> str:
    """Return the first label of the machine's name, in lower case: what it is called before ``.local``.

    A machine without a name, or with one that the network cannot carry, is called ``exambox``.
    """
    label = socket.gethostname().split(".")[0].lower()
    return label if _usable(label) and label != "localhost" else UNNAMED


def local_addresses() -> list[str]:
    """Return the machine's addresses on its networks: IPv4, and IPv6 of private networks, which do not change daily."""
    try:
        adapters = list(ifaddr.get_adapters())
    except OSError:
        return []
    found = [str(one.ip[0] if isinstance(one.ip, tuple) else one.ip) for each in adapters for one in each.ips]
    return sorted(text for text in set(found) if _lasting(ipaddress.ip_address(text)))


def _lasting(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if address.is_loopback or address.is_link_local:
        return False
    return address.version == 4 or address.is_private  # noqa: PLR2004  IP's version


def _usable(name: str) -> bool:
    try:
        names_of([name])
    except BadInputError:
        return False
    return True
