"""Does this camera work? Asked in a process of its own, so that nothing a camera does takes longer than 5 seconds."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.capture.sources.failures import camera_error
from appliance.errors import CameraError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

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
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(theirs, camera, credential, settings), daemon=True)
    child.start()
    theirs.close()
    try:
        answer = _answer(ours, max(0.1, limit_seconds - (time.monotonic() - started)), camera.address)
    finally:
        child.kill()
        child.join()
        ours.close()
    if isinstance(answer, dict):
        raise CameraError(answer["message"], reason=answer["reason"], hint=answer["hint"])
    info, picture = answer
    return ProbeResult(info, picture, time.monotonic() - started)


def _answer(pipe: Connection, seconds: float, what: str) -> Any:
    if not pipe.poll(seconds):
        raise camera_error("timeout", what)
    try:
        return pipe.recv()
    except EOFError:
        # The child died: a camera's stream brought FFmpeg down. It costs this question only.
        raise camera_error("invalid", what) from None


def _child(pipe: Connection, camera: Camera, credential: Credential | None, settings: Settings) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    import av.logging  # noqa: PLC0415  only the child needs it

    av.logging.set_level(None)
    try:
        pipe.send(_look(camera, credential, settings))
    except CameraError as problem:
        pipe.send({"message": problem.message, "reason": problem.reason, "hint": problem.hint})
    finally:
        pipe.close()


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
