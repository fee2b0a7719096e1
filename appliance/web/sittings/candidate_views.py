"""One candidate put on the roster by hand, or their entry changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import msgspec
from flask import redirect, render_template, url_for
from msgspec import Meta

from appliance.errors import ApplianceError, BadInputError
from appliance.exams.allowances import parse_allowance
from appliance.exams.model import Candidate, RosterEntry
from appliance.exams.roster import RosterDraft
from appliance.exams.states import SittingStatus
from appliance.sittings.rosters import add_candidate, roster_of, take_roster
from appliance.sittings.runs import exams_of, run_of, stored_sitting
from appliance.web.access import allow
from appliance.web.asking import read_form, read_query
from appliance.web.language import gettext as _
from appliance.web.refusals import note_refusal
from appliance.web.services import address, database, person, services
from appliance.web.sittings.blueprint import BLUEPRINT, PLANNERS
from appliance.web.sittings.words import allowance_words
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.exams.transitions import Role
    from appliance.sittings.values import StoredSitting
    from appliance.web.account.pages import Answer

Text = Annotated[str, Meta(max_length=255)]


class EntryForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One candidate of a roster; ``known`` is their id where an entry is changed."""

    number: Annotated[str, Meta(max_length=60)] = ""
    last_name: Text = ""
    first_name: Text = ""
    third_name: Text = ""
    email: Annotated[str, Meta(max_length=320)] = ""
    exam: Annotated[str, Meta(max_length=80)] = ""
    extra_time: Annotated[str, Meta(max_length=60)] = ""
    accommodations: Annotated[str, Meta(max_length=2000)] = ""
    why: Annotated[str, Meta(max_length=2000)] = ""
    known: Annotated[str, Meta(max_length=80)] = ""


class EntryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose entry is changed; empty: somebody new."""

    candidate: Annotated[str, Meta(max_length=80)] = ""


@BLUEPRINT.get("/sittings/<sitting>/candidates")
@allow(*PLANNERS)
def entry(sitting: str) -> str:
    """Show the form for one candidate, empty or of an entry there is."""
    stored = stored_sitting(database(), sitting)
    wanted = read_query(EntryQuery).candidate
    for one in roster_of(database(), sitting).entries if wanted else ():
        if one.candidate.id == wanted:
            return _page(stored, _form_of(one))
    return _page(stored, EntryForm())


def _form_of(one: RosterEntry) -> EntryForm:
    known = one.candidate
    return EntryForm(
        number=known.number,
        last_name=known.last_name,
        first_name=known.first_name,
        third_name=known.third_name,
        email=known.email or "",
        exam=one.exam,
        extra_time=allowance_words(one.planned),
        accommodations=known.accommodations,
        known=known.id,
    )


def _page(stored: StoredSitting, form: EntryForm, problem: ApplianceError | None = None) -> str:
    return render_template(
        "sittings/entry.html",
        stored=stored,
        form=form,
        problem=problem,
        exams=exams_of(database(), stored.id),
        begun=run_of(database(), stored.id).status is not SittingStatus.PLANNED,
    )


@BLUEPRINT.post("/sittings/<sitting>/candidates")
@allow(*PLANNERS)
def keep_entry(sitting: str) -> Answer:
    """Put one candidate on the roster, or change their entry."""
    stored = stored_sitting(database(), sitting)
    asked = read_form(EntryForm)
    try:
        name = _keep(stored, asked)
    except ApplianceError as problem:
        note_refusal(problem.status, problem.code)
        return _page(stored, asked, problem), problem.status
    tell_next(_("%(name)s is on the roster.", name=name))
    return redirect(url_for("sittings.roster", sitting=sitting), 303)


def _keep(stored: StoredSitting, asked: EntryForm) -> str:
    """Keep what was entered and return what the candidate is called.

    Raises:
        BadInputError: neither number nor name, an exam that is not the sitting's, extra time that is not understood.
        ConflictError, IllegalTransitionError: it does not fit what has happened.
    """
    common: dict[str, Any] = {
        "clock": services().clock, "who": person().name, "role": cast("Role", person().role), "where": address(),
    }  # fmt: skip
    made = _entry(stored, asked)
    if asked.known:
        draft = RosterDraft(sitting=stored.id, entries=(made,), problems=(), rows=1)
        take_roster(database(), stored.id, draft, replace=False, **common)
        return made.candidate.display_name
    return add_candidate(database(), stored.id, made, why=asked.why.strip(), **common).display_name


def _entry(stored: StoredSitting, asked: EntryForm) -> RosterEntry:
    number = asked.number.strip()
    if not number:
        raise BadInputError("number: it is missing.", hint="Give the number the centre knows the candidate by.")
    exam = asked.exam or (stored.sitting.exams[0] if len(stored.sitting.exams) == 1 else "")
    if exam not in stored.sitting.exams:
        raise BadInputError("exam: it is not part of the sitting.", hint="Choose one of the sitting's exams.")
    before = next(
        (one.candidate for one in roster_of(database(), stored.id).entries if one.candidate.id == asked.known), None
    )
    return RosterEntry(
        candidate=Candidate(
            id=asked.known or number,
            user_id=before.user_id if before else "",
            number=number,
            last_name=asked.last_name.strip(),
            first_name=asked.first_name.strip(),
            third_name=asked.third_name.strip(),
            email=asked.email.strip() or None,
            language=before.language if before else "",
            accommodations=asked.accommodations.strip(),
        ),
        exam=exam,
        planned=parse_allowance(asked.extra_time),
    )
