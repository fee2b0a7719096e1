"""Recordings: the list, playback, export, verification."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, send_from_directory, url_for

from appliance.cameras.store import list_cameras
from appliance.cameras.wishes import current_wish
from appliance.errors import ApplianceError, BadInputError, NotFoundError
from appliance.vault.part_files import part_path
from appliance.vault.recording import Recording
from appliance.web.access import ADMINISTRATOR, REVIEWER, allow
from appliance.web.review import listing, opening, work
from appliance.web.services import address, database, note, person, services

BLUEPRINT = Blueprint(
    "review", __name__, template_folder="templates", static_folder="static", static_url_path="/static/review"
)
MEDIA_TYPE = "video/mp4"
_MAX_US = 2**62


@BLUEPRINT.get("/recordings")
@allow(ADMINISTRATOR, REVIEWER)
def recordings() -> str:
    """List what is in the vault; needs no key."""
    wish = current_wish(database())
    lines = listing.lines(services().settings.vault_dir, _camera_names(), wish.sitting if wish else None)
    return render_template("review/list.html", lines=lines, gaps_shown=listing.GAPS_SHOWN, locked=_locked())


@BLUEPRINT.get("/recordings/<sitting>/<camera>")
@allow(ADMINISTRATOR, REVIEWER)
def playback(sitting: str, camera: str) -> str:
    """Show one recording's player, or say that the review key is locked."""
    recording = _recording(sitting, camera)
    wish = current_wish(database())
    note("recording.viewed", sitting=sitting, camera=camera)
    return render_template(
        "review/playback.html",
        recording=recording,
        start_us=recording.start_us,
        camera_name=_camera_names().get(camera, camera),
        running=bool(wish and wish.sitting == sitting),
        timezone=services().settings.box.timezone,
        locked=_locked(),
    )


@BLUEPRINT.get("/api/recordings/<sitting>/<camera>")
@allow(ADMINISTRATOR, REVIEWER)
def index(sitting: str, camera: str) -> dict[str, Any]:
    """Tell where each segment and gap is; no pictures, so no key."""
    after = request.args.get("after")
    return listing.index_of(_recording(sitting, camera), _microseconds(after, "after") if after else None)


@BLUEPRINT.get("/api/recordings/<sitting>/<camera>/<int:part>/init")
@allow(ADMINISTRATOR, REVIEWER)
def part_init(sitting: str, camera: str, part: int) -> Response:
    """Send a part's initialisation segment, opened for the signed-in person."""
    path = part_path(services().settings.vault_dir, sitting, camera, part)
    codecs, data = opening.open_init(path, opening.keys_for(services().keyring, person().name))
    return Response(data, content_type=MEDIA_TYPE, headers={"X-Exambox-Codecs": codecs})


@BLUEPRINT.get("/api/recordings/<sitting>/<camera>/<int:part>/<int:seq>")
@allow(ADMINISTRATOR, REVIEWER)
def segment(sitting: str, camera: str, part: int, seq: int) -> Response:
    """Send one segment, opened for the signed-in person."""
    path = part_path(services().settings.vault_dir, sitting, camera, part)
    media_us, data = opening.open_segment(path, min(seq, _MAX_US), opening.keys_for(services().keyring, person().name))
    return Response(data, content_type=MEDIA_TYPE, headers={"X-Exambox-Media-Us": str(media_us)})


@BLUEPRINT.post("/api/recordings/<sitting>/<camera>/exports")
@allow(ADMINISTRATOR, REVIEWER)
def export(sitting: str, camera: str) -> tuple[dict[str, Any], int]:
    """Start an export of a stretch of wall time."""
    box = services()
    clip = work.ExportOrder(
        recording=_recording(sitting, camera),
        from_us=_microseconds(request.form.get("from_us"), "from"),
        to_us=_microseconds(request.form.get("to_us"), "to"),
        person=person().name,
        where=address(),
    )
    clip.check()
    job = box.jobs.start("export", person().name, lambda job: work.export(box, clip, job))
    return job.as_dict(), 202


@BLUEPRINT.post("/api/recordings/<sitting>/<camera>/checks")
@allow(ADMINISTRATOR, REVIEWER)
def verify(sitting: str, camera: str) -> tuple[dict[str, Any], int]:
    """Start a verification."""
    box = services()
    _recording(sitting, camera)
    order = work.CheckOrder(sitting, camera, work.level_of(request.form.get("level", "")), person().name, address())
    job = box.jobs.start("check", person().name, lambda job: work.check(box, order, job))
    return job.as_dict(), 202


@BLUEPRINT.get("/api/jobs/<number>")
@allow(ADMINISTRATOR, REVIEWER)
def job_state(number: str) -> dict[str, Any]:
    """Tell how far a person's own export or check is, and where its files are."""
    job = services().jobs.find(number, person().name)
    facts = job.as_dict()
    for file in facts["result"].get("files", []):
        facts.setdefault("links", []).append(url_for("review.download", number=number, name=file["name"]))
    return facts


@BLUEPRINT.post("/api/jobs/<number>/discard")
@allow(ADMINISTRATOR, REVIEWER)
def discard(number: str) -> dict[str, Any]:
    """Delete an export's files now."""
    services().jobs.discard(number, person().name)
    return {"ok": True}


@BLUEPRINT.get("/exports/<number>/<name>")
@allow(ADMINISTRATOR, REVIEWER)
def download(number: str, name: str) -> Response:
    """Send one file of an export that this person made."""
    job = services().jobs.find(number, person().name)
    if name not in {file["name"] for file in job.result.get("files", [])}:
        raise NotFoundError("That export has no such file.")
    return send_from_directory(job.folder, name, as_attachment=True, max_age=None)


def _recording(sitting: str, camera: str) -> Recording:
    return Recording(services().settings.vault_dir, sitting, camera)


def _camera_names() -> dict[str, str]:
    return {camera.id: camera.name for camera in list_cameras(database(), removed=True)}


def _locked() -> bool:
    """Whether playback has to wait; where the keyring does not answer, it has to as well."""
    try:
        return bool(services().keyring.status()["locked"])
    except ApplianceError:
        return True


def _microseconds(text: str | None, field: str) -> int:
    try:
        value = int(text or "")
    except ValueError as problem:
        raise BadInputError(f"{field}: a time is missing or is not a number of microseconds.") from problem
    if not 0 <= value <= _MAX_US:
        raise BadInputError(f"{field}: that time is out of range.")
    return value
