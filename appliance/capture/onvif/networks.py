"""The networks this box is on: where cameras are looked for, and the only ones whose devices are asked."""

from __future__ import annotations

from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

import ifaddr

if TYPE_CHECKING:
    from collections.abc import Sequence


def own_networks(only: Sequence[str] = ()) -> list[IPv4Interface]:
    """Return this box's IPv4 addresses with their networks.

    Args:
        only: the box's addresses to look at (``capture.discovery_addresses``); empty: all but loopback.
    """
    known = [
        IPv4Interface(f"{address.ip}/{address.network_prefix}")
        for adapter in ifaddr.get_adapters()
        for address in adapter.ips
        if isinstance(address.ip, str)
    ]
    if only:
        return [one for one in known if str(one.ip) in set(only)]
    return [one for one in known if not one.ip.is_loopback]
