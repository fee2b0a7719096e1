"""Taking over what the centre tells, by network or stick: checked, merged, applied or kept, in one transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from appliance import log
from appliance.auditlog import append
from appliance.centre.applying import apply_change
from appliance.centre.running import running_of
from appliance.centre.store import Centre, move_cursor
from appliance.centre.telling import tell_acceptance
from appliance.centre.things import held_things, keep_thing, says_the_same
from appliance.centre.waiting_rows import drop_waiting, get_waiting, keep_waiting, waiting_changes
from appliance.database import write
from appliance.errors import ApplianceError, BadInputError, ConflictError, NotFoundError
from appliance.exchange.centre.changes import check_change
from appliance.exchange.centre.kinds import ChangeKind
from appliance.exchange.centre.merging import Running, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlite_utils import Database

    from appliance.centre.context import Taking
    from appliance.centre.waiting_rows import Waiting
    from appliance.exchange.centre.changes import Change

MAX_WHY: Final = 500
_ALONE: Final = frozenset({ChangeKind.SESSION})
"""Kinds that an LMS may change at the box by itself, also in a running sitting: nobody has to accept them."""
_UNUSABLE: Final = (ApplianceError, msgspec.MsgspecError, sqlite3.IntegrityError, ValueError, TypeError, LookupError)
"""What a change that does not fit raises; it is held, so that it holds up no other."""
_QUIET: Final = frozenset({"stale", "known"})
_LOG: Final = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """How many changes were taken over, now wait for an invigilator, are held, were known, or were refused."""

    applied: int = 0
    proposed: int = 0
    held: int = 0
    known: int = 0
    refused: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.applied + other.applied,
            other.proposed,
            other.held,
            self.known + other.known,
            self.refused + other.refused,
        )


def take_changes(
    db: Database, centre: Centre, changes: Sequence[Change], taking: Taking, *, cursor: str | None = None
) -> Taken:
    """Take a chunk over; all of it, and the cursor, are durable when this returns, or nothing is.

    However often a chunk comes, and in whatever order chunks do, the end is the same (`exchange.centre.merging`).

    Args:
        db: the box's database.
        centre: whose changes they are.
        changes: as they came.
        taking: who takes over.
        cursor: up to where the centre has told now; None on a stick.
    """
    good, wrong = _checked(centre, changes)
    with write(db):
        for change, why in wrong:
            _LOG.warning("a change of the centre is refused", kind=change.kind, id=change.id, why=why)
            detail = {"kind": change.kind, "id": change.id, "version": change.version, "why": why}
            append(db, "centre.change_refused", clock=taking.clock, who=centre.hub, detail=detail)
        taken = _take(db, centre, good, taking)
        if cursor is not None:
            move_cursor(db, cursor, now_us=taking.clock.wall_us())
    return replace(taken, refused=taken.refused + len(wrong))


def reconsider(db: Database, centre: Centre, taking: Taking) -> Taken:
    """Look again at what waits: a sitting may be over, or what something needed may have arrived."""
    if not waiting_changes(db, centre.hub):
        return Taken()
    with write(db):
        return _take(db, centre, (), taking)


def accept_proposal(db: Database, number: int, taking: Taking, *, why: str = "") -> Change:
    """Take a proposal over as an invigilator accepted it, and tell the centre; all or nothing.

    Args:
        db: the box's database.
        number: of what waits.
        taking: with who accepts in ``accepted_by``.
        why: what they say to it; may be empty.

    Raises:
        NotFoundError: it waits no more, or was replaced by a newer one.
        ConflictError: it is no proposal.
        ApplianceError: it cannot be taken over now; it goes on waiting.
    """
    with write(db):
        change = _proposal(db, number).change
        drop_waiting(db, change)
        local = apply_change(db, change, taking)
        keep_thing(db, change, local, now_us=taking.clock.wall_us())
        _decided(db, change, taking, why=_said(why), accepted=True)
    return change


def decline_proposal(db: Database, number: int, taking: Taking, *, why: str) -> Change:
    """Go on without a proposal, for a reason that the centre is told; it is taken over once the sitting is over.

    Raises:
        BadInputError: there is no usable reason.
        NotFoundError: it waits no more, or was replaced by a newer one.
        ConflictError: it is no proposal.
    """
    stated = _said(why)
    if not stated:
        raise BadInputError("why: a reason is needed.", hint="The central service is told it, and it enters the log.")
    with write(db):
        change = _proposal(db, number).change
        db.conn.execute(
            "UPDATE centre_waiting SET state = 'declined', decided_us = ?, decided_by = ?, decided_why = ?"
            " WHERE number = ?",
            (taking.clock.wall_us(), taking.accepted_by, stated, number),
        )
        _decided(db, change, taking, why=stated, accepted=False)
    return change


def _checked(centre: Centre, changes: Iterable[Change]) -> tuple[list[Change], list[tuple[Change, str]]]:
    good: list[Change] = []
    wrong: list[tuple[Change, str]] = []
    for change in changes:
        if change.hub != centre.hub:
            wrong.append((change, f"it is of {change.hub}"))
            continue
        try:
            good.append(check_change(change, centre.public))
        except BadInputError as problem:
            wrong.append((change, problem.message))
    return good, wrong


def _take(db: Database, centre: Centre, changes: Sequence[Change], taking: Taking) -> Taken:
    waiting = waiting_changes(db, centre.hub)
    before = [one.change for one in waiting]
    declined = {one.change.digest for one in waiting if one.state == "declined"}
    held = held_things(db, centre.hub, {one.key for one in (*before, *changes)})
    asked = running_of(db, centre.hub, (*before, *changes), declined=declined)
    counts = {"applied": 0, "held": 0, "known": 0, "refused": 0}

    def is_alone(change: Change) -> bool:
        return change.kind in _ALONE

    parts: tuple[tuple[Running, Callable[[Change], bool]], ...] = (
        (asked, lambda one: not is_alone(one)),
        (Running(), is_alone),
    )
    proposed: list[Change] = []
    for running, mine in parts:
        merged = merge(held, filter(mine, changes), running, filter(mine, before))
        for refusal in merged.refuse:
            counts["known" if refusal.reason in _QUIET else "refused"] += 1
            if refusal.reason not in _QUIET:
                _LOG.warning("a change of the centre is not taken", kind=refusal.change.kind, why=refusal.reason)
        same = [one for one in merged.propose if says_the_same(db, one)]
        proposed += [one for one in merged.propose if one not in same]
        for change in (*same, *merged.apply):
            counts["applied" if _applied(db, change, taking) else "held"] += 1
        for change in merged.declined:
            keep_waiting(db, change, "declined", now_us=taking.clock.wall_us())
        _forget_older(db, waiting, {one.change.digest for one in merged.refuse})
    for change in proposed:
        if keep_waiting(db, change, "proposed", now_us=taking.clock.wall_us()):
            detail = {"kind": change.kind, "id": change.id, "version": change.version, "sitting": change.sitting}
            append(db, "centre.proposed", clock=taking.clock, who=centre.hub, detail=detail)
    return Taken(counts["applied"], len(proposed), counts["held"], counts["known"], counts["refused"])


def _forget_older(db: Database, waiting: Iterable[Waiting], refused: set[str]) -> None:
    """What waited and lost against something newer waits no more."""
    for one in waiting:
        if one.change.digest in refused:
            db.conn.execute("DELETE FROM centre_waiting WHERE number = ?", (one.number,))


def _applied(db: Database, change: Change, taking: Taking) -> bool:
    """Apply one change in a savepoint; one that does not fit is held with the reason, and others go on."""
    now = taking.clock.wall_us()
    try:
        with write(db):
            local = "" if says_the_same(db, change) else apply_change(db, change, taking)
            keep_thing(db, change, local, now_us=now)
            drop_waiting(db, change)
    except _UNUSABLE as problem:
        why = problem.message if isinstance(problem, ApplianceError) else f"It does not fit: {problem}"
        if keep_waiting(db, change, "held", now_us=now, reason=why[:MAX_WHY]):
            _LOG.warning("a change of the centre is held", kind=change.kind, id=change.id, why=why)
        return False
    return True


def _proposal(db: Database, number: int) -> Waiting:
    found = get_waiting(db, number)
    if found is None:
        raise NotFoundError(
            "This proposal of the central service waits no more.",
            hint="Somebody was faster, the central service replaced it, or the sitting is over: load the page again.",
        )
    if found.state != "proposed":
        raise ConflictError("This has been decided already.", hint="Load the page again.")
    return found


def _said(why: str) -> str:
    stated = " ".join(why.split())
    if len(stated) > MAX_WHY:
        raise BadInputError(f"why: has to be at most {MAX_WHY} characters.", hint="Shorten it.")
    return stated


def _decided(db: Database, change: Change, taking: Taking, *, why: str, accepted: bool) -> None:
    detail = {"kind": change.kind, "id": change.id, "version": change.version, "sitting": change.sitting}
    append(
        db,
        "centre.accepted" if accepted else "centre.declined",
        clock=taking.clock,
        who=taking.accepted_by,
        where=taking.where,
        detail=detail,
        personal={"why": why} if why else {},
    )
    tell_acceptance(db, change, accepted=accepted, who=taking.accepted_by, why=why, clock=taking.clock)
