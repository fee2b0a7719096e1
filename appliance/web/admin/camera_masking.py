"""The mask editor: areas drawn on the camera's present picture, saved as text that can be read and written by hand.

The page shows the picture as it is recorded, masked areas blanked. Whoever needs to see what lies under them asks for
one picture without masks; that is for administrators, and the log says that they looked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from flask import redirect, request, url_for

from appliance.cameras import store
from appliance.cameras.masks import mask_text, masked_permille, masks_from
from appliance.cameras.model import camera_from
from appliance.cameras.store import ChangedMeanwhileError
from appliance.errors import ApplianceError, BadInputError, CameraError, NotFoundError
from appliance.web.access import ADMINISTRATOR, allow
from appliance.web.admin import camera_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.camera_forms import MaskForm, version_of
from appliance.web.admin.camera_trials import Trial
from appliance.web.admin.camera_trying import EXPECTED, find_trial
from appliance.web.admin.cameras import now, page, told
from appliance.web.language import gettext as _
from appliance.web.services import database, note, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.cameras.model import Camera, Polygon
    from appliance.web.account.pages import Answer


@BLUEPRINT.route("/admin/cameras/<camera>/masks", methods=["GET", "POST"])
@allow(ADMINISTRATOR)
def camera_masks(camera: str) -> Answer:
    """Show the areas on the picture, and save them."""
    found = store.get_camera(database(), camera)
    form = MaskForm(masks="\n".join(map(mask_text, found.masks)), version=_version(camera))
    problem: ApplianceError | None = None
    areas: list[Polygon] | None = None
    if form.validate_on_submit():
        try:
            areas = camera_from({**msgspec.to_builtins(found), "masks": masks_from(form.lines())}).masks
            return _save(found, areas, version_of(form.version.data))
        except ChangedMeanwhileError as changed:
            problem, form.version.data = changed, _version(camera)
        except ApplianceError as refused:
            problem = refused
    status = problem.status if problem else 422 if form.errors else 200
    return _page(found, form, found.masks if areas is None else areas, problem), status


@BLUEPRINT.post("/admin/cameras/<camera>/masks/uncover")
@allow(ADMINISTRATOR)
def camera_uncover(camera: str) -> Answer:
    """Take one picture without masks for whoever draws them, enter that in the log, and show it in the editor."""
    found = store.get_camera(database(), camera)
    try:
        picture = _uncovered(found)
    except (*EXPECTED, CameraError) as problem:
        form = MaskForm(formdata=None, masks="\n".join(map(mask_text, found.masks)), version=_version(camera))
        return _page(found, form, found.masks, problem), problem.status
    trial = services().camera_trials.keep(person().account, Trial("uncovered", found, picture=picture))
    return redirect(url_for("admin.camera_masks", camera=camera, uncovered=trial), 303)


def _uncovered(found: Camera) -> bytes:
    # In the log first: a look that could not be entered is none.
    note("camera.uncovered", camera=found.id)
    try:
        return services().live.uncovered(found.id)
    except NotFoundError:  # switched off: nobody else is using it
        bare = msgspec.structs.replace(found, masks=[])
        sealed = store.sealed_credential(database(), found.id)
        return services().live.probe(msgspec.to_builtins(bare), sealed)[1]


def _version(camera: str) -> str:
    return str(store.camera_version(database(), camera))


def _save(found: Camera, areas: list[Polygon], version: int | None) -> Answer:
    changed = msgspec.structs.replace(found, masks=areas)
    store.edit_camera(database(), changed, clock=services().clock, who=person().name, version=version)
    covered = camera_words.share_words(masked_permille(areas))
    tell_next(
        _("Masks are saved: %(share)s of the picture. A new part of the recording begins with them.", share=covered)
        if areas else _("No area is masked any more. A new part of the recording begins.")
    )  # fmt: skip
    return redirect(url_for("admin.camera_masks", camera=found.id), 303)


def _page(found: Camera, form: MaskForm, areas: list[Polygon], problem: ApplianceError | None) -> str:
    known, capture_problem = now()
    uncovered = request.args.get("uncovered", "")
    if uncovered:
        try:
            find_trial(uncovered)
        except NotFoundError:
            uncovered = ""
    if isinstance(problem, CameraError):
        words = camera_words.failure(problem)
        problem = BadInputError(words[0], hint=words[1])
    return page(
        "camera_masks.html",
        camera=found,
        state=told(found, known),
        form=form,
        areas=areas,
        saved=[mask_text(area) for area in found.masks],
        share=camera_words.share_words(masked_permille(areas)),
        uncovered=uncovered,
        problem=problem,
        capture_problem=capture_problem,
    )
