"""A still picture from what is already there: a keyframe's fragment behind the initialisation segment."""

from __future__ import annotations

import io
from typing import Any

from appliance.errors import CameraError
from appliance.pictures.boxes import Keyframe, keyframe_of

WIDEST = 1280
# MJPEG's quantiser scale: 2 is best, 31 worst; 5 is about 60 KB at 720p.
QUALITY = 5
SMALL = 320


def jpeg_from_keyframe(init: bytes, fragment: bytes, *, widest: int = WIDEST) -> bytes:
    """Return a JPEG of the keyframe that a fragment begins with.

    Args:
        init: the initialisation segment (``ftyp moov``).
        fragment: a fragment (``moof mdat``) whose picture is a keyframe.
        widest: larger pictures are made smaller to this many columns.

    Raises:
        CameraError: ``invalid``; there is no picture in it.
    """
    import av  # noqa: PLC0415  only who takes pictures pays for it

    keyframe = keyframe_of(init, fragment)
    try:
        frame = _decoded_alone(keyframe, small=widest <= SMALL) if keyframe else _decoded_as_film(init + fragment)
        if frame is not None:
            return jpeg(frame, widest=widest)
    except (av.FFmpegError, IndexError) as problem:
        raise CameraError("The picture cannot be decoded.", reason="invalid", hint="Try again.") from problem
    raise CameraError("There is no picture in it.", reason="invalid", hint="Try again.")


def _decoded_alone(keyframe: Keyframe, *, small: bool) -> Any:
    """Return the picture, decoded once: opening it as a film would decode it a first time to look at it."""
    import av  # noqa: PLC0415  as above

    decoder: Any = av.CodecContext.create(keyframe.codec, "r")
    decoder.extradata = keyframe.extradata
    decoder.thread_count = 1
    if small:  # the edges of blocks it smooths are smaller than what is left of the picture
        decoder.options = {"skip_loop_filter": "all"}
    packet = av.Packet(keyframe.data)
    packet.pts = packet.dts = 0
    return next(iter([*decoder.decode(packet), *decoder.decode(None)]), None)


def _decoded_as_film(film: bytes) -> Any:
    import av  # noqa: PLC0415  as above

    with av.open(io.BytesIO(film), "r", format="mp4") as container:
        container.streams.video[0].codec_context.thread_count = 1
        return next(container.decode(video=0), None)


def jpeg(frame: Any, *, widest: int = WIDEST) -> bytes:
    """Return a decoded picture (an ``av.VideoFrame``) as JPEG, at most ``widest`` columns wide."""
    import av  # noqa: PLC0415  as above

    width = min(frame.width, widest) // 2 * 2
    height = max(2, frame.height * width // frame.width // 2 * 2)
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.options = {"qmin": str(QUALITY), "qmax": str(QUALITY), "strict": "unofficial"}
    encoder.thread_count = 1
    picture = frame.reformat(width=width, height=height, format="yuvj420p", dst_color_range="JPEG")
    picture.pts = 0
    picture.pict_type = 0
    packets = [*encoder.encode(picture), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
