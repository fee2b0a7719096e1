"""Accounts of the dashboard: rows of ``account``, and every change entered in the log."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance import auditlog
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.web.access import ADMINISTRATOR, ROLES
from appliance.web.account import passwords

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

_NAME = re.compile(r"\w(?:[\w.@ '-]{0,62}[\w.])?")
_COLUMNS = "id, name, role, created_us, disabled_us"


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in; times are wall microseconds."""

    id: int
    name: str
    role: str
    created_us: int
    disabled_us: int | None


def clean_name(name: str) -> str:
    """Return an account's name in its one form.

    Raises:
        BadInputError: it is empty, too long or has signs that do not belong in a name.
    """
    text = unicodedata.normalize("NFKC", name).strip()
    if not _NAME.fullmatch(text):
        raise BadInputError(
            "That name cannot be used.",
            hint="Use up to 64 letters and digits; spaces, full stops, hyphens, apostrophes and @ may stand inside.",
        )
    return text


def any_account(db: Database) -> bool:
    """Return whether the box has been given its first account."""
    return db.conn.execute("SELECT 1 FROM account LIMIT 1").fetchone() is not None


def list_accounts(db: Database) -> list[Account]:
    """Return every account by name."""
    return [Account(*row) for row in db.conn.execute(f"SELECT {_COLUMNS} FROM account ORDER BY name")]  # noqa: S608


def get_account(db: Database, name: str) -> Account:
    """Return the account of that name, in any case.

    Raises:
        NotFoundError: there is none.
    """
    row = db.conn.execute(f"SELECT {_COLUMNS} FROM account WHERE name = ?", (name.strip(),)).fetchone()  # noqa: S608
    if row is None:
        raise NotFoundError(f"There is no account named {name!r}.", hint="`exambox users list` shows them all.")
    return Account(*row)


def create_account(
    db: Database, name: str, role: str, password: str, *, clock: Clock, who: str, where: str = ""
) -> Account:
    """Create an account.

    Raises:
        BadInputError: the name, role or password is not usable.
        ConflictError: the name is taken.
    """
    name = clean_name(name)
    if role not in ROLES:
        raise BadInputError(f"role: {role!r} is not one of {', '.join(ROLES)}.")
    passwords.check_policy(password, name=name)
    password_hash = passwords.hash_password(password)
    with write(db):
        if db.conn.execute("SELECT 1 FROM account WHERE name = ?", (name,)).fetchone():
            raise ConflictError(f"There is already an account named {name!r}.", hint="Choose another name.")
        db.conn.execute(
            "INSERT INTO account (name, role, password_hash, created_us) VALUES (?, ?, ?, ?)",
            (name, role, password_hash, clock.wall_us()),
        )
        _log(db, "account.created", name, clock=clock, who=who, where=where, detail={"role": role})
        return get_account(db, name)


def set_password(db: Database, name: str, password: str, *, clock: Clock, who: str, where: str = "") -> None:
    """Give an account a new password and end all its sessions.

    Raises:
        NotFoundError: there is no such account.
        BadInputError: the password does not fit the policy.
    """
    account = get_account(db, name)
    passwords.check_policy(password, name=account.name)
    password_hash = passwords.hash_password(password)
    with write(db):
        db.conn.execute("UPDATE account SET password_hash = ? WHERE id = ?", (password_hash, account.id))
        db.conn.execute("DELETE FROM web_session WHERE account = ?", (account.id,))
        _log(db, "account.password_changed", account.name, clock=clock, who=who, where=where)


def disable_account(db: Database, name: str, *, clock: Clock, who: str) -> None:
    """Refuse the account from now on and end its sessions; what it did stays in the log.

    Raises:
        NotFoundError: there is no such account.
        ConflictError: it is the last administrator who can still sign in.
    """
    with write(db):
        account = get_account(db, name)
        if account.disabled_us is not None:
            return
        if account.role == ADMINISTRATOR and _other_administrators(db, account.id) == 0:
            raise ConflictError(
                f"{account.name} is the last administrator.", hint="Create or enable another administrator first."
            )
        db.conn.execute("UPDATE account SET disabled_us = ? WHERE id = ?", (clock.wall_us(), account.id))
        db.conn.execute("DELETE FROM web_session WHERE account = ?", (account.id,))
        _log(db, "account.disabled", account.name, clock=clock, who=who)


def enable_account(db: Database, name: str, *, clock: Clock, who: str) -> None:
    """Let a disabled account sign in again.

    Raises:
        NotFoundError: there is no such account.
    """
    with write(db):
        account = get_account(db, name)
        if account.disabled_us is None:
            return
        db.conn.execute("UPDATE account SET disabled_us = NULL WHERE id = ?", (account.id,))
        _log(db, "account.enabled", account.name, clock=clock, who=who)


def _other_administrators(db: Database, account: int) -> int:
    row = db.conn.execute(
        "SELECT count(*) FROM account WHERE role = ? AND disabled_us IS NULL AND id != ?", (ADMINISTRATOR, account)
    ).fetchone()
    return int(row[0])


def _log(
    db: Database,
    action: str,
    account: str,
    *,
    clock: Clock,
    who: str,
    where: str = "",
    detail: dict[str, str] | None = None,
) -> None:
    auditlog.append(db, action, clock=clock, who=who, where=where, detail=detail, personal={"account": account})
