"""The live page: pictures, state, recording, lock."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request

from appliance.cameras.store import list_cameras
from appliance.cameras.wishes import current_wish, start_recording, stop_recording
from appliance.errors import BadInputError
from appliance.vault.format import check_name
from appliance.web.access import ADMINISTRATOR, INVIGILATOR, REVIEWER, allow
from appliance.web.room.relay import CONTENT_TYPE, Relay
from appliance.web.room.status import room_status
from appliance.web.services import database, person, services

BLUEPRINT = Blueprint(
    "room", __name__, template_folder="templates", static_folder="static", static_url_path="/static/room"
)
MAX_PASSPHRASE = 1024


@BLUEPRINT.get("/live")
@allow(ADMINISTRATOR, INVIGILATOR)
def live() -> str:
    """Show every camera."""
    return render_template("room/live.html", cameras=list_cameras(database()), wish=current_wish(database()))


@BLUEPRINT.get("/live/<camera>/stream")
@allow(ADMINISTRATOR, INVIGILATOR)
def stream(camera: str) -> Response:
    """Send one camera's live pictures for as long as the viewer stays."""
    relay = Relay(services(), check_name(camera, "camera"))
    response = Response(iter(relay), content_type=CONTENT_TYPE)
    response.call_on_close(relay.close)
    return response


@BLUEPRINT.get("/live/<camera>/snapshot")
@allow(ADMINISTRATOR, INVIGILATOR)
def snapshot(camera: str) -> Response:
    """Send one camera's present picture."""
    return Response(services().live.snapshot(check_name(camera, "camera")), content_type="image/jpeg")


@BLUEPRINT.get("/api/status")
@allow(ADMINISTRATOR, INVIGILATOR, REVIEWER)
def status() -> dict[str, Any]:
    """Tell the state of the room."""
    return room_status(services(), database(), person())


@BLUEPRINT.post("/api/recording/start")
@allow(ADMINISTRATOR, INVIGILATOR)
def start() -> dict[str, Any]:
    """Wish that the room be recorded; capture follows."""
    wish = start_recording(database(), clock=services().clock, who=person().name)
    return {"ok": True, "sitting": wish.sitting}


@BLUEPRINT.post("/api/recording/stop")
@allow(ADMINISTRATOR, INVIGILATOR)
def stop() -> dict[str, Any]:
    """End the standing wish."""
    wish = stop_recording(database(), clock=services().clock, who=person().name)
    return {"ok": True, "sitting": wish.sitting}


@BLUEPRINT.post("/api/keyring/lock")
@allow(ADMINISTRATOR, INVIGILATOR, REVIEWER)
def lock() -> dict[str, Any]:
    """Lock the review key: nothing can be played back until somebody unlocks it. The keyring logs it."""
    services().keyring.lock(person().name)
    return {"ok": True}


@BLUEPRINT.post("/api/keyring/unlock")
@allow(ADMINISTRATOR, REVIEWER)
def unlock() -> dict[str, Any]:
    """Unlock the review key with its passphrase; on a trial box without one. The keyring logs it."""
    passphrase = request.form.get("passphrase", "")
    if len(passphrase) > MAX_PASSPHRASE:
        raise BadInputError(f"The passphrase is longer than {MAX_PASSPHRASE} characters.")
    services().keyring.unlock(passphrase or None, person().name)
    return {"ok": True}
