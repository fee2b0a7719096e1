"""One user: role, address, disabled or not, sessions, one-time code, second factor. Each change asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import redirect, render_template, url_for
from wtforms import SelectChoice

from appliance.errors import ApplianceError, NotFoundError
from appliance.web.access import ADMINISTRATOR, CENTRE_MANAGER, allow
from appliance.web.account import changes, letters, second_factor
from appliance.web.account.accounts import account_by_id
from appliance.web.account.management import check_may_manage, check_not_oneself, manageable_roles
from appliance.web.account.people import standing_of
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.user_forms import AddressForm, RoleForm
from appliance.web.admin.users import code_page
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next
from appliance.web.words import role_words

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.web.account.accounts import Account
    from appliance.web.account.pages import Answer


@BLUEPRINT.get("/admin/users/<int:account>")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def user(account: int) -> str:
    """Show one account and what can be done with it."""
    return _page(account, AddressForm())


@BLUEPRINT.post("/admin/users/<int:account>/role")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def user_role(account: int) -> Answer:
    """Give another role; the person's sessions end."""
    found = _manageable(account)
    form = _role_form()
    if not form.validate_on_submit():
        return _page(account, AddressForm()), 422
    check_not_oneself(person().name, found.name)
    check_may_manage(person().role, form.role.data)
    changes.set_role(database(), found.name, form.role.data, **_by())
    letters.tell_of_change(found, _("Your role at this box was changed."))
    tell_next(
        _("%(name)s is %(role)s now, and has to sign in again.", name=found.name, role=role_words(form.role.data))
    )
    return _back(account)


@BLUEPRINT.post("/admin/users/<int:account>/email")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def user_email(account: int) -> Answer:
    """Give another e-mail address, or none; the one before is told."""
    found = _manageable(account)
    form = AddressForm()
    if not form.validate_on_submit():
        return _page(account, form), 422
    try:
        before = changes.set_email(database(), found.name, form.email.data or "", **_by())
    except ApplianceError as problem:
        return _page(account, form, problem), problem.status
    letters.tell_of_change(found, _("Your e-mail address at this box was changed or taken away."), to=before)
    tell_next(_("The e-mail address is saved."))
    return _back(account)


@BLUEPRINT.post("/admin/users/<int:account>/disable")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def user_disable(account: int) -> Response:
    """Refuse the account from now on and end its sessions."""
    found = _manageable(account)
    check_not_oneself(person().name, found.name)
    changes.disable_account(database(), found.name, **_by())
    tell_next(_("%(name)s is signed out and can no longer sign in.", name=found.name))
    return _back(account)


@BLUEPRINT.post("/admin/users/<int:account>/enable")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def user_enable(account: int) -> Response:
    """Let a disabled account sign in again."""
    found = _manageable(account)
    changes.enable_account(database(), found.name, **_by())
    tell_next(_("%(name)s can sign in again.", name=found.name))
    return _back(account)


@BLUEPRINT.post("/admin/users/<int:account>/end-sessions")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def user_end_sessions(account: int) -> Response:
    """Sign somebody out everywhere; one's own present session stays."""
    found = _manageable(account)
    keep = person().token_hash if found.name == person().name else None
    ended = changes.end_sessions(database(), found.name, keep=keep, **_by())
    tell_next(_n("%(num)s session has ended.", "%(num)s sessions have ended.", ended))
    return _back(account)


@BLUEPRINT.post("/admin/users/<int:account>/reset-code")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def user_reset_code(account: int) -> str:
    """Make a one-time code for a new password, shown this once."""
    return code_page(_manageable(account).name)


@BLUEPRINT.post("/admin/users/<int:account>/remove-second-factor")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def user_remove_second_factor(account: int) -> Response:
    """Take somebody's second factor away, for a lost phone."""
    found = _manageable(account)
    if second_factor.remove(database(), found, **_by()):
        letters.tell_of_change(found, _("The second factor of your account was removed by an administrator."))
    tell_next(_("%(name)s signs in with the password alone now.", name=found.name))
    return _back(account)


def _manageable(account: int) -> Account:
    """Return the account, if the signed-in person may manage it.

    Raises:
        NotFoundError: there is none.
        ForbiddenError: it is beyond the person's role.
    """
    found = account_by_id(database(), account)
    check_may_manage(person().role, found.role)
    return found


def _by() -> dict[str, Any]:
    return {"clock": services().clock, "who": person().name, "where": address()}


def _role_form(present: str | None = None) -> RoleForm:
    form = RoleForm(role=present)
    form.role.choices = [SelectChoice(role, role_words(role)) for role in manageable_roles(person().role)]
    return form


def _page(account: int, form: AddressForm, problem: ApplianceError | None = None) -> str:
    box = services()
    standing = standing_of(database(), account, clock=box.clock, settings=box.settings.web)
    if standing is None:
        raise NotFoundError("There is no such account.", hint="The list of users shows them all.")
    if form.email.data is None:
        form.email.data = standing.account.email
    return render_template(
        "admin/user.html",
        standing=standing,
        account=standing.account,
        may_manage=standing.account.role in manageable_roles(person().role),
        oneself=standing.account.name == person().name,
        role_form=_role_form(standing.account.role),
        email_form=form,
        problem=problem,
        needs_factor=standing.account.role in box.settings.accounts.require_totp_roles,
        section_endpoint="admin.users",
    )


def _back(account: int) -> Response:
    return redirect(url_for("admin.user", account=account))
