"""A closed sitting with warnings and an incident, and people who review it over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.exams.records import Incident
from appliance.exams.records import Warning as Flag
from appliance.sittings.incidents import record_incident
from appliance.sittings.warnings import note_warning
from tests.sittings.a_box import NINE
from tests.sittings.a_sitting import Room

if TYPE_CHECKING:
    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.config import Settings
    from appliance.exams.records import WarningKind
    from tests.web.conftest import Browser

NUMBERS = ("1", "2", "3")
MINUTE = 60 * SECOND_US


class Reviewed:
    """Three sessions: the second has warnings, the third an incident; the results wait for a person."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        *,
        phones: tuple[float, float] = (1, 1.5),
        eyes: float = 30,
        **exam: Any,
    ) -> None:
        self.db = db
        self.room = Room(db, settings, *NUMBERS, **{"requiresValidation": True, **exam})
        for number in NUMBERS:
            self.room.hands_over(number)
        self.room.writes(*NUMBERS)
        for minute in phones:
            self.warns("2", "phone", minute)
        self.warns("2", "avert_eyes", eyes, count=3)
        self.records("3")

    def warns(self, number: str, kind: WarningKind, minute: float, *, count: int = 1) -> None:
        """Let software warn, repeats 20 s apart; ``minute`` of the session."""
        for repeat in range(count):
            at = NINE + round(minute * MINUTE) + repeat * 20 * SECOND_US
            flag = Flag(
                id=f"{number}-{kind}-{at}", session=self.session(number), kind=kind, start_us=at,
                end_us=at + 4 * SECOND_US, model="m 1", confidence=0.9, threshold=0.5,
            )  # fmt: skip
            note_warning(self.db, flag, clock=self.room.clock)

    def records(self, number: str) -> None:
        """Let a person record an incident."""
        incident = Incident(
            id="", sitting=self.room.sitting, category="malpractice", severity="major", at_us=NINE, who="Grace",
            session=self.session(number), seat=f"seat {number}", note="A note under the sheet",
        )  # fmt: skip
        record_incident(self.db, incident, clock=self.room.clock)

    def session(self, number: str) -> str:
        """A candidate's session."""
        return str(self.db.conn.execute("SELECT id FROM session WHERE session_id = ?", [f"s{number}"]).fetchone()[0])

    def page(self, number: str) -> str:
        """The path of its page."""
        return f"/reviews/{self.session(number)}"

    def numbers(self, kind: str) -> list[str]:
        """The numbers of all warnings of a kind."""
        return [str(row[0]) for row in self.db.conn.execute("SELECT number FROM warning WHERE kind = ?", [kind])]

    def told(self, number: str) -> list[Any]:
        """The states and conclusions of what the LMS is told of a session, the oldest first."""
        rows = self.db.conn.execute(
            "SELECT state, json_extract(body, '$.conclusion') FROM delivery WHERE kind = 'review' AND stream = ?"
            " AND state <> 'superseded' ORDER BY id",
            [self.session(number)],
        )
        return rows.fetchall()

    def delivered(self, state: str = "delivered", *, at_us: int = NINE) -> None:
        """Let everything that waits stand so."""
        with write(self.db):
            self.db.conn.execute(
                "UPDATE delivery SET state = ?, settled_us = ?, reason = ? WHERE state = 'waiting'",
                [state, at_us if state == "delivered" else None, "status: 500" if state == "parked" else ""],
            )


def post(browser: Browser, path: str, **fields: str | list[str]) -> TestResponse:
    """Post as a script does; a field may be given several times."""
    headers = {"X-CSRFToken": browser.token("/account"), "Accept": "application/json"}
    return browser.client.post(path, data=fields, headers=headers)
