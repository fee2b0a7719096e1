"""Checks of what runs: capture and its cameras, keyring, web."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from appliance.cameras.store import list_cameras
from appliance.commands.diagnosis.result import Check, Examined, read_database
from appliance.errors import UnavailableError
from appliance.ipc.keyring import KeyringClient
from appliance.ipc.live import LiveClient

if TYPE_CHECKING:
    from appliance.commands.diagnosis.result import State

_CONNECT_SECONDS = 3.0
_STATES: dict[str, State] = {"live": "ok", "starting": "warn", "stopped": "warn", "lost": "fail"}


def check_capture(examined: Examined) -> list[Check]:
    """The process that records answers."""
    status = LiveClient(examined.settings.live_socket).status()
    sitting = status.get("sitting")
    disk = status.get("disk")
    if isinstance(disk, dict) and disk.get("stopped"):
        return [Check("capture", "fail", "running, but the disk is full: nothing is recorded.", "Free space now.")]
    return [Check("capture", "ok", f"running, {f'recording sitting {sitting}' if sitting else 'nothing is wished'}")]


def check_cameras(examined: Examined) -> list[Check]:
    """Each camera delivers, and is recorded if that is wished."""
    try:
        status = LiveClient(examined.settings.live_socket).status()
    except UnavailableError:
        return _cameras_unseen(examined)
    cameras = [camera for camera in status.get("cameras", []) if isinstance(camera, dict)]
    if not cameras:
        return [Check("cameras", "warn", "There is no camera.", "`exambox cameras add` adds one.")]
    return [_camera(camera, wished=bool(status.get("sitting"))) for camera in cameras]


def _camera(camera: dict[str, Any], *, wished: bool) -> Check:
    name = f"camera {camera.get('camera')}"
    stands = str(camera.get("state"))
    reason = f" ({camera['reason']})" if camera.get("reason") else ""
    told = f"{camera.get('name')}: {stands}{reason}, {camera.get('gaps', 0)} gaps, {camera.get('restarts', 0)} restarts"
    if stands == "live" and wished and not camera.get("recording"):
        return Check(name, "warn", f"{told}; not recorded although that is wished.", "See the journal of capture.")
    if stands == "live" and camera.get("width"):
        told += f", {camera['width']}x{camera.get('height')} {camera.get('codecs') or ''}".rstrip()
    hint = "" if stands == "live" else f"`exambox cameras test {camera.get('camera')}` says why."
    return Check(name, _STATES.get(stands, "warn"), told, hint)


def _cameras_unseen(examined: Examined) -> list[Check]:
    if not examined.settings.database.exists():
        return []
    with read_database(examined) as db:
        count = len(list_cameras(db))
    return [Check("cameras", "warn", f"{count} in the list; their state is unknown without the capture process.")]


def check_keyring(examined: Examined) -> list[Check]:
    """The process that holds the review key answers."""
    status = KeyringClient(examined.settings.keyring_socket).status()
    if not status["locked"]:
        return [Check("keyring", "ok", "running, the review key is unlocked")]
    hint = "Playback and export wait for `exambox keys unlock`; recording does not."
    return [Check("keyring", "ok", "running, the review key is locked", hint)]


def check_web(examined: Examined) -> list[Check]:
    """The dashboard listens."""
    web = examined.settings.web
    port = _served_port(examined)
    address = f"{web.host} port {port}"
    if port == 0:
        return [Check("web", "ok", "listens on a port of its own choice (web.port = 0)")]
    try:
        socket.create_connection((web.host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as problem:
        hint = "Start it with `systemctl start exambox-web`, or the whole box with `make run`."
        return [Check("web", "fail", f"Nothing answers at {address}: {problem.strerror or problem}.", hint)]
    return [Check("web", "ok", f"answers at {address}")]


def _served_port(examined: Examined) -> int:
    """Return the port the dashboard said it serves, else the one of the settings."""
    try:
        return int(examined.settings.web_port_file.read_text(encoding="ascii")[:6])
    except (OSError, ValueError):
        return examined.settings.web.port
