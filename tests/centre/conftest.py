"""A hub that answers over HTTP, and a box that has joined it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.centre.box import Box
from tests.support.hub_server import HubServer, serving_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.clock import ManualClock


@pytest.fixture
def server(tmp_path: Path, clock: ManualClock) -> Iterator[HubServer]:
    """A real hub over real HTTP."""
    with serving_hub(tmp_path, clock) as served:
        yield served


@pytest.fixture
def box(tmp_path: Path, clock: ManualClock, server: HubServer) -> Iterator[Box]:
    """A box that has joined the hub."""
    made = Box(tmp_path / "box", clock)
    made.enrol(server)
    yield made
    made.close()
