"""Fixtures of the process that watches USB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.devices.a_room import Room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.config import Settings


@pytest.fixture
def room(settings: Settings, tmp_path: Path) -> Iterator[Room]:
    """A box whose USB is watched, enforcing, before the process has started."""
    made = Room(settings, tmp_path)
    yield made
    made.close()
