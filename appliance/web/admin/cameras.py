"""The list of cameras and one camera's page; switching, removing, bringing back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import Response, redirect, render_template, url_for

from appliance.cameras import store
from appliance.cameras.events import latest_events
from appliance.cameras.masks import masked_permille
from appliance.cameras.states import State, state_of, states
from appliance.errors import ApplianceError, UnavailableError
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, allow
from appliance.web.admin import camera_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.camera_trying import find_trial
from appliance.web.asking import speaks
from appliance.web.language import gettext as _
from appliance.web.services import database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from appliance.cameras.model import Camera

SECTION: Final = "admin.cameras"


class CameraState(msgspec.Struct, frozen=True):
    """One camera's state in the reader's words; ``kind`` is good, warn, bad or nothing."""

    camera: str
    words: str
    kind: str
    why: str
    recording: bool


class CameraStates(msgspec.Struct, frozen=True):
    """All of them; ``available`` tells whether capture answers."""

    available: bool
    cameras: list[CameraState]


@BLUEPRINT.get("/admin/cameras")
@allow(ADMINISTRATOR, CENTRE_MANAGER, AUDITOR)
def cameras() -> str:
    """List the cameras, and those that were removed."""
    known, problem = now()
    rows = [
        {"camera": camera, "state": told(camera, known), "share": masked_permille(camera.masks)}
        for camera in store.list_cameras(database())
    ]
    return page("cameras.html", rows=rows, removed=store.removed_cameras(database()), capture_problem=problem)


@BLUEPRINT.get("/api/cameras/states")
@allow(ADMINISTRATOR, CENTRE_MANAGER, AUDITOR)
@speaks(answer=CameraStates)
def camera_states() -> dict[str, Any]:
    """Tell each camera's state, for a page that keeps itself up to date."""
    known, problem = now()
    told_now = [told(camera, known) for camera in store.list_cameras(database())]
    return {"available": problem is None, "cameras": msgspec.to_builtins(told_now)}


@BLUEPRINT.get("/admin/cameras/trials/<trial>/picture")
@allow(ADMINISTRATOR)
def camera_trial_picture(trial: str) -> AnyResponse:
    """Show what a tried camera saw."""
    return Response(find_trial(trial).picture, content_type="image/jpeg")


@BLUEPRINT.post("/admin/cameras/<camera>/enable")
@allow(ADMINISTRATOR)
def camera_enable(camera: str) -> AnyResponse:
    """Watch it again, and record it while the room is recorded."""
    return _switch(camera, enabled=True, words=_("%(name)s is switched on.", name=_named(camera)))


@BLUEPRINT.post("/admin/cameras/<camera>/disable")
@allow(ADMINISTRATOR)
def camera_disable(camera: str) -> AnyResponse:
    """Leave it alone for now."""
    return _switch(camera, enabled=False, words=_("%(name)s is switched off. It is not recorded.", name=_named(camera)))


@BLUEPRINT.post("/admin/cameras/<camera>/remove")
@allow(ADMINISTRATOR)
def camera_remove(camera: str) -> AnyResponse:
    """Take it away; its recordings stay, and it can be brought back."""
    name = _named(camera)
    store.remove_camera(database(), camera, clock=services().clock, who=person().name)
    tell_next(_("%(name)s is removed. Its recordings stay. It can be brought back below the list.", name=name))
    return redirect(url_for(SECTION), 303)


@BLUEPRINT.post("/admin/cameras/<camera>/restore")
@allow(ADMINISTRATOR)
def camera_restore(camera: str) -> AnyResponse:
    """Bring a removed camera back."""
    found = store.restore_camera(database(), camera, clock=services().clock, who=person().name)
    words = (
        _("%(name)s is back.", name=found.name) if found.enabled
        else _("%(name)s is back, switched off. Its password was destroyed: enter it again, then switch it on.",
               name=found.name)
    )  # fmt: skip
    tell_next(words)
    return redirect(url_for("admin.camera", camera=camera), 303)


def _named(camera: str) -> str:
    return store.get_camera(database(), camera).name


def _switch(camera: str, *, enabled: bool, words: str) -> AnyResponse:
    found = store.get_camera(database(), camera)
    changed = msgspec.structs.replace(found, enabled=enabled)
    store.edit_camera(database(), changed, clock=services().clock, who=person().name)
    tell_next(words)
    return redirect(url_for("admin.camera", camera=camera), 303)


# -- what the other cameras' pages share -----------------------------------------------------------------------------


def now() -> tuple[dict[str, State], ApplianceError | None]:
    """Return what is known of each camera, and why capture does not answer where it does not."""
    problem: ApplianceError | None = None
    status: dict[str, Any] = {}
    try:
        status = services().live.status()
    except UnavailableError as silent:
        problem = silent
    return states(status, latest_events(database())), problem


def told(camera: Camera, known: dict[str, State]) -> CameraState:
    """Return a camera's state as a page says it."""
    state = state_of(camera, known)
    words, kind = camera_words.state_words(state)
    why = camera_words.reason_words(state.reason) if state.state == "lost" else ""
    return CameraState(camera.id, words, kind, why, state.recording)


def page(template: str, **values: Any) -> str:
    """Render one of the cameras' pages."""
    return render_template(
        f"admin/{template}",
        section_endpoint=SECTION,
        kind_words=camera_words.kind_words,
        place_words=camera_words.place_words,
        device_words=camera_words.device_words,
        share_words=camera_words.share_words,
        **values,
    )
