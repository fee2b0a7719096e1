"""Your second factor: set it up, new recovery codes, take it away. Each asks for the password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, render_template, url_for

from appliance.errors import ApplianceError, ConflictError, NotFoundError
from appliance.web.access import EVERYONE, allow
from appliance.web.account import accounts, letters, recovery_codes, second_factor, throttle
from appliance.web.account.blueprint import BLUEPRINT
from appliance.web.account.factor_key import factor_key
from appliance.web.account.forms import CodeForm, PasswordAndCodeForm, PresentPasswordForm
from appliance.web.account.own_views import confirm_present
from appliance.web.account.pages import Answer, form_page, qr_picture
from appliance.web.language import gettext as _
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response
    from werkzeug.wrappers import Response as AnyResponse

    from appliance.web.account.accounts import Account
    from appliance.web.account.second_factor import Pending


@BLUEPRINT.route("/account/second-factor", methods=["GET", "POST"])
@allow(*EVERYONE)
def second_factor_begin() -> Answer:
    """Begin to set a second factor up: what it is, and the password."""
    if second_factor.has_second_factor(database(), person().account):
        return redirect(url_for("account.mine"))
    form = PresentPasswordForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            confirm_present(form.present.data)
            second_factor.begin(database(), _own(), key=factor_key(services().settings), clock=services().clock)
            return redirect(url_for("account.second_factor_scan"))
        except ApplianceError as refused:
            problem = refused
    return form_page("factor_begin.html", form, problem)


@BLUEPRINT.route("/account/second-factor/scan", methods=["GET", "POST"])
@allow(*EVERYONE)
def second_factor_scan() -> Answer:
    """Show the secret, take the first code; then show the recovery codes, this once."""
    waiting = _pending()
    if waiting is None:
        return redirect(url_for("account.second_factor_begin"))
    form = CodeForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            return _confirm(form.code.data)
        except ApplianceError as refused:
            problem = refused
    return form_page("factor_scan.html", form, problem, pending=waiting)


@BLUEPRINT.get("/account/second-factor/qr.svg")
@allow(*EVERYONE)
def second_factor_picture() -> Response:
    """Show the secret that waits for its first code as a QR code."""
    waiting = _pending()
    if waiting is None:
        raise NotFoundError("No second factor waits for its first code.", hint="Begin setting it up again.")
    return qr_picture(waiting.address)


@BLUEPRINT.route("/account/recovery-codes", methods=["GET", "POST"])
@allow(*EVERYONE)
def new_recovery_codes() -> Answer:
    """Make new recovery codes; the earlier ones end."""
    return _with_password_and_code("factor_codes.html", _new_codes)


@BLUEPRINT.route("/account/second-factor/remove", methods=["GET", "POST"])
@allow(*EVERYONE)
def second_factor_remove() -> Answer:
    """Take one's own second factor away, where the role does not need one."""
    return _with_password_and_code("factor_remove.html", _remove)


def _with_password_and_code(template: str, then: Callable[[], Answer]) -> Answer:
    if not second_factor.has_second_factor(database(), person().account):
        return redirect(url_for("account.second_factor_begin"))
    form = PasswordAndCodeForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            confirm_present(form.present.data)
            _check_code(form.code.data)
            return then()
        except ApplianceError as refused:
            problem = refused
    return form_page(template, form, problem)


def _check_code(code: str) -> None:
    """Take a code of the app or a recovery code of the signed-in person.

    Raises:
        WrongCodeError: it is not right.
        ThrottledError: too many attempts.
    """
    db, clock, account = database(), services().clock, _own()
    throttle.begin_attempt(db, account.name, address(), clock=clock, kind="code")
    if second_factor.looks_like_code(code):
        second_factor.use_code(db, account.id, code, key=factor_key(services().settings), clock=clock)
    else:
        recovery_codes.use_recovery_code(db, account, code, clock=clock, where=address())
    throttle.attempt_succeeded(db, account.name, address(), kind="code")


def _confirm(code: str) -> Answer:
    db, clock, account = database(), services().clock, _own()
    throttle.begin_attempt(db, account.name, address(), clock=clock, kind="code")
    second_factor.confirm(db, account, code, key=factor_key(services().settings), clock=clock, where=address())
    throttle.attempt_succeeded(db, account.name, address(), kind="code")
    letters.tell_of_change(account, _("A second factor was set up for your account."))
    return _new_codes()


def _new_codes() -> str:
    account = _own()
    codes = recovery_codes.make_codes(database(), account, clock=services().clock, where=address())
    return render_template("account/codes.html", codes=codes, name=account.name)


def _remove() -> AnyResponse:
    account = _own()
    if account.role in services().settings.accounts.require_totp_roles:
        raise ConflictError(
            "Your role needs a second factor.", hint="An administrator can remove it, so that you set up another one."
        )
    second_factor.remove(database(), account, clock=services().clock, who=account.name, where=address())
    letters.tell_of_change(account, _("The second factor of your account was removed."))
    tell_next(_("Your second factor is removed. Your password alone signs you in now."))
    return redirect(url_for("account.mine"))


def _own() -> Account:
    return accounts.account_by_id(database(), person().account)


def _pending() -> Pending | None:
    box = services()
    return second_factor.pending(
        database(), _own(), room=box.settings.box.room, key=factor_key(box.settings), clock=box.clock
    )
