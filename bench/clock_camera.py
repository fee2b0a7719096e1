"""A real RTSP camera whose pictures carry the wall clock: ``python -m bench.clock_camera [SIZE@FPS]``.

Draws, encodes (x264, zero latency, a keyframe a second) and sends each picture at its time; prints its address and
serves until its standard input closes. One viewer at a time.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from appliance.capture.sources.pattern import Painter, parse_address
from tests.support.lying_rtsp import LyingCamera, Say

if TYPE_CHECKING:
    from collections.abc import Iterator


def encoder(width: int, height: int, fps: int) -> Any:
    """Return an encoder whose keyframes carry their parameter sets, as cameras send them."""
    made: Any = av.CodecContext.create("libx264", "w")
    made.width, made.height, made.pix_fmt = width, height, "yuv420p"
    made.time_base, made.framerate, made.gop_size = Fraction(1, fps), Fraction(fps), fps
    made.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "24"}
    made.thread_count = 1
    return made


def pictures(width: int, height: int, fps: int) -> Iterator[Say]:
    """Yield each picture when it is due, drawn with the clock of that moment."""
    from av.video.frame import VideoFrame

    painter, coder = Painter(width, height), encoder(width, height, fps)
    begun = time.monotonic()
    number = 0
    while True:
        time.sleep(max(0.0, begun + number / fps - time.monotonic()))
        picture: Any = VideoFrame.from_ndarray(painter.paint(number, time.time_ns() // 1000), format="yuv420p")
        picture.pts = number
        for packet in coder.encode(picture):
            yield Say(bytes(packet), at=number / fps)
        number += 1


def main() -> None:
    """Serve."""
    width, height, fps = parse_address(sys.argv[1] if len(sys.argv) > 1 else "1280x720@25")
    first = next(pictures(width, height, fps)).unit
    with LyingCamera(lambda: pictures(width, height, fps), first=first) as camera:
        print(camera.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
