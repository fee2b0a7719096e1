"""Lists of review tasks: what waits, in the order people should take it; what is held; what is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from appliance.exams.states import ReviewStatus
from appliance.sittings.candidates import candidate_of_row
from appliance.sittings.review_rows import review_of
from appliance.sittings.rows import like, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

Shown = Literal["waiting", "held", "decided"]
"""Ready for a person; held until one decides ("requires validation"), also before the sitting is closed; concluded."""
_WORDS: Final = 8
_TEXT: Final = (
    "e.name || ' ' || c.first_name || ' ' || c.third_name || ' ' || c.last_name || ' ' || c.number || ' ' || c.user_id"
    " || ' ' || s.session_id || ' ' || COALESCE(t.name || ' ' || t.room || ' ' || t.id, '')"
)
_FROM: Final = (
    "FROM review r JOIN session s ON s.id = r.session JOIN exam e ON e.id = s.exam JOIN candidate c ON c.id ="
    " s.candidate LEFT JOIN sitting t ON t.id = s.sitting"
)
_SINCE: Final = "COALESCE(r.since_us, (SELECT at_us FROM review_event WHERE session = r.session AND seq = r.seq), 0)"
_URGENT: Final = "-r.incident, -r.score, COALESCE(r.since_us, 0), r.session"
_WHICH: Final[dict[Shown, str]] = {
    "waiting": "r.status = 'ready_for_review'",
    "held": (
        "r.requires_validation = 1 AND r.status IN ('ready_for_review', 'not_ready') AND NOT EXISTS"
        " (SELECT 1 FROM review_event WHERE session = r.session AND name IN ('pass', 'fail'))"
    ),
    "decided": "r.status IN ('passed', 'failed')",
}
_ORDER: Final[dict[Shown, str]] = {
    "waiting": _URGENT,
    "held": f"r.status = 'not_ready', {_URGENT}",
    "decided": f"-{_SINCE}, r.session",
}


class QueuedReview(msgspec.Struct, frozen=True, kw_only=True):
    """A review task in a list.

    ``incident`` is the worst severity, 0 none, to 4. ``candidate``: their name; ``person``: our id of them.
    ``since_us``: since when it is in its state (wall), 0 where nothing has happened to it yet. ``exam``: our id.
    """

    session: str
    sitting: str
    exam: str
    exam_name: str
    person: str
    candidate: str
    number: str
    status: ReviewStatus
    score: int
    incident: int
    since_us: int
    requires_validation: bool


class KindCount(msgspec.Struct, frozen=True):
    """How many warnings of a kind a session has, and how many of them nobody has judged; dismissed ones are apart."""

    kind: str
    count: int
    open: int
    dismissed: int


def review_queue(
    db: Database, *, limit: int = 50, after: str = "", text: str = "", show: Shown = "waiting"
) -> list[QueuedReview]:
    """Return tasks; what waits and what is held in the order people should take it, what is decided the newest first.

    That order is `exams.score.review_order`: the worst incident, the highest score, the longest wait.

    Args:
        db: the box's database.
        limit: at most so many.
        after: continue after this session's place, whether it is in the list still or not.
        text: only those of which each word is found in the exam's name, the candidate's, their number, the session's
            or the sitting's.
        show: which tasks.
    """
    conditions, values = _narrowed(show, text)
    if after:
        order = _ORDER[show]
        conditions.append(f"({order}) > (SELECT {order} FROM review r WHERE r.session = ?)")  # noqa: S608  own words
        values.append(after)
    rows = rows_of(
        db,
        f"SELECT r.session, r.status, r.score, r.incident, {_SINCE} AS since_us, r.requires_validation, s.sitting,"
        f" e.id AS exam, e.name AS exam_name, c.* {_FROM} WHERE {' AND '.join(conditions)}"
        f" ORDER BY {_ORDER[show]} LIMIT ?",
        [*values, limit],
    )
    return [
        QueuedReview(
            session=row["session"],
            sitting=row["sitting"] or "",
            exam=row["exam"],
            exam_name=row["exam_name"],
            person=row["id"],
            candidate=candidate_of_row(row).display_name,
            number=row["number"],
            status=ReviewStatus(row["status"]),
            score=row["score"],
            incident=row["incident"],
            since_us=row["since_us"],
            requires_validation=bool(row["requires_validation"]),
        )
        for row in rows
    ]


def count_reviews(db: Database, show: Shown, *, text: str = "") -> int:
    """Return how many tasks a list has."""
    conditions, values = _narrowed(show, text)
    joined = _FROM if text else "FROM review r"
    sql = f"SELECT COUNT(*) {joined} WHERE {' AND '.join(conditions)}"
    return int(db.conn.execute(sql, values).fetchone()[0])


def next_review(db: Database, after: str, *, who: str) -> str | None:
    """Return the session to take after another one, the first again after the last; None where no other waits.

    A second review that has to be somebody else's than this person's is passed over.
    """
    for begin in (after, ""):
        place = begin
        while page := review_queue(db, after=place):
            for one in page:
                if one.session != after and not _is_for_others(db, one.session, who):
                    return one.session
            place = page[-1].session
    return None


def _is_for_others(db: Database, session: str, who: str) -> bool:
    task = review_of(db, session)
    return task.second_wanted and task.verdicts[-1].who == who


def is_reviewed(db: Database, session: str) -> bool:
    """Return whether a session has a review task: its method asks for one, and it has begun."""
    return db.conn.execute("SELECT 1 FROM review WHERE session = ?", (session,)).fetchone() is not None


def reviews_in(db: Database, sitting: str) -> dict[str, tuple[str, ReviewStatus]]:
    """Return which session of whom is reviewed in a sitting, and how far that is, by our id of the candidate.

    Of several attempts it is the one that began last.
    """
    rows = db.conn.execute(
        "SELECT s.candidate, s.id, r.status FROM session s JOIN review r ON r.session = s.id WHERE s.sitting = ?"
        " ORDER BY s.begun_us, s.id",
        (sitting,),
    )
    return {candidate: (session, ReviewStatus(status)) for candidate, session, status in rows}


def count_reviews_of(db: Database, exam: str) -> dict[ReviewStatus, int]:
    """Return how many sessions of an exam have a review task, by its state."""
    rows = db.conn.execute(
        "SELECT r.status, COUNT(*) FROM review r JOIN session s ON s.id = r.session WHERE s.exam = ? GROUP BY r.status",
        (exam,),
    )
    return {ReviewStatus(status): count for status, count in rows}


def warning_counts(db: Database, sessions: Sequence[str]) -> dict[str, list[KindCount]]:
    """Return how many warnings of which kind each of these sessions has, the most frequent kind first."""
    marks = ", ".join("?" * len(sessions))
    rows = db.conn.execute(
        "SELECT session, kind, SUM(said <> 'dismissed') AS count, SUM(said = 'open'), SUM(said = 'dismissed') FROM"  # noqa: S608  question marks
        " (SELECT session, kind, COALESCE(json_extract(judgements, '$[#-1].decision'), 'open') AS said FROM warning"
        f" WHERE session IN ({marks})) GROUP BY session, kind ORDER BY session, count DESC, kind",
        tuple(sessions),
    )
    found: dict[str, list[KindCount]] = {}
    for session, *counts in rows:
        found.setdefault(session, []).append(KindCount(*counts))
    return found


def _narrowed(show: Shown, text: str) -> tuple[list[str], list[object]]:
    words = text.split()[:_WORDS]
    conditions = [_WHICH[show], *[f"{_TEXT} LIKE ? ESCAPE '\\'"] * len(words)]
    return conditions, [like(word) for word in words]
