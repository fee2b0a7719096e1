"""The steps between the right password and a session: code, a password of one's own, setting a second factor up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, redirect, render_template, request, url_for

from appliance.errors import ApplianceError
from appliance.web import browser_session
from appliance.web.access import public
from appliance.web.account import accounts, changes, cookies, recovery_codes, second_factor, sessions, throttle
from appliance.web.account import sign_in as signing
from appliance.web.account.blueprint import BLUEPRINT
from appliance.web.account.factor_key import FactorKey, factor_key
from appliance.web.account.forms import CodeForm, NewPasswordForm
from appliance.web.account.pages import Answer, browser, form_page, policy, policy_words, qr_picture
from appliance.web.account.sign_in import Entry, HalfSessionError
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.paths import local_path
from appliance.web.services import address, database, person_or_none, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.web.account.half_sessions import HalfSession
    from appliance.web.account.second_factor import Pending
    from appliance.web.account.sign_in import Step

_PAGES = {"code": "account.second_step", "new_password": "account.own_password", "set_up": "account.set_up"}


def enter(entry: Entry, target: str | None) -> Response:
    """Go on after the right name and password: into the box, or to the step that is missing."""
    if entry.step is None:
        return _inside(entry, target)
    response = _to_step(entry.step, target)
    cookies.set_half(response, entry.token)
    return response


@BLUEPRINT.route("/sign-in/code", methods=["GET", "POST"])
@public
def second_step() -> Answer:
    """Ask for the code of the second factor."""
    half = cookies.half_session()
    if half is None:
        return _again()
    missing = _missing(half)
    if missing != "code":
        return _to_step(missing, _target()) if missing else _go_on(half, second_factor=half.second_factor)
    form = CodeForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            by_recovery = signing.give_code(
                database(), half, form.code.data, address=address(), clock=services().clock, key=_key(),
                known_browser=cookies.known_browser(accounts.account_by_id(database(), half.account).name),
            )  # fmt: skip
        except ApplianceError as refused:
            problem = refused
        else:
            if by_recovery:
                _tell_codes_left(half.account)
            return _go_on(half, second_factor=True)
    return form_page("second_step.html", form, problem)


@BLUEPRINT.route("/sign-in/new-password", methods=["GET", "POST"])
@public
def own_password() -> Answer:
    """Replace a password that somebody else chose."""
    half = cookies.half_session()
    if half is None:
        return _again()
    missing = _missing(half)
    if missing != "new_password":
        return _to_step(missing, _target()) if missing else _go_on(half, second_factor=half.second_factor)
    form = NewPasswordForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            return _replace_password(half, form.password.data)
        except ApplianceError as refused:
            problem = refused
    return form_page("own_password.html", form, problem, rule=policy_words())


@BLUEPRINT.route("/sign-in/second-factor", methods=["GET", "POST"])
@public
def set_up() -> Answer:
    """Set a second factor up, as the role needs one; then show the recovery codes and let the person in."""
    half = cookies.half_session()
    if half is None:
        return _again()
    missing = _missing(half)
    if missing != "set_up":
        return _to_step(missing, _target()) if missing else _go_on(half, second_factor=half.second_factor)
    form = CodeForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            return _confirm_and_enter(half, form.code.data)
        except ApplianceError as refused:
            problem = refused
    return form_page("set_up.html", form, problem, pending=_pending(half))


@BLUEPRINT.get("/sign-in/second-factor/qr.svg")
@public
def set_up_picture() -> Response:
    """Show the secret that waits for its first code as a QR code, to somebody on the way in."""
    half = cookies.half_session()
    if half is None or _missing(half) != "set_up":
        raise HalfSessionError("Signing in has been interrupted.", hint="Begin again with name and password.")
    return qr_picture(_pending(half).address)


def _inside(entry: Entry, target: str | None) -> Response:
    return _begin(entry, redirect(local_path(target) or url_for("home.front_door")))


def _begin(entry: Entry, response: Response) -> Response:
    """Give the session to the browser; one it had before is ended, not left behind."""
    before = person_or_none()
    if before:
        sessions.close_session(database(), before)
    browser_session.begin(entry.token)
    cookies.drop_half(response)
    cookies.remember_browser(response, entry.account)
    return response


def _go_on(half: HalfSession, *, second_factor: bool) -> Response:
    on = signing.go_on(
        database(), half, second_factor=second_factor, address=address(), clock=services().clock,
        settings=services().settings.accounts, browser=browser(),
    )  # fmt: skip
    return _inside(on, _target()) if isinstance(on, Entry) else _to_step(on, _target())


def _to_step(step: Step, target: str | None) -> Response:
    return redirect(url_for(_PAGES[step], next=local_path(target) or None))


def _target() -> str:
    return request.args.get("next", "")


def _again() -> Response:
    tell_next(_("Signing in took too long. Begin again with name and password."))
    return redirect(url_for("account.sign_in", next=local_path(_target()) or None))


def _missing(half: HalfSession) -> Step | None:
    account = accounts.account_by_id(database(), half.account)
    return signing.missing_step(
        database(), account, second_factor=half.second_factor, settings=services().settings.accounts
    )


def _replace_password(half: HalfSession, password: str) -> Response:
    db, clock = database(), services().clock
    account = accounts.account_by_id(db, half.account)
    changes.replace_first_password(
        db, account, password, clock=clock, where=address(), policy=policy(), keep_half=half.token_hash
    )
    return _go_on(half, second_factor=half.second_factor)


def _pending(half: HalfSession) -> Pending:
    db, clock = database(), services().clock
    account = accounts.account_by_id(db, half.account)
    waiting = second_factor.pending(db, account, room=services().settings.box.room, key=_key(), clock=clock)
    if waiting is None:
        second_factor.begin(db, account, key=_key(), clock=clock)
        waiting = second_factor.pending(db, account, room=services().settings.box.room, key=_key(), clock=clock)
    if waiting is None:
        raise HalfSessionError("Signing in has been interrupted.", hint="Begin again with name and password.")
    return waiting


def _confirm_and_enter(half: HalfSession, code: str) -> Response:
    db, clock = database(), services().clock
    account = accounts.account_by_id(db, half.account)
    throttle.begin_attempt(db, account.name, address(), clock=clock, kind="code")
    second_factor.confirm(db, account, code, key=_key(), clock=clock, where=address())
    throttle.attempt_succeeded(db, account.name, address(), kind="code")
    codes = recovery_codes.make_codes(db, account, clock=clock, where=address())
    on = signing.go_on(
        db, half, second_factor=True, address=address(), clock=clock, settings=services().settings.accounts,
        browser=browser(),
    )  # fmt: skip
    if not isinstance(on, Entry):
        return _to_step(on, _target())
    onward = local_path(_target()) or url_for("home.front_door")
    return _begin(
        on, make_response(render_template("account/codes_door.html", codes=codes, onward=onward, name=account.name))
    )


def _tell_codes_left(account: int) -> None:
    left = recovery_codes.codes_left(database(), account)
    tell_next(
        _n(
            "A recovery code was used; %(num)s is left. Make new ones under “Your account”.",
            "A recovery code was used; %(num)s are left. Make new ones under “Your account”.",
            left,
        )
    )


def _key() -> FactorKey:
    return factor_key(services().settings)
