"""How cameras are spoken of on pages: kinds, states, why one does not work, what a picture is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal

from appliance.errors import CameraError
from appliance.web.language import current_language
from appliance.web.language import gettext as _

if TYPE_CHECKING:
    from appliance.cameras.states import State
    from appliance.errors import ApplianceError

_DEVICE = re.compile(r"(?:usb-)?(?P<name>.*?)-video-index\d+")
_CODECS = {"h264": "H.264", "hevc": "H.265", "aac": "AAC", "opus": "Opus"}


def kind_words(kind: str) -> str:
    """Return what kind of camera it is."""
    return {
        "rtsp": _("Network camera"),
        "v4l2": _("USB camera"),
        "picamera": _("Raspberry Pi camera"),
        "file": _("Video file"),
        "pattern": _("Test picture"),
    }.get(kind, kind)


def place_words(role: str) -> str:
    """Return what a camera looks at."""
    return {"room": _("Room camera"), "auxiliary": _("Auxiliary camera")}.get(role, role)


def device_words(name: str) -> str:
    """Return a USB camera's stable name as people read it: ``/dev/v4l/by-id/usb-046d_C920-video-index0``."""
    found = _DEVICE.fullmatch(name.rpartition("/")[2])
    return re.sub(r"[_\s]+", " ", found["name"]) if found else name


def state_words(state: State) -> tuple[str, str]:
    """Return a state in words, and which kind of tag says it: good, warn, bad or nothing."""
    known = {
        "live": (_("live"), "good"),
        "starting": (_("starting"), "warn"),
        "lost": (_("lost"), "bad"),
        "stopped": (_("stopped"), ""),
        "disabled": (_("switched off"), ""),
    }
    return known.get(state.state, (_("unknown"), ""))


def failure(problem: ApplianceError) -> tuple[str, str]:
    """Return why a camera does not work and what to do, for a page: without the command line's options."""
    return reason_and_hint(problem.reason) if isinstance(problem, CameraError) else (problem.message, problem.hint)


def reason_words(reason: str) -> str:
    """Return why a camera was lost, in words; nothing where the reason says nothing to people."""
    own = {
        "": "",
        "lost": _("It delivers no longer; the box goes on trying."),
        "stream_changed": _("It changed its picture's size; a new part of the recording begins."),
        "process": _("Its process ended and is being started again."),
    }
    return own[reason] if reason in own else reason_and_hint(reason)[0]


def reason_and_hint(reason: str) -> tuple[str, str]:
    """Return a stable reason as what is wrong and what to do."""
    return {
        "unreachable": (
            _("Nothing answers at this address."),
            _("Check the address, the cable, and that the camera is switched on and in the same network as the box."),
        ),
        "refused": (
            _("A machine is there, but it refuses the connection."),
            _("Switch RTSP on in the camera's own settings, and check the port (usually 554)."),
        ),
        "unauthorised": (
            _("The user name or the password is wrong."),
            _("Enter a user of the camera who may watch its stream. Many cameras have one of their own for it."),
        ),
        "not_found": (
            _("There is no such stream, device or file."),
            _("Check the path; the camera's manual names it, often /stream1, /h264 or /Streaming/Channels/101."),
        ),
        "no_video": (
            _("It answers, but delivers no pictures."),
            _("Check that the address names a video stream and that the camera's encoder is on."),
        ),
        "unsupported_codec": (
            _("It delivers pictures in a form that is not recorded."),
            _("Set the camera to H.264 (or H.265)."),
        ),
        "timeout": (
            _("It answers too slowly, or not at all."),
            _("Restart the camera, and check the network between it and the box."),
        ),
        "busy": (
            _("It is in use, or has no free stream."),
            _(
                "A USB or Raspberry Pi camera that this box is recording cannot be tried beside it. "
                "Otherwise end other viewers and recorders."
            ),
        ),
        "invalid": (
            _("What comes from there is no video stream that can be understood."),
            _("Check that it is a camera's RTSP address; if it is, restart the camera or update its software."),
        ),
        "flood": (_("It sends far more than a camera should."), _("Lower its bit rate.")),
    }.get(reason, (_("It does not work."), ""))


def picture_words(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what a tried camera delivers, as labels and values."""
    rate = format_decimal(round(float(facts.get("fps") or 0), 1), "0.#", current_language())
    rows = [
        (_("Picture"), f"{facts.get('width', 0)} \N{MULTIPLICATION SIGN} {facts.get('height', 0)}"),
        (_("Pictures a second"), rate if facts.get("fps") else _("not stated")),
        (_("Codec"), _CODECS.get(str(facts.get("codec")), str(facts.get("codec")))),
        (_("Sound"), _sound(facts.get("audio"))),
        (_("Answered within"), _("%(seconds)s s", seconds=format_decimal(
            round(int(facts.get("seconds_milli") or 0) / 1000, 1), "0.0", current_language()))),
    ]  # fmt: skip
    return rows if facts else []


def _sound(audio: Any) -> str:
    if not audio:
        return _("no sound")
    return f"{_CODECS.get(audio[0], audio[0])}, {round(audio[1] / 1000)} kHz"


def share_words(permille: int) -> str:
    """Return ``12 %`` for thousandths."""
    if 0 < permille < 10:  # noqa: PLR2004  less than one percent
        return _("less than 1 %%")
    return f"{round(permille / 10)} %"
