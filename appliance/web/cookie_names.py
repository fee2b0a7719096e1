"""What the dashboard's cookies are called on the connection a request came by."""

from __future__ import annotations

from typing import Final

from flask import request

# By HTTPS: a browser takes it only from this very host, encrypted, for the whole of it (RFC 6265bis, 4.1.3).
HOST_PREFIX: Final = "__Host-"


def cookie_name(name: str) -> str:
    """Return a cookie's name: with the prefix browsers guard by HTTPS, plain on loopback."""
    return HOST_PREFIX + name if request.is_secure else name
