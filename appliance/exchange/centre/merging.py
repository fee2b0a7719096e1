"""What a box takes over of what the centre tells it (pure).

The centre owns exams, sittings' plans, rosters, seating, bookings and integrations; what happened is the box's. Of each
thing the highest version counts; a deletion wins over anything of its version or a lower one; of one version told in two
ways (a hub that was restored) the later counts. So the end is the same whatever the order, and however often it is told.
What touches a running sitting waits as a proposal until an invigilator accepts it, or the sitting is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from appliance.exchange.centre.changes import Change

ObjectKey = tuple[str, str]
"""Kind and id."""
RefusalReason = Literal["kind", "stale", "known", "extra_time_id", "declined"]


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
        uses: kind and id of what they use: their exams, sessions, integrations.
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
    """What to do, each thing at most once in ``apply`` and at most once in ``propose``.

    Attributes:
        apply: to be taken over now, in the order to do so: integrations before exams before sittings and so on;
            deletions after everything else, in the opposite order.
        propose: to wait for an invigilator: all that wait from now on, those that waited before included.
        refuse: not taken over; ``stale`` and ``known`` need no one's attention.
    """

    apply: tuple[Change, ...] = ()
    propose: tuple[Change, ...] = ()
    refuse: tuple[Refusal, ...] = field(default=())


def merge(
    held: Mapping[ObjectKey, Held], changes: Iterable[Change], running: Running, waiting: Iterable[Change] = ()
) -> Merged:
    """Return what becomes of changes whose signatures were checked.

    Args:
        held: what the box holds of the things spoken of; more does no harm.
        changes: in any order, doubled or not.
        running: what is in use.
        waiting: the proposals of before. Call it with no changes when a sitting ends or an invigilator has decided.
    """
    raise NotImplementedError


def held_of(change: Change) -> Held:
    """Return what is held of a thing once the change was taken over."""
    return Held(change.version, change.deleted, change.at_us, change.digest)
