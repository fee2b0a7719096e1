"""Recordings that several modules read; made once, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.vault.format import GapReason
from tests.vault.recorded import Recorder, clock_at, movie

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def two_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault with exam/front: 6 s with a hole of 2.5 s at 3 s, 1 s of stated gap, a second part of 6 s."""
    vault = tmp_path_factory.mktemp("two-parts") / "vault"
    recorder = Recorder(vault, clock_at())
    data = movie(6)
    recorder.part(data, gap_at=(3, 2.5))
    recorder.clock.advance(1)
    recorder.part(data, gap_before=(1, GapReason.CAMERA_LOST), opened="rollover")
    return vault
