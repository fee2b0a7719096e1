"""Exams that are made on the box itself, for a centre without an LMS: what they stand under, their parameters."""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import TYPE_CHECKING, Final

from appliance.clock import format_utc
from appliance.errors import NotFoundError
from appliance.exams.model import Integration
from appliance.exchange.exam_parameters import parse_exam
from appliance.integrations.store import insert_integration, stored_integration

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.exam_parameters import ExamParameters

HERE: Final = "this-box"
"""Id and name of the integration that nobody calls: it has no secret, no addresses, and is not active."""
MAX_CODE: Final = 60
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9]+")


def own_integration(db: Database, *, clock: Clock) -> Integration:
    """Return the integration of the box's own exams; it is made when the first one is."""
    try:
        return stored_integration(db, HERE, removed=True).integration
    except NotFoundError:
        made = Integration(id=HERE, name=HERE, is_active=False)
        insert_integration(db, made, origin="local", clock=clock)
        return made


def own_parameters(
    *,
    code: str,
    name: str,
    course: str,
    duration_minutes: int,
    start_us: int,
    end_us: int,
) -> ExamParameters:
    """Return an exam's parameters as an LMS would send them, so that there is one kind of exam.

    Raises:
        ParametersError: a value is out of its range; names it as the LMS's interface does.
    """
    return parse_exam(
        {
            "examId": code,
            "examName": name,
            "courseName": course,
            "duration": duration_minutes,
            "schedule": False,
            "proctoring": "offline",
            "startDate": format_utc(start_us),
            "endDate": format_utc(end_us),
        }
    )


def new_code(name: str) -> str:
    """Return a code for an exam of this name, that no other has: ``algebra-1-3f9a``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = _NOT_PLAIN.sub("-", plain).strip("-").lower()[: MAX_CODE - 5].strip("-")
    return f"{words or 'exam'}-{secrets.token_hex(2)}"
