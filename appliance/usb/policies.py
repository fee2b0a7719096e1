"""The policies a box had, as rows: the newest is in force. Without one it is the default exam policy."""

from __future__ import annotations

import functools
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.auditlog import append
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.usb.policy import Policy
from appliance.usb.policy_file import PolicyError, read_policy

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

DEFAULT_VERSION: Final = 0
"""The version of the default exam policy, which is no row."""
MAX_WHY_CHARACTERS: Final = 500


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A policy a box had: who wrote it when (wall), and why. Version 0 is the default exam policy."""

    version: int
    text: str
    made_us: int
    made_by: str
    why: str


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """The policy in force.

    ``problem`` says why the one that was kept cannot be read (a newer software wrote it, or it is damaged); then
    ``policy`` is the default one, which lets in least, while ``text`` and ``version`` are those that were kept.
    """

    version: int
    policy: Policy
    text: str
    made_us: int = 0
    made_by: str = ""
    why: str = ""
    problem: str = ""


def policy_in_force(db: Database) -> InForce:
    """Return the policy that judges devices now."""
    row = _newest(db)
    if row is None:
        return InForce(version=DEFAULT_VERSION, policy=default_policy(), text=default_text())
    policy, problem = _read_kept(row.text)
    return InForce(policy=policy, problem=problem, **msgspec.structs.asdict(row))


def version_in_force(db: Database) -> int:
    """Return the version of the policy in force, without reading it: cheap enough to ask at every event."""
    found = db.conn.execute("SELECT max(version) FROM usb_policy").fetchone()
    return int(found[0]) if found and found[0] is not None else DEFAULT_VERSION


def keep_policy(
    db: Database, text: str, *, clock: Clock, who: str, where: str = "", why: str = "", after: int | None = None
) -> int:
    """Put a policy in force; it is durable when this returns, and in the log.

    Args:
        db: the box's database.
        text: the file, kept as it was written.
        clock: gives the time.
        who: the person.
        where: from where, if known.
        why: the reason, in the person's words.
        after: the version the person changed; None: whichever is in force.

    Returns:
        The new version, or that in force where the text is the same.

    Raises:
        PolicyError: the file is wrong.
        BadInputError: the reason is too long.
        ConflictError: somebody else changed the policy since version ``after``.
    """
    policy = read_policy(text)
    if len(why) > MAX_WHY_CHARACTERS:
        raise BadInputError(f"why: is longer than {MAX_WHY_CHARACTERS} characters.", hint="Say it shorter.")
    with write(db):
        now = policy_in_force(db)
        if after is not None and after != now.version:
            raise ConflictError(
                f"The policy was changed meanwhile: version {now.version} is in force, not {after}.",
                hint="Look at the present policy, and make the change there.",
            )
        if text == now.text and not now.problem:
            return now.version
        cursor = db.conn.execute(
            "INSERT INTO usb_policy (text, made_us, made_by, why) VALUES (?, ?, ?, ?)",
            (text, clock.wall_us(), who, why),
        )
        version = int(cursor.lastrowid or 0)
        detail: dict[str, Any] = {
            "version": version,
            "before": now.version,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "rules": len(policy.rule),
        }
        said = {"why": why} if why else None
        append(db, "usb.policy_changed", clock=clock, who=who, where=where, detail=detail, personal=said)
    return version


def history(db: Database, *, before: int | None = None, limit: int = 50) -> tuple[Kept, ...]:
    """Return the policies the box had, newest first; ``before`` a version, to go on.

    The default exam policy comes last, as version 0.
    """
    rows = db.conn.execute(
        "SELECT version, text, made_us, made_by, why FROM usb_policy WHERE version < ? ORDER BY version DESC LIMIT ?",
        (before if before is not None else 1 << 62, limit),
    ).fetchall()
    kept = tuple(_kept(row) for row in rows)
    if len(kept) < limit and before != DEFAULT_VERSION:
        kept += (Kept(version=DEFAULT_VERSION, text=default_text(), made_us=0, made_by="", why=""),)
    return kept


def policy_version(db: Database, version: int) -> Kept:
    """Return one of the policies the box had.

    Raises:
        NotFoundError: there is no such version.
    """
    if version == DEFAULT_VERSION:
        return Kept(version=DEFAULT_VERSION, text=default_text(), made_us=0, made_by="", why="")
    row = db.conn.execute(
        "SELECT version, text, made_us, made_by, why FROM usb_policy WHERE version = ?",
        (version if 0 < version < 1 << 62 else -1,),
    ).fetchone()
    if row is None:
        raise NotFoundError(
            f"There is no version {version} of the USB policy.", hint="`exambox usb policy history` lists them."
        )
    return _kept(row)


def restore_policy(
    db: Database, version: int, *, clock: Clock, who: str, where: str = "", why: str = "", after: int | None = None
) -> int:
    """Put an earlier policy in force again, as a new version; return that.

    Raises:
        NotFoundError: there is no such version.
        PolicyError: it is one that this software cannot read.
        BadInputError, ConflictError: as `keep_policy`.
    """
    text = policy_version(db, version).text
    return keep_policy(db, text, clock=clock, who=who, where=where, why=why or f"version {version} again", after=after)


@functools.cache
def default_text() -> str:
    """Return the file of the default exam policy."""
    return resources.files("appliance.usb").joinpath("default_policy.toml").read_text("utf-8")


@functools.cache
def default_policy() -> Policy:
    """Return the default exam policy."""
    return read_policy(default_text())


@functools.lru_cache(maxsize=4)
def _read_kept(text: str) -> tuple[Policy, str]:
    try:
        return read_policy(text), ""
    except PolicyError as problem:
        return default_policy(), problem.message


def _newest(db: Database) -> Kept | None:
    row = db.conn.execute(
        "SELECT version, text, made_us, made_by, why FROM usb_policy ORDER BY version DESC LIMIT 1"
    ).fetchone()
    return _kept(row) if row else None


def _kept(row: tuple[Any, ...]) -> Kept:
    return Kept(version=row[0], text=row[1], made_us=row[2], made_by=row[3], why=row[4])
