"""Adding a camera: where it is, a trial, then what it is for. Nothing is stored before the last step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from flask import redirect, request, url_for

from appliance.cameras import store
from appliance.cameras.model import Camera, camera_from
from appliance.errors import ApplianceError, NotFoundError, UnavailableError
from appliance.web.access import ADMINISTRATOR, allow
from appliance.web.admin import camera_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.camera_forms import NewCameraForm, SettingsForm, StreamForm
from appliance.web.admin.camera_input import Connection, connection
from appliance.web.admin.camera_trying import EXPECTED, find_trial, sealed_for, try_camera
from appliance.web.admin.cameras import SECTION, page
from appliance.web.language import gettext as _
from appliance.web.services import database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.web.account.pages import Answer
    from appliance.web.admin.camera_trials import Trial


@BLUEPRINT.route("/admin/cameras/add", methods=["GET", "POST"])
@allow(ADMINISTRATOR)
def camera_add() -> Answer:
    """Ask where the camera is, and try it."""
    form = NewCameraForm()
    kept = _kept(form.trial.data or request.args.get("trial"))
    problem: ApplianceError | None = None
    if form.is_submitted():
        if form.validate():
            try:
                return _tried(form, kept)
            except EXPECTED as refused:
                problem = form.refused(refused)
    elif kept:
        form.name.data = kept.camera.name
        form.show(kept.camera.kind, kept.camera.address, kept.user)
    status = problem.status if problem else 422 if form.errors else 200
    return _add_page(form, kept, problem), status


def _kept(name: str | None) -> Trial | None:
    try:
        return find_trial(name) if name else None
    except NotFoundError:
        return None


def _tried(form: NewCameraForm, kept: Trial | None) -> Answer:
    kind, address = form.entered()
    entered = connection(kind, address, form.user.data or "", form.password.data or "", services().settings)
    name = try_entered(form.name.data.strip(), entered, kept)
    if find_trial(name).problem:
        return redirect(url_for("admin.camera_add", trial=name), 303)
    return redirect(url_for("admin.camera_tried", trial=name), 303)


def try_entered(name: str, entered: Connection, kept: Trial | None) -> str:
    """Try a camera that is to be added, and return the trial's name."""
    # A name that is entered again keeps its id, and with it the password that was sealed for it.
    same = kept and kept.aim in {"add", "streams"} and kept.camera.name == name
    camera = new_camera(kept.camera.id if kept and same else store.new_camera_id(database(), name), name, entered)
    # Tried with sound, so that the page can say whether there is any; it is not recorded unless that is chosen.
    heard = msgspec.structs.replace(camera, audio=entered.kind in {"rtsp", "file"})
    return try_camera("add", heard, sealed_for(camera.id, entered, kept), user=entered.user)


def new_camera(number: str, name: str, entered: Connection) -> Camera:
    """Return a camera with the box's usual settings.

    Raises:
        BadInputError: a field cannot be.
    """
    hours = min(services().settings.vault.retention_hours, 72)
    return camera_from(
        {"id": number, "name": name, "role": "room", "kind": entered.kind, "address": entered.address,
         "retention_hours": hours}
    )  # fmt: skip


def _add_page(form: NewCameraForm, kept: Trial | None, problem: ApplianceError | None) -> str:
    form.hide_secrets()
    try:
        form.offer([(name, camera_words.device_words(name)) for name in services().live.devices()])
        capture_problem = None
    except UnavailableError as silent:
        form.offer([])
        capture_problem = silent
    failed = kept if kept and kept.problem and not problem and not form.is_submitted() else None
    return page(
        "camera_add.html",
        form=form,
        problem=problem,
        capture_problem=capture_problem,
        failed=failed,
        failed_words=camera_words.failure(failed.problem) if failed and failed.problem else ("", ""),
        trial=form.trial.data or request.args.get("trial") or "",
        has_password=bool(kept and kept.sealed and kept.user),
    )


@BLUEPRINT.route("/admin/cameras/trials/<trial>", methods=["GET", "POST"])
@allow(ADMINISTRATOR)
def camera_tried(trial: str) -> Answer:
    """Show what came of a trial, and take what it leads to: a new camera, or another connection."""
    found = find_trial(trial)
    if found.aim == "streams":
        return redirect(url_for("admin.camera_streams", trial=trial), 303)
    usual = msgspec.structs.replace(found.camera, audio=False)
    form = SettingsForm(obj=usual) if found.aim == "add" else StreamForm()
    problem: ApplianceError | None = None
    if found.aim in {"add", "edit"} and form.validate_on_submit():
        try:
            return _store(trial, found, form)
        except ApplianceError as refused:
            problem = refused
    status = problem.status if problem else 422 if form.errors else 200
    return _tried_page(trial, found, form, problem), status


def _tried_page(name: str, found: Trial, form: Any, problem: ApplianceError | None) -> str:
    return page(
        "camera_tried.html",
        trial=name,
        found=found,
        form=form,
        problem=problem,
        rows=camera_words.picture_words(found.facts),
        failed_words=camera_words.failure(found.problem) if found.problem else ("", ""),
        sound=bool(found.facts.get("audio")),
    )


def _store(name: str, found: Trial, form: Any) -> Answer:
    by: dict[str, Any] = {"clock": services().clock, "who": person().name}
    if found.aim == "add":
        camera = camera_from({**msgspec.to_builtins(found.camera), **form.values()})
        made = store.add_camera(database(), camera, found.sealed, **by)
        tell_next(_("%(name)s is added. The recording process takes it up by itself.", name=made.name))
    else:
        made = _reconnected(found, by)
        tell_next(_("%(name)s is connected anew.", name=made.name))
    services().camera_trials.forget(name)
    return redirect(url_for("admin.camera", camera=made.id) if found.aim == "edit" else url_for(SECTION), 303)


def _reconnected(found: Trial, by: dict[str, Any]) -> Camera:
    present = store.get_camera(database(), found.camera.id)
    changed = msgspec.structs.replace(present, kind=found.camera.kind, address=found.camera.address)
    return store.edit_camera(database(), changed, credential_sealed=found.sealed, version=found.version, **by)
