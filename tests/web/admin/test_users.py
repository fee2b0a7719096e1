"""The users' pages: who may manage whom, and what each deed ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import auditlog
from appliance.web.access import ROLES, ForbiddenError
from appliance.web.account import accounts, changes, passwords
from appliance.web.account.management import check_may_manage, manageable_roles
from appliance.web.services import of
from tests.web.account.test_steps import with_factor
from tests.web.bad_fields import bad_fields
from tests.web.conftest import PASSWORD, Browser

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

    Person = Callable[[str], Browser]
    NewAccount = Callable[[str, str], None]

NEW_PASSWORD = "Other-Room-43!"
DEEDS = ("role", "email", "disable", "enable", "end-sessions", "reset-code", "remove-second-factor")


@given(st.sampled_from(ROLES), st.lists(st.sampled_from(ROLES), min_size=1))
def test_nobody_manages_above_themselves(role: str, others: list[str]) -> None:
    """Administrators manage all, centre managers all but administrators, nobody else anybody."""
    allowed = role == "administrator" or (role == "centre_manager" and "administrator" not in others)
    try:
        check_may_manage(role, *others)
    except ForbiddenError:
        assert not allowed
    else:
        assert allowed
    assert ("administrator" in manageable_roles(role)) == (role == "administrator")


def number(db: Database, name: str) -> int:
    """Return an account's number."""
    return accounts.get_account(db, name).id


def deed(browser: Browser, account: int, what: str, **fields: str) -> int:
    """Do something to an account; return the status."""
    return browser.call(f"/admin/users/{account}/{what}", **fields).status_code


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"name": "<b>"}, "name"), ({"email": "nobody"}, "email"), ({"how": "password", "password": "short"}, "password")],
)
def test_what_is_wrong_with_a_new_person_stands_at_its_field(
    person: Person, fields: dict[str, str], field: str
) -> None:
    """A name, an address or a password that cannot be is told beside it."""
    sent = {"name": "Nina", "role": "reviewer", "how": "code", **fields}
    answer = person("administrator").submit("/admin/users/add", **sent)
    assert answer.status_code == 422
    assert list(bad_fields(answer.text)) == [field]


def test_a_person_added_with_a_code_chooses_their_password(app: Flask, person: Person, db: Database) -> None:
    """The code is shown once, nobody knows a password before, and with the code the person gets in."""
    admin = person("administrator")
    shown = admin.submit("/admin/users/add", name="Grace", role="reviewer", email="grace@example.org", how="code")
    code = re.search(r"<code>(\w{4}-\w{4}-\w{4}-\w{4})</code>", shown.text)
    assert code
    assert code[1] not in admin.get(f"/admin/users/{number(db, 'Grace')}").text
    assert "one-time code open" in admin.get("/admin/users").text
    grace = Browser(app.test_client())
    fields = {"name": "Grace", "code": code[1], "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert grace.submit("/forgotten/code", **fields).status_code == 302
    assert grace.sign_in("Grace", NEW_PASSWORD).location == "/"
    assert accounts.get_account(db, "Grace").role == "reviewer"


def test_a_typed_first_password_is_replaced_at_sign_in(app: Flask, person: Person, db: Database) -> None:
    """It must fit the policy, and the administrator does not know the one that counts."""
    admin = person("administrator")
    fields = {"name": "Grace", "role": "invigilator", "how": "password"}
    assert admin.submit("/admin/users/add", **fields).status_code == 422
    assert admin.submit("/admin/users/add", **fields, password="short").status_code == 422
    assert admin.submit("/admin/users/add", **fields, password=PASSWORD).status_code == 302
    assert admin.submit("/admin/users/add", **fields, password=PASSWORD).status_code == 409
    assert Browser(app.test_client()).sign_in("Grace").location == "/sign-in/new-password"


def test_a_centre_manager_does_not_touch_administrators(
    app: Flask, person: Person, account: NewAccount, db: Database
) -> None:
    """Every deed is refused, nobody is made an administrator, and the page offers nothing."""
    account("Ada", "administrator")
    account("Grace", "reviewer")
    before = list(db.query("SELECT * FROM account WHERE name = 'Ada'"))
    manager = person("centre_manager")
    ada, grace = number(db, "Ada"), number(db, "Grace")
    for what in DEEDS:
        assert deed(manager, ada, what, role="reviewer", email="x@example.org") == 403, what
    assert list(db.query("SELECT * FROM account WHERE name = 'Ada'")) == before
    assert "Only an administrator can change it" in manager.get(f"/admin/users/{ada}").text
    assert deed(manager, grace, "role", role="administrator") == 422
    made = manager.submit("/admin/users/add", name="Eve", role="administrator", how="password", password=PASSWORD)
    assert made.status_code == 422
    assert accounts.get_account(db, "Grace").role == "reviewer"
    assert deed(manager, grace, "role", role="auditor") == 302
    assert accounts.get_account(db, "Grace").role == "auditor"


@pytest.mark.parametrize(
    ("what", "fields"), [("role", {"role": "auditor"}), ("disable", {}), ("end-sessions", {})], ids=str
)
def test_a_deed_ends_the_persons_sessions(
    person: Person, account: NewAccount, db: Database, what: str, fields: dict[str, str]
) -> None:
    """Another role, disabling and ending sessions are felt at the next request, and are in the log."""
    account("Grace", "reviewer")
    admin = person("administrator")
    grace = Browser(admin.client.application.test_client())
    grace.sign_in("Grace")
    assert deed(admin, number(db, "Grace"), what, **fields) == 302
    assert grace.client.get("/account").status_code == 401
    assert admin.client.get("/account").status_code == 200
    logged = {"role": "account.role_changed", "disable": "account.disabled", "end-sessions": "account.sessions_ended"}
    assert logged[what] in [line.action for line in auditlog.show(db)]


def test_a_disabled_person_is_refused_until_enabled(
    app: Flask, person: Person, account: NewAccount, db: Database
) -> None:
    """Disabled means no sign-in, no code, no reset; enabling gives everything back."""
    account("Grace", "reviewer")
    admin, grace = person("administrator"), number(db, "Grace")
    assert deed(admin, grace, "disable") == 302
    assert Browser(app.test_client()).sign_in("Grace").status_code == 403
    assert "disabled" in admin.get("/admin/users").text
    assert deed(admin, grace, "enable") == 302
    assert Browser(app.test_client()).sign_in("Grace").status_code == 302


def test_nobody_locks_themselves_or_everybody_out(person: Person, account: NewAccount, db: Database) -> None:
    """One's own role and state are not changed here; the last administrator stays one, whoever asks."""
    admin = person("administrator")
    own = number(db, "Administrator")
    assert deed(admin, own, "disable") == 403
    assert deed(admin, own, "role", role="reviewer") == 403
    account("Grace", "administrator")
    assert deed(admin, number(db, "Grace"), "role", role="reviewer") == 302
    assert accounts.get_account(db, "Administrator").role == "administrator"


def test_a_lost_phone_is_taken_away(
    person: Person, account: NewAccount, db: Database, settings: Settings, clock: ManualClock
) -> None:
    """Without the second factor the password alone signs in again."""
    account("Grace", "reviewer")
    admin = person("administrator")
    app = admin.client.application
    with_factor(db, settings, clock, "Grace")
    assert Browser(app.test_client()).sign_in("Grace").location == "/sign-in/code"
    assert deed(admin, number(db, "Grace"), "remove-second-factor") == 302
    assert Browser(app.test_client()).sign_in("Grace").location == "/"


def test_the_filter_finds_by_name_role_and_address(person: Person, account: NewAccount, db: Database) -> None:
    """With more than ten people there is a box; it finds parts of all three, and says when nobody fits."""
    admin = person("administrator")
    assert 'name="q"' not in admin.get("/admin/users").text
    for count in range(10):
        account(f"Person {count}", "invigilator")
    changes.set_email(db, "Person 3", "mira@example.org", clock=of(admin.client.application).clock, who="test")
    assert 'name="q"' in admin.get("/admin/users").text
    assert admin.get("/admin/users?q=PERSON 7").text.count("<tr>") == 2
    assert admin.get("/admin/users?q=mira@").text.count("Person 3") == 1
    assert admin.get("/admin/users?q=administrator").text.count("<tr>") == 2
    assert "Nobody fits" in admin.get("/admin/users?q=%3Cscript%3E").text
    assert "<script>" not in admin.get("/admin/users?q=%3Cscript%3E").text


def test_a_test_mail_without_a_mail_server_says_what_to_set(person: Person) -> None:
    """The button is not offered, and the address behind it explains itself."""
    admin = person("administrator")
    assert "Send a test mail" not in admin.get("/admin/users").text
    answer = admin.call("/admin/users/test-mail", to="ada@example.org")
    assert answer.status_code == 422
    assert "smtp_host" in answer.text


def test_nobodys_hash_or_secret_is_on_a_page(
    person: Person, account: NewAccount, db: Database, settings: Settings, clock: ManualClock
) -> None:
    """List and page hold no hash, no secret and no token."""
    account("Grace", "reviewer")
    secret = with_factor(db, settings, clock, "Grace")
    admin = person("administrator")
    stored = db.conn.execute("SELECT password_hash FROM account").fetchall()
    for path in ("/admin/users", f"/admin/users/{number(db, 'Grace')}"):
        page = admin.get(path).text
        assert secret not in page
        assert all(row[0] not in page for row in stored)
        assert "argon2" not in page
    assert passwords.password_fits(stored[0][0], PASSWORD)
