"""Fixtures every test may use: a box in a folder of its own, a clock that moves only when told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from appliance.clock import ManualClock
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.database import open_box_database
from tests.support import ci
from tests.support.browsers import close_browsers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database


def pytest_configure(config: pytest.Config) -> None:
    """On a build server, a test that must run may not be skipped."""
    if ci.on_build_server(os.environ):
        config.pluginmanager.register(ci.NoQuietSkips())


@pytest.fixture(scope="module", autouse=True)
def _no_browser_is_left() -> Iterator[None]:
    """A module's browser ends with it."""
    yield
    close_browsers()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads this machine's own settings."""
    for name in list(os.environ):
        if name.startswith("EXAMBOX_"):
            monkeypatch.delenv(name)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until it is advanced."""
    return ManualClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A trial box with all its state under the test's own folder."""
    return Settings(
        box=BoxSettings(trial=True), paths=PathSettings(state=str(tmp_path / "state"), run=str(tmp_path / "run"))
    )


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    """The box's migrated database."""
    database = open_box_database(settings.database)
    yield database
    database.conn.close()
