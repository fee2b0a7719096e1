"""Which addresses the box calls: what administrators enter, but never the box itself nor what answers to every machine.

Private addresses are normal: the LMS or the central service often stands in the same house. This machine's own
(loopback, unspecified) and link-local ones (where clouds keep their machines' secrets), and multicast, are not an
LMS: a box that calls them could be used by whoever may enter an address to reach what only the box reaches.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult


class AddressRefusedError(OSError):
    """A name or address leads where the box does not call."""


def check_url(url: str, *, loopback: bool) -> str:
    """Return why an address cannot be called, empty where it can (pure; names are checked once they are resolved)."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "it is no address"
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return "it has to begin with https:// or http://"
    if parts.username is not None or parts.password is not None:
        return "it holds a user or a password"
    if _is_literal(host) and not may_call(host, loopback=loopback):
        return f"the box does not call {host}"
    return ""


def may_call(address: str, *, loopback: bool) -> bool:
    """Return whether the box calls an IP address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return loopback
    return not (ip.is_unspecified or ip.is_link_local or ip.is_multicast or ip == ipaddress.IPv4Address(2**32 - 1))


class GuardedResolver(AbstractResolver):
    """Resolves names, and gives the connection only addresses the box calls: a name cannot lead elsewhere later."""

    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name that may be called.

        Raises:
            AddressRefusedError: it has others alone.
            OSError: it cannot be resolved.
        """
        found = await self._resolver.resolve(host, port, family)
        good = [one for one in found if may_call(one["host"], loopback=self._loopback)]
        if found and not good:
            raise AddressRefusedError(f"the box does not call {found[0]['host']}")
        return good

    async def close(self) -> Any:
        """Nothing is held."""
        await self._resolver.close()


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
