"""A hub: the real application and database in the role, and boxes that sign real requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from appliance.config import BoxSettings, ExamsSettings, PathSettings, Settings
from appliance.hub.codes import make_code
from appliance.integrations import store
from appliance.integrations.addresses import Addresses
from appliance.integrations.exchange_key import exchange_key
from appliance.web.hub.state import hub_of
from tests.support.hub_box import Answer, HubBox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.exams.model import Integration
    from appliance.web.hub.state import Hub


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A trial hub with all its state under the test's own folder."""
    return Settings(
        box=BoxSettings(trial=True, role="hub", room="North campus"),
        paths=PathSettings(state=str(tmp_path / "state"), run=str(tmp_path / "run")),
        exams=replace(ExamsSettings(), public_address="https://exams.example"),
    )


@pytest.fixture
def hub(app: Flask) -> Hub:
    """The hub behind the application."""
    found = hub_of(app)
    assert found is not None
    return found


@pytest.fixture
def new_box(app: Flask, hub: Hub, db: Database, clock: ManualClock) -> Callable[..., HubBox]:
    """Make a box that has joined, or one that has not."""

    def send(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        found = app.test_client().open(path, method=method, headers=headers, data=body)
        return Answer(found.status_code, found.get_data(), found.headers)  # type: ignore[arg-type]  # a mapping of texts

    def make(box: str = "box-1f2e3d4c", *, room: str = "Hall 2", join: bool = True) -> HubBox:
        made = HubBox(send, clock, box)
        if join:
            secret = make_code(db, hub.keys, room=room, clock=clock, who="test").code.secret
            assert made.enrol(secret).status == 200
        return made

    return make


@pytest.fixture
def lms(settings: Settings, db: Database, clock: ManualClock) -> tuple[Integration, str]:
    """An LMS that is told of everything, and its secret."""
    there = {
        name: f"https://lms.example/{name}"
        for name in ("review_url", "schedule_url", "warning_url", "agreement_acceptance_url")
    }
    return store.add_integration(
        db, name="campus", addresses=Addresses(**there), clock=clock, who="test", keys=exchange_key(settings)
    )
