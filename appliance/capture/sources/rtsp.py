"""Network cameras: RTSP over TCP, digest or basic credentials, H.264 and H.265 copied as they come."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import av

from appliance.capture.sources.copying import CopyReader
from appliance.capture.sources.failures import camera_error
from appliance.capture.sources.live import LiveSource
from appliance.clock import SECOND_US
from appliance.errors import CameraError

if TYPE_CHECKING:
    from av.container import InputContainer

    from appliance.cameras.credentials import Credential
    from appliance.cameras.model import Camera
    from appliance.capture.sources.base import StreamInfo
    from appliance.clock import Clock
    from appliance.config import Settings

# All of opening, the first keyframe included, as far as the camera can be hurried.
OPEN_US = 4_700_000
CONNECT_SECONDS = 1.2
DEFAULT_PORT = 554
# FFmpeg cuts user:password beyond this.
MAX_CREDENTIAL = 127


class RtspSource(LiveSource):
    """One network camera. See `appliance.capture.sources.base.Source`."""

    def __init__(self, camera: Camera, credential: Credential | None, clock: Clock, settings: Settings) -> None:
        super().__init__(camera.address)
        self._camera = camera
        self._credential = credential
        self._clock = clock
        self._settings = settings.capture

    def connect(self) -> StreamInfo:
        """Reach the camera, sign in, and wait for its first keyframe."""
        opened_us = self._clock.mono_us()
        url = signed_url(self._camera.address, self._credential)
        _reach(self._camera.address)
        left = max(0.5, (OPEN_US - (self._clock.mono_us() - opened_us)) / SECOND_US)
        container = self._open(url, left / 2)
        reader = CopyReader(container, self._what, self._clock, self._settings, audio=self._camera.audio)
        self._reader = reader
        return reader.look(opened_us, opened_us + OPEN_US)

    def _open(self, url: str, timeout: float) -> InputContainer:
        """Open with FFmpeg; opening and reading the description are two steps of ``timeout`` seconds each."""
        lost = self._settings.lost_after_seconds
        began_us = self._clock.mono_us()
        try:
            return av.open(
                url,
                "r",
                options={
                    "rtsp_transport": "tcp",
                    # Sound that is not recorded is not even asked for.
                    "allowed_media_types": "video+audio" if self._camera.audio else "video",
                    "fflags": "nobuffer",
                    "probesize": "1000000",
                    "analyzeduration": "700000",
                    "fpsprobesize": "2",
                    "timeout": str(round(lost * SECOND_US)),
                },
                timeout=(timeout, lost),
            )
        except av.FFmpegError as problem:
            # FFmpeg says "invalid data" for a camera that went silent half way, too.
            silent = self._clock.mono_us() - began_us > 0.9 * min(timeout, lost) * SECOND_US
            if silent and not isinstance(problem, av.HTTPError):
                raise camera_error("timeout", self._what) from None
            raise


def _reach(address: str) -> None:
    """Connect once by hand: the operating system says plainly what FFmpeg only calls an I/O error."""
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname or "", parts.port or DEFAULT_PORT), timeout=CONNECT_SECONDS).close()
    except TimeoutError:
        raise camera_error("unreachable", address) from None


def signed_url(address: str, credential: Credential | None) -> str:
    """Return the address with the credential in it, for FFmpeg only: it is never logged or shown.

    Raises:
        CameraError: ``invalid``, no RTSP address; ``unauthorised``, longer than FFmpeg can send.
    """
    parts = urlsplit(address)
    try:
        good = parts.scheme == "rtsp" and bool(parts.hostname) and (parts.port or DEFAULT_PORT) > 0
    except ValueError:
        good = False
    if not good:
        raise CameraError(
            f"{address} is no RTSP address.", reason="invalid", hint="It looks like rtsp://192.168.1.20/stream1."
        )
    if credential is None:
        return address
    signed = f"{quote(credential.user, safe='')}:{quote(credential.password, safe='')}"
    if len(signed) > MAX_CREDENTIAL:
        raise CameraError(
            "User name and password are too long for RTSP.",
            reason="unauthorised",
            hint=f"Together at most {MAX_CREDENTIAL - 1} characters; signs other than letters and digits count three.",
        )
    return parts._replace(netloc=f"{signed}@{parts.netloc.rpartition('@')[2]}").geturl()
