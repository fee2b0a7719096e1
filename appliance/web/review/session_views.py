"""The page of a session's review, and what people do there: judge warnings, conclude. Nothing concludes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

import msgspec
from flask import redirect, render_template, request, url_for
from msgspec import Meta

from appliance.database import write
from appliance.errors import ApplianceError, ConflictError, NotFoundError
from appliance.sittings.reviews import count_reviews, review_act
from appliance.sittings.sessions import get_session
from appliance.sittings.warnings import judge_warning, warnings_of
from appliance.web import problems
from appliance.web.access import allow
from appliance.web.asking import read_form, read_query, speaks
from appliance.web.language import ngettext as _n
from appliance.web.refusals import note_refusal
from appliance.web.review import review_words
from appliance.web.review.blueprint import BLUEPRINT, JUDGES, PLAYERS, READERS, is_locked
from appliance.web.review.session_seen import films_of, seen_session
from appliance.web.services import address, database, note, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.exams.transitions import Role
    from appliance.web.account.pages import Answer

SINGLES: Final = 50
"""Of a group so many warnings are listed one by one."""
_BACKGROUND: Final = "X-Exambox-Background"  # a page that renews itself is no new look at the pictures
Why = Annotated[str, Meta(max_length=2000)]


class SessionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the page is shown: order of the warnings, which recording, from when (wall microseconds), which camera."""

    order: Literal["worst", "time"] = "worst"
    recording: Annotated[str, Meta(max_length=80)] = ""
    at: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    camera: Annotated[str, Meta(max_length=60)] = ""


class VerdictForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person does with a review; ``why`` of a verdict is the comment the LMS gets with it."""

    name: Literal["pass", "fail", "change_to_passed", "change_to_failed", "ask_second", "release"]
    why: Why = ""


class WarningsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says of warnings of the session, by number."""

    warnings: Annotated[list[int], Meta(min_length=1)]
    decision: Literal["confirmed", "dismissed"]
    why: Why = ""


class Done(msgspec.Struct, frozen=True):
    """It was kept; ``said`` tells so in the reader's language, ``status`` is the review's now."""

    said: str
    status: str


@BLUEPRINT.get("/reviews/<session>")
@allow(*READERS)
def session_page(session: str) -> str:
    """Show a session for review."""
    return _page(session)


@BLUEPRINT.post("/reviews/<session>/verdict")
@allow(*JUDGES)
@speaks(form=VerdictForm, answer=Done, errors=(404, 409))
def conclude(session: str) -> Answer:
    """Let a verdict, a second review or a release happen."""
    asked, one = read_form(VerdictForm), person()
    try:
        after = review_act(
            database(), session, asked.name, who=one.name, role=cast("Role", one.role), why=asked.why,
            clock=services().clock, where=address(),
        )  # fmt: skip
    except ConflictError as problem:
        return _refused(session, problem, why=asked.why)
    return _done(session, review_words.done_words(asked.name), after.status)


@BLUEPRINT.post("/reviews/<session>/warnings")
@allow(*JUDGES)
@speaks(form=WarningsForm, answer=Done, errors=(404, 409))
def judge(session: str) -> Answer:
    """Confirm or dismiss warnings of the session, all of them or none; those that are judged so already stay so."""
    get_session(database(), session)
    asked = read_form(WarningsForm)
    try:
        count = _judge(session, asked)
    except ConflictError as problem:
        return _refused(session, problem, why=asked.why)
    if asked.decision == "confirmed":
        said = _n("One warning is confirmed.", "%(num)s warnings are confirmed.", count)
    else:
        said = _n("One warning is dismissed.", "%(num)s warnings are dismissed.", count)
    return _done(session, said, "")


def _judge(session: str, asked: WarningsForm) -> int:
    """Judge and return how many.

    Raises:
        ConflictError: all are judged so already, or a reason is missing; nothing is kept.
        NotFoundError: one of them is not the session's.
    """
    with write(database()) as db:
        known = {one.number: one.warning.decision for one in warnings_of(db, session=session)}
        wanted = dict.fromkeys(asked.warnings)
        if not wanted.keys() <= known.keys():
            raise NotFoundError("There is no such warning in this session.", hint="Load the page again.")
        left = [number for number in wanted if known[number] != asked.decision] or list(wanted)[:1]
        for number in left:
            judge_warning(
                db, number, asked.decision, who=person().name, why=asked.why, clock=services().clock, where=address()
            )
        return len(left)


def _done(session: str, said: str, status: str) -> Answer:
    if not problems.wants_page():
        return msgspec.to_builtins(Done(said, status))
    tell_next(said)
    return redirect(url_for("review.session_page", session=session), 303)


def _refused(session: str, problem: ApplianceError, *, why: str) -> Answer:
    """Show the page again with what is not possible and what was written; a script is told the same."""
    if not problems.wants_page():
        raise problem
    note_refusal(problem.status, problem.code)
    return _page(session, problem=problem, why=why), problem.status


def _page(session: str, *, problem: ApplianceError | None = None, why: str = "") -> str:
    asked = read_query(SessionQuery) if request.method == "GET" else SessionQuery()
    seen = seen_session(session, order=asked.order)
    films = films_of(seen)
    film = next((one for one in films if one.range.sitting == asked.recording), films[0] if films else None)
    playable = person().role in PLAYERS
    if film is not None and playable and request.method == "GET" and _BACKGROUND not in request.headers:
        note("recording.viewed", sitting=film.range.sitting, session=session)
    return render_template(
        "review/session.html",
        seen=seen,
        facts=seen.facts,
        task=seen.task,
        films=films,
        film=film,
        order=asked.order,
        may_do=seen.may(person()),
        judges=person().role in JUDGES,
        for_others=seen.is_for_others(person().name),
        playable=playable,
        locked=is_locked(),
        marks=False,
        waiting=count_reviews(database(), "waiting"),
        singles=SINGLES,
        problem=problem,
        why=why,
        **review_words.helpers(),
    )
