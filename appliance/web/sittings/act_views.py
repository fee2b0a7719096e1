"""Acts of people in the room: one, one for everybody in a state, the readiness check, changes that are accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
from flask import redirect, url_for

from appliance.cameras.wishes import start_recording
from appliance.diagnosis.result import Examined
from appliance.diagnosis.room import missing_in_room
from appliance.errors import BadInputError
from appliance.exams.states import UNDER_WAY, SittingStatus
from appliance.exams.transitions import IllegalTransitionError
from appliance.sittings.acts import act
from appliance.sittings.planning import accept_changes
from appliance.sittings.rosters import candidates_of
from appliance.sittings.runs import run_of
from appliance.web import problems
from appliance.web.access import allow
from appliance.web.asking import read_form, speaks
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.language.problems import problem_words
from appliance.web.refusals import note_refusal
from appliance.web.services import address, database, person, services
from appliance.web.sittings.actions import BULK, bulk_of, detail_of
from appliance.web.sittings.asked import ActForm, BulkForm, ReasonForm
from appliance.web.sittings.blueprint import BLUEPRINT, PLANNERS, STAFF
from appliance.web.sittings.day_views import candidate_page, day_page
from appliance.web.sittings.words import done_words
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.exams.sitting_run import SittingRun
    from appliance.exams.transitions import Role
    from appliance.web.account.pages import Answer

_LOOKS: frozenset[SittingStatus] = UNDER_WAY | {SittingStatus.READINESS_CHECK, SittingStatus.ADMITTING}
_BY_THE_BOX = frozenset({"note_readiness", "clock_stepped"})


class Acted(msgspec.Struct, frozen=True):
    """It was done; ``said`` tells so in the reader's language, ``status`` is the sitting's now."""

    said: str
    status: str
    done: int = 1
    refused: int = 0


@BLUEPRINT.post("/sittings/<sitting>/acts")
@allow(*PLANNERS)
@speaks(form=ActForm, answer=Acted, errors=(404, 409))
def do(sitting: str) -> Answer:
    """Let one act happen: of the whole sitting, or of the named candidate."""
    asked = read_form(ActForm)
    if asked.name in _BY_THE_BOX:
        raise BadInputError("name: only the box itself does this.", hint="Choose another act.")
    try:
        run = _act(sitting, asked.name, candidate=asked.candidate, why=asked.why.strip(), detail=_detail(asked))
        if asked.name == "check_readiness":
            run = look(sitting)
    except IllegalTransitionError as problem:
        return _refused(sitting, asked, problem)
    who = candidates_of(database(), sitting).get(asked.candidate) if asked.candidate else None
    return done_page(sitting, run, done_words(asked.name, who=who.display_name if who else ""), asked=asked)


def _detail(asked: ActForm) -> dict[str, str | int | bool]:
    return detail_of(asked.name, msgspec.structs.asdict(asked))


def _act(sitting: str, name: str, **more: Any) -> SittingRun:
    one = person()
    return act(
        database(), sitting, name, who=one.name, role=cast("Role", one.role), clock=services().clock,
        where=address(), **more,
    )  # fmt: skip


def _refused(sitting: str, asked: ActForm, problem: IllegalTransitionError) -> Answer:
    """Show the page it was asked on, with what is not possible and what to do; a script is told the same."""
    if not problems.wants_page():
        raise problem
    note_refusal(problem.status, problem.code)
    if asked.back == "candidate" and asked.candidate in run_of(database(), sitting).people:
        return candidate_page(sitting, asked.candidate, problem=problem), problem.status
    return day_page(sitting, problem=problem), problem.status


def done_page(
    sitting: str, run: SittingRun, said: str, *, asked: ActForm | None = None, done: int = 1, refused: int = 0
) -> Answer:
    """Answer that something was done: a script with what and how the sitting stands, a page with the next one."""
    if not problems.wants_page():
        return msgspec.to_builtins(Acted(said, run.status, done, refused))
    tell_next(said)
    if asked is not None and asked.back == "candidate":
        return redirect(url_for("sittings.candidate", sitting=sitting, candidate=asked.candidate), 303)
    page = "sittings.register" if asked is not None and asked.back == "register" else "sittings.day"
    return redirect(url_for(page, sitting=sitting), 303)


@BLUEPRINT.post("/sittings/<sitting>/bulk")
@allow(*STAFF)
@speaks(form=BulkForm, answer=Acted, errors=(404, 409))
def do_for_all(sitting: str) -> Answer:
    """Let one act happen for everybody in its state, each on its own: who cannot is left as they are, and said."""
    asked = read_form(BulkForm)
    if asked.name not in BULK:
        raise BadInputError("name: this is not done for several at once.", hint="Do it for each candidate.")
    run = run_of(database(), sitting)
    done, refused = 0, list[IllegalTransitionError]()
    for candidate in bulk_of(run, asked.name):
        try:
            run = _act(sitting, asked.name, candidate=candidate, why=asked.why.strip())
            done += 1
        except IllegalTransitionError as problem:
            refused.append(problem)
    if refused and not done:
        if problems.wants_page():
            return day_page(sitting, problem=refused[0]), refused[0].status
        raise refused[0]
    said = _n("Done for %(num)s candidate.", "Done for %(num)s candidates.", done)
    if refused:
        left = _n("%(num)s was left out:", "%(num)s were left out:", len(refused))
        said = f"{said} {left} {problem_words(refused[0].message)}"
    return done_page(sitting, run, said, done=done, refused=len(refused))


@BLUEPRINT.post("/sittings/<sitting>/readiness")
@allow(*PLANNERS)
@speaks(answer=Acted, errors=(404, 409))
def look_again(sitting: str) -> Answer:
    """Look at the room again and note what is missing."""
    run = look(sitting)
    count = len(run.readiness.missing)
    said = _n("%(num)s thing is missing.", "%(num)s things are missing.", count) if count else _("The room is ready.")
    return done_page(sitting, run, said)


def look(sitting: str) -> SittingRun:
    """Look at the room and note what was found, where that is news: an act of the box itself.

    Raises:
        IllegalTransitionError: it is not the time for it.
        NotFoundError: there is no such sitting.
    """
    run = run_of(database(), sitting)
    box = services()
    if run.status not in _LOOKS:
        raise IllegalTransitionError(
            "The room is looked at from the readiness check on.", reason="state", hint="Begin the readiness check."
        )
    examined = Examined(box.settings, box.clock, privileged=box.settings.box.trial, live=box.live, keyring=box.keyring)
    found = missing_in_room(examined, database(), sitting)
    if run.readiness.checked and dict(run.readiness.missing) == found:
        return run
    return act(
        database(), sitting, "note_readiness", who="box", role="system", clock=box.clock, detail=found, where=address()
    )


@BLUEPRINT.post("/sittings/<sitting>/changes/<exam>")
@allow(*STAFF)
@speaks(form=ReasonForm, answer=Acted, errors=(404, 409))
def accept_change(sitting: str, exam: str) -> Answer:
    """Let a sitting go by what its exam says now."""
    one = person()
    accept_changes(
        database(), sitting, exam, clock=services().clock, who=one.name, role=cast("Role", one.role),
        why=read_form(ReasonForm).why.strip(), where=address(),
    )  # fmt: skip
    return done_page(sitting, run_of(database(), sitting), _("The change is accepted."))


@BLUEPRINT.post("/sittings/<sitting>/recording")
@allow(*STAFF)
@speaks(answer=Acted, errors=(404, 409))
def record_again(sitting: str) -> Answer:
    """Record the room again, where the sitting's recording was ended by hand: under a new name, which sessions find."""
    run = run_of(database(), sitting)
    start_recording(database(), clock=services().clock, who=person().name)
    return done_page(sitting, run, _("The recording has been started."))
