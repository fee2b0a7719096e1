"""Small pieces of real video for tests, made with x264 on the spot."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

if TYPE_CHECKING:
    from pathlib import Path


def pictures(count: int, width: int = 160, height: int = 96) -> list[Any]:
    """Return moving pictures as frames numbered from 0."""
    frames = []
    for number in range(count):
        frame: Any = av.VideoFrame(width, height, "yuv420p")
        for plane, value in zip(frame.planes, (40 + number * 7 % 180, 100, 160), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts = number
        frames.append(frame)
    return frames


def access_units(
    count: int, width: int = 160, height: int = 96, *, gop: int = 10, codec: str = "libx264"
) -> list[bytes]:
    """Return H.264 access units in annex B, each keyframe with its parameter sets; the first is a keyframe."""
    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.gop_size = gop
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    frames = pictures(count, width, height)
    return [bytes(packet) for frame in [*frames, None] for packet in encoder.encode(frame)]


def video_file(path: Path, count: int = 20, *, fps: int = 20, codec: str = "libx264", sound: bool = False) -> Path:
    """Write a video file with a keyframe every half second, and return its path."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.gop_size = fps // 2
        if codec == "mjpeg":
            stream.pix_fmt = "yuvj420p"
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "tune": "zerolatency"}
        audio: Any = container.add_stream("aac", rate=16_000, layout="mono") if sound else None
        for frame in pictures(count):
            container.mux(stream.encode(frame))
        if audio is not None:
            _hum(container, audio, 16_000 * count // fps)
            container.mux(audio.encode(None))
        container.mux(stream.encode(None))
    return path


def _hum(container: Any, audio: Any, samples: int) -> None:
    for at in range(0, samples, 1024):
        frame: Any = av.AudioFrame("fltp", "mono", 1024)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.sample_rate, frame.pts, frame.time_base = 16_000, at, Fraction(1, 16_000)
        container.mux(audio.encode(frame))


def decoded(data: bytes) -> list[Any]:
    """Return the pictures in an MP4 held in memory."""
    import io

    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        return list(container.decode(video=0))
