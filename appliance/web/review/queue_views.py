"""The queue of reviews: which session a reviewer should look at first, and what waits, is held, is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from flask import redirect, render_template, url_for
from msgspec import Meta

from appliance.exams.score import band_of, thresholds_of
from appliance.sittings.exams import get_exam
from appliance.sittings.reviews import count_reviews, next_review, review_of, review_queue, warning_counts
from appliance.sittings.runs import exams_of, run_of, stored_sitting
from appliance.sittings.sessions import get_session
from appliance.web.access import allow
from appliance.web.asking import read_query
from appliance.web.language import gettext as _
from appliance.web.review import review_words
from appliance.web.review.blueprint import BLUEPRINT, JUDGES, READERS
from appliance.web.services import database, person
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.exams.model import Exam
    from appliance.exams.score import Band
    from appliance.sittings.review_lists import KindCount, QueuedReview, Shown
    from appliance.web.account.pages import Answer

PAGE: Final = 25
SHOWN: Final[tuple[Shown, ...]] = ("waiting", "held", "decided")


class QueueQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which list, narrowed by words; ``after`` is the session the last page ended with."""

    show: Annotated[str, Meta(pattern="^(waiting|held|decided)$")] = "waiting"
    q: Annotated[str, Meta(max_length=100)] = ""
    after: Annotated[str, Meta(max_length=80)] = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list.

    Attributes:
        task: the review.
        sitting: the sitting's name; its id where it has none.
        seat: where the candidate sat, empty: unknown.
        band: of its score.
        kinds: its warnings by kind.
        held: the result waits for a person.
        second: a second review is wanted; ``mine``: not from the person who looks.
        differs: the LMS was told another verdict.
    """

    task: QueuedReview
    sitting: str
    seat: str
    band: Band
    kinds: tuple[KindCount, ...]
    held: bool
    second: bool
    mine: bool
    differs: bool


@BLUEPRINT.get("/reviews")
@allow(*READERS)
def queue() -> str:
    """List the reviews of a kind in the order people should take them."""
    db, asked = database(), read_query(QueueQuery)
    show = next(one for one in SHOWN if one == asked.show)
    found = review_queue(db, show=show, text=asked.q, after=asked.after, limit=PAGE + 1)
    return render_template(
        "review/queue.html",
        asked=asked,
        rows=_rows(db, found[:PAGE]),
        more=found[PAGE - 1].session if len(found) > PAGE else "",
        counts={one: count_reviews(db, one) for one in SHOWN},
        total=count_reviews(db, show, text=asked.q),
        acts=person().role in JUDGES,
        **review_words.helpers(),
    )


@BLUEPRINT.get("/reviews/<session>/next")
@allow(*READERS)
def next_session(session: str) -> Answer:
    """Lead to the review to take after this one; to the queue where no other waits."""
    get_session(database(), session)
    found = next_review(database(), session, who=person().name)
    if found is None:
        tell_next(_("No other review waits."))
        return redirect(url_for("review.queue"))
    return redirect(url_for("review.session_page", session=found))


def _rows(db: Database, found: list[QueuedReview]) -> list[Row]:
    counts = warning_counts(db, [one.session for one in found])
    frozen: dict[str, dict[str, Exam]] = {}
    rows = []
    for one in found:
        exams = frozen.setdefault(one.sitting, exams_of(db, one.sitting) if one.sitting else {})
        exam = exams.get(one.exam) or get_exam(db, one.exam).exam
        standing = run_of(db, one.sitting).people.get(one.person) if one.sitting else None
        task = review_of(db, one.session)
        rows.append(
            Row(
                task=one,
                sitting=stored_sitting(db, one.sitting).sitting.name or one.sitting if one.sitting else "",
                seat=standing.seat if standing else "",
                band=band_of(one.score, thresholds_of(exam.score)),
                kinds=tuple(counts.get(one.session, ())),
                held=task.held,
                second=task.second_wanted,
                mine=task.second_wanted and task.verdicts[-1].who == person().name,
                differs=task.differs,
            )
        )
    return rows
