"""Signing in and out, without telling a guesser which names exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance import auditlog
from appliance.database import write
from appliance.errors import ApplianceError
from appliance.web.account import accounts, passwords, sessions, throttle

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.web.account.sessions import Person


class SignInError(ApplianceError):
    """Name and password do not fit together; which of them is wrong is not said."""

    code = "sign_in.refused"
    status = 403


def sign_in(db: Database, name: str, password: str, *, address: str, clock: Clock) -> str:
    """Check name and password, start a session, return its cookie value.

    Raises:
        SignInError: wrong name, wrong password, or a disabled account: always the same words and time.
        ThrottledError: too many attempts; the password was not looked at.
    """
    throttle.begin_attempt(db, name, address, clock=clock)
    row = db.conn.execute(
        "SELECT id, name, password_hash, disabled_us FROM account WHERE name = ?", (name.strip(),)
    ).fetchone()
    fits = passwords.password_fits(row[2] if row else None, password[: passwords.MAX_LENGTH + 1])
    if not fits or row[3] is not None:
        auditlog.append(db, "account.sign_in_failed", clock=clock, who=name.strip()[:64] or "nobody", where=address)
        raise SignInError(
            "Name and password do not fit together.", hint="Check capital letters and the keyboard's language."
        )
    throttle.attempt_succeeded(db, name, address)
    new_hash = passwords.hash_password(password) if passwords.needs_rehash(row[2]) else None
    with write(db):
        if new_hash:
            db.conn.execute("UPDATE account SET password_hash = ? WHERE id = ?", (new_hash, row[0]))
        return start_session(db, accounts.get_account(db, row[1]), address=address, clock=clock)


def start_session(db: Database, account: accounts.Account, *, address: str, clock: Clock) -> str:
    """Start a session for somebody who has just proved who they are; return its cookie value."""
    with write(db):
        token = sessions.open_session(db, account.id, address=address, clock=clock)
        auditlog.append(db, "account.signed_in", clock=clock, who=account.name, where=address)
    return token


def sign_out(db: Database, person: Person, *, address: str, clock: Clock) -> None:
    """End the session and enter it in the log."""
    with write(db):
        sessions.close_session(db, person)
        auditlog.append(db, "account.signed_out", clock=clock, who=person.name, where=address)
