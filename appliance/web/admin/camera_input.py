"""What a person enters about a camera's connection, read at the page's edge.

The box connects to what is entered here, so it is kept to what a camera can be: streams on ports cameras use, films by
their ending, devices by stable names. Only administrators get here, and each trial is in the log.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from appliance.cameras.credentials import Credential, credential, split_address
from appliance.errors import BadInputError

if TYPE_CHECKING:
    from appliance.config import Settings

FILMS: Final = (".mp4", ".m4v", ".mov", ".mkv", ".ts", ".avi")
PATTERNS: Final = ("1280x720@15", "1920x1080@25", "640x360@10")
RTSP_PORT: Final = 554
_FIRST_FREE_PORT: Final = 1024
_DEVICE: Final = re.compile(r"/dev/v4l/by-(?:id|path)/[A-Za-z0-9_.:+@=,-]{1,200}")
_NUMBER: Final = re.compile(r"\d{1,2}")
_PATTERN: Final = re.compile(r"\d{2,4}x\d{2,4}@\d{1,2}")


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a camera is and who signs in there; a user without a secret is one whose password was not entered."""

    kind: str
    address: str
    user: str = ""
    secret: Credential | None = None

    @property
    def host(self) -> str:
        """Whom the box speaks to; empty where nobody."""
        return (urlsplit(self.address).hostname or "") if self.kind == "rtsp" else ""


def connection(kind: str, address: str, user: str, password: str, settings: Settings) -> Connection:
    """Check and return what was entered.

    Args:
        kind: a kind of camera.
        address: what stands in that kind's field.
        user: at a network camera; may also stand in its address, as people copy it from manuals.
        password: of that user.
        settings: which ports the box itself uses.

    Raises:
        BadInputError: no camera has such an address. The message never repeats a password.
    """
    text = address.strip()
    if kind == "rtsp":
        return _network(text, user.strip(), password, settings)
    if kind == "v4l2" and _DEVICE.fullmatch(text):
        return Connection(kind, text)
    if kind == "picamera" and _NUMBER.fullmatch(text):
        return Connection(kind, str(int(text)))
    if kind == "pattern" and _PATTERN.fullmatch(text):
        return Connection(kind, text)
    if kind == "file" and text.startswith("/") and text.lower().endswith(FILMS) and text.isprintable():
        return Connection(kind, text)
    raise {
        "v4l2": BadInputError("Choose one of the USB cameras.", hint="Plug it in, and open this page again."),
        "picamera": BadInputError("Enter the number of the Raspberry Pi camera.", hint="The first is 0."),
        "pattern": BadInputError("Choose a size of the test picture."),
        "file": BadInputError(
            "Enter the full path of a video file on the box.", hint="It begins with / and ends with .mp4, .mov or .mkv."
        ),
    }.get(kind, BadInputError("Choose what kind of camera it is."))


def _network(text: str, user: str, password: str, settings: Settings) -> Connection:
    if text and "://" not in text:
        text = f"rtsp://{text}"
    clean, found = split_address(text)
    parts = urlsplit(clean)
    if parts.scheme != "rtsp":
        raise BadInputError("Cameras are recorded by rtsp:// only.", hint="Switch plain RTSP on in the camera.")
    _check_host(parts.hostname or "", parts.port or RTSP_PORT, settings)
    if password:
        return Connection("rtsp", clean, user, credential(user, password))
    if user or found is None:
        return Connection("rtsp", clean, user)
    return Connection("rtsp", clean, found.user, found if found.password else None)


def _check_host(host: str, port: int, settings: Settings) -> None:
    if port != RTSP_PORT and port < _FIRST_FREE_PORT:
        raise BadInputError(f"Cameras do not serve pictures on port {port}.", hint="It is usually 554, or above 1023.")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    local = host == "localhost" if address is None else address.is_loopback
    if local and port in {settings.web.port, settings.web.https_port}:
        raise BadInputError("This is the box's own dashboard.", hint="Enter the camera's address.")
    if address is not None and (address.is_unspecified or address.is_multicast or address.is_reserved):
        raise BadInputError("No camera has this address.", hint="It looks like rtsp://192.168.1.20/stream1.")
