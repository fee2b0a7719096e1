"""What is done with an integration: another secret, on and off, away and back, a trial of its addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, url_for

from appliance.diagnosis.lms import call_rules, try_addresses
from appliance.errors import ApplianceError
from appliance.integrations import store
from appliance.integrations.secrets import end_old_secrets, rotate_secret
from appliance.web.access import ADMINISTRATOR, allow
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.integration_forms import OVERLAPS, RotateForm
from appliance.web.admin.integrations import integration_page, secret_page
from appliance.web.api.state import api
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.web.account.pages import Answer


@BLUEPRINT.post("/admin/integrations/<integration>/rotate")
@allow(ADMINISTRATOR)
def integration_rotate(integration: str) -> Answer:
    """Make another secret and show it, this once."""
    found = store.stored_integration(database(), integration)
    form = RotateForm()
    if not form.validate_on_submit():
        return integration_page(found), 422
    try:
        secret = rotate_secret(
            database(), integration, overlap_us=OVERLAPS[form.overlap.data][0], clock=services().clock,
            who=person().name, keys=api().keys, where=address(),
        )  # fmt: skip
    except ApplianceError as problem:
        return integration_page(found, problem=problem), problem.status
    return secret_page(found.integration, secret, new=False)


@BLUEPRINT.post("/admin/integrations/<integration>/end-former")
@allow(ADMINISTRATOR)
def integration_end_former(integration: str) -> Answer:
    """End the former secrets before their time: the LMS has the new one."""
    store.stored_integration(database(), integration)
    ended = end_old_secrets(database(), integration, clock=services().clock, who=person().name, where=address())
    tell_next(_n("%(num)s former secret has ended.", "%(num)s former secrets have ended.", ended))
    return _back(integration)


@BLUEPRINT.post("/admin/integrations/<integration>/activate")
@allow(ADMINISTRATOR)
def integration_activate(integration: str) -> Answer:
    """Let the LMS speak to the box."""
    _switch(integration, active=True)
    tell_next(_("The integration is switched on."))
    return _back(integration)


@BLUEPRINT.post("/admin/integrations/<integration>/deactivate")
@allow(ADMINISTRATOR)
def integration_deactivate(integration: str) -> Answer:
    """Answer the LMS 403 from now on."""
    _switch(integration, active=False)
    tell_next(_("The integration is switched off. Its calls are answered 403."))
    return _back(integration)


@BLUEPRINT.post("/admin/integrations/<integration>/remove")
@allow(ADMINISTRATOR)
def integration_remove(integration: str) -> Answer:
    """Take an integration away; the list keeps it so that it can come back."""
    store.remove_integration(database(), integration, clock=services().clock, who=person().name, where=address())
    tell_next(_("The integration is removed. Below the list it can be brought back."))
    return redirect(url_for("admin.integrations"))


@BLUEPRINT.post("/admin/integrations/<integration>/restore")
@allow(ADMINISTRATOR)
def integration_restore(integration: str) -> Answer:
    """Bring a removed integration back as it was."""
    store.restore_integration(database(), integration, clock=services().clock, who=person().name, where=address())
    tell_next(_("The integration is back as it was, with its secret."))
    return _back(integration)


@BLUEPRINT.post("/admin/integrations/<integration>/test")
@allow(ADMINISTRATOR)
def integration_test(integration: str) -> Answer:
    """Send a sample to each address while the page waits, and show what came back."""
    found = store.stored_integration(database(), integration)
    box = services()
    try:
        tried = try_addresses(
            database(), found.integration, keys=api().keys, clock=box.clock, who=person().name,
            rules=call_rules(box.settings), where=address(),
        )  # fmt: skip
    except ApplianceError as problem:
        return integration_page(found, problem=problem), problem.status
    return integration_page(found, tried=tried)


def _switch(integration: str, *, active: bool) -> None:
    store.set_active(database(), integration, active=active, clock=services().clock, who=person().name, where=address())


def _back(integration: str) -> Answer:
    return redirect(url_for("admin.integration", integration=integration))
