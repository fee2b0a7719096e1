"""Recovery codes: ten, shown once, each good for one sign-in without the phone.

Twelve signs of an alphabet of 31 (59 bits). The first two say which row; the whole is hashed as passwords are.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from appliance.database import write
from appliance.web.account import passwords
from appliance.web.account.accounts import log_account
from appliance.web.account.second_factor import WrongCodeError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.web.account.accounts import Account

COUNT = 10
SIGNS = 12
SELECTOR = 2
_GROUP = 4


def make_codes(db: Database, account: Account, *, clock: Clock, where: str = "") -> list[str]:
    """Return new codes in the form people write down; earlier ones no longer work."""
    codes: dict[str, str] = {}
    while len(codes) < COUNT:
        code = "".join(secrets.choice(passwords.ALPHABET) for _ in range(SIGNS))
        codes[code[:SELECTOR]] = code
    rows = [(account.id, selector, passwords.hash_password(code)) for selector, code in codes.items()]
    with write(db):
        db.conn.execute("DELETE FROM recovery_code WHERE account = ?", (account.id,))
        db.conn.executemany("INSERT INTO recovery_code (account, selector, code_hash) VALUES (?, ?, ?)", rows)
        log_account(db, "account.recovery_codes_made", account.name, clock=clock, who=account.name, where=where)
    return ["-".join(code[at : at + _GROUP] for at in range(0, SIGNS, _GROUP)) for code in codes.values()]


def codes_left(db: Database, account: int) -> int:
    """Return how many codes were not used yet."""
    asked = "SELECT count(*) FROM recovery_code WHERE account = ? AND used_us IS NULL"
    return int(db.conn.execute(asked, (account,)).fetchone()[0])


def use_recovery_code(db: Database, account: Account, code: str, *, clock: Clock, where: str = "") -> None:
    """Accept a code once.

    Raises:
        WrongCodeError: it is none of the account's, or was used.
    """
    typed = re.sub(r"[\s-]", "", code[:60]).lower()
    row = db.conn.execute(
        "SELECT id, code_hash FROM recovery_code WHERE account = ? AND selector = ? AND used_us IS NULL",
        (account.id, typed[:SELECTOR]),
    ).fetchone()
    fits = passwords.password_fits(row[1] if row else None, typed)
    with write(db):
        used = fits and db.conn.execute(
            "UPDATE recovery_code SET used_us = ? WHERE id = ? AND used_us IS NULL", (clock.wall_us(), row[0])
        )
        if not used or used.rowcount != 1:
            raise WrongCodeError(
                "The recovery code is not right.", hint="Each works once. Look for one that is not crossed out."
            )
        log_account(db, "account.recovery_code_used", account.name, clock=clock, who=account.name, where=where)
