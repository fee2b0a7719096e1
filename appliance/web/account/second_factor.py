"""The second factor: codes of an authenticator app (TOTP, RFC 6238: SHA-1, 6 digits, 30 s)."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyotp

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.web.account.accounts import log_account

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.web.account.accounts import Account
    from appliance.web.account.factor_key import FactorKey

STEP_SECONDS = 30
DIGITS = 6
# One step to each side: a phone may be off by half a minute, and people type.
STEPS_AROUND = (0, -1, 1)
# Shown on the screen while it waits for the first code; after this somebody begins anew.
PENDING_US = 15 * 60 * SECOND_US
_CODE = re.compile(rf"[0-9]{{{DIGITS}}}")


class WrongCodeError(BadInputError):
    """The code does not fit now, or was used before."""

    code = "second_factor.wrong"
    status = 403


@dataclass(frozen=True, slots=True)
class Pending:
    """A second factor that waits for its first code: what the app needs to know."""

    secret: str
    address: str
    """``otpauth://…``: what the QR picture says."""


def clean_code(code: str) -> str:
    """Return the code without the spaces apps show in it."""
    return re.sub(r"[\s-]", "", code[:40])


def looks_like_code(code: str) -> bool:
    """Return whether it has the form of an app's code."""
    return _CODE.fullmatch(clean_code(code)) is not None


def matching_step(secret: str, code: str, *, now_s: int, last_step: int) -> int | None:
    """Return the time step a code is for, or None (pure; RFC 6238 section 5.2: each step is accepted once).

    Args:
        secret: base32.
        code: as typed.
        now_s: wall seconds.
        last_step: the last step a code was accepted for; it and earlier ones are refused.
    """
    typed = clean_code(code)
    if not _CODE.fullmatch(typed):
        return None
    now = now_s // STEP_SECONDS
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    fits = [step for step in (now + around for around in STEPS_AROUND) if _equal(totp, step, typed)]
    return next((step for step in fits if step > last_step), None)


def has_second_factor(db: Database, account: int) -> bool:
    """Return whether the account signs in with a code."""
    asked = "SELECT 1 FROM second_factor WHERE account = ? AND confirmed_us IS NOT NULL"
    return db.conn.execute(asked, (account,)).fetchone() is not None


def begin(db: Database, account: Account, *, key: FactorKey, clock: Clock) -> None:
    """Make a secret that waits for its first code; one that waited before is replaced.

    Raises:
        ConflictError: the account has a second factor already.
    """
    sealed = key.seal(account.id, pyotp.random_base32())
    with write(db):
        if has_second_factor(db, account.id):
            raise ConflictError("There is a second factor already.", hint="Remove it first to set up another one.")
        db.conn.execute(
            "INSERT OR REPLACE INTO second_factor (account, secret, created_us) VALUES (?, ?, ?)",
            (account.id, sealed, clock.wall_us()),
        )


def pending(db: Database, account: Account, *, room: str, key: FactorKey, clock: Clock) -> Pending | None:
    """Return what the app needs while the first code is waited for; None where nothing waits."""
    row = db.conn.execute(
        "SELECT secret FROM second_factor WHERE account = ? AND confirmed_us IS NULL AND created_us > ?",
        (account.id, clock.wall_us() - PENDING_US),
    ).fetchone()
    if row is None:
        return None
    secret = key.open(account.id, row[0])
    issuer = f"exambox {room}".replace(":", " ")
    address = pyotp.TOTP(secret).provisioning_uri(name=account.name.replace(":", " "), issuer_name=issuer)
    return Pending(secret, address)


def confirm(db: Database, account: Account, code: str, *, key: FactorKey, clock: Clock, where: str = "") -> None:
    """Let the second factor count from now on, as its first code is right.

    Raises:
        NotFoundError: none waits for its first code.
        WrongCodeError: the code is not right; it can be tried again.
    """
    with write(db):
        row = db.conn.execute(
            "SELECT secret FROM second_factor WHERE account = ? AND confirmed_us IS NULL AND created_us > ?",
            (account.id, clock.wall_us() - PENDING_US),
        ).fetchone()
        if row is None:
            raise NotFoundError("No second factor waits for its first code.", hint="Begin setting it up again.")
        now = clock.wall_us()
        step = matching_step(key.open(account.id, row[0]), code, now_s=now // SECOND_US, last_step=-1)
        if step is None:
            raise _wrong()
        db.conn.execute(
            "UPDATE second_factor SET confirmed_us = ?, last_step = ? WHERE account = ?", (now, step, account.id)
        )
        log_account(db, "account.second_factor_added", account.name, clock=clock, who=account.name, where=where)


def use_code(db: Database, account: int, code: str, *, key: FactorKey, clock: Clock) -> None:
    """Accept a code once.

    Raises:
        WrongCodeError: it does not fit now, or one of its step or a later one was used before.
        FactorKeyError: the box cannot open the secret.
    """
    with write(db):
        row = db.conn.execute(
            "SELECT secret, last_step FROM second_factor WHERE account = ? AND confirmed_us IS NOT NULL", (account,)
        ).fetchone()
        now_s = clock.wall_us() // SECOND_US
        step = matching_step(key.open(account, row[0]), code, now_s=now_s, last_step=row[1]) if row else None
        if step is None:
            raise _wrong()
        db.conn.execute("UPDATE second_factor SET last_step = ? WHERE account = ?", (step, account))


def remove(db: Database, account: Account, *, clock: Clock, who: str, where: str = "") -> bool:
    """Take the second factor and its recovery codes away; return whether there was one that counted."""
    with write(db):
        counted = has_second_factor(db, account.id)
        db.conn.execute("DELETE FROM second_factor WHERE account = ?", (account.id,))
        db.conn.execute("DELETE FROM recovery_code WHERE account = ?", (account.id,))
        if counted:
            log_account(db, "account.second_factor_removed", account.name, clock=clock, who=who, where=where)
    return counted


def _equal(totp: pyotp.TOTP, step: int, typed: str) -> bool:
    return step >= 0 and hmac.compare_digest(totp.generate_otp(step), typed)


def _wrong() -> WrongCodeError:
    return WrongCodeError(
        "The code is not right.",
        hint="Each is good for half a minute and once: wait for the next one. Is the phone's time right?",
    )
