"""An LMS as the API sees it: a real dashboard over a real database, and calls signed as shipped clients sign them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from appliance.clock import SECOND_US
from appliance.exchange.session_parameters import parse_start
from appliance.exchange.token import authorization, issue_token
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.store import add_integration
from appliance.sittings.hand_over import hand_over
from tests.exchange import values

if TYPE_CHECKING:
    from flask import Flask
    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from appliance.exams.model import Integration
    from appliance.sittings.values import StoredSession

NAME: Final = "moodle"
EXAMS: Final = f"/api/v2/integration/simple/{NAME}/exams/"
EXAMPLE: Final[dict[str, Any]] = {
    **values.EXAMPLE,
    "accountName": "Demo University",
    "examName": "Algebra",
}
"""The example that the product was asked for."""
STORED: Final = (
    "exam", "candidate", "session", "sitting", "sitting_event", "roster_entry", "review", "delivery", "log_entry",
    "seen_token", "integration",
)  # fmt: skip
"""Where a call could leave something."""


@dataclass
class Lms:
    """An LMS with its integration on a box."""

    app: Flask
    db: Database
    clock: ManualClock
    settings: Settings
    integration: Integration
    secret: str

    @classmethod
    def of(cls, app: Flask, db: Database, clock: ManualClock, settings: Settings) -> Lms:
        """Connect an LMS to a box."""
        made, secret = add_integration(db, name=NAME, clock=clock, who="test", keys=exchange_key(settings))
        return cls(app, db, clock, settings, made, secret)

    def token(self, *, secret: str = "", **claims: Any) -> str:
        """Return a token; without claims as the guide says: it ends in 30 s."""
        now = self.clock.wall_us()
        found = {"exp": now // SECOND_US + 30} | claims
        life = int(found.pop("exp")) - now // SECOND_US
        return issue_token(secret or self.secret, now_us=now, life_s=life, claims=found)

    def headers(self, **claims: Any) -> dict[str, str]:
        """Return the headers of a call."""
        return {"Authorization": authorization(self.token(**claims))}

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Make a call with a good token, unless headers are given; a body that is not bytes is sent as JSON."""
        options.setdefault("headers", self.headers())
        if body is not None:
            options["data"] = body if isinstance(body, bytes) else json.dumps(body)
            options.setdefault("content_type", "application/json")
        return self.app.test_client().open(path, method=method, **options)

    def post_exam(self, body: Any = EXAMPLE, **options: Any) -> TestResponse:
        """Create or change an exam."""
        return self.call("POST", EXAMS, body, **options)

    def session_path(self, session: str, what: str) -> str:
        """Return the address of a session's call."""
        return f"/api/v2/integration/simple/{NAME}/sessions/{session}/{what}/"

    def arrive(self, session: Any = "s-1", **changes: Any) -> StoredSession:
        """Let a candidate arrive, as the hand-over does it; the exam is open all the time."""
        said = EXAMPLE | {
            "userId": "7", "lastName": "Lovelace", "firstName": "Ada", "sessionId": session,
            "sessionUrl": "https://lms.example/quiz", "startDate": "2020-01-01T00:00:00Z",
            "endDate": "2090-01-01T00:00:00Z", "schedule": False,
        }  # fmt: skip
        start = parse_start(said | changes)
        return hand_over(self.db, self.integration, start, clock=self.clock, settings=self.settings).session

    def stored(self) -> dict[str, int]:
        """Return how many rows there are of all that a call could leave."""
        return {name: self.db.conn.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in STORED}  # noqa: S608  own words


def is_problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """Return the problem document of an answer of this status, in the one shape all have."""
    assert answer.status_code == status, (answer.status_code, answer.text[:500])
    assert answer.content_type == "application/problem+json"
    assert "Set-Cookie" not in answer.headers
    found: dict[str, Any] = json.loads(answer.data)
    assert {"type", "title", "status", "code", "detail", "hint", "field", "reason", "errors"} <= set(found)
    assert found["status"] == status
    assert all(set(one) == {"field", "reason"} for one in found["errors"])
    return found
