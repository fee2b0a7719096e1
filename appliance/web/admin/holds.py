"""Retention and holds: what is deleted next, the rules, which holds stand; place, release, place again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from flask import redirect, render_template, request, url_for
from msgspec import Meta

from appliance.cameras.store import list_cameras
from appliance.errors import ApplianceError, BadInputError
from appliance.vault.holdings import list_holdings
from appliance.vault.holds import LegalHold, get_hold, list_holds, place_hold, release_hold
from appliance.vault.part_rows import wished_sittings
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, REVIEWER, allow
from appliance.web.admin import hold_facts
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.disk_facts import disk_facts
from appliance.web.admin.hold_forms import ALL_CAMERAS, PlaceForm, ReleaseForm
from appliance.web.admin.storage import common, stock
from appliance.web.asking import read_query
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.services import address, database, person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from appliance.web.account.pages import Answer

PLACERS: Final = (ADMINISTRATOR, CENTRE_MANAGER)
"""Who answers for what is kept: they place and release holds."""
READERS: Final = (*PLACERS, REVIEWER, AUDITOR)
"""Who sees what is kept and why: a reviewer has to know that a recording stays, an auditor under which rule."""
PAGE = 12
_MAX_WORDS = 100


class HoldsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which sitting's holds, the released ones too, and which page of what is deleted next."""

    sitting: Annotated[str, Meta(max_length=60)] = ""
    released: bool = False
    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


@BLUEPRINT.get("/admin/holds")
@allow(*READERS)
def holds() -> str:
    """Show what is deleted next, the rules, and the holds."""
    asked = read_query(HoldsQuery)
    seen = stock()
    steps = [step for step in hold_facts.next_steps(seen.outlooks) if asked.sitting in {"", step.sitting}]
    pages = max(1, -(-len(steps) // PAGE))
    page = min(asked.page, pages)
    shown = [hold for hold in list_holds(database(), released=asked.released) if asked.sitting in {"", hold.sitting}]
    return render_template(
        "admin/holds.html",
        **common(),
        disk=disk_facts(),
        asked=asked,
        now_us=seen.now_us,
        steps=steps[(page - 1) * PAGE : page * PAGE],
        steps_total=len(steps),
        page=page,
        pages=pages,
        holds=[(hold, hold_facts.kept_by(hold, seen.holdings, seen.outlooks, seen.now_us)) for hold in reversed(shown)],
        cameras=list_cameras(database()),
        default_hours=services().settings.vault.retention_hours,
        section_endpoint="admin.holds",
    )


@BLUEPRINT.get("/admin/holds/<int:hold>")
@allow(*READERS)
def hold(hold: int) -> str:
    """Show one hold: what it keeps, who placed and released it, and why."""
    found = get_hold(database(), hold)
    seen = stock()
    box = services().settings.vault
    return render_template(
        "admin/hold.html",
        **common(),
        hold=found,
        kept=hold_facts.kept_by(found, seen.holdings, seen.outlooks, seen.now_us),
        after=hold_facts.after_release(found, seen.outlooks, now_us=seen.now_us, grace_us=0),
        others=_others(found),
        in_grace=found.released_us is not None and seen.now_us < found.released_us + box.release_grace_us,
        grace_until_us=(found.released_us or 0) + box.release_grace_us,
        section_endpoint="admin.holds",
    )


def _others(found: LegalHold) -> list[LegalHold]:
    """Return the other holds of the same sitting, the newest first."""
    there = [one for one in list_holds(database(), released=True) if one.sitting == found.sitting]
    return [one for one in reversed(there) if one.id != found.id]


@BLUEPRINT.route("/admin/holds/place", methods=["GET", "POST"])
@allow(*PLACERS)
def hold_place() -> Answer:
    """Choose a recording, by looking for it or from its own page, and keep it for a reason."""
    if request.method == "POST":
        return _place()
    sitting = request.args.get("sitting", "")[:60]
    if not sitting:
        return _choose(request.args.get("q", "")[:_MAX_WORDS])
    form = PlaceForm(formdata=None, sitting=sitting, camera=request.args.get("camera", ALL_CAMERAS)[:60])
    return _place_page(form)


def _choose(words: str) -> str:
    found = hold_facts.choices(
        stock().holdings,
        wished_sittings(database()).running,
        frozenset(one.sitting for one in list_holds(database())),
        common()["names"],
        words,
    )
    return render_template(
        "admin/hold_choose.html",
        **common(),
        words=words,
        choices=found[: hold_facts.CHOICES_SHOWN],
        left_out=max(0, len(found) - hold_facts.CHOICES_SHOWN),
        section_endpoint="admin.holds",
    )


def _place() -> Answer:
    form = PlaceForm()
    _give_cameras(form)
    if not form.validate_on_submit():
        return _place_page(form), 422
    try:
        made = place_hold(
            database(), form.sitting.data, form.camera.data or None, reason=form.reason.data,
            clock=services().clock, who=person().name, where=address(),
        )  # fmt: skip
    except ApplianceError as problem:
        return _place_page(form, problem), problem.status
    tell_next(_kept_words(made))
    return redirect(url_for("admin.hold", hold=made.id))


def _kept_words(made: LegalHold) -> str:
    """Say what a hold that was just placed keeps, and what it came too late for."""
    kept = hold_facts.kept_by(made, list_holdings(database(), made.sitting), [], 0)
    words = _n("The hold keeps %(num)s part.", "The hold keeps %(num)s parts.", kept.parts)
    if kept.gone:
        late = _n("%(num)s part was deleted before it.", "%(num)s parts were deleted before it.", kept.gone)
        return f"{words} {late}"
    return words


def _give_cameras(form: PlaceForm) -> None:
    names = common()["names"]
    there = sorted({one.camera for one in list_holdings(database(), form.sitting.data or "")})
    everything: list[tuple[str, Any]] = [(ALL_CAMERAS, _("Every camera of the sitting"))]
    form.camera.choices = everything + [(camera, names.get(camera, camera)) for camera in there]


def _place_page(form: PlaceForm, problem: ApplianceError | None = None) -> str:
    _give_cameras(form)
    sitting = form.sitting.data or ""
    seen = stock()
    rows = [one for one in seen.holdings if one.sitting == sitting]
    running = wished_sittings(database()).running
    if not rows and sitting not in running and problem is None:
        raise BadInputError(
            "Nothing was recorded under that name.", hint="Look for the sitting in the list of recordings."
        )
    return render_template(
        "admin/hold_place.html",
        **common(),
        form=form,
        problem=problem,
        sitting=sitting,
        rows=rows,
        outlooks={one.holding.camera: one for one in seen.outlooks if one.holding.sitting == sitting},
        running=sitting in running,
        now_us=seen.now_us,
        held=[one for one in list_holds(database()) if one.sitting == sitting],
        section_endpoint="admin.holds",
    )


@BLUEPRINT.route("/admin/holds/<int:hold>/release", methods=["GET", "POST"])
@allow(*PLACERS)
def hold_release(hold: int) -> Answer:
    """Say what a release lets go, then release for a reason."""
    found = get_hold(database(), hold)
    if request.method != "POST" or found.released_us is not None:
        if found.released_us is not None:
            tell_next(_("This hold is already released."))
            return redirect(url_for("admin.hold", hold=hold))
        return _release_page(found, ReleaseForm())
    form = ReleaseForm()
    if not form.validate_on_submit():
        return _release_page(found, form), 422
    if any(one.at_once for one in _after(found)) and not form.sure.data:
        form.sure.errors = [_("Say that you know it, or go back.")]
        return _release_page(found, form), 422
    try:
        release_hold(
            database(), hold, reason=form.reason.data, clock=services().clock, who=person().name, where=address()
        )
    except ApplianceError as problem:
        return _release_page(found, form, problem), problem.status
    tell_next(_("The hold is released. Retention applies again."))
    return redirect(url_for("admin.hold", hold=hold))


def _after(found: LegalHold) -> list[hold_facts.AfterRelease]:
    seen = stock()
    grace_us = services().settings.vault.release_grace_us
    return hold_facts.after_release(found, seen.outlooks, now_us=seen.now_us, grace_us=grace_us)


def _release_page(found: LegalHold, form: ReleaseForm, problem: ApplianceError | None = None) -> str:
    after = _after(found)
    return render_template(
        "admin/hold_release.html",
        **common(),
        hold=found,
        form=form,
        problem=problem,
        after=after,
        at_once=[one for one in after if one.at_once],
        grace_minutes=services().settings.vault.release_grace_minutes,
        section_endpoint="admin.holds",
    )


@BLUEPRINT.post("/admin/holds/<int:hold>/again")
@allow(*PLACERS)
def hold_again(hold: int) -> Answer:
    """Place a released hold again, for the same reason: a mistaken release is made good."""
    found = get_hold(database(), hold)
    if found.released_us is None:
        tell_next(_("This hold still stands."))
        return redirect(url_for("admin.hold", hold=hold))
    made = place_hold(
        database(), found.sitting, found.camera, reason=found.reason,
        clock=services().clock, who=person().name, where=address(),
    )  # fmt: skip
    tell_next(_kept_words(made))
    return redirect(url_for("admin.hold", hold=made.id))
