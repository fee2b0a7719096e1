"""`exambox users` at the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from appliance import auditlog
from appliance.cli import exambox
from appliance.errors import ConflictError, NotFoundError
from appliance.web.account import passwords

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
    db.conn.execute("INSERT INTO web_session VALUES (x'00', 1, 1, 1, '', x'00')")
    db.conn.commit()
    new = password_in(users("reset-password", "ada"))
    stored = next(iter(db.query("SELECT * FROM account")))["password_hash"]
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
