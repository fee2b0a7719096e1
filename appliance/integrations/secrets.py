"""The secrets of integrations: several may be good while one is being changed. Wall times in ``_us``."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from appliance import auditlog
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError, NotFoundError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.integrations.exchange_key import ExchangeKey

SECRET_BYTES: Final = 32
MAX_OVERLAP_US: Final = 90 * 24 * 3600 * SECOND_US
DEFAULT_OVERLAP_US: Final = 24 * 3600 * SECOND_US
USED_EVERY_US: Final = 3600 * SECOND_US
"""So often at most it is noted that a secret is in use."""


@dataclass(frozen=True, slots=True)
class SecretFact:
    """What may be shown of a secret.

    Attributes:
        id: its number.
        created_us: when it was made.
        ends_us: until when it is good; None has no end.
        used_us: when a token signed with it was last seen, to the hour.
    """

    id: int
    created_us: int
    ends_us: int | None
    used_us: int | None


@dataclass(frozen=True, slots=True)
class GoodSecret:
    """A secret that is good now, in clear: only ever in memory, and in no trace of an error."""

    id: int
    text: str = field(repr=False)
    used_us: int | None


def new_secret() -> str:
    """Return 32 random bytes as 43 characters of base64url: long enough for every client's JWT library."""
    return secrets.token_urlsafe(SECRET_BYTES)


def keep_secret(db: Database, integration: str, secret: str, *, clock: Clock, keys: ExchangeKey) -> None:
    """Store a secret, sealed; joins the open write transaction."""
    sealed = keys.seal(integration, secret)
    with write(db):
        db.conn.execute(
            "INSERT INTO integration_secret (integration, sealed, created_us) VALUES (?, ?, ?)",
            (integration, sealed, clock.wall_us()),
        )


def rotate_secret(
    db: Database, integration: str, *, overlap_us: int, clock: Clock, who: str, keys: ExchangeKey, where: str = ""
) -> str:
    """Make a new secret and return it, the only time; those before stay good for ``overlap_us``.

    Raises:
        NotFoundError: there is no such integration, or it was removed.
        BadInputError: the overlap is negative or longer than 90 days.
        UnavailableError: the key file can be neither read nor made.
    """
    if not 0 <= overlap_us <= MAX_OVERLAP_US:
        raise BadInputError("overlap: has to be between 0 hours and 90 days.")
    secret = new_secret()
    now = clock.wall_us()
    with write(db):
        found = db.conn.execute(
            "SELECT name FROM integration WHERE id = ? AND removed_us IS NULL", (integration,)
        ).fetchone()
        if found is None:
            raise NotFoundError("There is no such integration.")
        db.conn.execute(
            "UPDATE integration_secret SET ends_us = min(ifnull(ends_us, ?), ?) WHERE integration = ?",
            (now + overlap_us, now + overlap_us, integration),
        )
        # What ended long ago is of no use to anybody, not even sealed.
        db.conn.execute("DELETE FROM integration_secret WHERE integration = ? AND ends_us <= ?", (integration, now))
        keep_secret(db, integration, secret, clock=clock, keys=keys)
        detail = {"integration": found[0], "overlap_s": overlap_us // SECOND_US}
        auditlog.append(db, "integration.secret_rotated", clock=clock, who=who, where=where, detail=detail)
    return secret


def end_old_secrets(db: Database, integration: str, *, clock: Clock, who: str, where: str = "") -> int:
    """End the overlap now: only the newest secret stays good. Return how many ended."""
    now = clock.wall_us()
    with write(db):
        ended = db.conn.execute(
            "DELETE FROM integration_secret WHERE integration = ?1 AND ends_us IS NOT NULL"
            " AND id < (SELECT max(id) FROM integration_secret WHERE integration = ?1)",
            (integration,),
        ).rowcount
        if ended:
            name = db.conn.execute("SELECT name FROM integration WHERE id = ?", (integration,)).fetchone()[0]
            detail = {"integration": name, "ended": ended, "at_us": now}
            auditlog.append(db, "integration.overlap_ended", clock=clock, who=who, where=where, detail=detail)
    return ended


def secret_facts(db: Database, integration: str, *, now_us: int) -> list[SecretFact]:
    """Return what may be shown of the secrets that are good, newest first."""
    rows = db.conn.execute(
        "SELECT id, created_us, ends_us, used_us FROM integration_secret"
        " WHERE integration = ? AND (ends_us IS NULL OR ends_us > ?) ORDER BY id DESC",
        (integration, now_us),
    )
    return [SecretFact(*row) for row in rows]


def good_secrets(db: Database, integration: str, *, now_us: int, keys: ExchangeKey) -> list[GoodSecret]:
    """Return the secrets that are good now, newest first; none where there is none.

    Raises:
        ExchangeKeyError: one cannot be opened.
        UnavailableError: the key file cannot be read.
    """
    rows = db.conn.execute(
        "SELECT id, sealed, used_us FROM integration_secret"
        " WHERE integration = ? AND (ends_us IS NULL OR ends_us > ?) ORDER BY id DESC",
        (integration, now_us),
    )
    return [GoodSecret(number, keys.open(integration, sealed), used_us) for number, sealed, used_us in rows]


def newest_secret(db: Database, integration: str, *, keys: ExchangeKey) -> str:
    """Return the secret that our own calls are signed with.

    Raises:
        NotFoundError: the integration has none.
        ExchangeKeyError: it cannot be opened.
        UnavailableError: the key file cannot be read.
    """
    row = db.conn.execute(
        "SELECT sealed FROM integration_secret WHERE integration = ? ORDER BY id DESC LIMIT 1", (integration,)
    ).fetchone()
    if row is None:
        raise NotFoundError("This integration has no secret.", hint="Rotate it: that makes one.")
    return keys.open(integration, row[0])


def is_noted(secret: GoodSecret, *, now_us: int) -> bool:
    """Whether it was noted within the last hour that a secret is in use (pure)."""
    return secret.used_us is not None and 0 <= now_us - secret.used_us < USED_EVERY_US


def note_used(db: Database, secret: GoodSecret, *, now_us: int) -> None:
    """Note that a secret is in use, at most once an hour."""
    if is_noted(secret, now_us=now_us):
        return
    with write(db):
        db.conn.execute("UPDATE integration_secret SET used_us = ? WHERE id = ?", (now_us, secret.id))
