"""Tokens that were seen: one with a ``jti`` is good once (RFC 7519, 4.1.7)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from appliance.database import write

if TYPE_CHECKING:
    from sqlite_utils import Database

WITHOUT_END_US: Final = 253_402_300_799_000_000
"""A token that never ends has to be remembered for as long: until the end of the year 9999."""


def remember_jti(db: Database, integration: str, jti: str, *, until_us: int | None, now_us: int) -> bool:
    """Remember a token; joins the open write transaction.

    Args:
        db: the box's database.
        integration: whose token it is; each has names of its own.
        jti: the token's.
        until_us: when it may be forgotten; None: never.
        now_us: wall time; what may be forgotten by then is.

    Returns:
        Whether it is new; False: it was seen before.
    """
    with write(db):
        db.conn.execute("DELETE FROM seen_token WHERE until_us <= ?", (now_us,))
        return bool(
            db.conn.execute(
                "INSERT OR IGNORE INTO seen_token (integration, jti, until_us) VALUES (?, ?, ?)",
                (
                    integration,
                    hashlib.sha256(jti.encode("utf-8", "surrogatepass")).digest(),
                    WITHOUT_END_US if until_us is None else until_us,
                ),
            ).rowcount
        )
