"""First run, sign-in, sign-out. The other account pages register themselves with the same blueprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import redirect, request, url_for

from appliance import auditlog
from appliance.errors import ApplianceError, BadInputError, ConflictError
from appliance.web import browser_session
from appliance.web.access import EVERYONE, allow, public
from appliance.web.account import cookies, factor_views, own_views, reset_views, step_views, throttle
from appliance.web.account import first_run as first
from appliance.web.account import sign_in as signing
from appliance.web.account.accounts import any_account
from appliance.web.account.blueprint import BLUEPRINT
from appliance.web.account.forms import FirstRunForm, SignInForm
from appliance.web.account.pages import Answer, browser, form_page, policy, policy_words
from appliance.web.asking import speaks
from appliance.web.services import address, database, person, person_or_none, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

__all__ = ["BLUEPRINT", "factor_views", "own_views", "reset_views", "step_views"]


@BLUEPRINT.route("/first-run", methods=["GET", "POST"])
@public
def first_run() -> Answer:
    """Create the administrator with the one-time password; only while there is no account."""
    if any_account(database()):
        return redirect(url_for("account.sign_in"))
    form = FirstRunForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            return _create_administrator(form)
        except ApplianceError as refused:
            problem = refused
    return form_page("first_run.html", form, problem, rule=policy_words())


def _create_administrator(form: FirstRunForm) -> Response:
    db, clock, where = database(), services().clock, address()
    throttle.begin_attempt(db, first.PURPOSE, where, clock=clock)
    try:
        account = first.create_first_account(
            db, form.one_time.data, form.name.data, form.password.data, clock=clock, where=where, policy=policy()
        )
    except first.WrongPasswordError:
        auditlog.append(db, "account.sign_in_failed", clock=clock, who="first run", where=where)
        raise
    except (BadInputError, ConflictError):
        # The one-time password was right: a weak choice is no attempt at guessing.
        throttle.attempt_succeeded(db, first.PURPOSE, where)
        raise
    throttle.attempt_succeeded(db, first.PURPOSE, where)
    entry = signing.let_in(
        db, account, address=where, clock=clock, settings=services().settings.accounts, browser=browser()
    )
    return step_views.enter(entry, None)


@BLUEPRINT.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> Answer:
    """Sign in, then go on to the page that was asked for, or to the step that is still missing."""
    if not any_account(database()):
        return redirect(url_for("account.first_run"))
    if person_or_none() and request.method == "GET":
        return redirect(url_for("home.front_door"))
    form = SignInForm()
    if request.method == "GET":
        form.next.data = request.args.get("next", "")
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            entry = signing.sign_in(
                database(), form.name.data, form.password.data, address=address(), clock=services().clock,
                settings=services().settings.accounts, browser=browser(),
                known_browser=cookies.known_browser(form.name.data),
            )  # fmt: skip
        except ApplianceError as refused:
            problem = refused
        else:
            return step_views.enter(entry, form.next.data)
    return form_page("sign_in.html", form, problem)


@BLUEPRINT.post("/sign-out")
@allow(*EVERYONE)
def sign_out() -> Response:
    """End this session."""
    signing.sign_out(database(), person(), address=address(), clock=services().clock)
    browser_session.end()
    response = redirect(url_for("account.sign_in"))
    # Small pictures of recordings are kept by the browser for an hour; nothing stays for whoever comes next.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@BLUEPRINT.post("/api/session")
@allow(*EVERYONE)
@speaks(answer=dict[str, bool])
def stay() -> dict[str, Any]:
    """Say that somebody is still there; like any request that is not a page refreshing itself."""
    return {"ok": True}
