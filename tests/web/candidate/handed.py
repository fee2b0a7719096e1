"""A box with an LMS, its tokens, and candidates' browsers: what the tests of the candidate's page begin with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appliance.clock import SECOND_US, format_utc
from appliance.exams.timing import SittingTiming
from appliance.exchange.token import issue_token
from appliance.integrations.addresses import Addresses
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.store import add_integration
from appliance.sittings.acts import act
from appliance.sittings.planning import plan_sitting
from appliance.sittings.sessions import find_session, session_facts
from appliance.sittings.values import SittingPlan

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from appliance.exams.model import Integration
    from appliance.sittings.values import SessionFacts

LMS = "https://lms.example"
ADDRESSES = Addresses(review_url=f"{LMS}/review", agreement_acceptance_url=f"{LMS}/agreed")
MINUTE = 60 * SECOND_US
HOUR = 60 * MINUTE
CROSS = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Origin": LMS}
PAGE = {"Accept": "text/html"}
_FORM_TOKEN = re.compile(r'(?:name="form_token" value|data-form-token)="([0-9a-f]{40})"')


@dataclass
class Lms:
    """An LMS that hands candidates over to the box."""

    app: Flask
    db: Database
    clock: ManualClock
    settings: Settings
    name: str = "moodle"
    secret: str = ""
    integration: Integration | None = None
    jtis: list[str] = field(default_factory=list)

    def connect(self) -> Lms:
        """Make the integration."""
        self.integration, self.secret = add_integration(
            self.db, name=self.name, addresses=ADDRESSES,
            clock=self.clock, who="test", keys=exchange_key(self.settings),
        )  # fmt: skip
        return self

    def said(self, **changes: Any) -> dict[str, Any]:
        """What a start token says of Ada and her exam."""
        now = self.clock.wall_us()
        return {
            "userId": "7", "lastName": "Lovelace", "firstName": "Ada", "language": "en",
            "accountId": "1", "accountName": "Northern University", "examId": "alg", "examName": "Algebra",
            "duration": 120, "schedule": False, "proctoring": "offline", "identification": "skip",
            "startDate": format_utc(now - HOUR), "endDate": format_utc(now + 10 * HOUR),
            "sessionId": "s-4711", "sessionUrl": f"{LMS}/quiz?attempt=9", "sessionFinishUrl": f"{LMS}/done",
        } | changes  # fmt: skip

    def token(self, *, secret: str = "", life_s: int = 60, jti: str | None = None, **changes: Any) -> str:
        """A start token."""
        return issue_token(
            secret or self.secret, now_us=self.clock.wall_us(), life_s=life_s, claims=self.said(**changes), jti=jti
        )

    def send(self, client: FlaskClient, token: str, *, post: bool = True) -> TestResponse:
        """Bring a browser from the LMS's page to the box."""
        where = f"/integration/simple/{self.name}/start/"
        if post:
            return client.post(where, data={"token": token}, headers=PAGE | CROSS)
        return client.get(
            where, query_string={"token": token}, headers=PAGE | {k: v for k, v in CROSS.items() if k != "Origin"}
        )

    def facts(self, session_id: str = "s-4711") -> SessionFacts:
        """What the box knows of a session."""
        assert self.integration is not None
        session = find_session(self.db, self.integration.id, session_id)
        return session_facts(self.db, session.id, now_us=self.clock.wall_us())


@dataclass
class Candidate:
    """A candidate's browser at their page."""

    client: FlaskClient
    lms: Lms
    where: str = ""

    def arrive(self, *, post: bool = True, token: str = "", **changes: Any) -> TestResponse:
        """Come from the LMS; remember the page it leads to."""
        answer = self.lms.send(self.client, token or self.lms.token(**changes), post=post)
        if answer.status_code == 303:
            self.where = answer.headers["Location"]
        return answer

    def page(self, at: str = "") -> TestResponse:
        """Look at the page."""
        return self.client.get(self.where + (f"?at={at}" if at else ""), headers=PAGE)

    def state(self) -> dict[str, Any]:
        """Ask as the page does."""
        answer = self.client.get(f"{self.where}state")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def form_token(self) -> str:
        """The token of the page's forms."""
        found = _FORM_TOKEN.search(self.page("agreement").text)
        assert found, "no form token"
        return found[1]

    def do(self, name: str, *, token: str | None = None, **fields: str) -> TestResponse:
        """Do something as the page's script does."""
        given = self.form_token() if token is None else token
        headers = {"X-Exambox-Form": given, "Accept": "application/json"}
        return self.client.post(f"{self.where}{name}", data=fields, headers=headers)

    def agree(self) -> TestResponse:
        """Tick the box and go on."""
        page = self.page("agreement").text
        notice = re.search(r'name="notice" value="([^"]+)"', page)
        assert notice, page
        fields = {"form_token": self.form_token(), "notice": notice[1], "agree": "yes"}
        return self.client.post(f"{self.where}agree", data=fields, headers=PAGE)


@dataclass
class Room:
    """A sitting that an invigilator runs."""

    lms: Lms
    id: str

    def act(self, name: str, candidate: str = "", why: str = "", *, system: bool = False, **detail: Any) -> None:
        """Let something happen."""
        act(
            self.lms.db, self.id, name, who="box" if system else "Ina", role="system" if system else "invigilator",
            clock=self.lms.clock, candidate=candidate, why=why, detail=detail,
        )  # fmt: skip

    def admit(self) -> None:
        """Open the room."""
        self.act("check_readiness")
        self.act("note_readiness", system=True)
        self.act("admit")


def a_room(lms: Lms, exam: str, *, start_us: int | None = None) -> Room:
    """Plan a sitting for an exam."""
    plan = SittingPlan(
        name="Morning", room="Hall 1", exams=(exam,),
        timing=SittingTiming(start_us=lms.clock.wall_us() if start_us is None else start_us),
    )  # fmt: skip
    return Room(lms, plan_sitting(lms.db, plan, clock=lms.clock, who="Ina").id)
