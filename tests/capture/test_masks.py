"""Masked areas are never recorded."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from appliance.cameras.model import Camera
from appliance.capture.fragmenter import Fragmenter
from appliance.capture.sources.factory import make_source
from appliance.capture.sources.masked import MaskedSource
from appliance.clock import ManualClock
from appliance.config import Settings
from appliance.errors import CameraError
from tests.support.media import decoded
from tests.support.waiting import until

LEFT = [(0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0)]
OVERLAPPING = [[(0.1, 0.1), (0.6, 0.1), (0.6, 0.6), (0.1, 0.6)], [(0.3, 0.3), (0.8, 0.3), (0.8, 0.8), (0.3, 0.8)]]


def shown(masks: list[Any]) -> tuple[Any, list[Any]]:
    """Return what a masked test picture says of itself, and its decoded pictures."""
    camera = Camera(id="cam", name="Cam", role="room", kind="pattern", address="320x240@10", masks=masks)
    source = make_source(camera, None, ManualClock(), Settings())
    info = source.open()
    fragmenter = Fragmenter(info)
    packets = itertools.islice(source.packets(), 12)
    fragments = [f for packet in packets for f in fragmenter.push(packet)] + fragmenter.flush()
    source.close()
    frames = decoded(fragmenter.init + b"".join(f.data for f in fragments))
    return info, [frame.to_ndarray(format="rgb24").astype(int) for frame in frames]


def test_a_masked_area_is_black_in_every_picture() -> None:
    """Under the polygon there is nothing but black, from the first picture on; beside it the picture stays."""
    info, frames = shown([LEFT])
    assert info.masked
    assert len(frames) == 12
    for frame in frames:
        assert frame[:, :126].max() < 12
        assert frame[:, 140:].mean() > 40


def test_where_masks_overlap_there_is_no_hole() -> None:
    """The area that two polygons share is as black as the rest."""
    _, frames = shown(OVERLAPPING)
    for frame in frames:
        assert frame[75:140, 100:188].max() < 12
        assert frame[30:140, 40:180].max() < 12
        assert frame[:20, 200:].max() > 60


def test_a_camera_without_masks_is_not_touched() -> None:
    """Without polygons nothing is decoded, and the stream does not claim to be masked."""
    camera = Camera(id="cam", name="Cam", role="room", kind="pattern", address="320x240@10")
    source = make_source(camera, None, ManualClock(), Settings())
    assert not isinstance(source, MaskedSource)
    info, _ = shown([])
    assert not info.masked


@pytest.mark.parametrize("corner", [0.0, 1.0])
def test_masks_reach_the_edge(corner: float) -> None:
    """A polygon at the border blanks the outermost rows and columns too."""
    far = abs(corner - 0.2)
    _, frames = shown([[(corner, 0.0), (far, 0.0), (far, 1.0), (corner, 1.0)]])
    column = 0 if corner == 0.0 else -1
    assert max(frame[:, column].max() for frame in frames) < 12


def test_one_picture_without_masks_is_given_and_what_is_recorded_stays_black() -> None:
    """Who draws masks gets the picture as it was before; the very same picture goes on black, and no later one is."""
    camera = Camera(id="cam", name="Cam", role="room", kind="pattern", address="320x240@10", masks=[LEFT])
    source = make_source(camera, None, ManualClock(), Settings())
    assert isinstance(source, MaskedSource)
    fragmenter = Fragmenter(source.open())
    packets = source.packets()
    with ThreadPoolExecutor(1) as other:
        asked = other.submit(source.uncovered, 10.0)
        until(source._wanted.is_set, 5, "the wish")
        fragments = [f for _ in range(4) for f in fragmenter.push(next(packets))] + fragmenter.flush()
        bare = asked.result(10).to_ndarray(format="rgb24").astype(int)
    assert bare[:, :126].mean() > 40
    for frame in decoded(fragmenter.init + b"".join(f.data for f in fragments)):
        assert frame.to_ndarray(format="rgb24").astype(int)[:, :126].max() < 12
    assert source._taken.empty()
    assert not source._wanted.is_set()
    source.close()


def test_without_a_picture_nobody_waits_for_ever() -> None:
    """A camera that delivers nothing is said to be late."""
    camera = Camera(id="cam", name="Cam", role="room", kind="pattern", address="320x240@10", masks=[LEFT])
    source = make_source(camera, None, ManualClock(), Settings())
    assert isinstance(source, MaskedSource)
    with pytest.raises(CameraError) as late:
        source.uncovered(0.05)
    assert late.value.reason == "timeout"
