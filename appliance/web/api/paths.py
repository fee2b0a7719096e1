"""Which addresses are the API's: their callers are machines, with tokens instead of cookies (pure)."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "/api/v2/"
_CENTRE: Final = "/api/centre/"
"""The protocol between boxes and their central service (`exchange.centre.routes.BASE`)."""

_SEATS: Final = "/seat/v1/"
"""What seat agents call (`exchange.seat.routes.BASE`)."""


def is_machines(path: str) -> bool:
    """Whether a path is the API's, or of the protocols of centre and seat agents, known there or not."""
    return path.startswith((PREFIX, _CENTRE, _SEATS)) or path == PREFIX.rstrip("/")
