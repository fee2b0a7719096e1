"""Finding cameras on the network (ONVIF): who answers, signing in there, choosing a stream. It ends in a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import redirect, url_for
from wtforms import SelectChoice

from appliance.cameras import store
from appliance.cameras.credentials import credential
from appliance.errors import ApplianceError, BadInputError, CameraError
from appliance.web.access import ADMINISTRATOR, allow
from appliance.web.admin import camera_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.camera_adding import new_camera, try_entered
from appliance.web.admin.camera_forms import DeviceForm, FindForm, StreamForm
from appliance.web.admin.camera_input import Connection, connection
from appliance.web.admin.camera_trials import Trial
from appliance.web.admin.camera_trying import EXPECTED, find_trial, seal
from appliance.web.admin.cameras import page
from appliance.web.field_problems import beside_its_field
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.services import database, note, person, services

if TYPE_CHECKING:
    from appliance.web.account.pages import Answer

MAX_PORT = 65_535


@BLUEPRINT.route("/admin/cameras/find", methods=["GET", "POST"])
@allow(ADMINISTRATOR)
def camera_find() -> Answer:
    """Look for cameras while the page waits, and list who answered."""
    form = FindForm()
    if not form.validate_on_submit():
        return page("camera_find.html", form=form, devices=None, problem=None)
    try:
        devices = services().live.discover()
    except (*EXPECTED, CameraError) as problem:
        return page("camera_find.html", form=form, devices=None, problem=problem), problem.status
    note("camera.searched", found=len(devices))
    here = {urlsplit(camera.address).hostname for camera in store.list_cameras(database()) if camera.kind == "rtsp"}
    rows = [{"device": device, "known": device["host"] in here, "form": _blank(device)} for device in devices]
    return page(
        "camera_find.html", form=form, devices=rows, problem=None,
        found_words=_n("%(num)s camera answered.", "%(num)s cameras answered.", len(rows)),
    )  # fmt: skip


def _blank(device: dict[str, object]) -> DeviceForm:
    name = str(device.get("name") or device.get("hardware") or "") or _("Camera %(host)s", host=device["host"])
    return DeviceForm(
        formdata=None, host=device["host"], port=device["port"], tls="1" if device.get("tls") else "", name=name[:60]
    )


@BLUEPRINT.post("/admin/cameras/find/device")
@allow(ADMINISTRATOR)
def camera_device() -> Answer:
    """Sign in at a device and ask which streams it offers."""
    form = DeviceForm()
    problem: ApplianceError | None = None
    words = ("", "")
    if form.validate_on_submit():
        try:
            return redirect(url_for("admin.camera_streams", trial=_asked(form)), 303)
        except EXPECTED as refused:
            problem = beside_its_field(form, refused)
        except CameraError as refused:
            words = camera_words.failure(refused)
    form.password.data = None
    status = problem.status if problem else 502 if words[0] else 422
    return page("camera_device.html", form=form, problem=problem, failed_words=words), status


def _asked(form: DeviceForm) -> str:
    port = form.port.data or ""
    if not (port.isascii() and port.isdecimal() and 0 < int(port) <= MAX_PORT):
        raise BadInputError("This is no port.", hint="Look for cameras again.")
    target = {"host": form.host.data or "", "port": int(port), "tls": form.tls.data == "1"}
    name, user = form.name.data.strip(), (form.user.data or "").strip()
    camera = new_camera(store.new_camera_id(database(), name), name, Connection("rtsp", f"rtsp://{target['host']}"))
    secret = credential(user, form.password.data or "") if user or form.password.data else None
    sealed = seal(camera.id, camera.address, secret) if secret else None
    outcome = "refused"
    try:
        offer = services().live.streams(target, camera.id, sealed)
        outcome = "answered"
    except CameraError as refused:
        outcome = refused.reason
        raise
    finally:
        note("camera.tested", camera=camera.id, kind="onvif", at=f"{target['host']}:{port}", outcome=outcome)
    trial = Trial("streams", camera, sealed, user, facts=offer, target=target)
    return services().camera_trials.keep(person().account, trial)


@BLUEPRINT.route("/admin/cameras/trials/<trial>/streams", methods=["GET", "POST"])
@allow(ADMINISTRATOR)
def camera_streams(trial: str) -> Answer:
    """List a device's streams, and try the one that is chosen."""
    found = find_trial(trial)
    streams = list(found.facts.get("streams", [])) if found.aim == "streams" else []
    form = StreamForm(stream="0")
    form.stream.choices = [SelectChoice(str(number), one["name"]) for number, one in enumerate(streams)]
    problem: ApplianceError | None = None
    if form.validate_on_submit():
        try:
            return _chosen(found, streams, form.stream.data)
        except EXPECTED as refused:
            problem = refused
    return page(
        "camera_streams.html", found=found, trial=trial, streams=streams, form=form, problem=problem
    ), problem.status if problem else 200


def _chosen(found: Trial, streams: list[dict[str, str]], number: str | None) -> Answer:
    if number not in {str(one) for one in range(len(streams))}:
        raise BadInputError("Choose a stream.")
    entered = connection("rtsp", streams[int(number)]["address"], found.user, "", services().settings)
    # A device's streams may stand at another port than the service that was signed in to: its host is the same.
    reached = Trial("add", new_camera(found.camera.id, found.camera.name, entered), found.sealed, found.user)
    name = try_entered(found.camera.name, entered, reached)
    failed = find_trial(name).problem
    return redirect(url_for("admin.camera_add" if failed else "admin.camera_tried", trial=name), 303)
