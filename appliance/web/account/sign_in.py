"""Signing in and out, step by step, without telling a guesser which names exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from appliance import auditlog
from appliance.database import write
from appliance.errors import ApplianceError
from appliance.web.account import accounts, half_sessions, passwords, sessions, throttle
from appliance.web.account.recovery_codes import use_recovery_code
from appliance.web.account.second_factor import WrongCodeError, has_second_factor, looks_like_code, use_code

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import AccountsSettings
    from appliance.web.account.accounts import Account
    from appliance.web.account.factor_key import FactorKey
    from appliance.web.account.half_sessions import HalfSession
    from appliance.web.account.sessions import Person

Step = Literal["code", "new_password", "set_up"]
"""What is still missing: a code of the second factor; a password of one's own; a second factor that the role needs."""


class SignInError(ApplianceError):
    """Name and password do not fit together; which of them is wrong is not said."""

    code = "sign_in.refused"
    status = 403


class HalfSessionError(ApplianceError):
    """The way in took too long, or was ended meanwhile."""

    code = "sign_in.again"
    status = 403


@dataclass(frozen=True, slots=True)
class Entry:
    """How far somebody has come: ``token`` is for the session's cookie, or the half session's where a step is left."""

    token: str
    step: Step | None
    account: int


def sign_in(
    db: Database,
    name: str,
    password: str,
    *,
    address: str,
    clock: Clock,
    settings: AccountsSettings,
    browser: str = "",
    known_browser: str = "",
) -> Entry:
    """Check name and password; start a session, or a half one where something is missing.

    Args:
        db: the box's database.
        name: as typed.
        password: as typed.
        address: from where.
        clock: for the session.
        settings: which roles must have a second factor.
        browser: the browser's name for the list of sessions.
        known_browser: the mark of a browser in which this person has signed in before (see `throttle`).

    Raises:
        SignInError: wrong name, wrong password, or a disabled account: always the same words and time.
        ThrottledError: too many attempts; the password was not looked at.
    """
    throttle.begin_attempt(db, name, address, clock=clock, known_browser=known_browser)
    row = db.conn.execute(
        "SELECT id, password_hash, disabled_us FROM account WHERE name = ?", (name.strip(),)
    ).fetchone()
    fits = passwords.password_fits(row[1] if row else None, password[: passwords.MAX_LENGTH + 1])
    if not fits or row[2] is not None:
        auditlog.append(db, "account.sign_in_failed", clock=clock, who=name.strip()[:64] or "nobody", where=address)
        raise SignInError(
            "Name and password do not fit together.", hint="Check capital letters and the keyboard's language."
        )
    throttle.attempt_succeeded(db, name, address, known_browser=known_browser)
    new_hash = passwords.hash_password(password) if passwords.needs_rehash(row[1]) else None
    with write(db):
        if new_hash:
            db.conn.execute("UPDATE account SET password_hash = ? WHERE id = ?", (new_hash, row[0]))
        account = accounts.account_by_id(db, row[0])
        return let_in(db, account, address=address, clock=clock, settings=settings, browser=browser)


def let_in(
    db: Database, account: Account, *, address: str, clock: Clock, settings: AccountsSettings, browser: str = ""
) -> Entry:
    """Start a session for somebody whose password was right, or a half one where something is missing."""
    with write(db):
        step = missing_step(db, account, second_factor=False, settings=settings)
        if step is not None:
            return Entry(half_sessions.open_half(db, account.id, clock=clock), step, account.id)
        return Entry(start_session(db, account, address=address, clock=clock, browser=browser), None, account.id)


def missing_step(db: Database, account: Account, *, second_factor: bool, settings: AccountsSettings) -> Step | None:
    """Return what is missing before the account may have a session.

    Args:
        db: the box's database.
        account: whose password was right.
        second_factor: whether a code was right already.
        settings: which roles must have a second factor.
    """
    has_factor = has_second_factor(db, account.id)
    if has_factor and not second_factor:
        return "code"
    if account.must_change:
        return "new_password"
    return "set_up" if not has_factor and account.role in settings.require_totp_roles else None


def give_code(
    db: Database, half: HalfSession, code: str, *, address: str, clock: Clock, key: FactorKey, known_browser: str = ""
) -> bool:
    """Check the code of the app, or a recovery code, for somebody on the way in; return whether it was a recovery code.

    Raises:
        WrongCodeError: it is not right.
        ThrottledError: too many attempts; the code was not looked at.
        FactorKeyError: the box cannot check codes of the app.
    """
    account = accounts.account_by_id(db, half.account)
    throttle.begin_attempt(db, account.name, address, clock=clock, kind="code", known_browser=known_browser)
    from_app = looks_like_code(code)
    try:
        if from_app:
            use_code(db, account.id, code, key=key, clock=clock)
        else:
            use_recovery_code(db, account, code, clock=clock, where=address)
    except WrongCodeError:
        auditlog.append(db, "account.sign_in_failed", clock=clock, who=account.name, where=address)
        raise
    throttle.attempt_succeeded(db, account.name, address, kind="code", known_browser=known_browser)
    half_sessions.mark_second_factor(db, half)
    return not from_app


def go_on(
    db: Database,
    half: HalfSession,
    *,
    second_factor: bool,
    address: str,
    clock: Clock,
    settings: AccountsSettings,
    browser: str = "",
) -> Entry | Step:
    """Turn the half session into a whole one with a new value, or return the step that is still missing.

    Raises:
        HalfSessionError: it was ended meanwhile.
    """
    with write(db):
        account = accounts.account_by_id(db, half.account)
        step = missing_step(db, account, second_factor=second_factor, settings=settings)
        if step is not None:
            return step
        if account.disabled_us is not None or not half_sessions.close_half(db, half):
            raise HalfSessionError("Signing in has been interrupted.", hint="Begin again with name and password.")
        return Entry(start_session(db, account, address=address, clock=clock, browser=browser), None, account.id)


def start_session(db: Database, account: Account, *, address: str, clock: Clock, browser: str = "") -> str:
    """Start a session for somebody who has just proved who they are; return its cookie value."""
    with write(db):
        token = sessions.open_session(db, account.id, address=address, clock=clock, browser=browser)
        db.conn.execute("UPDATE account SET last_sign_in_us = ? WHERE id = ?", (clock.wall_us(), account.id))
        auditlog.append(db, "account.signed_in", clock=clock, who=account.name, where=address)
    return token


def sign_out(db: Database, person: Person, *, address: str, clock: Clock) -> None:
    """End the session and enter it in the log."""
    with write(db):
        sessions.close_session(db, person)
        auditlog.append(db, "account.signed_out", clock=clock, who=person.name, where=address)


def confirm_password(db: Database, name: str, password: str, *, address: str, clock: Clock) -> None:
    """Ask a signed-in person for their password again, before something that whoever found the screen must not do.

    Raises:
        WrongPasswordError: it is not theirs.
        ThrottledError: too many attempts.
    """
    throttle.begin_attempt(db, name, address, clock=clock, kind="confirm")
    row = db.conn.execute("SELECT password_hash FROM account WHERE name = ?", (name,)).fetchone()
    if not passwords.password_fits(row[0] if row else None, password[: passwords.MAX_LENGTH + 1]):
        auditlog.append(db, "account.sign_in_failed", clock=clock, who=name, where=address)
        raise WrongPasswordError("That is not your present password.", hint="Nothing was changed.")
    throttle.attempt_succeeded(db, name, address, kind="confirm")


class WrongPasswordError(SignInError):
    """The password a signed-in person gave again is not theirs."""

    code = "account.wrong_password"
