"""A new password for who has forgotten theirs: by a link in an e-mail, or by an administrator's one-time code."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING

from appliance import auditlog
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import ApplianceError
from appliance.web.account import accounts, changes, passwords

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.web.account.accounts import Account
    from appliance.web.account.passwords import Policy

# Used and expired ones stay a while, for whoever looks into what happened; the log has it anyway.
KEPT_US = 30 * 24 * 3600 * SECOND_US
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_FOUND = (
    "SELECT password_reset.id, account.id, secret_hash FROM password_reset"
    " JOIN account ON account.id = password_reset.account"
    " WHERE kind = ? AND used_us IS NULL AND expires_us > ? AND password_reset.created_us <= ?"
    " AND account.disabled_us IS NULL"
)


class ResetError(ApplianceError):
    """The link or code does not work: wrong, used, too old, replaced by another; which of them is not said."""

    code = "reset.refused"
    status = 403


def make_link(db: Database, account: int, *, minutes: int, clock: Clock) -> str:
    """Return the secret of a new link: 256 random bits as 43 signs; earlier links of the account end."""
    token = secrets.token_urlsafe(32)
    with write(db):
        _replace(db, account, "link", _hash(token), valid_us=minutes * 60 * SECOND_US, clock=clock)
    return token


def make_code(db: Database, name: str, *, hours: int, clock: Clock, who: str, where: str = "") -> str:
    """Return a new one-time code for an account, to be told to its person; earlier ones end.

    The present password goes on working until the code is used.

    Raises:
        NotFoundError: there is no such account.
    """
    account = accounts.get_account(db, name)
    code = passwords.generate_password()
    code_hash = passwords.hash_password(code)
    with write(db):
        _replace(db, account.id, "code", code_hash, valid_us=hours * 3600 * SECOND_US, clock=clock)
        accounts.log_account(db, "account.reset_code_made", account.name, clock=clock, who=who, where=where)
    return code


def link_works(db: Database, token: str, *, clock: Clock) -> bool:
    """Return whether the link could be used now."""
    return _link(db, token, clock) is not None


def use_link(db: Database, token: str, password: str, *, policy: Policy, clock: Clock, where: str = "") -> Account:
    """Set a new password and use the link up, both or neither; return whose it is.

    Raises:
        ResetError: the link does not work.
        BadInputError: the password does not fit the policy; the link stays good.
    """
    row = _link(db, token, clock)
    if row is None:
        raise _refused_link()
    return _set(db, row, password, policy=policy, clock=clock, where=where, refused=_refused_link())


def use_code(
    db: Database, name: str, code: str, password: str, *, policy: Policy, clock: Clock, where: str = ""
) -> Account:
    """Set a new password and use the code up, both or neither; return whose it is.

    Raises:
        ResetError: name and code do not fit together, or the code works no more: always the same words and time.
        BadInputError: the password does not fit the policy; the code stays good.
    """
    now = clock.wall_us()
    row = db.conn.execute(
        f"{_FOUND} AND account.name = ? ORDER BY password_reset.id DESC LIMIT 1", ("code", now, now, name.strip())
    ).fetchone()
    if not passwords.password_fits(row[2] if row else None, code.strip()[: passwords.MAX_LENGTH]):
        auditlog.append(db, "account.sign_in_failed", clock=clock, who=name.strip()[:64] or "nobody", where=where)
        raise _refused_code()
    return _set(db, row, password, policy=policy, clock=clock, where=where, refused=_refused_code())


def _set(
    db: Database,
    row: tuple[int, int, str],
    password: str,
    *,
    policy: Policy,
    clock: Clock,
    where: str,
    refused: ResetError,
) -> Account:
    account = accounts.account_by_id(db, row[1])
    passwords.check_policy(password, name=account.name, policy=policy)
    password_hash = passwords.hash_password(password)
    with write(db):
        used = db.conn.execute(
            "UPDATE password_reset SET used_us = ? WHERE id = ? AND used_us IS NULL", (clock.wall_us(), row[0])
        )
        if used.rowcount != 1:
            raise refused
        changes.store_password(db, account, password_hash)
        accounts.log_account(db, "account.password_reset", account.name, clock=clock, who=account.name, where=where)
    return account


def _link(db: Database, token: str, clock: Clock) -> tuple[int, int, str] | None:
    if not _TOKEN.fullmatch(token):
        return None
    now = clock.wall_us()
    found: tuple[int, int, str] | None = db.conn.execute(
        f"{_FOUND} AND secret_hash = ?", ("link", now, now, _hash(token))
    ).fetchone()
    return found


def _replace(db: Database, account: int, kind: str, secret_hash: str, *, valid_us: int, clock: Clock) -> None:
    now = clock.wall_us()
    db.conn.execute("DELETE FROM password_reset WHERE account = ? AND kind = ? AND used_us IS NULL", (account, kind))
    db.conn.execute("DELETE FROM password_reset WHERE expires_us < ?", (now - KEPT_US,))
    db.conn.execute(
        "INSERT INTO password_reset (account, kind, secret_hash, created_us, expires_us) VALUES (?, ?, ?, ?, ?)",
        (account, kind, secret_hash, now, now + valid_us),
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def _refused_link() -> ResetError:
    return ResetError(
        "This link does not work any more.", hint="Each is good once and for a short time. Ask for another one."
    )


def _refused_code() -> ResetError:
    return ResetError(
        "Name and one-time code do not fit together.",
        hint="A code is good once and for a limited time; a newer one replaces it. An administrator gives you another.",
    )
