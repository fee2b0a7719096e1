"""What a candidate does on the page: arrives, agrees, begins, finishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from flask import redirect, url_for
from msgspec import Meta

from appliance.exams.states import CandidateStatus
from appliance.sittings.acts import act
from appliance.sittings.sessions import candidate_as, finish_session, record_agreement, session_facts
from appliance.sittings.walking import walk
from appliance.web.access import own_forms, public
from appliance.web.asking import read_form, speaks
from appliance.web.candidate.addresses import known_return
from appliance.web.candidate.blueprint import BLUEPRINT, PAGES
from appliance.web.candidate.facts import StateAnswer
from appliance.web.candidate.known import origins_known
from appliance.web.candidate.notice import keep_notice, notice_for
from appliance.web.candidate.pages import step_page, told
from appliance.web.candidate.pass_check import NoTicketError, deed
from appliance.web.candidate.refused import no_ticket_page
from appliance.web.candidate.steps import BEFORE_AGREEMENT, Shown, Step
from appliance.web.language import gettext as _
from appliance.web.services import address, database, services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.exams.transitions import Role
    from appliance.sittings.values import StoredSession
    from appliance.web.candidate.pass_check import Visit

_CANDIDATE: Final[Role] = "candidate"
FormToken = Annotated[str, Meta(max_length=100)]


class AgreeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That somebody agrees, and to which version of the notice; no ``agree``: the box was not ticked."""

    notice: Annotated[str, Meta(max_length=60)]
    form_token: FormToken
    agree: Annotated[str, Meta(max_length=10)] = ""


class ActForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something the page does; its form token is here or in a header."""

    form_token: FormToken = ""


class FinishForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end; ``sure`` is the second confirmation, ``redirectUrl`` where the exam page wants the candidate to go."""

    sure: Annotated[str, Meta(max_length=10)]
    form_token: FormToken = ""
    redirectUrl: Annotated[str, Meta(max_length=2048)] = ""  # noqa: N815  as the LMS spells it


@BLUEPRINT.post(f"{PAGES}/<session>/agree")
@public
@own_forms
def agree(session: str) -> Response | str | tuple[str, int]:
    """Keep that the candidate agrees to the notice that was shown; the first time counts."""
    try:
        found = deed(session)
    except NoTicketError:
        return no_ticket_page()
    form = read_form(AgreeForm)
    box, db = services(), database()
    notice = notice_for(db, box.settings, found.facts.exam)
    if found.shown.step in BEFORE_AGREEMENT:
        problem = _not_agreed(form, notice.version)
        if problem:
            return step_page(found, Shown(Step.AGREEMENT, due=found.shown.due), problem=problem), 422
        keep_notice(box.settings.state_dir / "web" / "notices", notice)
        _admit(record_agreement(db, found.facts.session, notice=notice.version, clock=box.clock, where=address()))
    return redirect(url_for("candidate.exam", session=session), 303)


def _not_agreed(form: AgreeForm, version: str) -> str:
    if form.agree != "yes":
        return _("Tick the box to say that you have read this and agree.")
    if form.notice != version:
        return _("What is recorded here has changed since the page was opened. Please read it once more.")
    return ""


@BLUEPRINT.post(f"{PAGES}/<session>/here")
@public
@own_forms
@speaks(form=ActForm, answer=StateAnswer, errors=(400, 403))
def here(session: str) -> dict[str, Any]:
    """Do what of the admission needs no person: arrival, and taking the planned seat."""
    found = deed(session)
    read_form(ActForm)
    if found.shown.due:
        _admit(found.facts.session)
    return _present(found)


@BLUEPRINT.post(f"{PAGES}/<session>/begin")
@public
@own_forms
@speaks(form=ActForm, answer=StateAnswer, errors=(400, 403, 409))
def begin(session: str) -> dict[str, Any]:
    """Let the candidate begin to write: their time runs from now on. Who has begun goes on."""
    found = deed(session)
    read_form(ActForm)
    kept, sitting = found.facts.session, found.facts.sitting
    if found.shown.step is Step.WAITING and sitting is not None:
        act(
            database(), sitting.id, "begin", who=candidate_as(kept), role=_CANDIDATE, clock=services().clock,
            candidate=kept.candidate, where=address(),
        )  # fmt: skip
    return _present(found)


@BLUEPRINT.post(f"{PAGES}/<session>/finish")
@public
@own_forms
@speaks(form=FinishForm, answer=StateAnswer, errors=(400, 403, 409))
def finish(session: str) -> dict[str, Any]:
    """Finish the exam and tell where to go. What is finished stays so, however often it is asked."""
    found = deed(session)
    form = read_form(FinishForm)
    if form.sure == "yes":
        finish_visit(found, finish_url=known_return(form.redirectUrl, origins_known(database(), found.facts.session)))
    return _present(found)


def finish_visit(found: Visit, *, finish_url: str | None = None) -> None:
    """End the exam of a candidate who is writing; anything else is left as it is."""
    if found.shown.step is Step.EXAM:
        finish_session(
            database(), found.facts.session, who=candidate_as(found.facts.session), role=_CANDIDATE,
            clock=services().clock, finish_url=finish_url, where=address(),
        )  # fmt: skip


def _admit(session: StoredSession) -> None:
    """Go as far as admission goes without a person; a consent that was given before its turn counts then."""
    db, clock = database(), services().clock
    standing = walk(db, session, clock=clock, where=address())
    ready = standing is not None and standing.status is CandidateStatus.IDENTITY_CHECKED
    if ready and session.agreed_notice:
        record_agreement(db, session, notice=session.agreed_notice, clock=clock, where=address())
        walk(db, session, clock=clock, where=address())


def _present(found: Visit) -> dict[str, Any]:
    now_us = services().clock.wall_us()
    return told(session_facts(database(), found.facts.session.id, now_us=now_us), now_us)
