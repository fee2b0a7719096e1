"""One box with one LMS for a module; each test finds it as the one before left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.clock import ManualClock
from appliance.config import BoxSettings, PathSettings, Settings
from appliance.database import open_box_database
from appliance.web.app import create_app
from appliance.web.services import of
from tests.web.api.lms import Lms

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def lms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lms]:
    """An LMS that is connected to a trial box."""
    folder = tmp_path_factory.mktemp("box")
    settings = Settings(
        box=BoxSettings(trial=True), paths=PathSettings(state=str(folder / "state"), run=str(folder / "run"))
    )
    clock, db = ManualClock(), open_box_database(settings.database)
    app = create_app(settings, clock)
    yield Lms.of(app, db, clock, settings)
    of(app).jobs.close()
    of(app).keeper.conn.close()
    db.conn.close()
