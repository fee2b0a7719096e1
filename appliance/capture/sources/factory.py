"""Which source reads which kind of camera; each is imported only when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.cameras.credentials import Credential
    from appliance.cameras.model import Camera
    from appliance.capture.sources.base import Source
    from appliance.clock import Clock
    from appliance.config import Settings


def make_source(camera: Camera, credential: Credential | None, clock: Clock, settings: Settings) -> Source:
    """Return an unopened source for the camera, masked if the camera has masks. Nothing can fail here."""
    source = _plain(camera, credential, clock, settings)
    if camera.masks:
        from appliance.capture.sources.masked import MaskedSource  # noqa: PLC0415  brings OpenCV along

        return MaskedSource(source, camera.masks)
    return source


def _plain(camera: Camera, credential: Credential | None, clock: Clock, settings: Settings) -> Source:
    # One import a branch: an RTSP camera's process must not pay for OpenCV or picamera2.
    if camera.kind == "rtsp":
        from appliance.capture.sources.rtsp import RtspSource  # noqa: PLC0415

        return RtspSource(camera, credential, clock, settings)
    if camera.kind == "v4l2":
        from appliance.capture.sources.v4l2 import V4l2Source  # noqa: PLC0415

        return V4l2Source(camera, clock, settings)
    if camera.kind == "picamera":
        from appliance.capture.sources.picamera import PicameraSource  # noqa: PLC0415

        return PicameraSource(camera, clock, settings)
    if camera.kind == "file":
        from appliance.capture.sources.file import FileSource  # noqa: PLC0415

        return FileSource(camera, clock)
    from appliance.capture.sources.pattern import PatternSource  # noqa: PLC0415

    return PatternSource(camera, clock)
