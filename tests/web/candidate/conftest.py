"""A dashboard with an LMS that hands candidates over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.candidate.handed import Candidate, Lms, Room, a_room

if TYPE_CHECKING:
    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings


@pytest.fixture
def lms(app: Flask, db: Database, clock: ManualClock, settings: Settings) -> Lms:
    """An LMS with an integration."""
    return Lms(app, db, clock, settings).connect()


@pytest.fixture
def ada(app: Flask, lms: Lms) -> Candidate:
    """A candidate who has not come yet; nobody else is in the room, and the box opens sittings by itself."""
    return Candidate(app.test_client(), lms)


@pytest.fixture
def room(lms: Lms) -> Room:
    """A sitting of Ada's exam that an invigilator runs and that admits; who comes is enrolled."""
    from appliance.exchange.exam_parameters import parse_exam
    from appliance.sittings.exams import upsert_exam

    assert lms.integration is not None
    said = {
        key: value
        for key, value in lms.said().items()
        if key not in {"userId", "lastName", "firstName", "language", "sessionId", "sessionUrl", "sessionFinishUrl"}
    }
    exam = upsert_exam(lms.db, lms.integration, parse_exam(said), clock=lms.clock, who="moodle").exam
    found = a_room(lms, exam.id)
    found.admit()
    return found
