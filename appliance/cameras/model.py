"""A camera's settings as typed values, checked at the edge."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from appliance.errors import BadInputError

Role = Literal["room", "auxiliary"]
SourceKind = Literal["rtsp", "v4l2", "picamera", "file", "pattern"]
Point = tuple[Annotated[float, msgspec.Meta(ge=0, le=1)], Annotated[float, msgspec.Meta(ge=0, le=1)]]
Polygon = Annotated[list[Point], msgspec.Meta(min_length=3, max_length=64)]
ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Camera(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One camera.

    ``address`` by kind: rtsp - an ``rtsp://host[:port]/path`` without user or password; v4l2 - a stable
    ``/dev/v4l/by-id/…`` or ``by-path`` name; picamera - the camera's number; file - a path;
    pattern - ``WIDTHxHEIGHT@FPS``. ``masks``: polygons of ``[x, y]`` in 0..1 that are blanked before recording.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    name: ShortText
    role: Role
    kind: SourceKind
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    audio: bool = False
    masks: Annotated[list[Polygon], msgspec.Meta(max_length=32)] = []
    purpose: ShortText = "Invigilation of examinations"
    lawful_basis: ShortText = "Public task (examination regulations)"
    retention_hours: Annotated[int, msgspec.Meta(ge=1, le=24 * 366 * 5)] = 72
    retention_reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    enabled: bool = True


SHORT_RETENTION_HOURS = 72


def camera_from(values: dict[str, Any]) -> Camera:
    """Check values from outside and return the camera.

    Raises:
        BadInputError: names the field and the reason.
    """
    try:
        camera = msgspec.convert(values, Camera)
    except msgspec.ValidationError as problem:
        found = re.fullmatch(r"(.*?)(?: - at `\$\.?([^`]*)`)?", str(problem), re.DOTALL)
        what, field = (found[1], found[2]) if found else (str(problem), None)
        raise BadInputError(
            f"{field or 'camera'}: {what}.", hint="`exambox cameras add --help` explains each field."
        ) from problem
    if camera.retention_hours > SHORT_RETENTION_HOURS and not camera.retention_reason.strip():
        raise BadInputError(
            f"retention_reason: keeping recordings longer than {SHORT_RETENTION_HOURS} hours needs a written reason.",
            hint='Give it with --retention-reason "…", or keep 72 hours or less.',
        )
    return camera
