"""Your account: own facts, address, password, and where one is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, render_template, url_for

from appliance.errors import ApplianceError, BadInputError, NotFoundError
from appliance.web.access import EVERYONE, allow
from appliance.web.account import accounts, changes, letters, recovery_codes, second_factor, sessions
from appliance.web.account import sign_in as signing
from appliance.web.account.blueprint import BLUEPRINT
from appliance.web.account.forms import ChangePasswordForm, EmailForm
from appliance.web.account.mailer import can_mail
from appliance.web.account.pages import Answer, form_page, policy, policy_words
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


@BLUEPRINT.get("/account")
@allow(*EVERYONE)
def mine() -> str:
    """Show the signed-in person's own account."""
    db, box = database(), services()
    account = accounts.account_by_id(db, person().account)
    return render_template(
        "account/mine.html",
        account=account,
        mails=can_mail(),
        sessions=sessions.list_sessions(db, account.id, clock=box.clock, settings=box.settings.web),
        this=person().token_hash,
        has_factor=second_factor.has_second_factor(db, account.id),
        codes_left=recovery_codes.codes_left(db, account.id),
        code_count=recovery_codes.COUNT,
    )


@BLUEPRINT.route("/account/email", methods=["GET", "POST"])
@allow(*EVERYONE)
def change_email() -> Answer:
    """Change one's own e-mail address; asks for the password, and tells the old address."""
    form = EmailForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            return _set_email(form)
        except ApplianceError as refused:
            problem = refused
    elif not form.is_submitted():
        form.email.data = accounts.account_by_id(database(), person().account).email
    return form_page("change_email.html", form, problem, mails=can_mail())


@BLUEPRINT.route("/account/password", methods=["GET", "POST"])
@allow(*EVERYONE)
def change_password() -> Answer:
    """Change one's own password; asks for the present one, ends every other session, keeps this one."""
    form = ChangePasswordForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            return _set_password(form)
        except ApplianceError as refused:
            problem = refused
    return form_page("change_password.html", form, problem, rule=policy_words())


@BLUEPRINT.post("/account/sessions/<handle>/end")
@allow(*EVERYONE)
def end_session(handle: str) -> Response:
    """End one of one's own other sessions."""
    db, box = database(), services()
    own = sessions.list_sessions(db, person().account, clock=box.clock, settings=box.settings.web)
    found = next((one for one in own if one.handle == handle), None)
    if found is None:
        raise NotFoundError("This session has ended already.", hint="Your account shows those that are open.")
    if found.token_hash == person().token_hash:
        raise BadInputError("This is the session you are in.", hint="Sign out to end it.")
    if sessions.end_one(db, person().account, found.token_hash):
        accounts.log_account(
            db, "account.sessions_ended", person().name, clock=box.clock, who=person().name, where=address(),
            detail={"count": "1"},
        )  # fmt: skip
    tell_next(_("The session has ended."))
    return redirect(url_for("account.mine"))


@BLUEPRINT.post("/account/sessions/end-others")
@allow(*EVERYONE)
def end_other_sessions() -> Response:
    """End every session of one's own but this one."""
    ended = changes.end_sessions(
        database(), person().name, clock=services().clock, who=person().name, where=address(),
        keep=person().token_hash,
    )  # fmt: skip
    tell_next(
        _n("%(num)s other session has ended.", "%(num)s other sessions have ended.", ended)
        if ended
        else _("There was no other session.")
    )
    return redirect(url_for("account.mine"))


def confirm_present(password: str) -> None:
    """Check that it is really the signed-in person who asks.

    Raises:
        WrongPasswordError: the password is not theirs.
        ThrottledError: too many attempts.
    """
    signing.confirm_password(database(), person().name, password, address=address(), clock=services().clock)


def _set_email(form: EmailForm) -> Response:
    confirm_present(form.present.data)
    db, clock = database(), services().clock
    wished = accounts.clean_email(form.email.data or "")
    before = changes.set_email(db, person().name, wished, clock=clock, who=person().name, where=address())
    if before != wished:
        account = accounts.account_by_id(db, person().account)
        words = _("Your e-mail address at this box was changed or taken away.")
        letters.tell_of_change(account, words, to=before)
        tell_next(_("Your e-mail address is saved.") if wished else _("Your e-mail address is taken away."))
    return redirect(url_for("account.mine"))


def _set_password(form: ChangePasswordForm) -> Response:
    confirm_present(form.present.data)
    if form.password.data == form.present.data:
        raise BadInputError("That is your present password.", hint="Choose another one.")
    db, clock = database(), services().clock
    changes.set_password(
        db, person().name, form.password.data, clock=clock, who=person().name, where=address(), policy=policy(),
        keep=person().token_hash,
    )  # fmt: skip
    letters.tell_of_change(accounts.account_by_id(db, person().account), _("Your password was changed."))
    tell_next(_("Your password is changed. Your other sessions have ended."))
    return redirect(url_for("account.mine"))
