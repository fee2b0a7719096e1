"""Who is told what after a cause: rows of the outbox, in the cause's transaction; only to addresses that are set.

Addresses of the box in bodies (``archive``, ``reportUrl``) begin with ``/``. Who sends them puts the box's public
address before them (`addressed`), so that they are right when they arrive, whatever the box was called days before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.json_edge import JsonObject


def addressed(body: JsonObject, address: str) -> JsonObject:
    """Return a body with the box's address (``https://host:port``) before the addresses that begin with ``/``."""
    raise NotImplementedError


def tell_review(db: Database, session: str, *, clock: Clock) -> None:
    """Tell what is known of a session now; a message before it that was not tried yet is superseded."""
    raise NotImplementedError
