"""What the day's page says above everything else, worst first. Each source is a function; a new one joins ``_SOURCES``.

Proposals of the central service (extra time, a changed roster) are collected here as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from appliance.centre.proposals import proposals
from appliance.diagnosis.readiness import hint_for
from appliance.exams.methods import traits_of
from appliance.exams.states import UNDER_WAY, SittingStatus
from appliance.sittings.planning import changed_since_frozen
from appliance.usb.orders import standing
from appliance.usb.state import state_of
from appliance.web.language import gettext as _
from appliance.web.language.problems import problem_words
from appliance.web.sittings.proposal_words import declined_words, lines_of, title_of
from appliance.web.sittings.words import check_words
from appliance.web.words import who_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlite_utils import Database

    from appliance.exams.model import Exam
    from appliance.exams.sitting_run import SittingRun
    from appliance.sittings.recording import SittingRecording
    from appliance.sittings.values import StoredSitting

Kind = Literal["bad", "warn", "info"]
_WORST: Final[tuple[Kind, ...]] = ("bad", "warn", "info")


@dataclass(frozen=True, slots=True)
class Banner:
    """One message: ``lines`` are said below the title, each with a hint or an empty one; ``accept`` names an exam.

    ``proposal`` is the number of a change of the central service that the room accepts or declines; 0: none.
    """

    kind: Kind
    name: str
    title: str
    lines: tuple[tuple[str, str], ...] = ()
    accept: str = ""
    proposal: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the sources look at."""

    db: Database
    stored: StoredSitting
    run: SittingRun
    exams: dict[str, Exam]
    recording: SittingRecording
    now_us: int


def banners_of(
    db: Database,
    stored: StoredSitting,
    run: SittingRun,
    exams: dict[str, Exam],
    recording: SittingRecording,
    *,
    now_us: int,
) -> list[Banner]:
    """Return the banners of a sitting, worst first."""
    seen = Seen(db, stored, run, exams, recording, now_us)
    found = [banner for source in _SOURCES for banner in source(seen)]
    return sorted(found, key=lambda banner: _WORST.index(banner.kind))


def _readiness(seen: Seen) -> Iterator[Banner]:
    run = seen.run
    if run.status in {SittingStatus.PLANNED, SittingStatus.ENDED, SittingStatus.CLOSED} or not run.readiness.missing:
        return
    lines = tuple(
        (f"{check_words(name)}: {problem_words(what)}", problem_words(hint_for(name)))
        for name, what in run.readiness.missing
    )
    ready = run.readiness
    if ready.overridden_by:
        words = _(
            "%(name)s goes on in spite of it: %(why)s", name=who_words(ready.overridden_by), why=ready.overridden_why
        )
        yield Banner("warn", "readiness", _("The room is not ready."), (*lines, (words, "")))
    else:
        yield Banner("bad", "readiness", _("The room is not ready."), lines)


def _unrecorded(seen: Seen) -> Iterator[Banner]:
    if seen.run.status not in UNDER_WAY | {SittingStatus.ADMITTING}:
        return
    if not any(traits_of(exam.method).recorded for exam in seen.exams.values()):
        return
    if seen.recording.as_sitting is None:
        yield Banner(
            "bad",
            "recording",
            _("This sitting is not being recorded."),
            ((_("Start the recording again, below."), ""),),
        )
    elif not seen.recording.own:
        words = _(
            "The pictures are kept under “%(name)s”, which was begun by hand or belongs to another sitting.",
            name=seen.recording.as_sitting,
        )
        yield Banner("warn", "recording", _("Another recording covers this sitting."), ((words, ""),))


def _usb(seen: Seen) -> Iterator[Banner]:
    if seen.run.status in {SittingStatus.PLANNED, SittingStatus.CLOSED}:
        return
    for order in standing(seen.db):
        if order.kind == "stand_down" and order.subject.sitting in {"", seen.stored.id}:
            words = _("%(name)s opened it: %(why)s", name=who_words(order.made_by), why=order.why)
            hint = _("Every device that is plugged in is let in. Arm USB again on its page as soon as it may be.")
            yield Banner("bad", "usb", _("USB is open."), ((words, hint),))
            return
    state = state_of(seen.db)
    if state is not None and state.mode != "maintenance" and state.not_enforced in {"setting", "rights"}:
        words = _("Forbidden devices are told here, but nothing keeps them out.")
        yield Banner("warn", "usb", _("USB is watched only."), ((words, ""),))


def _changed_exams(seen: Seen) -> Iterator[Banner]:
    if seen.run.status in {SittingStatus.PLANNED, SittingStatus.CLOSED}:
        return
    for change in changed_since_frozen(seen.db, seen.stored.id):
        title = _("“%(exam)s” was changed by the LMS or the central service.", exam=change.present.name)
        what = ", ".join(_field_words(field) for field in change.fields)
        words = _("Changed: %(what)s. The sitting goes on with what it began with until you accept.", what=what)
        yield Banner("warn", "changed", title, ((words, ""),), accept=change.present.id)


def _field_words(field: str) -> str:
    return {
        "name": _("name"),
        "duration_us": _("duration"),
        "window_start_us": _("beginning of the window"),
        "window_end_us": _("end of the window"),
        "method": _("method"),
        "requires_validation": _("whether the result waits for a person"),
        "identification": _("identification"),
        "instructions": _("instructions"),
        "rules": _("rules"),
        "score": _("score"),
        "auxiliary_camera": _("second camera"),
    }.get(field, field.replace("_", " "))


def _proposed(seen: Seen) -> Iterator[Banner]:
    for one in proposals(seen.db, seen.stored.id):
        if one.waiting.state == "proposed":
            lines = tuple((line, "") for line in lines_of(one))
            yield Banner("warn", "proposal", title_of(one), lines, proposal=one.waiting.number)
        else:
            yield Banner("info", "declined", declined_words(one))


def _late(seen: Seen) -> Iterator[Banner]:
    if seen.run.status is SittingStatus.ADMITTING and seen.now_us > seen.run.timing.start_us:
        yield Banner("info", "late", _("The planned start has passed. Everybody's time begins when you start."))


_SOURCES: Final[tuple[Callable[[Seen], Iterator[Banner]], ...]] = (
    _readiness,
    _unrecorded,
    _usb,
    _proposed,
    _changed_exams,
    _late,
)
