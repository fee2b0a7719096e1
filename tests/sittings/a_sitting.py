"""A box with a planned sitting, an LMS and candidates on the roster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.exams.roster import draft_roster
from appliance.exams.timing import SittingTiming
from appliance.sittings.acts import act
from appliance.sittings.hand_over import hand_over
from appliance.sittings.planning import plan_sitting
from appliance.sittings.rosters import exam_names, roster_of, take_roster
from appliance.sittings.runs import run_of
from appliance.sittings.sessions import session_facts
from appliance.sittings.values import SessionFacts, SittingPlan, StoredSession
from tests.sittings.a_box import NINE, a_clock, an_exam, an_integration, start_said

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.transitions import Role

HEADS = ["number", "last name", "first name", "exam", "extra time"]


class Room:
    """A room with one sitting of one exam; candidates are called by their number."""

    def __init__(self, db: Database, settings: Settings, *numbers: str, sitting: str = "monday", **exam: Any) -> None:
        self.db, self.settings, self.clock = db, settings, a_clock()
        self.lms = an_integration(db)
        self.exam = an_exam(db, self.lms, self.clock, **({"identification": "skip"} | exam))
        plan = SittingPlan(
            id=sitting, name="Monday", room="Hall", exams=(self.exam.id,), timing=SittingTiming(start_us=NINE)
        )
        self.sitting = plan_sitting(db, plan, clock=self.clock, who="Grace").id
        self.said = exam
        if numbers:
            self.expects(*[[number, f"Last {number}", "A", "", ""] for number in numbers])

    def expects(self, *rows: list[str], replace: bool = True) -> None:
        """Take a roster over."""
        names = exam_names(self.db, self.sitting)
        draft = draft_roster([HEADS, *rows], sitting=self.sitting, exams=names)
        take_roster(self.db, self.sitting, draft, replace=replace, clock=self.clock, who="Grace")

    def id_of(self, number: str) -> str:
        """The candidate's id."""
        return next(
            entry.candidate.id
            for entry in roster_of(self.db, self.sitting).entries
            if number in {entry.candidate.number, entry.candidate.user_id}
        )

    def does(
        self, name: str, number: str = "", *, role: Role = "centre_manager", why: str = "so", **detail: Any
    ) -> SittingRun:
        """Let something happen."""
        candidate = self.id_of(number) if number else ""
        return act(
            self.db,
            self.sitting,
            name,
            who=f"the {role}",
            role=role,
            clock=self.clock,
            candidate=candidate,
            why=why,
            detail=detail,
        )

    def opens(self) -> None:
        """Check the room and open the doors."""
        self.does("check_readiness")
        self.does("note_readiness", role="system")
        self.does("admit")

    def admits(self, *numbers: str) -> None:
        """Bring candidates to their seats."""
        for number in numbers:
            self.does("arrive", number)
            self.does("skip_identity", number)
            self.does("consent", number, notice="2026-1")
            self.does("seat", number, seat=f"seat {number}")

    def writes(self, *numbers: str) -> None:
        """Open, admit, start and begin."""
        self.opens()
        self.admits(*numbers)
        self.does("start")
        for number in numbers:
            self.does("begin", number)

    def closes(self) -> None:
        """End, settle, sign and close."""
        self.does("end_early")
        self.does("close_ghosts")
        self.does("sign_register")
        self.does("close")

    def hands_over(self, number: str, **changes: Any) -> StoredSession:
        """The LMS sends a candidate; their session is called like them."""
        said = {"identification": "skip"} | self.said
        said |= {"userId": number, "sessionId": f"s{number}", "lastName": f"Last {number}"} | changes
        start = start_said(**said)
        return hand_over(self.db, self.lms, start, clock=self.clock, settings=self.settings).session

    def facts(self, session: StoredSession) -> SessionFacts:
        """What is known of a session now."""
        return session_facts(self.db, session.id, now_us=self.clock.wall_us())

    @property
    def run(self) -> SittingRun:
        """The sitting as it stands."""
        return run_of(self.db, self.sitting)
