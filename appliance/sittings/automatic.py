"""What the box does by itself, in the role ``system``: called every second by the sync process."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from appliance.database import write
from appliance.errors import ConflictError, NotFoundError
from appliance.exams.states import AT_WORK, BEING_ADMITTED, CandidateStatus, SittingStatus
from appliance.exams.timing import start_window
from appliance.exams.transitions import MAX_DETAIL, MAX_DETAILS, IllegalTransitionError
from appliance.sittings import recording
from appliance.sittings.acts import BOX, act, note_step
from appliance.sittings.runs import open_sittings, run_of
from appliance.sittings.warnings import tell_merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.exams.sitting_run import SittingRun
    from appliance.sittings.values import StoredSitting

TIME_IS_OVER: Final = "the time is over"
NOBODY_THERE: Final = "nobody has been there for a while: the box closes what it opened"
DEFAULT_IDLE_US: Final = 15 * 60 * 1_000_000
_NOBODYS: Final = frozenset({"note_readiness", "clock_stepped"})
"""Events that show nobody in the room."""
_FASTER: Final = (IllegalTransitionError, ConflictError, NotFoundError)
"""What is refused because a person was faster."""
Name = Literal["record", "finish", "end", "close_ghosts", "close"]


class DueAct(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is due: a transition of a sitting (and candidate), or ``record``."""

    sitting: str
    name: Name
    candidate: str = ""
    why: str = ""


def due_acts(db: Database, *, now_us: int, idle_us: int = DEFAULT_IDLE_US) -> list[DueAct]:
    """Return what the box itself does now, in the order it is to happen.

    In every sitting: recording begins ``lead_us`` before the planned start, and who has no time left finishes. A
    sitting the box opened is ended and closed as well, when nobody has been at work for ``idle_us`` or nobody of its
    exams can begin any more; one that people opened is ended and closed by people.
    """
    found: list[DueAct] = []
    for one in open_sittings(db):
        run = run_of(db, one.id)
        found += _recording(db, one, now_us)
        found += _finishing(run, now_us)
        if one.automatic:
            found += _closing(run, now_us, idle_us)
    return found


def tick(
    db: Database,
    clock: Clock,
    *,
    settings: Settings,
    readiness: Callable[[Database, str], Mapping[str, str]] | None = None,
) -> int:
    """Do what is due and return how much was done; each act is its own transaction.

    An act that is refused, because a person was faster, is left out. ``readiness`` looks at the room of a sitting and
    names each thing that is missing, with what is wrong with it: it is noted for sittings the box opened.
    """
    done = 0
    for one in open_sittings(db):
        with contextlib.suppress(*_FASTER):
            if one.seq:
                done += note_step(db, one.id, clock)
            if readiness is not None and one.automatic:
                done += _note_readiness(db, one, readiness(db, one.id), clock)
    idle_us = settings.exams.idle_minutes * 60 * 1_000_000
    for due in due_acts(db, now_us=clock.wall_us(), idle_us=idle_us):
        with contextlib.suppress(*_FASTER):
            done += _do(db, due, clock)
    return done + tell_merged(db, clock=clock)


def _do(db: Database, due: DueAct, clock: Clock) -> bool:
    if due.name == "record":
        with write(db):
            return recording.begin(db, due.sitting, clock=clock, who=BOX)
    act(db, due.sitting, due.name, who=BOX, role="system", clock=clock, candidate=due.candidate, why=due.why)
    return True


def _note_readiness(db: Database, sitting: StoredSitting, missing: Mapping[str, str], clock: Clock) -> bool:
    """Note what is missing in the room of a sitting under way, where other things are than before.

    How much of a thing is missing may change every second (a disk that fills); that is not news.
    """
    run = run_of(db, sitting.id)
    known = {name for name, _ in run.readiness.missing} == set(sorted(missing)[:MAX_DETAILS])
    if known or run.status not in {SittingStatus.RUNNING, SittingStatus.PAUSED, SittingStatus.ADMITTING}:
        return False
    told = {name: what[:MAX_DETAIL] for name, what in sorted(missing.items())[:MAX_DETAILS]}
    act(db, sitting.id, "note_readiness", who=BOX, role="system", clock=clock, detail=told)
    return True


def _recording(db: Database, sitting: StoredSitting, now_us: int) -> Iterator[DueAct]:
    early = sitting.status in {SittingStatus.PLANNED, SittingStatus.READINESS_CHECK, SittingStatus.ADMITTING}
    due = sitting.start_us - sitting.lead_us <= now_us < sitting.start_us + sitting.lead_us
    if early and due and not sitting.automatic:
        is_free = recording.recording_of(db, sitting.id).as_sitting is None
        if is_free and not recording.was_begun(db, sitting.id):
            yield DueAct(sitting=sitting.id, name="record")


def _finishing(run: SittingRun, now_us: int) -> Iterator[DueAct]:
    if run.status is not SittingStatus.RUNNING:
        return
    writing = [name for name, person in run.people.items() if person.status in AT_WORK]
    for name, end in run.ends(now_us, writing).items():
        if end.at_us <= now_us and not end.moving:
            yield DueAct(sitting=run.sitting, name="finish", candidate=name, why=TIME_IS_OVER)


def _closing(run: SittingRun, now_us: int, idle_us: int) -> Iterator[DueAct]:
    """Yield what closes a sitting nobody attends; a box that stopped half way goes on where it was."""
    states = {person.status for person in run.people.values()}
    if run.status is SittingStatus.RUNNING:
        last = next((event.at_us for event in reversed(run.history) if event.name not in _NOBODYS), now_us)
        idle = now_us - last >= idle_us
        windows = [start_window(run.timeline, run.timing, exam)[1] for exam in run.exams.values()]
        nobody_more = max(windows, default=now_us) < now_us
        if not states.isdisjoint(AT_WORK) or not (idle or nobody_more):
            return
        yield DueAct(sitting=run.sitting, name="end", why=NOBODY_THERE)
    elif run.status is not SittingStatus.ENDED:
        return
    if not states.isdisjoint(BEING_ADMITTED | {CandidateStatus.EXPECTED}):
        yield DueAct(sitting=run.sitting, name="close_ghosts", why=NOBODY_THERE)
    yield DueAct(sitting=run.sitting, name="close", why=NOBODY_THERE)
