"""A box with an LMS that speaks to it: rows to try things on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from appliance.clock import SECOND_US, ManualClock
from appliance.database import write
from appliance.exams.model import Integration
from appliance.exchange.exam_parameters import parse_exam
from appliance.exchange.session_parameters import StartParameters, parse_start
from appliance.sittings.exams import upsert_exam

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exchange.exam_parameters import ExamParameters
    from appliance.exchange.json_edge import JsonObject
    from appliance.sittings.values import StoredExam

MINUTE = 60 * SECOND_US
NINE = 1_795_600_800 * SECOND_US
"""2026-11-25 10:00 UTC."""
URLS = {
    "review_url": "https://lms.example/review",
    "schedule_url": "https://lms.example/schedule",
    "warning_url": "https://lms.example/warning",
    "agreement_acceptance_url": "https://lms.example/agreement",
}
EXAM: JsonObject = {
    "accountId": 123,
    "accountName": "Northern University",
    "examId": "a3875623",
    "examName": "Algebra",
    "courseName": "Mathematics",
    "duration": 120,
    "schedule": False,
    "auxiliaryCamera": False,
    "proctoring": "offline",
    "identification": "passport",
    "startDate": "2026-11-25T08:00:00Z",
    "endDate": "2026-11-26T20:00:00Z",
    "rules": {"allow_to_use_paper": True, "allow_to_use_calculator": False},
}
ADA: JsonObject = {
    "userId": 7,
    "email": None,
    "lastName": "Lovelace",
    "firstName": "Ada",
    "thirdName": "",
    "language": "en",
    "sessionId": 4711,
    "sessionUrl": "https://lms.example/attempt/4711",
    "sessionFinishUrl": "https://lms.example/done",
}


def a_clock() -> ManualClock:
    """A clock at the planned start."""
    return ManualClock(wall_us=NINE)


def an_integration(db: Database, name: str = "moodle", *, origin: str = "local", **urls: str | None) -> Integration:
    """An LMS with every address set, as its row."""
    one = Integration(id=f"id-of-{name}", name=name, **(URLS | urls))  # type: ignore[arg-type]  # addresses
    with write(db):
        db.table("integration").insert(
            msgspec.to_builtins(one) | {"is_active": 1, "origin": origin, "created_us": 1, "updated_us": 1}
        )
    return one


def exam_said(**changes: Any) -> ExamParameters:
    """What the LMS says of the exam."""
    return parse_exam(EXAM | changes)


def an_exam(db: Database, integration: Integration, clock: ManualClock, **changes: Any) -> StoredExam:
    """The exam as the box keeps it."""
    return upsert_exam(db, integration, exam_said(**changes), clock=clock, who="moodle").exam


def start_said(**changes: Any) -> StartParameters:
    """What a start token says of Ada and her exam."""
    return parse_start(EXAM | ADA | changes)


def actions(db: Database) -> list[str]:
    """The actions of the log, oldest first."""
    bodies = db.conn.execute("SELECT body FROM log_entry ORDER BY seq").fetchall()
    return [msgspec.json.decode(body)["action"] for (body,) in bodies]


def told(db: Database) -> list[tuple[str, str, JsonObject]]:
    """What stands in the outbox: target, kind, body; without what is superseded."""
    rows = db.conn.execute("SELECT target, kind, body FROM delivery WHERE state <> 'superseded' ORDER BY id").fetchall()
    return [(target, kind, msgspec.json.decode(body)) for target, kind, body in rows]
