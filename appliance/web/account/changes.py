"""Changes to accounts: password, role, address, disabled or not. Each is in the log and ends what it must end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.database import write
from appliance.errors import BadInputError, ConflictError
from appliance.web.access import ADMINISTRATOR, ROLES
from appliance.web.account import passwords
from appliance.web.account.accounts import check_email_free, clean_email, get_account, log_account

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.web.account.accounts import Account


def set_password(
    db: Database,
    name: str,
    password: str,
    *,
    clock: Clock,
    who: str,
    where: str = "",
    policy: passwords.Policy | None = None,
    must_change: bool = False,
    keep: bytes | None = None,
) -> None:
    """Give an account a new password and end its sessions and open resets.

    Args:
        db: the box's database.
        name: the account's.
        password: in clear.
        clock: for the log.
        who: who does it.
        where: from where.
        policy: what the password must have; the default policy if None.
        must_change: somebody else chose it: the person replaces it at the next sign-in.
        keep: token hash of the one session that goes on.

    Raises:
        NotFoundError: there is no such account.
        BadInputError: the password does not fit the policy.
    """
    account = get_account(db, name)
    passwords.check_policy(password, name=account.name, policy=policy)
    password_hash = passwords.hash_password(password)
    with write(db):
        store_password(db, account, password_hash, must_change=must_change, keep=keep)
        log_account(db, "account.password_changed", account.name, clock=clock, who=who, where=where)


def store_password(
    db: Database, account: Account, password_hash: str, *, must_change: bool = False, keep: bytes | None = None
) -> None:
    """Replace the hash inside an open transaction; every other way in that hung on the old password ends."""
    db.conn.execute(
        "UPDATE account SET password_hash = ?, must_change = ? WHERE id = ?",
        (password_hash, int(must_change), account.id),
    )
    db.conn.execute("DELETE FROM password_reset WHERE account = ? AND used_us IS NULL", (account.id,))
    drop_sessions(db, account.id, keep=keep)


def replace_first_password(
    db: Database,
    account: Account,
    password: str,
    *,
    clock: Clock,
    where: str,
    policy: passwords.Policy,
    keep_half: bytes,
) -> None:
    """Replace a password somebody else chose by the person's own, on the way in; the half session goes on.

    Raises:
        BadInputError: it is the same one, or does not fit the policy.
    """
    passwords.check_policy(password, name=account.name, policy=policy)
    before = db.conn.execute("SELECT password_hash FROM account WHERE id = ?", (account.id,)).fetchone()[0]
    if passwords.password_fits(before, password):
        raise BadInputError("That is the password you were given.", hint="Choose one that nobody else knows.")
    password_hash = passwords.hash_password(password)
    with write(db):
        kept = db.conn.execute("SELECT * FROM half_session WHERE token_hash = ?", (keep_half,)).fetchone()
        store_password(db, account, password_hash)
        if kept:
            db.conn.execute("INSERT INTO half_session VALUES (?, ?, ?, ?)", tuple(kept))
        log_account(db, "account.password_changed", account.name, clock=clock, who=account.name, where=where)


def drop_sessions(db: Database, account: int, *, keep: bytes | None = None) -> int:
    """Remove an account's sessions, whole and half, but the one with the token hash ``keep``; return how many."""
    db.conn.execute("DELETE FROM half_session WHERE account = ?", (account,))
    ended = db.conn.execute("DELETE FROM web_session WHERE account = ? AND token_hash IS NOT ?", (account, keep))
    return ended.rowcount


def end_sessions(db: Database, name: str, *, clock: Clock, who: str, where: str = "", keep: bytes | None = None) -> int:
    """Sign an account out everywhere, but for the session ``keep``; return how many sessions ended.

    Raises:
        NotFoundError: there is no such account.
    """
    account = get_account(db, name)
    with write(db):
        ended = drop_sessions(db, account.id, keep=keep)
        if ended:
            log_account(
                db, "account.sessions_ended", account.name, clock=clock, who=who, where=where,
                detail={"count": str(ended)},
            )  # fmt: skip
    return ended


def set_role(db: Database, name: str, role: str, *, clock: Clock, who: str, where: str = "") -> None:
    """Give an account another role and end its sessions: what is open was opened with the old one.

    Raises:
        NotFoundError: there is no such account.
        BadInputError: there is no such role.
        ConflictError: it is the last administrator who can still sign in.
    """
    if role not in ROLES:
        raise BadInputError(f"role: {role[:40]!r} is not one of {', '.join(ROLES)}.")
    with write(db):
        account = get_account(db, name)
        if account.role == role:
            return
        _keep_an_administrator(db, account)
        db.conn.execute("UPDATE account SET role = ? WHERE id = ?", (role, account.id))
        drop_sessions(db, account.id)
        log_account(
            db, "account.role_changed", account.name, clock=clock, who=who, where=where,
            detail={"from": account.role, "to": role},
        )  # fmt: skip


def set_email(db: Database, name: str, email: str, *, clock: Clock, who: str, where: str = "") -> str:
    """Give an account another e-mail address, or none; links sent to the old one no longer work.

    Returns:
        The address before.

    Raises:
        NotFoundError: there is no such account.
        BadInputError: it is no address.
        ConflictError: another account has it.
    """
    email = clean_email(email)
    with write(db):
        account = get_account(db, name)
        if account.email == email:
            return account.email
        check_email_free(db, email, account=account.id)
        db.conn.execute("UPDATE account SET email = ? WHERE id = ?", (email, account.id))
        db.conn.execute("DELETE FROM password_reset WHERE account = ? AND kind = 'link'", (account.id,))
        log_account(db, "account.email_changed", account.name, clock=clock, who=who, where=where)
    return account.email


def disable_account(db: Database, name: str, *, clock: Clock, who: str, where: str = "") -> None:
    """Refuse the account from now on and end its sessions and resets; what it did stays in the log.

    Raises:
        NotFoundError: there is no such account.
        ConflictError: it is the last administrator who can still sign in.
    """
    with write(db):
        account = get_account(db, name)
        if account.disabled_us is not None:
            return
        _keep_an_administrator(db, account)
        db.conn.execute("UPDATE account SET disabled_us = ? WHERE id = ?", (clock.wall_us(), account.id))
        db.conn.execute("DELETE FROM password_reset WHERE account = ? AND used_us IS NULL", (account.id,))
        drop_sessions(db, account.id)
        log_account(db, "account.disabled", account.name, clock=clock, who=who, where=where)


def enable_account(db: Database, name: str, *, clock: Clock, who: str, where: str = "") -> None:
    """Let a disabled account sign in again.

    Raises:
        NotFoundError: there is no such account.
    """
    with write(db):
        account = get_account(db, name)
        if account.disabled_us is None:
            return
        db.conn.execute("UPDATE account SET disabled_us = NULL WHERE id = ?", (account.id,))
        log_account(db, "account.enabled", account.name, clock=clock, who=who, where=where)


def _keep_an_administrator(db: Database, account: Account) -> None:
    """Refuse what would leave nobody who may do everything."""
    if account.role != ADMINISTRATOR or account.disabled_us is not None:
        return
    others = db.conn.execute(
        "SELECT count(*) FROM account WHERE role = ? AND disabled_us IS NULL AND id != ?", (ADMINISTRATOR, account.id)
    ).fetchone()[0]
    if not others:
        raise ConflictError(
            f"{account.name} is the last administrator.", hint="Create or enable another administrator first."
        )
