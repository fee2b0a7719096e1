"""Does this camera work? Asked in a process of its own, so that nothing a camera does takes longer than 5 seconds."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.capture.in_child import ChildDiedError, ChildLateError, in_child
from appliance.capture.sources.failure_words import camera_error
from appliance.errors import CameraError

if TYPE_CHECKING:
    from appliance.cameras.credentials import Credential
    from appliance.cameras.model import Camera
    from appliance.config import Settings

# Promised to the person who waits; the child is ended before.
LIMIT_SECONDS = 4.9


@dataclass(frozen=True, slots=True)
class ProbeInfo:
    """What a camera delivers. ``audio``: codec, rate and channels as recorded, or None."""

    codecs: str
    codec: str
    width: int
    height: int
    fps: float
    audio: tuple[str, int, int] | None
    masked: bool


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A camera that works: what it delivers, a JPEG of what it sees now, and how long asking took."""

    info: ProbeInfo
    jpeg: bytes
    seconds: float


def probe(
    camera: Camera, credential: Credential | None, settings: Settings, *, limit_seconds: float = LIMIT_SECONDS
) -> ProbeResult:
    """Open a camera once and take a picture.

    Raises:
        CameraError: within 5 seconds, with reason, message and hint (`appliance.capture.sources.failures.WORDS`).
    """
    started = time.monotonic()
    try:
        info, picture = in_child(_work, camera, credential, settings, seconds=max(0.1, limit_seconds))
    except ChildLateError:
        raise camera_error("timeout", camera.address) from None
    except ChildDiedError:
        # A camera's stream brought FFmpeg down. It costs this question only.
        raise camera_error("invalid", camera.address) from None
    return ProbeResult(info, picture, time.monotonic() - started)


def _work(camera: Camera, credential: Credential | None, settings: Settings) -> tuple[ProbeInfo, bytes]:
    import av.logging  # noqa: PLC0415  only the child needs it

    av.logging.set_level(None)
    return _look(camera, credential, settings)


def _look(camera: Camera, credential: Credential | None, settings: Settings) -> tuple[ProbeInfo, bytes]:
    from appliance.capture.fragmenter import Fragmenter  # noqa: PLC0415  only the child needs them
    from appliance.capture.sources.factory import make_source  # noqa: PLC0415
    from appliance.clock import SystemClock  # noqa: PLC0415
    from appliance.pictures.jpeg import jpeg_from_keyframe  # noqa: PLC0415

    source = make_source(camera, credential, SystemClock(), settings)
    try:
        stream = source.open()
        fragmenter = Fragmenter(stream)
        picture = next(packet for packet in source.packets() if packet.kind == "video" and packet.keyframe)
        fragments = [*fragmenter.push(picture), *fragmenter.flush()]
        key = next(fragment for fragment in fragments if fragment.kind == "video")
        audio = stream.audio
        info = ProbeInfo(
            codecs=fragmenter.codecs,
            codec=stream.video.codec,
            width=stream.video.width,
            height=stream.video.height,
            fps=stream.video.fps,
            audio=(audio.codec, audio.rate, audio.channels) if audio else None,
            masked=stream.masked,
        )
        return info, jpeg_from_keyframe(fragmenter.init, key.data)
    except StopIteration:
        raise camera_error("no_video", camera.address) from None
    finally:
        with contextlib.suppress(CameraError):
            source.close()
