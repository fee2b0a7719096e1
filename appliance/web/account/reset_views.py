"""Forgotten your password? A link by e-mail where the box sends any, an administrator's one-time code otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, request, url_for

from appliance import auditlog
from appliance.errors import ApplianceError, BadInputError, ConflictError
from appliance.web.access import public
from appliance.web.account import letters, reset, throttle
from appliance.web.account.blueprint import BLUEPRINT
from appliance.web.account.forms import ForgottenForm, LinkForm, ResetCodeForm
from appliance.web.account.mailer import can_mail
from appliance.web.account.pages import Answer, form_page, policy, policy_words
from appliance.web.language import gettext as _
from appliance.web.services import address, database, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.web.account.accounts import Account


@BLUEPRINT.route("/forgotten", methods=["GET", "POST"])
@public
def forgotten() -> Answer:
    """Say which ways to a new password there are here, and send a link; the answer is the same for every name."""
    form = ForgottenForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            _ask_for_link(form.identifier.data)
            return redirect(url_for("account.forgotten", sent=1))
        except ApplianceError as refused:
            problem = refused
    return form_page(
        "forgotten.html", form, problem, mails=can_mail(), sent="sent" in request.args,
        minutes=services().settings.accounts.reset_link_minutes, hours=services().settings.accounts.reset_code_hours,
    )  # fmt: skip


@BLUEPRINT.route("/forgotten/link", methods=["GET", "POST"])
@public
def reset_by_link() -> Answer:
    """Set a new password behind an e-mailed link: two fields, once."""
    form = LinkForm()
    if request.method == "GET":
        form.token.data = request.args.get("token", "")
    works = reset.link_works(database(), form.token.data or "", clock=services().clock)
    problem: ApplianceError | None = None
    if form.validate_on_submit() or not works:
        try:
            return _use_link(form)
        except ApplianceError as refused:
            problem = refused
    return form_page("reset_link.html", form, problem, works=works, rule=policy_words())


@BLUEPRINT.route("/forgotten/code", methods=["GET", "POST"])
@public
def reset_by_code() -> Answer:
    """Set a new password with the one-time code an administrator gave."""
    form = ResetCodeForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            return _use_code(form)
        except ApplianceError as refused:
            problem = refused
    return form_page("reset_code.html", form, problem, rule=policy_words())


def _ask_for_link(identifier: str) -> None:
    if not can_mail():
        raise ConflictError("This box sends no e-mail.", hint="An administrator gives you a one-time code.")
    db, clock = database(), services().clock
    throttle.begin_attempt(db, identifier, address(), clock=clock, kind="reset")
    auditlog.append(db, "account.reset_asked", clock=clock, who=identifier.strip()[:64] or "nobody", where=address())
    letters.send_reset_link(identifier, url_for("account.reset_by_link"))


def _use_link(form: LinkForm) -> Response:
    account = reset.use_link(
        database(), form.token.data or "", form.password.data or "", policy=policy(), clock=services().clock,
        where=address(),
    )  # fmt: skip
    return _done(account)


def _use_code(form: ResetCodeForm) -> Response:
    db, clock, where = database(), services().clock, address()
    throttle.begin_attempt(db, form.name.data, where, clock=clock, kind="reset_code")
    try:
        account = reset.use_code(
            db, form.name.data, form.code.data, form.password.data, policy=policy(), clock=clock, where=where
        )
    except BadInputError:
        # The code was right: a weak choice is no attempt at guessing.
        throttle.attempt_succeeded(db, form.name.data, where, kind="reset_code")
        raise
    throttle.attempt_succeeded(db, form.name.data, where, kind="reset_code")
    return _done(account)


def _done(account: Account) -> Response:
    letters.tell_of_change(account, _("Your password was replaced with a reset link or one-time code."))
    tell_next(_("Your new password is set. Sign in with it."))
    return redirect(url_for("account.sign_in"))
