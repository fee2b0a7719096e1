"""Health: is this box fit for tomorrow? A page that keeps itself fresh, and the same as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
from flask import current_app, redirect, render_template, url_for

from appliance import __version__
from appliance.errors import ApplianceError
from appliance.ipc.beat import read_beat
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, allow
from appliance.web.admin import health_words
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.health_checks import book_of, refreshed, start_if_old, start_thorough
from appliance.web.asking import speaks
from appliance.web.language import gettext as _
from appliance.web.language.problems import problem_words
from appliance.web.services import person, services
from appliance.web.tell_next import tell_next

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask
    from flask.blueprints import BlueprintSetupState
    from werkzeug.wrappers import Response

    from appliance.web.admin.health_book import Change, HealthBook, Seen

CHANGES_SHOWN = 20
READERS = (ADMINISTRATOR, CENTRE_MANAGER, AUDITOR)


def _begin(state: BlueprintSetupState) -> None:
    """Begin the book with the application, so that it knows for how long the dashboard has been running."""
    book_of(cast("Flask", state.app))


BLUEPRINT.record_once(_begin)


class CheckAnswer(msgspec.Struct):
    """What one check saw. ``state``: ok, warn, fail or unseen; ``since_us`` is wall time."""

    name: str
    title: str
    state: str
    message: str
    hint: str
    since_us: int


class ChangeAnswer(msgspec.Struct):
    """A check changed its state; an empty ``before`` or ``after``: it was not there."""

    at_us: int
    name: str
    before: str
    after: str


class HealthAnswer(msgspec.Struct):
    """How the box stands. ``verdict``: good, warn or bad; times are wall."""

    verdict: str
    words: str
    version: str
    looked_us: int
    thorough_us: int | None
    thorough_runs: bool
    checks: list[CheckAnswer]
    changes: list[ChangeAnswer]


@BLUEPRINT.get("/admin/health")
@allow(*READERS)
def health() -> str:
    """Show every check, what changed lately, and one verdict."""
    start_if_old(person().name)
    book = refreshed()
    seen = book.seen()
    groups = health_words.groups_of(seen)
    return render_template(
        "admin/health.html",
        verdict=health_words.verdict_of(seen),
        words=health_words.verdict_words(seen),
        groups=groups,
        worst=health_words.worst_first(groups),
        changes=book.changes()[:CHANGES_SHOWN],
        title_of=health_words.title_of,
        message_words=health_words.message_words,
        state_words=health_words.state_words,
        kind_of=health_words.kind_of,
        began_us=book.began_us,
        looked_us=book.taken_us("quick"),
        thorough_us=book.taken_us("thorough"),
        thorough_runs=book.looks_thoroughly,
        up=_up_times(),
    )


@BLUEPRINT.get("/api/health")
@allow(*READERS)
@speaks(answer=HealthAnswer)
def health_facts() -> dict[str, Any]:
    """Tell how the box stands, as the health page shows it."""
    return _facts(refreshed())


@BLUEPRINT.post("/admin/health/check")
@allow(ADMINISTRATOR, CENTRE_MANAGER)
def health_check() -> Response:
    """Look at everything again, in the background what takes long."""
    start_thorough(person().name)
    tell_next(_("Everything is being looked at again."))
    return redirect(url_for("admin.health"))


def _facts(book: HealthBook) -> dict[str, Any]:
    seen = book.seen()
    return {
        "verdict": health_words.verdict_of(seen),
        "words": health_words.verdict_words(seen),
        "version": __version__,
        "looked_us": book.taken_us("quick") or 0,
        "thorough_us": book.taken_us("thorough"),
        "thorough_runs": book.looks_thoroughly,
        "checks": [_check(one) for one in seen],
        "changes": [_change(one) for one in book.changes()],
    }


def _check(one: Seen) -> dict[str, Any]:
    check = one.check
    return {
        "name": check.name, "title": health_words.title_of(check.name), "state": check.state,
        "message": health_words.message_words(check), "hint": problem_words(check.hint), "since_us": one.since_us,
    }  # fmt: skip


def _change(one: Change) -> dict[str, Any]:
    return {"at_us": one.at_us, "name": one.name, "before": one.before or "", "after": one.after or ""}


def _up_times() -> list[tuple[str, int | None, str]]:
    """Return each process's name, how long it has been running (microseconds, None: it is not), and its version."""
    box = services()
    own_us = box.clock.wall_us() - book_of(current_app).began_us
    return [
        (_("Recording"), *_asked(box.live.status)),
        (_("Keyring"), *_asked(box.keyring.status)),
        (_("Dashboard"), max(0, own_us), __version__),
        (_("Deliveries"), *_asked(_delivering)),
    ]


def _delivering() -> Mapping[str, Any]:
    box = services()
    beat = read_beat(box.settings.sync_beat, box.clock, name="sync")
    return {"up_us": beat.mono_us - beat.began_us, "version": beat.version}


def _asked(question: Callable[[], Mapping[str, Any]]) -> tuple[int | None, str]:
    try:
        answer = question()
    except (ApplianceError, PermissionError):
        return None, ""
    up = answer.get("up_us")
    return (up if isinstance(up, int) else None), str(answer.get("version") or "")
