"""Accounts of the dashboard: rows of ``account``, and every change entered in the log."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance import auditlog
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.web.access import ROLES
from appliance.web.account import passwords

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

MAX_EMAIL = 254
# What mail servers of schools take: no quotes, no comments; RFC 5321's lengths.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_NAME = re.compile(r"\w(?:[\w.@ '-]{0,62}[\w.])?")
_COLUMNS = "id, name, role, created_us, disabled_us, email, must_change, last_sign_in_us"


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in; times are wall microseconds."""

    id: int
    name: str
    role: str
    created_us: int
    disabled_us: int | None
    email: str
    """Empty: none is known."""
    must_change: int
    """1: the password was chosen by somebody else and is replaced at the next sign-in."""
    last_sign_in_us: int | None


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


def account_by_id(db: Database, account: int) -> Account:
    """Return the account of that number.

    Raises:
        NotFoundError: there is none.
    """
    row = db.conn.execute(f"SELECT {_COLUMNS} FROM account WHERE id = ?", (account,)).fetchone()  # noqa: S608
    if row is None:
        raise NotFoundError("There is no such account.", hint="The list of users shows them all.")
    return Account(*row)


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
    db: Database,
    name: str,
    role: str,
    password: str,
    *,
    clock: Clock,
    who: str,
    where: str = "",
    email: str = "",
    policy: passwords.Policy | None = None,
    must_change: bool = False,
) -> Account:
    """Create an account.

    Args:
        db: the box's database.
        name: as typed; kept in its one form.
        role: one of `ROLES`.
        password: in clear; only its hash is stored.
        clock: for the log.
        who: who creates it.
        where: from where.
        email: where reset links go; may be empty.
        policy: what the password must have; the default policy if None.
        must_change: the person chooses another password when they first sign in.

    Raises:
        BadInputError: the name, role, password or address is not usable.
        ConflictError: the name or address is taken.
    """
    name, email = clean_name(name), clean_email(email)
    if role not in ROLES:
        raise BadInputError(f"role: {role[:40]!r} is not one of {', '.join(ROLES)}.")
    passwords.check_policy(password, name=name, policy=policy)
    password_hash = passwords.hash_password(password)
    with write(db):
        if db.conn.execute("SELECT 1 FROM account WHERE name = ?", (name,)).fetchone():
            raise ConflictError(f"There is already an account named {name!r}.", hint="Choose another name.")
        check_email_free(db, email, account=None)
        db.conn.execute(
            "INSERT INTO account (name, role, password_hash, created_us, email, must_change) VALUES (?, ?, ?, ?, ?, ?)",
            (name, role, password_hash, clock.wall_us(), email, int(must_change)),
        )
        log_account(db, "account.created", name, clock=clock, who=who, where=where, detail={"role": role})
        return get_account(db, name)


def clean_email(email: str) -> str:
    """Return an e-mail address in its one form; empty stays empty.

    Raises:
        BadInputError: it is no address mail can be sent to.
    """
    text = email.strip()
    if text and (len(text) > MAX_EMAIL or not _EMAIL.fullmatch(text)):
        raise BadInputError("That is no e-mail address.", hint="It looks like name@example.org, in plain letters.")
    return text


def check_email_free(db: Database, email: str, *, account: int | None) -> None:
    """Refuse an address that belongs to another account: a reset link must lead to one person.

    Raises:
        ConflictError: it is taken.
    """
    taken = email and db.conn.execute("SELECT 1 FROM account WHERE email = ? AND id IS NOT ?", (email, account))
    if taken and taken.fetchone():
        raise ConflictError("Another account has this e-mail address.", hint="Each person needs their own.")


def log_account(
    db: Database,
    action: str,
    account: str,
    *,
    clock: Clock,
    who: str,
    where: str = "",
    detail: dict[str, str] | None = None,
) -> None:
    """Enter something that was done to an account in the log; its name can be erased later."""
    auditlog.append(db, action, clock=clock, who=who, where=where, detail=detail, personal={"account": account})
