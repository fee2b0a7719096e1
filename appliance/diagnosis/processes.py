"""Checks of what runs: capture and its cameras, keyring, web."""

from __future__ import annotations

import socket
from typing import Any, Final

from appliance import __version__
from appliance.cameras.store import list_cameras
from appliance.diagnosis.result import Check, Examined, read_database
from appliance.errors import UnavailableError

_CONNECT_SECONDS = 3.0
OLD_SEGMENT_MS = 10_000
"""A camera that is recorded has sealed something within this time, or its recording has stopped unseen."""

LOST_WORDS: Final = {
    "busy": "it is in use, or has no free stream",
    "flood": "it sends far more than a camera should",
    "invalid": "what it sends cannot be understood",
    "lost": "it delivers no longer",
    "no_video": "it delivers no pictures",
    "not_found": "there is no such stream, device or file",
    "process": "its process ended and is being started again",
    "refused": "it refuses the connection",
    "stream_changed": "it changed its picture's size",
    "timeout": "it answers too slowly",
    "unauthorised": "it does not accept the user name or password",
    "unreachable": "nothing answers",
    "unsupported_codec": "it delivers a form of pictures that is not recorded",
}
"""Why a camera is lost, by the stable reasons of cameras' failures."""


def check_capture(examined: Examined) -> list[Check]:
    """The process that records answers."""
    status = examined.capture_status()
    sitting = status.get("sitting")
    disk = status.get("disk")
    if isinstance(disk, dict) and disk.get("stopped"):
        return [Check("capture", "fail", "running, but the disk is full: nothing is recorded.", "Free space now.")]
    if _is_other_version(status):
        return [_other_version("capture", str(status["version"]))]
    waiting = status.get("facts_waiting")
    if isinstance(waiting, int) and waiting > 0:
        hint = "Recording goes on. Is the disk full, or the database damaged?"
        return [Check("capture", "warn", f"running, but {waiting} facts wait for the database.", hint)]
    if sitting:
        return [Check("capture", "ok", f"running, recording sitting {sitting}")]
    return [Check("capture", "ok", "running, nothing is wished")]


def check_cameras(examined: Examined) -> list[Check]:
    """Each camera delivers, and is really written if that is wished."""
    try:
        status = examined.capture_status()
    except UnavailableError:
        return _cameras_unseen(examined)
    cameras = [camera for camera in status.get("cameras", []) if isinstance(camera, dict)]
    if not cameras:
        return [Check("cameras", "warn", "There is no camera.", "`exambox cameras add` adds one.")]
    wished_us = status.get("since_us")
    settled = not isinstance(wished_us, int) or examined.clock.wall_us() - wished_us > OLD_SEGMENT_MS * 1000
    return [camera_check(camera, wished=bool(status.get("sitting")), settled=settled) for camera in cameras]


def camera_check(camera: dict[str, Any], *, wished: bool, settled: bool = True) -> Check:
    """Judge one camera by what capture says of it (pure).

    Args:
        camera: its CameraStatus.
        wished: whether the room is to be recorded.
        settled: whether that was wished long enough ago that something should be sealed by now.
    """
    if camera.get("state") != "live":
        return _not_live(camera)
    name, title = f"camera {camera.get('camera')}", camera.get("name")
    gaps, restarts = camera.get("gaps", 0), camera.get("restarts", 0)
    if wished and not camera.get("recording"):
        return Check(
            name, "warn", f"{title}: live; not recorded although that is wished.", "See the journal of capture."
        )
    if camera.get("alarm"):
        return Check(name, "fail", f"{title}: live, but nothing is sealed: {camera['alarm']}", "Act now; see the disk.")
    age_ms = camera.get("last_segment_age_ms")
    if wished and settled and isinstance(age_ms, int) and age_ms > OLD_SEGMENT_MS:
        hint = "Restart the capture process; see its journal and the disk."
        return Check(name, "fail", f"{title}: live, but nothing was sealed for {age_ms // 1000} s.", hint)
    size = f"{camera['width']}x{camera.get('height')}" if camera.get("width") else "size unknown"
    if wished and isinstance(age_ms, int):
        return Check(name, "ok", f"{title}: live, {size}, sealed {age_ms} ms ago; gaps: {gaps}, restarts: {restarts}")
    return Check(name, "ok", f"{title}: live, {size}; gaps: {gaps}, restarts: {restarts}")


def _not_live(camera: dict[str, Any]) -> Check:
    name, title = f"camera {camera.get('camera')}", camera.get("name")
    stands, gaps, restarts = str(camera.get("state")), camera.get("gaps", 0), camera.get("restarts", 0)
    hint = f"`exambox cameras test {camera.get('camera')}` says why."
    if stands == "lost":
        why = LOST_WORDS.get(str(camera.get("reason")), "it is not known why")
        return Check(name, "fail", f"{title}: lost ({why}); gaps: {gaps}, restarts: {restarts}", hint)
    if stands == "starting":
        return Check(name, "warn", f"{title}: starting; gaps: {gaps}, restarts: {restarts}", hint)
    return Check(name, "warn", f"{title}: {stands}; gaps: {gaps}, restarts: {restarts}", hint)


def _cameras_unseen(examined: Examined) -> list[Check]:
    if not examined.settings.database.exists():
        return []
    with read_database(examined) as db:
        count = len(list_cameras(db))
    return [Check("cameras", "warn", f"{count} in the list; their state is unknown without the capture process.")]


def check_keyring(examined: Examined) -> list[Check]:
    """The process that holds the review key answers, and has one to hold."""
    status = examined.keyring_status()
    if _is_other_version(status):
        return [_other_version("keyring", str(status.get("version")))]
    if status["locked"] and not status["key_ids"] and (examined.settings.keys_dir / "review.key").exists():
        hint = "`exambox keys init` as root restores its owner and mode; else restore it from a backup."
        return [Check("keyring", "fail", "running, but it cannot read the review key.", hint)]
    if not status["locked"]:
        return [Check("keyring", "ok", "running, the review key is unlocked")]
    hint = "Playback and export wait for `exambox keys unlock`; recording does not."
    return [Check("keyring", "ok", "running, the review key is locked", hint)]


def check_web(examined: Examined) -> list[Check]:
    """The dashboard listens."""
    web = examined.settings.web
    port = _served_port(examined)
    if port == 0:
        return [Check("web", "ok", "listens on a port of its own choice (web.port = 0)")]
    try:
        socket.create_connection((web.host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as problem:
        hint = "Start it with `systemctl start exambox-web`, or the whole box with `make run`."
        return [Check("web", "fail", f"Nothing answers at {web.host} port {port}: {problem.strerror}.", hint)]
    return [Check("web", "ok", f"answers at {web.host} port {port}")]


def _served_port(examined: Examined) -> int:
    """Return the port the dashboard said it serves, else the one of the settings."""
    try:
        return int(examined.settings.web_port_file.read_text(encoding="ascii")[:6])
    except (OSError, ValueError):
        return examined.settings.web.port


def _is_other_version(status: Any) -> bool:
    return bool(status.get("version")) and status["version"] != __version__


def _other_version(name: str, version: str) -> Check:
    hint = "Restart the box's processes: `systemctl restart exambox.target`, outside of an exam."
    return Check(name, "warn", f"running, but of version {version}, while the others are {__version__}.", hint)
