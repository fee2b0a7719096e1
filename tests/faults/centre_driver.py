"""What people, an LMS and a centre do at random while everything fails: a seeded driver of a hub and one of each box.

What returned is remembered with a mark of its own, so that the end can look for it at the other side.
"""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import threading
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from appliance.centre.context import Taking
from appliance.centre.keys import load_centre_keys
from appliance.centre.store import get_centre
from appliance.centre.taking_over import accept_proposal, decline_proposal
from appliance.centre.waiting_rows import waiting_changes
from appliance.clock import SECOND_US
from appliance.errors import ApplianceError
from appliance.exams.model import Candidate, RosterEntry
from appliance.exams.records import Incident
from appliance.exams.records import Warning as Flag
from appliance.exams.roster import RosterDraft
from appliance.exams.states import CandidateStatus, SittingStatus
from appliance.exams.timing import SittingTiming
from appliance.exchange.session_parameters import parse_start
from appliance.exchange.token import authorization, issue_token
from appliance.hub.assigning import assign
from appliance.hub.extra_time import grant_extra_time, withdraw_extra_time
from appliance.integrations.exchange_key import exchange_key
from appliance.integrations.store import find_integration
from appliance.outbox import CENTRE, lms_target, retry_now
from appliance.sittings.acts import act
from appliance.sittings.exams import find_exam, remove_exam
from appliance.sittings.hand_over import hand_over
from appliance.sittings.incidents import record_incident
from appliance.sittings.planning import plan_sitting, remove_sitting
from appliance.sittings.reviews import review_act, review_queue
from appliance.sittings.rosters import take_roster
from appliance.sittings.runs import open_sittings, run_of, stored_sitting
from appliance.sittings.sessions import record_agreement, sessions_of
from appliance.sittings.values import SittingPlan
from appliance.sittings.walking import walk
from appliance.sittings.warnings import note_warning
from tests.faults.centre_world import LMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.exams.transitions import Role
    from appliance.sittings.values import StoredSession, StoredSitting
    from tests.faults.centre_world import Box, Hub

API: Final = f"/api/v2/integration/simple/{LMS}"
START: Final = f"/integration/simple/{LMS}/start/"
CANDIDATES: Final = 4
LMS_TIMEOUT_S: Final = 40.0
"""Longer than the proxy waits for the hub: a call that the LMS gave up is nowhere on its way any more."""
LONG_AGO_US: Final = 1_700_000_000 * SECOND_US
"""Warnings are dated from here on, each 30 s after the one before, so that none is merged with another."""
KINDS: Final = ("phone", "avert_eyes", "voice_detected", "extra_user_in_frame")
ACTS_OF_A_SITTING: Final = 40
EXAM: Final[dict[str, Any]] = {
    "accountId": 123,
    "examName": "Algebra",
    "duration": 120,
    "schedule": False,
    "auxiliaryCamera": False,
    "proctoring": "offline",
    "identification": "skip",
    "requiresValidation": True,
    "rules": {},
    "startDate": "2020-01-01T00:00:00Z",
    "endDate": "2090-01-01T00:00:00Z",
}
ROOM: Final[Role] = "centre_manager"


def exam_of(sitting_name: str) -> str:
    """Return the LMS's name of the exam of a sitting."""
    return f"exam-{sitting_name}"


def person_of(sitting_name: str, number: int) -> dict[str, Any]:
    """Return what a start token says of one candidate and their attempt."""
    name = f"{sitting_name}-{number}"
    return {
        "userId": name,
        "lastName": f"Last {name}",
        "firstName": "A",
        "sessionId": f"s-{name}",
        "sessionUrl": "https://lms.example/quiz",
    }


@dataclass
class Loop:
    """Does one thing after the other in a thread of its own until it is stopped; may be held between two."""

    name: str
    step: Callable[[], bool]
    pause_s: float
    busy: threading.Lock = field(default_factory=threading.Lock)
    wrong: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(60)
            assert not self._thread.is_alive(), f"{self.name} hangs"

    def _run(self) -> None:
        while not self._stop.is_set():
            with self.busy:
                try:
                    did = self.step()
                except Exception:  # noqa: BLE001  told at the end: a driver must not die unseen
                    self.wrong.append(traceback.format_exc())
                    did = False
            self._stop.wait(self.pause_s if did else max(0.2, self.pause_s))


class BoxDriver:
    """The people of one room: they take candidates in, note what happens, end and review.

    Attributes:
        done: marks of what returned; each has to be found at the hub.
        refused: acts that were not possible at that moment.
    """

    def __init__(self, box: Box, place: int, seed: int, pause_s: float) -> None:
        self.box = box
        self.done: dict[str, str] = {}
        self.refused = 0
        self.acts: dict[str, int] = {}
        self.loop = Loop(f"room of {box.machine.name}", self.step, pause_s)
        self.db = box.machine.open()
        self._place = place
        self._random = random.Random(seed)  # noqa: S311  a test's
        self._count = 0

    def reopen(self) -> None:
        """Open the database anew: another stands in its place."""
        self.db.conn.close()
        self.db = self.box.machine.open()

    def impatient(self) -> None:
        """Try at once what waits after trouble, as `exambox sync now` does."""
        retry_now(self.db, CENTRE)

    def step(self) -> bool:
        """Do one thing; return whether there was one."""
        found = [one for one in open_sittings(self.db) if one.origin == "centre"]
        try:
            if self._random.random() < 0.2 and self._decide():
                return True
            if self._random.random() < 0.3 and self._review():
                return True
            if not found:
                return False
            self._in_sitting(self._random.choice(found[:2]))
        except ApplianceError:
            self.refused += 1
        return True

    def note_only(self) -> bool:
        """Note one incident in whatever sitting there is: all that is done on a copy of a box."""
        row = self.db.conn.execute(
            "SELECT sitting, id FROM session WHERE sitting IS NOT NULL ORDER BY id LIMIT 1"
        ).fetchone()
        if row is not None:
            self._note(str(row[0]), str(row[1]))
        return row is not None

    def finish(self) -> None:
        """Bring everything in the room to its end: proposals accepted, sittings closed, all reviewed."""
        while self._decide(accept=True):
            pass
        held = {one.change.sitting for one in waiting_changes(self.db, get_centre(self.db).hub)}
        for one in open_sittings(self.db):
            if one.status is SittingStatus.PLANNED and one.id in held:
                self._open(one)  # its extra time waits for its start
            if one.status is not SittingStatus.PLANNED or one.id in held:
                self._close(one)
        while self._review():
            pass

    def _in_sitting(self, one: StoredSitting) -> None:
        match one.status:
            case SittingStatus.PLANNED:
                self._open(one)
            case SittingStatus.ADMITTING:
                self._admit(one)
            case SittingStatus.RUNNING | SittingStatus.PAUSED:
                self._run(one)
            case _:
                self._close(one)

    def _mark(self, what: str) -> str:
        self._count += 1
        return f"#{self.box.machine.name}.{self.box.restores}.{self._count}.{what}#"

    def _act(self, sitting: str, name: str, role: Role = ROOM, candidate: str = "", **detail: Any) -> None:
        mark = self._mark(name)
        act(
            self.db, sitting, name, who=mark, role=role, clock=self.box.machine.clock, candidate=candidate,
            why=f"so {mark}", detail=detail,
        )  # fmt: skip
        self._did(mark, "sitting_event")

    def _did(self, mark: str, kind: str) -> None:
        self.done[mark] = kind
        self.acts[kind] = self.acts.get(kind, 0) + 1

    def _open(self, one: StoredSitting) -> None:
        self._act(one.id, "check_readiness")
        self._act(one.id, "note_readiness", role="system")
        self._act(one.id, "admit")

    def _admit(self, one: StoredSitting) -> None:
        people = {session.session_id: session for session in sessions_of(self.db, one.id)}
        for number in range(CANDIDATES):
            said = person_of(one.sitting.name, number)
            known = people.get(said["sessionId"])
            person = None if known is None else run_of(self.db, one.id).people.get(known.candidate)
            if person is not None and person.status in {CandidateStatus.SEATED, CandidateStatus.WITHDRAWN}:
                continue
            self._seat(one, said, number)
            return
        self._act(one.id, "start")

    def _seat(self, one: StoredSitting, said: dict[str, Any], number: int) -> None:
        clock, settings = self.box.machine.clock, self.box.machine.settings
        lms = find_integration(self.db, LMS)
        start = parse_start({**EXAM, **said, "examId": exam_of(one.sitting.name)})
        session = hand_over(self.db, lms, start, clock=clock, settings=settings).session
        walk(self.db, session, clock=clock)
        record_agreement(self.db, session, notice="2026-1", clock=clock)
        self._act(one.id, "seat", candidate=session.candidate, seat=f"A{number}")

    def _run(self, one: StoredSitting) -> None:
        run = run_of(self.db, one.id)
        if len(run.history) > ACTS_OF_A_SITTING:
            self._close(one)
            return
        session = self._random.choice(sessions_of(self.db, one.id))
        person = run.people[session.candidate]
        if person.status is CandidateStatus.SEATED:
            self._act(one.id, "begin", role="candidate", candidate=session.candidate)
            return
        choices: list[Callable[[], None]] = [
            lambda: self._warn(session),
            lambda: self._warn(session),
            lambda: self._note(one.id, session.id),
            lambda: self._act(one.id, "extend", candidate=session.candidate, amount_us=60 * SECOND_US),
            lambda: self._act(one.id, "extend_all", amount_us=30 * SECOND_US),
            lambda: self._act(one.id, "pause", candidate=session.candidate),
            lambda: self._act(one.id, "resume", candidate=session.candidate),
        ]
        if len(run.history) > ACTS_OF_A_SITTING // 2:
            choices.append(lambda: self._act(one.id, "finish", role="candidate", candidate=session.candidate))
        self._random.choice(choices)()

    def _warn(self, session: StoredSession) -> None:
        self._count += 1
        start_us = LONG_AGO_US + (self._place * 100_000 + self._count) * 30 * SECOND_US
        flag = Flag(
            id=self._mark("warning"), session=session.id, kind=self._random.choice(KINDS),  # words
            start_us=start_us, end_us=start_us + SECOND_US,
        )  # fmt: skip
        note_warning(self.db, flag, clock=self.box.machine.clock)
        self._did(str(start_us), "warning")

    def _note(self, sitting: str, session: str) -> None:
        mark = self._mark("incident")
        incident = Incident(
            id="", sitting=sitting, category="disturbance", severity="minor", who="Ida", note=mark, session=session,
            at_us=self.box.machine.clock.wall_us(),
        )  # fmt: skip
        record_incident(self.db, incident, clock=self.box.machine.clock)
        self._did(mark, "incident")

    def _close(self, one: StoredSitting) -> None:
        """Bring a sitting to its end from wherever it stands."""
        if stored_sitting(self.db, one.id).status is SittingStatus.READINESS_CHECK:
            self._act(one.id, "admit")
        if stored_sitting(self.db, one.id).status is SittingStatus.ADMITTING:
            self._act(one.id, "start")
        if stored_sitting(self.db, one.id).status is not SittingStatus.ENDED:
            self._act(one.id, "end_early")
        try:
            self._act(one.id, "close_ghosts")
        except ApplianceError:
            self.refused += 1  # there is none
        self._act(one.id, "sign_register")
        self._act(one.id, "close")

    def _review(self) -> bool:
        queue = review_queue(self.db, limit=5)
        if not queue:
            return False
        name = self._random.choice(["pass", "fail"])
        review_act(
            self.db, self._random.choice(queue).session, name, who="Rita", role="reviewer", why="seen",
            clock=self.box.machine.clock,
        )  # fmt: skip
        return True

    def _decide(self, *, accept: bool = False) -> bool:
        """Accept or decline one proposal of the centre."""
        settings, clock = self.box.machine.settings, self.box.machine.clock
        centre = get_centre(self.db)
        waiting = [one for one in waiting_changes(self.db, centre.hub) if one.state == "proposed"]
        if not waiting:
            return False
        taking = Taking(
            settings, clock, self.box.id, exchange_key(settings), load_centre_keys(settings.keys_dir), accepted_by="Ida"
        )
        one = self._random.choice(waiting)
        try:
            if accept or self._random.random() < 0.7:
                accept_proposal(self.db, one.number, taking)
                return True
        except ApplianceError:
            self.refused += 1
        decline_proposal(self.db, one.number, taking, why="not now")
        return True


class HubDriver:
    """The LMS, which speaks HTTP through a bad network, and the people of the centre, at the hub itself.

    Attributes:
        answered: what the LMS was answered a success for: examId to the last duration of it.
        calls: of the LMS that were answered as they should be; ``failed``: those that were not.
    """

    def __init__(self, hub: Hub, boxes: list[Box], *, port: int, seed: int, callers: int, pause_s: float) -> None:
        self.hub = hub
        self.boxes = boxes
        self.port = port
        self.answered: dict[str, int] = {}
        self.deleted: set[str] = set()
        self.grants: list[str] = []
        self.calls = self.failed = 0
        self.names: dict[str, list[str]] = {box.id: [] for box in boxes}
        self.loops = [Loop(f"LMS {number}", self._caller(seed, number), pause_s) for number in range(callers)]
        self.loops.append(Loop("centre", self._centre(seed), pause_s * 4))

    def impatient(self, db: Database) -> None:
        """Try at once what waits for the LMS after trouble."""
        retry_now(db, lms_target(self.hub.lms.id))

    def call(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Make one call; status 0 where there was no whole answer."""
        there = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LMS_TIMEOUT_S)
        try:
            there.request(method, path, body, headers or {})
            answer = there.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            there.close()

    def _signed(self, **claims: Any) -> str:
        return issue_token(self.hub.secret, now_us=self.hub.machine.clock.wall_us(), **claims)

    def _api(self, method: str, path: str, value: Any = None) -> int:
        headers = {"Authorization": authorization(self._signed()), "Content-Type": "application/json"}
        status, _ = self.call(method, f"{API}{path}", b"" if value is None else json.dumps(value).encode(), headers)
        if status in {200, 201}:
            self.calls += 1
        else:
            self.failed += 1
        return status

    def exam(self, name: str, duration: int) -> bool:
        """Create or change an exam, tried until the hub says that it has it, as an LMS does; False if it gave up."""
        for _ in range(30):
            if self._api("POST", "/exams/", {**EXAM, "examId": name, "duration": duration}) in {200, 201}:
                self.answered[name] = duration
                return True
        return False

    def _caller(self, seed: int, number: int) -> Callable[[], bool]:
        rng = random.Random(f"{seed} {number}")  # noqa: S311  a test's

        def step() -> bool:
            roll = rng.random()
            sittings = [name for names in self.names.values() for name in names[-3:]]
            if roll < 0.4 or not sittings:  # an exam of this caller's own, so that its last word is known
                self.exam(f"spare-{number}-{rng.randrange(8)}", rng.randrange(10, 200))
                return True
            said = person_of(rng.choice(sittings), rng.randrange(CANDIDATES))
            if roll < 0.65:
                return self._bring(said)
            what = "finish" if roll < 0.68 else "status"
            self._api("POST" if what == "finish" else "GET", f"/sessions/{said['sessionId']}/{what}/")
            return True

        return step

    def _bring(self, said: dict[str, Any]) -> bool:
        name = said["sessionId"].removeprefix("s-").rpartition("-")[0]
        claims = {**EXAM, **said, "examId": exam_of(name)}
        token = self._signed(claims=claims, jti=None)
        status, _ = self.call(
            "POST", START, f"token={token}".encode(), {"Content-Type": "application/x-www-form-urlencoded"}
        )
        if status in {303, 307}:
            self.calls += 1
        else:
            self.failed += 1
        return True

    def _centre(self, seed: int) -> Callable[[], bool]:
        rng = random.Random(f"{seed} centre")  # noqa: S311  a test's
        db = self.hub.machine.open()
        db.conn.execute("PRAGMA busy_timeout = 30000")
        steps = (self.plan, self.plan, self._delete_exam, self._give_spare, self._give_spare, self._grant, self._grant,
                 self._withdraw, self._call_off, self._change_roster)  # fmt: skip

        def step() -> bool:
            try:
                return rng.choice(steps)(db, rng)
            except (ApplianceError, sqlite3.OperationalError):
                return False

        return step

    def plan(self, db: Database, rng: random.Random) -> bool:
        """Plan one more sitting for the box that has had the fewest, with its exam and roster, and assign it."""
        clock = self.hub.machine.clock
        box, names = min(self.names.items(), key=lambda one: len(one[1]))
        waiting = db.conn.execute(
            "SELECT COUNT(*) FROM sitting s JOIN hub_assignment a ON a.id = s.id"
            " WHERE a.box = ? AND s.removed_us IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM hub_sitting h WHERE h.sitting = s.id AND h.status IN ('ended', 'closed'))",
            (box,),
        ).fetchone()[0]
        if waiting >= 3:
            return False
        name = f"{box[-4:]}x{len(names)}"
        if not self.exam(exam_of(name), 120):
            return False
        exam = find_exam(db, self.hub.lms.id, "123", exam_of(name))
        assert exam is not None, "the hub said that it has the exam"
        timing = SittingTiming(start_us=clock.wall_us() - 60 * SECOND_US)
        made = plan_sitting(
            db, SittingPlan(name=name, room="Hall", exams=(exam.id,), timing=timing), clock=clock, who="Cara"
        )  # fmt: skip
        self._roster(db, made.id, exam.id, name, CANDIDATES)
        assign(db, "sitting", made.id, [box], clock=clock, who="Cara")
        names.append(name)
        return bool(rng)

    def _roster(self, db: Database, sitting: str, exam: str, name: str, count: int) -> None:
        entries = tuple(
            RosterEntry(
                candidate=Candidate(
                    id="x", number=person_of(name, one)["userId"], last_name=f"Last {name}-{one}", first_name="A"
                ),
                exam=exam,
            )
            for one in range(count)
        )
        draft = RosterDraft(sitting=sitting, entries=entries, problems=(), rows=count)
        take_roster(db, sitting, draft, replace=True, clock=self.hub.machine.clock, who="Cara")

    def _spare(self, db: Database, rng: random.Random) -> str:
        rows = db.conn.execute("SELECT id FROM exam WHERE exam_id LIKE 'spare-%' ORDER BY id").fetchall()
        return str(rng.choice(rows)[0]) if rows else ""

    def _give_spare(self, db: Database, rng: random.Random) -> bool:
        exam = self._spare(db, rng)
        boxes = rng.sample([box.id for box in self.boxes], rng.randrange(len(self.boxes) + 1))
        return bool(exam) and assign(db, "exam", exam, boxes, clock=self.hub.machine.clock, who="Cara")

    def _delete_exam(self, db: Database, rng: random.Random) -> bool:
        exam = self._spare(db, rng)
        if not exam:
            return False
        remove_exam(db, exam, clock=self.hub.machine.clock, who="Cara")
        self.deleted.add(exam)
        return True

    def _sitting(self, db: Database, rng: random.Random, condition: str) -> tuple[str, str] | None:
        rows = db.conn.execute(
            "SELECT s.id, s.name FROM sitting s LEFT JOIN hub_sitting h ON h.sitting = s.id"  # noqa: S608  own words
            f" WHERE s.removed_us IS NULL AND {condition} ORDER BY s.id"
        ).fetchall()
        return rng.choice(rows) if rows else None

    def _grant(self, db: Database, rng: random.Random) -> bool:
        found = self._sitting(db, rng, "h.status IN ('running', 'paused')")
        if found is None:
            return False
        who = db.conn.execute("SELECT candidate FROM roster_entry WHERE sitting = ? ORDER BY candidate", (found[0],))
        people = ["", *(row[0] for row in who)]
        grant = grant_extra_time(
            db, found[0], minutes=rng.randrange(1, 9), why="a fire drill", candidate=rng.choice(people),
            clock=self.hub.machine.clock, who="Cara",
        )  # fmt: skip
        self.grants.append(grant)
        return True

    def _withdraw(self, db: Database, rng: random.Random) -> bool:
        if not self.grants or rng.random() < 0.7:
            return False
        withdraw_extra_time(db, rng.choice(self.grants), clock=self.hub.machine.clock, who="Cara")
        return True

    def _call_off(self, db: Database, rng: random.Random) -> bool:
        if rng.random() < 0.9:
            return False
        found = self._sitting(db, rng, "h.status IS NULL")
        if found is None:
            return False
        remove_sitting(db, found[0], clock=self.hub.machine.clock, who="Cara")
        self.deleted.add(found[0])
        return True

    def _change_roster(self, db: Database, rng: random.Random) -> bool:
        found = self._sitting(db, rng, "1 = 1")
        if found is None:
            return False
        exam = find_exam(db, self.hub.lms.id, "123", exam_of(found[1]))
        assert exam is not None
        self._roster(db, found[0], exam.id, found[1], rng.choice([CANDIDATES, CANDIDATES - 1]))
        return True
