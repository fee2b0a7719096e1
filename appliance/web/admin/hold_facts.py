"""What the pages of holds say: what one keeps, what its release lets go, what may be chosen. Pure but for one look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.vault.retention import Hold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from appliance.vault.holdings import Holding, Outlook
    from appliance.vault.holds import LegalHold

CHOICES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """What is there, and was, of what a hold names.

    Attributes:
        parts: how many parts the hold keeps, those being written too.
        bytes: what they take.
        gone: how many were deleted, or past saving, before the hold came.
        alone: whether retention would have deleted some of it by now.
    """

    parts: int
    bytes: int
    gone: int
    alone: bool


@dataclass(frozen=True, slots=True)
class AfterRelease:
    """What becomes of one camera's recording when a hold is released.

    ``due_us``: from when it may be deleted; None while the sitting is not over. ``other``: a hold that still
    keeps it. ``at_once``: retention is over, so that only the grace remains.
    """

    outlook: Outlook
    due_us: int | None
    other: LegalHold | None
    at_once: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A sitting a hold may be placed on."""

    sitting: str
    cameras: tuple[str, ...]
    started_us: int | None
    parts: int
    bytes: int
    gone: int
    held: bool
    running: bool


def kept_by(hold: LegalHold, holdings: Iterable[Holding], outlooks: Iterable[Outlook], now_us: int) -> Kept:
    """Return what there is of what a hold names."""
    names = Hold(hold.sitting, hold.camera)
    rows = [one for one in holdings if names.covers(one)]
    return Kept(
        parts=sum(one.savable for one in rows),
        bytes=sum(one.bytes for one in rows),
        gone=sum(one.gone + one.deleting for one in rows),
        alone=any(one.kept_by_hold_alone(now_us) for one in outlooks if names.covers(one.holding)),
    )


def after_release(hold: LegalHold, outlooks: Iterable[Outlook], *, now_us: int, grace_us: int) -> list[AfterRelease]:
    """Return what becomes of everything a hold keeps when it is released now."""
    names = Hold(hold.sitting, hold.camera)
    return [_after(hold, one, now_us, grace_us) for one in outlooks if names.covers(one.holding)]


def _after(hold: LegalHold, one: Outlook, now_us: int, grace_us: int) -> AfterRelease:
    others = [other for other in one.holds if other.id != hold.id and other.released_us is None]
    if others or one.over_us is None:
        return AfterRelease(one, None, others[0] if others else None, at_once=False)
    return AfterRelease(one, max(one.over_us, now_us + grace_us), None, at_once=one.over_us <= now_us + grace_us)


def choices(
    holdings: Iterable[Holding],
    running: frozenset[str],
    held: frozenset[str],
    names: Mapping[str, str],
    words: str,
) -> list[Choice]:
    """Return the sittings that fit what was typed, the newest first; one that runs is there before its first part.

    Those of which everything was deleted are among them, so that nobody looks for them in vain.
    """
    by_sitting: dict[str, list[Holding]] = {sitting: [] for sitting in running}
    for one in holdings:
        by_sitting.setdefault(one.sitting, []).append(one)
    found = [_choice(sitting, rows, running, held) for sitting, rows in by_sitting.items()]
    typed = words.casefold().split()
    fitting = [one for one in found if all(word in _text(one, names) for word in typed)]
    return sorted(fitting, key=lambda one: (one.parts == 0 and not one.running, -(one.started_us or 1 << 62)))


def _choice(sitting: str, rows: Sequence[Holding], running: frozenset[str], held: frozenset[str]) -> Choice:
    return Choice(
        sitting=sitting,
        cameras=tuple(one.camera for one in rows),
        started_us=min((one.started_us for one in rows), default=None),
        parts=sum(one.savable for one in rows),
        bytes=sum(one.bytes for one in rows),
        gone=sum(one.gone + one.deleting for one in rows),
        held=sitting in held,
        running=sitting in running,
    )


def _text(one: Choice, names: Mapping[str, str]) -> str:
    return " ".join([one.sitting, *one.cameras, *(names.get(camera, "") for camera in one.cameras)]).casefold()


@dataclass(frozen=True, slots=True)
class Step:
    """Deletions that happen together: what of one sitting goes at one time."""

    due_us: int
    sitting: str
    cameras: tuple[tuple[str, int], ...]
    """Each camera with how many of its parts."""
    hours: tuple[int, ...]
    bytes: int


def next_steps(outlooks: Iterable[Outlook]) -> list[Step]:
    """Return what is deleted next, sitting by sitting, the first first."""
    steps: dict[tuple[int, str], Step] = {}
    for one in outlooks:
        if one.due_us is None or not one.holding.savable:
            continue
        place = one.due_us, one.holding.sitting
        step = steps.get(place) or Step(one.due_us, one.holding.sitting, (), (), 0)
        steps[place] = replace(
            step,
            cameras=(*step.cameras, (one.holding.camera, one.holding.savable)),
            hours=tuple(sorted({*step.hours, one.hours})),
            bytes=step.bytes + one.holding.bytes,
        )
    return [steps[place] for place in sorted(steps)]
