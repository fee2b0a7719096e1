"""The first account: made by whoever holds the one-time password that the box printed at its start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import ApplianceError, ConflictError
from appliance.web.access import ADMINISTRATOR
from appliance.web.account import accounts, passwords

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.web.account.accounts import Account

PURPOSE = "first-run"
VALID_US = 24 * 3600 * SECOND_US


class WrongPasswordError(ApplianceError):
    """The one-time password is not right, used, or too old; which of them is not said."""

    code = "first_run.wrong_password"
    status = 403


def ensure_first_password(db: Database, clock: Clock) -> str | None:
    """Return a new one-time password if the box has no account yet, else None.

    It replaces every earlier one (only hashes are kept, so an old one cannot be shown again) and is
    good for 24 hours and one account.
    """
    if accounts.any_account(db):
        return None
    password = passwords.generate_password()
    password_hash = passwords.hash_password(password)
    now = clock.wall_us()
    with write(db):
        if accounts.any_account(db):
            return None
        db.conn.execute("DELETE FROM one_time_password WHERE purpose = ? AND used_us IS NULL", (PURPOSE,))
        db.conn.execute(
            "INSERT INTO one_time_password (purpose, password_hash, created_us, expires_us) VALUES (?, ?, ?, ?)",
            (PURPOSE, password_hash, now, now + VALID_US),
        )
    return password


def create_first_account(
    db: Database,
    one_time: str,
    name: str,
    password: str,
    *,
    clock: Clock,
    where: str,
    policy: passwords.Policy | None = None,
) -> Account:
    """Use the one-time password up and create the administrator, both or neither.

    Raises:
        WrongPasswordError: the one-time password does not fit.
        ConflictError: there is an account already.
        BadInputError: name or password is not usable; the one-time password stays good.
    """
    row = db.conn.execute(
        "SELECT id, password_hash FROM one_time_password WHERE purpose = ? AND used_us IS NULL AND expires_us > ?"
        " ORDER BY id DESC LIMIT 1",
        (PURPOSE, clock.wall_us()),
    ).fetchone()
    if not passwords.password_fits(row[1] if row else None, one_time.strip()):
        raise WrongPasswordError(
            "The one-time password is not right.",
            hint="It is printed where the box was started, and is good for 24 hours. "
            "`exambox users first-password` makes a new one.",
        )
    with write(db):
        if accounts.any_account(db):
            raise ConflictError("This box has an administrator already.", hint="Sign in instead.")
        used = db.conn.execute(
            "UPDATE one_time_password SET used_us = ? WHERE id = ? AND used_us IS NULL", (clock.wall_us(), row[0])
        )
        if used.rowcount != 1:
            raise ConflictError("The one-time password has just been used.", hint="Sign in instead.")
        return accounts.create_account(
            db, name, ADMINISTRATOR, password, clock=clock, who="first run", where=where, policy=policy
        )
