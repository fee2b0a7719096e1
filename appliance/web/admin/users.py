"""Users: who may sign in, with which role; add, list, and the mail server's test."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from wtforms import SelectChoice

from appliance.errors import ApplianceError, BadInputError
from appliance.web.access import ADMINISTRATOR, CENTRE_MANAGER, allow
from appliance.web.account import accounts, letters, passwords, reset
from appliance.web.account.mailer import can_mail, mailer
from appliance.web.account.management import check_may_manage, manageable_roles
from appliance.web.account.pages import Answer, policy, policy_words
from appliance.web.account.people import list_people
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.user_forms import AddUserForm, TestMailForm
from appliance.web.field_problems import beside_its_field
from appliance.web.language import gettext as _
from appliance.web.services import address, database, note, person, services
from appliance.web.tell_next import tell_next
from appliance.web.words import role_words

FILTER_FROM = 10
_MAX_FILTER = 80


@BLUEPRINT.get("/admin/users")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def users() -> str:
    """List every account, with a filter where there are many."""
    return _list(TestMailForm())


@BLUEPRINT.route("/admin/users/add", methods=["GET", "POST"])
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def user_add() -> Answer:
    """Add a person: by a one-time code with which they choose their password, or with a typed first password."""
    form = AddUserForm()
    form.role.choices = [SelectChoice(role, role_words(role)) for role in manageable_roles(person().role)]
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            return _add(form)
        except ApplianceError as refused:
            problem = beside_its_field(form, refused, "password")
    status = problem.status if problem else 422 if form.errors else 200
    page = render_template(
        "admin/user_add.html", form=form, problem=problem, rule=policy_words(), section_endpoint="admin.users"
    )
    return page, status


@BLUEPRINT.post("/admin/users/test-mail")
@allow(ADMINISTRATOR)
def test_mail() -> Answer:
    """Send a test mail while the page waits, and say what the mail server answered."""
    form = TestMailForm()
    if not form.validate_on_submit():
        return _list(form), 422
    try:
        if not can_mail():
            raise BadInputError("This box sends no e-mail.", hint="Set accounts.smtp_host and restart the box.")
        to = accounts.clean_email(form.to.data)
        mailer().send_now(letters.trial_letter(to))
    except ApplianceError as problem:
        return _list(form, problem), problem.status
    note("account.mail_tested")
    tell_next(_("The mail server took the test mail. Look whether it arrived."))
    return redirect(url_for("admin.users"))


def _list(form: TestMailForm, problem: ApplianceError | None = None) -> str:
    box = services()
    words = request.args.get("q", "")[:_MAX_FILTER]
    people = list_people(database(), clock=box.clock, settings=box.settings.web, words=words)
    if form.to.data is None:
        form.to.data = accounts.account_by_id(database(), person().account).email
    return render_template(
        "admin/users.html",
        people=people,
        words=words,
        filtered=bool(words) or len(people) > FILTER_FROM,
        manageable=manageable_roles(person().role),
        mails=can_mail(),
        mail_failure=mailer().failure,
        mail_form=form,
        mail_problem=problem,
        smtp=f"{box.settings.accounts.smtp_host}:{box.settings.accounts.smtp_port}",
    )


def _add(form: AddUserForm) -> Answer:
    db, clock = database(), services().clock
    check_may_manage(person().role, form.role.data)
    by_code = form.how.data == "code"
    if not by_code and not form.password.data:
        raise BadInputError("Type a first password, or choose the one-time code.")
    made = accounts.create_account(
        db, form.name.data, form.role.data, passwords.generate_password() if by_code else form.password.data,
        clock=clock, who=person().name, where=address(), email=form.email.data or "",
        policy=None if by_code else policy(), must_change=True,
    )  # fmt: skip
    if by_code:
        return code_page(made.name, new=True)
    tell_next(_("%(name)s can sign in, and chooses another password then.", name=made.name))
    return redirect(url_for("admin.user", account=made.id))


def code_page(name: str, *, new: bool = False) -> str:
    """Make a one-time code and show it, this once."""
    box = services()
    hours = box.settings.accounts.reset_code_hours
    code = reset.make_code(database(), name, hours=hours, clock=box.clock, who=person().name, where=address())
    account = accounts.get_account(database(), name)
    return render_template(
        "admin/user_code.html", account=account, code=code, hours=hours, new=new, section_endpoint="admin.users"
    )
