"""Integrations: which LMSs speak to the box; list, add, one with all that is known of it, its addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import redirect, render_template, url_for

from appliance.errors import ApplianceError
from appliance.integrations import store
from appliance.integrations.addresses import ADDRESS_NAMES
from appliance.web.access import ADMINISTRATOR, CENTRE_MANAGER, allow
from appliance.web.admin import integration_facts
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.delivery_words import reason_words
from appliance.web.admin.integration_forms import AddForm, AddressesForm, RotateForm
from appliance.web.api.state import api
from appliance.web.field_problems import beside_its_field
from appliance.web.language import gettext as _
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.diagnosis.lms import TriedAddress
    from appliance.exams.model import Integration
    from appliance.integrations.store import StoredIntegration
    from appliance.web.account.pages import Answer

READERS: Final = (ADMINISTRATOR, CENTRE_MANAGER)
SECTION: Final = "admin.integrations"


@BLUEPRINT.get("/admin/integrations")
@allow(*READERS)
def integrations() -> str:
    """List the integrations, and those that were removed."""
    return render_template(
        "admin/integrations.html",
        listed=[integration_facts.listed(one) for one in store.list_stored(database())],
        removed=store.list_stored(database(), removed=True),
    )


@BLUEPRINT.route("/admin/integrations/add", methods=["GET", "POST"])
@allow(ADMINISTRATOR)
def integration_add() -> Answer:
    """Add an integration and show its secret, this once."""
    form = AddForm()
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            made, secret = store.add_integration(
                database(), name=form.name.data, addresses=form.addresses(), clock=services().clock,
                who=person().name, keys=api().keys, where=address(),
            )  # fmt: skip
        except ApplianceError as refused:
            problem = beside_its_field(form, refused)
        else:
            return secret_page(made, secret, new=True)
    status = problem.status if problem else 422 if form.errors else 200
    return _form_page(form, problem, None), status


@BLUEPRINT.get("/admin/integrations/<integration>")
@allow(*READERS)
def integration(integration: str) -> str:
    """Show one integration: how to connect the LMS, its secrets, its addresses, what was refused last."""
    return integration_page(store.stored_integration(database(), integration))


@BLUEPRINT.route("/admin/integrations/<integration>/addresses", methods=["GET", "POST"])
@allow(ADMINISTRATOR)
def integration_edit(integration: str) -> Answer:
    """Change where the LMS is told."""
    found = store.stored_integration(database(), integration)
    there = {name: getattr(found.integration, name) for name in ADDRESS_NAMES}
    form = AddressesForm(data={**there, "version": str(found.version)})
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            store.edit_integration(
                database(), integration, addresses=form.addresses(), clock=services().clock, who=person().name,
                where=address(), version=int(form.version.data) if (form.version.data or "").isdecimal() else None,
            )  # fmt: skip
        except store.ChangedMeanwhileError as refused:
            problem = refused
            form.version.data = str(found.version)
        except ApplianceError as refused:
            problem = beside_its_field(form, refused)
        else:
            tell_next(_("The addresses are saved. Try them: the button is on this page."))
            return redirect(url_for("admin.integration", integration=integration))
    status = problem.status if problem else 422 if form.errors else 200
    return _form_page(form, problem, found), status


def integration_page(
    found: StoredIntegration, *, tried: Sequence[TriedAddress] | None = None, problem: ApplianceError | None = None
) -> str:
    """Return the page of one integration, with the results of a trial where there are any."""
    made, box = found.integration, integration_facts.box_address()
    return render_template(
        "admin/integration.html",
        found=found,
        made=made,
        own=found.origin == "local",
        addresses=[(name, integration_facts.address_words(name), getattr(made, name)) for name in ADDRESS_NAMES],
        unencrypted=integration_facts.open_addresses(made),
        secrets=integration_facts.secrets_of(found),
        refusal=api().last_refusal(made.name),
        box=box,
        for_lms=integration_facts.lms_addresses(made.name, box.base),
        rotate_form=RotateForm(formdata=None),
        tried=tried,
        problem=problem,
        address_words=integration_facts.address_words,
        reason_words=reason_words,
        not_permitted=integration_facts.NOT_PERMITTED,
        section_endpoint=SECTION,
    )


def secret_page(made: Integration, secret: str, *, new: bool) -> str:
    """Return the page that shows a secret: the only one that ever does."""
    box = integration_facts.box_address()
    return render_template(
        "admin/integration_secret.html",
        made=made,
        secret=secret,
        new=new,
        box=box,
        for_lms=integration_facts.lms_addresses(made.name, box.base),
        section_endpoint=SECTION,
    )


def _form_page(form: AddressesForm, problem: ApplianceError | None, found: StoredIntegration | None) -> str:
    return render_template(
        "admin/integration_form.html", form=form, problem=problem, found=found, section_endpoint=SECTION
    )
