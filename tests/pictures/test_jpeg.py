"""A still picture from a keyframe."""

from __future__ import annotations

import io

import av
import pytest

from appliance.errors import CameraError
from appliance.pictures.jpeg import jpeg_from_keyframe
from tests.capture.test_fragmenter import run


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Return a JPEG's width and height."""
    with av.open(io.BytesIO(jpeg), format="jpeg_pipe") as image:
        frame = next(image.decode(video=0))
        return frame.width, frame.height


def test_a_keyframe_becomes_a_jpeg() -> None:
    """The keyframe's fragment behind the initialisation gives a JPEG of its size."""
    fragmenter, fragments = run(3)
    jpeg = jpeg_from_keyframe(fragmenter.init, fragments[0].data)
    assert jpeg[:2] == b"\xff\xd8"
    assert size_of(jpeg) == (160, 96)


def test_a_large_picture_is_made_smaller() -> None:
    """No snapshot is wider than asked, and its shape stays."""
    fragmenter, fragments = run(3)
    assert size_of(jpeg_from_keyframe(fragmenter.init, fragments[0].data, widest=80)) == (80, 48)


@pytest.mark.parametrize("fragment", [b"", b"\0" * 100, b"\0\0\0\x10moofgarbage!"])
def test_rubbish_is_refused_plainly(fragment: bytes) -> None:
    """What holds no picture is a camera error."""
    fragmenter, _ = run(1)
    with pytest.raises(CameraError) as refused:
        jpeg_from_keyframe(fragmenter.init, fragment)
    assert refused.value.reason == "invalid"
