"""Cameras as fixtures; a test module names them with ``from tests.support.fixtures import …``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.rtsp_camera import RtspCamera

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def rtsp_camera() -> Iterator[RtspCamera]:
    """An H.264 camera with digest sign-in, shared by a module's tests; do not disturb it."""
    with RtspCamera(user="box", password="s3cret:@/?#", gop=10) as camera:
        yield camera
