"""Which addresses are the API's: their callers are machines, with tokens instead of cookies (pure)."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "/api/v2/"


def is_machines(path: str) -> bool:
    """Whether a path is the API's, known there or not."""
    return path.startswith(PREFIX) or path == PREFIX.rstrip("/")
