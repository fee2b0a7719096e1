"""Wishes to record: capture reconciles what is with what is wished. At most one wish stands at a time."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from appliance import auditlog
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError, ConflictError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

# The vault's rule for names (docs/vault-format.md, section 1): a sitting's name is a folder's name there.
_SITTING = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody wishes this sitting to be recorded; ``stopped_us`` is None while the wish stands. Times are wall."""

    id: int
    sitting: str
    wished_us: int
    wished_by: str
    stopped_us: int | None = None
    stopped_by: str | None = None


def current_wish(db: Database) -> Wish | None:
    """Return the standing wish, None when nothing is to be recorded."""
    for row in db.query("SELECT * FROM recording_wish WHERE stopped_us IS NULL ORDER BY id DESC LIMIT 1"):
        return _wish(row)
    return None


def list_wishes(db: Database, *, limit: int = 100) -> list[Wish]:
    """Return the newest wishes, newest first."""
    return [_wish(row) for row in db.query("SELECT * FROM recording_wish ORDER BY id DESC LIMIT ?", [limit])]


def start_recording(db: Database, *, clock: Clock, who: str, sitting: str | None = None) -> Wish:
    """Wish that a sitting be recorded; committed when it returns.

    Args:
        db: the box's database.
        clock: dates the wish and names the sitting.
        who: the person, for the row and the log.
        sitting: the sitting's name; ``YYYYMMDD-HHMMSS-xxxx`` (UTC, four random hex digits) if None.

    Raises:
        BadInputError: the name cannot be used in the vault.
        ConflictError: a wish stands already, or a sitting of this name was recorded before.
    """
    if sitting is not None and not _SITTING.fullmatch(sitting):
        raise BadInputError(
            f"sitting: {sitting[:80]!r} is not usable as a name.",
            hint="Use small letters, digits and hyphens, at most 60, beginning with a letter or digit.",
        )
    now = clock.wall_us()
    with write(db):
        standing = current_wish(db)
        if standing:
            raise ConflictError(
                f"The sitting {standing.sitting} is being recorded already.",
                hint="Stop it first: `exambox recordings stop`.",
            )
        name = sitting or _free_name(db, now)
        if _is_used(db, name):
            raise ConflictError(
                f"A sitting {name} was recorded before.", hint="Give another name, or none: one is made from the time."
            )
        db.table("recording_wish").insert({"sitting": name, "wished_us": now, "wished_by": who})
        number = int(db.conn.execute("SELECT last_insert_rowid()").fetchone()[0])
        auditlog.append(db, "recording.started", clock=clock, who=who, detail={"sitting": name})
    return Wish(number, name, now, who)


def stop_recording(db: Database, *, clock: Clock, who: str, why: str = "") -> Wish:
    """End the standing wish and return it as it now is; committed when it returns. ``why`` is entered in the log.

    Raises:
        ConflictError: nothing is being recorded.
    """
    now = clock.wall_us()
    with write(db):
        standing = current_wish(db)
        if standing is None:
            raise ConflictError("Nothing is being recorded.", hint="Start with `exambox recordings start`.")
        db.table("recording_wish").update(standing.id, {"stopped_us": now, "stopped_by": who})
        said = {"reason": why} if why else None
        auditlog.append(
            db, "recording.stopped", clock=clock, who=who, detail={"sitting": standing.sitting}, personal=said
        )
    return Wish(standing.id, standing.sitting, standing.wished_us, standing.wished_by, now, who)


def _is_used(db: Database, sitting: str) -> bool:
    return bool(list(db.query("SELECT 1 FROM recording_wish WHERE sitting = ?", [sitting])))


def _free_name(db: Database, wall_us: int) -> str:
    stamp = datetime.fromtimestamp(wall_us // SECOND_US, UTC).strftime("%Y%m%d-%H%M%S")
    while True:
        name = f"{stamp}-{secrets.token_hex(2)}"
        if not _is_used(db, name):
            return name


def _wish(row: dict[str, Any]) -> Wish:
    return Wish(**row)
