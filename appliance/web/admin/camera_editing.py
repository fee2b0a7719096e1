"""One stored camera: what it is for, where it is, a test; changes that somebody else made meanwhile are never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from flask import redirect, url_for

from appliance.cameras import store
from appliance.cameras.masks import masked_permille
from appliance.cameras.model import camera_from
from appliance.cameras.store import ChangedMeanwhileError
from appliance.errors import ApplianceError
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, allow
from appliance.web.admin import camera_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.camera_forms import ConnectionForm, SettingsForm, version_of
from appliance.web.admin.camera_input import connection
from appliance.web.admin.camera_trying import EXPECTED, sealed_for, try_camera
from appliance.web.admin.cameras import now, page, told
from appliance.web.language import gettext as _
from appliance.web.services import database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.cameras.model import Camera
    from appliance.web.account.pages import Answer

_SHOWN = ("name", "role", "purpose", "lawful_basis", "retention_hours", "retention_reason", "audio")


@BLUEPRINT.get("/admin/cameras/<camera>")
@allow(ADMINISTRATOR, CENTRE_MANAGER, AUDITOR)
def camera(camera: str) -> str:
    """Show one camera; who may not change it sees the same facts."""
    found = store.get_camera(database(), camera)
    return _page(found, SettingsForm.of(found, store.camera_version(database(), camera)))


@BLUEPRINT.post("/admin/cameras/<camera>")
@allow(ADMINISTRATOR)
def camera_edit(camera: str) -> Answer:
    """Save what it is for. Sound is the one setting here that begins a new part of a running recording."""
    found = store.get_camera(database(), camera)
    form = SettingsForm()
    if not form.validate_on_submit():
        return _page(found, form), 422
    try:
        changed = camera_from({**msgspec.to_builtins(found), **form.values()})
        store.edit_camera(
            database(), changed, clock=services().clock, who=person().name, version=version_of(form.version.data)
        )
    except ChangedMeanwhileError as problem:
        return _conflict(found, form, problem), problem.status
    except ApplianceError as problem:
        return _page(found, form, problem), problem.status
    tell_next(_("%(name)s is saved.", name=changed.name))
    return redirect(url_for("admin.camera", camera=camera), 303)


def _conflict(found: Camera, form: SettingsForm, problem: ApplianceError) -> str:
    """Show what was entered beside what is there now; saving again then overwrites that knowingly."""
    form.version.data = str(store.camera_version(database(), found.id))
    entered = form.values()
    now_there = [
        (form[name].label.text, _value(name, getattr(found, name)))
        for name in _SHOWN
        if entered[name] != getattr(found, name)
    ]
    return _page(found, form, problem, now_there=now_there)


def _value(name: str, value: Any) -> str:
    if name == "role":
        return camera_words.place_words(str(value))
    if name == "audio":
        return _("yes") if value else _("no")
    return str(value)


@BLUEPRINT.post("/admin/cameras/<camera>/test")
@allow(ADMINISTRATOR)
def camera_test(camera: str) -> Answer:
    """Try it as it is stored, masks included."""
    found = store.get_camera(database(), camera)
    name = try_camera("look", found, store.sealed_credential(database(), camera))
    return redirect(url_for("admin.camera_tried", trial=name), 303)


@BLUEPRINT.route("/admin/cameras/<camera>/connection", methods=["GET", "POST"])
@allow(ADMINISTRATOR)
def camera_connection(camera: str) -> Answer:
    """Ask for another address or password, and try it before it is stored."""
    found = store.get_camera(database(), camera)
    form = ConnectionForm()
    problem: ApplianceError | None = None
    if form.is_submitted():
        if form.validate():
            try:
                return redirect(url_for("admin.camera_tried", trial=_tried(found, form)), 303)
            except EXPECTED as refused:
                problem = form.refused(refused)
    else:
        form.show(found.kind, found.address, "")
        form.version.data = str(store.camera_version(database(), camera))
    form.offer([(name, camera_words.device_words(name)) for name in _devices()])
    form.hide_secrets()
    status = problem.status if problem else 422 if form.errors else 200
    return page(
        "camera_connection.html",
        camera=found,
        form=form,
        problem=problem,
        has_password=store.sealed_credential(database(), camera) is not None,
    ), status


def _tried(found: Camera, form: ConnectionForm) -> str:
    kind, address = form.entered()
    entered = connection(kind, address, form.user.data or "", form.password.data or "", services().settings)
    changed = msgspec.structs.replace(found, kind=entered.kind, address=entered.address)
    sealed = sealed_for(found.id, entered, None)
    if sealed is None and store.told_the_password(found.kind, found.address) == store.told_the_password(
        entered.kind, entered.address
    ):
        # Nothing about signing in was entered, and it is the same host: it goes on with what it had.
        sealed = store.sealed_credential(database(), found.id)
    return try_camera("edit", changed, sealed, user=entered.user, version=version_of(form.version.data))


def _devices() -> list[str]:
    try:
        return services().live.devices()
    except ApplianceError:
        return []


def _page(found: Camera, form: SettingsForm, problem: ApplianceError | None = None, **more: Any) -> str:
    known, capture_problem = now()
    return page(
        "camera.html",
        camera=found,
        state=told(found, known),
        share=masked_permille(found.masks),
        form=form,
        problem=problem,
        capture_problem=capture_problem,
        has_password=store.sealed_credential(database(), found.id) is not None,
        **more,
    )
