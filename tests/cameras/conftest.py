"""Cameras to store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.cameras.model import Camera, camera_from

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def make() -> Callable[..., Camera]:
    """Build a checked camera from a few differing fields."""

    def build(**fields: Any) -> Camera:
        values = {"id": "front", "name": "Front", "role": "room", "kind": "rtsp", "address": "rtsp://10.0.0.2/main"}
        return camera_from({**values, **fields})

    return build
