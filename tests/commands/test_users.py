"""`exambox users` at the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from appliance import auditlog
from appliance.cli import exambox
from appliance.clock import SystemClock
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.web.account import accounts, passwords, reset, second_factor, sessions
from appliance.web.account.factor_key import factor_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.config import Settings

    Users = Callable[..., Result]


@pytest.fixture
def users(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Users:
    """Run `exambox users …` on the test's own box."""
    monkeypatch.setenv("EXAMBOX_PATHS__STATE", settings.paths.state)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(exambox, ["users", *arguments])

    return run


def password_in(result: Result) -> str:
    """Return the password a command printed."""
    assert result.exit_code == 0, result.output
    return result.output.splitlines()[0].rsplit(" ", 1)[1]


def test_a_first_password_is_printed_only_before_the_first_account(users: Users, db: Database) -> None:
    """Each call replaces the one before; with an account there is nothing to print."""
    first, second = password_in(users("first-password")), password_in(users("first-password"))
    assert first != second
    assert db.table("one_time_password").count == 1
    users("add", "Ada")
    assert isinstance(users("first-password").exception, ConflictError)


def test_an_added_account_signs_in_with_the_printed_password(users: Users, db: Database) -> None:
    """The printed password is the account's; the list shows its role; the log has it."""
    printed = password_in(users("add", "Grace", "--role", "reviewer"))
    stored = next(iter(db.query("SELECT * FROM account")))
    assert passwords.password_fits(stored["password_hash"], printed)
    assert stored["role"] == "reviewer"
    listed = json.loads(users("list", "--json").output)
    assert [(row["name"], row["role"], row["disabled"]) for row in listed] == [("Grace", "reviewer", None)]
    assert "account.created" in [line.action for line in auditlog.show(db)]


def test_a_reset_changes_the_password_and_ends_sessions(users: Users, db: Database) -> None:
    """The old password no longer fits, the new one does, and open sessions are gone."""
    old = password_in(users("add", "Ada"))
    db.conn.execute("INSERT INTO web_session VALUES (x'00', 1, 1, 1, '', x'00', '')")
    db.conn.commit()
    new = password_in(users("reset-password", "ada"))
    row = next(iter(db.query("SELECT * FROM account")))
    stored = row["password_hash"]
    assert row["must_change"] == 1
    assert passwords.password_fits(stored, new)
    assert not passwords.password_fits(stored, old)
    assert db.table("web_session").count == 0


def test_the_last_administrator_cannot_be_disabled(users: Users, db: Database) -> None:
    """A box never locks everybody out; with a second administrator the first may go, and come back."""
    users("add", "Ada")
    assert isinstance(users("disable", "Ada").exception, ConflictError)
    users("add", "Grace")
    assert users("disable", "Ada").exit_code == 0
    assert "disabled since" in users("list").output
    assert users("enable", "Ada").exit_code == 0
    assert next(iter(db.query("SELECT disabled_us FROM account WHERE name = 'Ada'")))["disabled_us"] is None


def test_an_unknown_account_is_named(users: Users, db: Database) -> None:
    """A misspelt name is an error that says how to see the names."""
    problem = users("reset-password", "Nobody").exception
    assert isinstance(problem, NotFoundError)
    assert "exambox users list" in problem.hint


def test_a_one_time_code_replaces_the_password(users: Users, db: Database) -> None:
    """The printed code sets a new password once; the account's present password works until then."""
    printed = password_in(users("add", "Grace", "--role", "reviewer", "--email", "grace@example.org", "--code"))
    newer = password_in(users("reset-code", "grace"))
    row = json.loads(users("list", "--json").output)[0]
    assert row["email"] == "grace@example.org"
    assert row["code_until"]
    policy = passwords.Policy()
    with pytest.raises(reset.ResetError):
        reset.use_code(db, "Grace", printed, "Quiet-Room-42!", policy=policy, clock=SystemClock())
    reset.use_code(db, "Grace", newer, "Quiet-Room-42!", policy=policy, clock=SystemClock())
    stored = next(iter(db.query("SELECT * FROM account")))
    assert passwords.password_fits(stored["password_hash"], "Quiet-Room-42!")
    assert stored["must_change"] == 0


def test_a_role_is_changed_but_not_the_last_administrators(users: Users, db: Database) -> None:
    """Another role ends the sessions; the last administrator keeps theirs."""
    users("add", "Ada")
    assert isinstance(users("role", "Ada", "auditor").exception, ConflictError)
    users("add", "Grace")
    db.conn.execute("INSERT INTO web_session VALUES (x'00', 1, 1, 1, '', x'00', '')")
    db.conn.commit()
    assert users("role", "Ada", "centre_manager").exit_code == 0
    assert db.table("web_session").count == 0
    assert users("role", "Ada", "king").exit_code == 2
    assert "account.role_changed" in [line.action for line in auditlog.show(db)]


def test_sessions_are_listed_and_ended(users: Users, db: Database) -> None:
    """Where somebody is signed in is shown in words, and ended in one go."""
    users("add", "Ada")
    sessions.open_session(db, 1, address="192.0.2.7", clock=SystemClock(), browser="Firefox, Linux")
    listed = json.loads(users("sessions", "ada", "--json").output)
    assert [(row["browser"], row["address"]) for row in listed] == [("Firefox, Linux", "192.0.2.7")]
    assert "Firefox, Linux" in users("sessions", "ada").output
    assert users("end-sessions", "ada").output == "1 ended.\n"
    assert users("sessions", "ada").output == "Ada is not signed in.\n"


def test_a_second_factor_is_removed_for_a_lost_phone(users: Users, db: Database, settings: Settings) -> None:
    """It and its recovery codes go; where there is none, that is said."""
    users("add", "Ada")
    assert isinstance(users("remove-second-factor", "Ada").exception, ConflictError)
    account = accounts.get_account(db, "Ada")
    key = factor_key(settings)
    second_factor.begin(db, account, key=key, clock=SystemClock())
    db.conn.execute("UPDATE second_factor SET confirmed_us = 1")
    db.conn.execute("INSERT INTO recovery_code (account, selector, code_hash) VALUES (1, 'ab', 'x')")
    db.conn.commit()
    assert json.loads(users("list", "--json").output)[0]["second_factor"] is True
    assert users("remove-second-factor", "ada").exit_code == 0
    assert db.table("second_factor").count == db.table("recovery_code").count == 0


def test_an_address_is_given_and_taken_away(users: Users, db: Database) -> None:
    """A wrong address is refused, a right one saved, an empty one takes it away; each change is in the log."""
    users("add", "Ada")
    assert isinstance(users("email", "Ada", "not an address").exception, BadInputError)
    assert "saved" in users("email", "ada", "ada@example.org").output
    assert json.loads(users("list", "--json").output)[0]["email"] == "ada@example.org"
    assert "taken away" in users("email", "ada", "").output
    assert json.loads(users("list", "--json").output)[0]["email"] == ""
    assert [line.action for line in auditlog.show(db)].count("account.email_changed") == 2
