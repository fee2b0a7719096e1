"""What a box takes over of what the centre tells it (pure).

The centre owns exams, sittings' plans, rosters, seating, bookings and integrations; what happened is the box's. Of each
thing the highest version counts; a deletion wins over anything of its version or a lower one; of one version told in
two ways (by a hub that was restored) the later counts. Extra time is never written over: its id is the hash of its
content, and once withdrawn it stays so. So the end is the same whatever the order, and however often it is told. What
touches a running sitting waits as a proposal until an invigilator accepts it, or the sitting is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from appliance.errors import BadInputError
from appliance.exchange.centre.extra_time import extra_time_id, read_extra_time
from appliance.exchange.centre.kinds import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from appliance.exchange.centre.changes import Change

ObjectKey = tuple[str, str]
"""Kind and id."""
RefusalReason = Literal["kind", "stale", "known", "extra_time"]
"""``kind``: not known here. ``stale``: something newer is held. ``extra_time``: its id is not the hash of its body."""
_Rank = tuple[int, int, int, str]
_ORDER: Final = {kind: index for index, kind in enumerate(ChangeKind)}
_HARMLESS: Final = frozenset({ChangeKind.MEDIA_REQUEST})
"""Kinds that change nothing in the sitting they are about."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a box holds of one thing the centre owns: enough to tell what is newer. Tombstones are held too."""

    version: int
    deleted: bool
    at_us: int
    digest: str


@dataclass(frozen=True, slots=True)
class Running:
    """What is in use.

    Attributes:
        sittings: ids of those from the readiness check on that are not closed.
        uses: kind and id of what they use: their exams, rosters, seating, sessions, integrations.
        accepted: digests of changes an invigilator accepted.
        declined: digests of changes an invigilator declined for a sitting that still runs.
    """

    sittings: frozenset[str] = frozenset()
    uses: frozenset[ObjectKey] = frozenset()
    accepted: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change that is not taken over, and why."""

    change: Change
    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class Merged:
    """What to do; each thing is in one of ``apply``, ``propose`` and ``declined`` at most, and once.

    Attributes:
        apply: to be taken over now, in the order to do so: integrations before exams before sittings and so on;
            deletions after everything else, in the opposite order.
        propose: to wait for an invigilator: all that wait from now on, those that waited before included.
        declined: to be kept, but shown as declined; taken over when the sitting is over.
        refuse: not taken over and not kept; ``stale`` and ``known`` need no one's attention.
    """

    apply: tuple[Change, ...] = ()
    propose: tuple[Change, ...] = ()
    declined: tuple[Change, ...] = ()
    refuse: tuple[Refusal, ...] = ()


def merge(
    held: Mapping[ObjectKey, Held], changes: Iterable[Change], running: Running, waiting: Iterable[Change] = ()
) -> Merged:
    """Return what becomes of changes whose signatures were checked.

    Args:
        held: what the box holds of the things spoken of; more does no harm.
        changes: in any order, doubled or not.
        running: what is in use.
        waiting: ``propose`` and ``declined`` of before. Call it with no changes when a sitting ends or an invigilator
            has decided.
    """
    best, refused = _newest(held, (*waiting, *changes))
    apply: list[Change] = []
    propose: list[Change] = []
    declined: list[Change] = []
    for change in best.values():
        if change.digest in running.accepted or not touches(change, running):
            apply.append(change)
        elif change.digest in running.declined:
            declined.append(change)
        else:
            propose.append(change)
    return Merged(_ordered(apply), _ordered(propose), _ordered(declined), tuple(refused))


def touches(change: Change, running: Running) -> bool:
    """Return whether a change touches what is running, so that an invigilator has to accept it.

    Extra time that is withdrawn touches nothing: what was given stays given, and what waits need not be asked any more.
    """
    if change.kind in _HARMLESS or (change.kind == ChangeKind.EXTRA_TIME and change.deleted):
        return False
    about = {change.sitting} | ({change.id} if change.kind == ChangeKind.SITTING else set())
    return change.key in running.uses or bool(about & running.sittings)


def held_of(change: Change) -> Held:
    """Return what is held of a thing once the change was taken over."""
    return Held(change.version, change.deleted, change.at_us, change.digest)


def _newest(held: Mapping[ObjectKey, Held], changes: Iterable[Change]) -> tuple[dict[ObjectKey, Change], list[Refusal]]:
    """Return of each thing the newest change beyond what is held, and what of the others is to be said."""
    best: dict[ObjectKey, Change] = {}
    refused: list[Refusal] = []
    for change in changes:
        reason = _wrong(change) or _old(change, held.get(change.key))
        other = best.get(change.key)
        if reason is None and other is not None:
            if other.digest == change.digest:
                continue
            loser, best[change.key] = sorted((other, change), key=_rank)
            refused.append(Refusal(loser, "stale"))
        elif reason is None:
            best[change.key] = change
        else:
            refused.append(Refusal(change, reason))
    return best, refused


def _wrong(change: Change) -> RefusalReason | None:
    if change.kind not in _ORDER:
        return "kind"
    if change.kind != ChangeKind.EXTRA_TIME or change.deleted:
        return None
    try:
        grant = read_extra_time(change.content())
    except BadInputError:
        return "extra_time"
    return None if (extra_time_id(grant), grant.sitting) == (change.id, change.sitting) else "extra_time"


def _old(change: Change, present: Held | None) -> RefusalReason | None:
    if present is None:
        return None
    if present.digest == change.digest:
        return "known"
    return "stale" if _rank_of(change.kind, present) > _rank(change) else None


def _rank(change: Change) -> _Rank:
    return _rank_of(change.kind, held_of(change))


def _rank_of(kind: str, one: Held) -> _Rank:
    """Return what the greater of two words on one thing is by."""
    if kind == ChangeKind.EXTRA_TIME:
        return one.deleted, one.version, one.at_us, one.digest
    return one.version, one.deleted, one.at_us, one.digest


def _ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=_order))


def _order(change: Change) -> tuple[bool, int, str]:
    place = _ORDER[ChangeKind(change.kind)]
    return change.deleted, -place if change.deleted else place, change.id
