"""All that the day's page shows of one sitting at one moment: read from the database once, for every part of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.exams.states import SittingStatus
from appliance.sittings.incidents import list_incidents
from appliance.sittings.recording import recording_of
from appliance.sittings.review_lists import reviews_in
from appliance.sittings.rosters import candidates_of, seating_of
from appliance.sittings.runs import exams_of, run_of, stored_sitting
from appliance.sittings.sessions import sessions_of
from appliance.sittings.warnings import warnings_of
from appliance.web.sittings.actions import Offer, bulk_offer, candidate_offer, sitting_offer
from appliance.web.sittings.banners import Banner, banners_of
from appliance.web.sittings.grid import Grid, grid_of
from appliance.web.sittings.people import Counts, Known, Order, Row, counts_of, last_end_us, ordered, rows_of

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.model import Candidate, Exam, Seat
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.states import ReviewStatus
    from appliance.exams.transitions import Role
    from appliance.sittings.incidents import StoredIncident
    from appliance.sittings.recording import SittingRecording
    from appliance.sittings.values import StoredSitting
    from appliance.sittings.warnings import StoredWarning


_EXAMS_CHANGED: Final = (
    "SELECT coalesce(max(updated_us), 0), count(*) FROM exam"
    " WHERE id IN (SELECT exam FROM sitting_exam WHERE sitting = ?)"
)


@dataclass(frozen=True)
class Day:
    """One sitting as the person who asks sees it."""

    stored: StoredSitting
    run: SittingRun
    exams: dict[str, Exam]
    candidates: dict[str, Candidate]
    rows: list[Row]
    offers: dict[str, Offer]
    counts: Counts
    offer: Offer
    bulk: list[tuple[str, int]]
    seats: tuple[Seat, ...]
    grid: Grid
    warnings: list[StoredWarning]
    incidents: list[StoredIncident]
    banners: list[Banner]
    recording: SittingRecording
    last_end_us: int | None
    now_us: int
    session_candidates: dict[str, str]
    reviews: dict[str, tuple[str, ReviewStatus]]

    @property
    def id(self) -> str:
        """The sitting's name."""
        return self.stored.id

    @property
    def open_warnings(self) -> list[StoredWarning]:
        """Warnings nobody has judged."""
        return [one for one in self.warnings if one.warning.decision == "open"]

    @property
    def problems(self) -> int:
        """How many candidates need somebody."""
        return sum(bool(row.problem) for row in self.rows)

    def name_of(self, candidate: str) -> str:
        """Return what a candidate is called."""
        known = self.candidates.get(candidate)
        return known.display_name if known else candidate


def day_of(db: Database, sitting: str, *, role: Role, who: str, now_us: int, order: Order = "problem") -> Day:
    """Return a sitting as it stands, with what this person may do.

    Raises:
        NotFoundError: there is no such sitting.
    """
    stored, run = stored_sitting(db, sitting), run_of(db, sitting)
    exams, candidates = exams_of(db, sitting), candidates_of(db, sitting)
    of_session = {one.id: one.candidate for one in sessions_of(db, sitting)}
    warnings = warnings_of(db, sitting=sitting)
    known = {one.id: Known(one.display_name, one.number) for one in candidates.values()}
    rows = rows_of(
        run,
        known,
        {one.id: one.name or one.exam_id for one in exams.values()},
        now_us=now_us,
        warnings=open_by_candidate(warnings, of_session, run),
    )
    seats = seating_of(db, sitting).seats
    recording = recording_of(db, sitting)
    return Day(
        stored=stored,
        run=run,
        exams=exams,
        candidates=candidates,
        rows=ordered(rows, order),
        offers={row.person.candidate: candidate_offer(run, row.person, role, now_us) for row in rows},
        counts=counts_of(run),
        offer=sitting_offer(run, role, who, now_us),
        bulk=bulk_offer(run, role),
        seats=seats,
        grid=grid_of(seats, rows),
        warnings=warnings,
        incidents=list_incidents(db, sitting=sitting),
        banners=banners_of(db, stored, run, exams, recording, now_us=now_us),
        recording=recording,
        last_end_us=last_end_us(rows),
        now_us=now_us,
        session_candidates=of_session,
        reviews=reviews_in(db, sitting),
    )


def open_by_candidate(warnings: list[StoredWarning], of_session: dict[str, str], run: SittingRun) -> dict[str, int]:
    """Return how many warnings nobody has judged, by candidate: found by session, else by the seat it was seen at."""
    by_seat = {one.seat: one.candidate for one in run.people.values() if one.occupies_seat}
    found: Counter[str] = Counter()
    for one in warnings:
        candidate = of_session.get(one.warning.session) or by_seat.get(one.seat, "")
        if one.warning.decision == "open" and candidate:
            found[candidate] += 1
    return dict(found)


_PROPOSALS: Final = (
    "SELECT count(*), coalesce(sum(number * (1 + (state = 'declined'))), 0) FROM centre_waiting"
    " WHERE sitting IN (?, '') AND state <> 'held'"
)


def version_of(db: Database, sitting: str) -> str:
    """Return a text that differs when something happened in a sitting: what a page asks for every two seconds.

    Raises:
        NotFoundError: there is no such sitting.
    """
    stored = stored_sitting(db, sitting)
    counted = [
        db.conn.execute(statement, (sitting,)).fetchone()
        for statement in (
            "SELECT count(*), coalesce(sum(length(judgements)), 0) FROM warning WHERE sitting = ?",
            "SELECT count(*), 0 FROM incident WHERE sitting = ?",
            _EXAMS_CHANGED,
            _PROPOSALS,
        )
    ]
    wish = db.conn.execute("SELECT max(id), count(stopped_us) FROM recording_wish").fetchone()
    usb = db.conn.execute("SELECT max(id), count(ended_us) FROM usb_order").fetchone()
    seen = (stored.seq, stored.version, stored.status, stored.updated_us, counted, tuple(wish), tuple(usb))
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def is_over(run: SittingRun) -> bool:
    """Whether nothing more is expected to happen."""
    return run.status is SittingStatus.CLOSED
