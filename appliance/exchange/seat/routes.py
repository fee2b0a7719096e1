"""The addresses of the seat agents' protocol (pure)."""

from __future__ import annotations

import hashlib
from typing import Final

BASE: Final = "/seat/v1/"
ANCHOR: Final = f"{BASE}anchor"
"""GET, for everybody: the certificate (PEM) that codes are bound to; it is no secret."""
ENROL: Final = f"{BASE}enrol"
REPORT: Final = f"{BASE}report"
METHOD: Final = "POST"


def agent_id(public: bytes) -> str:
    """Return the name of an agent by its raw public key, so that nobody can take another's."""
    return f"seat-{hashlib.sha256(b'exambox seat agent' + public).hexdigest()[:12]}"
