"""A box with an exam made on it and a sitting planned, over a real database; only capture is stood in for."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from appliance.cameras.wishes import current_wish
from appliance.clock import SECOND_US, ManualClock
from appliance.exams.timing import SittingTiming
from appliance.sittings.exams import upsert_exam
from appliance.sittings.planning import plan_sitting
from appliance.sittings.runs import run_of
from appliance.sittings.values import SittingPlan
from appliance.vault.keys import init_keys
from appliance.web.services import of
from appliance.web.sittings.own_exams import own_integration, own_parameters
from tests.web.conftest import Browser, StandInCapture

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.config import Settings
    from appliance.exams.sitting_run import SittingRun

MINUTE = 60 * SECOND_US
ROSTER = (
    "number\tlast_name\tfirst_name\textra_time\n1\tLovelace\tAda\t25 %\n2\tBabbage\tCharles\t\n3\tHopper\tGrace\t\n"
)
SEATS = "seat\tnumber\trow\tcolumn\nA1\t1\t1\t1\nA2\t2\t1\t2\nB1\t3\t2\t1\nB2\t\t2\t2\n"


class RecordingCapture(StandInCapture):
    """Capture that follows the wish to record, as the real one does."""

    db: Database
    sealed: bool = True
    trusted: bool = True

    def status(self) -> dict[str, Any]:
        """Say that the one camera is live, and recorded where that is wished."""
        self._check()
        wish = current_wish(self.db)
        camera: dict[str, Any] = {"camera": "front", "name": "Front", "state": "live", "recording": bool(wish)}
        if wish and self.sealed:
            camera["last_segment_age_ms"] = 800
        return {"ok": True, "cameras": [camera], "clock": {"trusted": self.trusted}}


@dataclass
class Day:
    """One planned sitting, and who works on it."""

    app: Flask
    db: Database
    clock: ManualClock
    capture: RecordingCapture
    sitting: str
    exam: str
    invigilator: Browser

    @functools.cached_property
    def token(self) -> str:
        """The form token of the invigilator's session."""
        return self.invigilator.token("/account")

    def post(self, path: str, **fields: str) -> TestResponse:
        """Post as the page's scripts do, with the token they have."""
        headers = {"X-CSRFToken": self.token, "Accept": "application/json"}
        return self.invigilator.client.post(path, data=fields, headers=headers)

    @property
    def path(self) -> str:
        """The sitting's page."""
        return f"/sittings/{self.sitting}"

    @property
    def run(self) -> SittingRun:
        """The sitting as it stands."""
        return run_of(self.db, self.sitting)

    def candidate(self, name: str) -> str:
        """Return a candidate's id by last name."""
        row = self.db.conn.execute("SELECT id FROM candidate WHERE last_name = ?", (name,)).fetchone()
        return str(row[0])

    def do(self, name: str, candidate: str = "", *, status: int = 200, **fields: str) -> TestResponse:
        """Let an act happen as the page's script asks for it."""
        answer = self.post(f"{self.path}/acts", name=name, candidate=candidate, **fields)
        assert answer.status_code == status, answer.text
        return answer

    def page(self, path: str = "") -> str:
        """Return a page of the sitting as text."""
        answer = self.invigilator.get(self.path + path)
        assert answer.status_code == 200, answer.text[:500]
        return answer.text

    def take(self, text: str = ROSTER, kind: str = "roster", **fields: str) -> TestResponse:
        """Take a table at once, by script."""
        return self.post(f"/api{self.path}/roster?kind={kind}", text=text, **fields)

    def ready(self) -> None:
        """Take roster and seats, and check the room."""
        assert self.take().status_code == 200
        assert self.take(SEATS, "seating").status_code == 200
        self.do("check_readiness")

    def admit(self, *names: str) -> None:
        """Admit candidates up to their seats."""
        for name in names:
            one = self.candidate(name)
            self.do("arrive", one)
            self.do("skip_identity", one)
            self.do("consent", one, notice="2026-1")
            self.do("seat", one, seat=self.run.people[one].seat)

    def writing(self, *names: str) -> None:
        """Bring the sitting to where these write."""
        self.ready()
        self.do("admit")
        self.admit(*names)
        self.do("start")
        for name in names:
            self.do("begin", self.candidate(name))


@pytest.fixture
def capture(db: Database) -> RecordingCapture:
    """Capture, following wishes."""
    made = RecordingCapture()
    made.db = db
    return made


@pytest.fixture
def exam(db: Database, clock: ManualClock) -> str:
    """An exam of an hour that was made on the box; its window is open for a day."""
    parameters = own_parameters(
        code="algebra-1",
        name="Algebra 1",
        course="Mathematics",
        duration_minutes=60,
        start_us=clock.wall_us() - 60 * MINUTE,
        end_us=clock.wall_us() + 24 * 60 * MINUTE,
    )
    integration = own_integration(db, clock=clock)
    return upsert_exam(db, integration, parameters, clock=clock, who="test", origin="box").exam.id


@pytest.fixture
def keys(settings: Settings, clock: ManualClock) -> None:
    """The box's keys."""
    init_keys(settings, passphrase=None, clock=clock)


@pytest.fixture
def day(app: Flask, capture: RecordingCapture, exam: str, person: Callable[[str], Browser], keys: None) -> Day:
    """A sitting that starts in an hour, and an invigilator who is signed in."""
    db, clock = capture.db, of(app).clock
    assert isinstance(clock, ManualClock)
    plan = SittingPlan(
        name="Morning", room="Room 1", exams=(exam,), timing=SittingTiming(start_us=clock.wall_us() + 60 * MINUTE)
    )
    sitting = plan_sitting(db, plan, clock=clock, who="test").id
    return Day(app, db, clock, capture, sitting, exam, person("invigilator"))
