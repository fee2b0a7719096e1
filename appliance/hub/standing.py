"""How a box stands, for the page and the command line: what is wrong with it, the worst first (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from appliance.exchange.centre.messages import Report
    from appliance.hub.boxes import Box

Trouble: TypeAlias = Literal[
    "cloned", "conflict", "silent", "never", "disk_stop", "cameras", "expired", "clock", "disk", "parked", "backlog",
    "restored", "proposals", "address",
]  # fmt: skip
SILENT_US: Final = 15 * SECOND_US
"""A box that reports every 5 s and was not heard of for so long is told as silent."""
OLD_BACKLOG_US: Final = 10 * 60 * SECOND_US
CLOCK_US: Final = 2 * SECOND_US
"""A clock that is off by more is told."""
_BAD: Final = frozenset({"cloned", "conflict", "silent", "disk_stop", "cameras", "expired"})
_ORDER: Final = Trouble.__args__  # type: ignore[attr-defined]  # a Literal has them


@dataclass(frozen=True, slots=True)
class Standing:
    """A box at one moment.

    Attributes:
        report: its last one, None before the first.
        seen_us: when it was heard of last.
        troubles: the worst first.
        level: ``bad``, ``warn`` or ``good``; of a revoked box ``off``.
    """

    box: Box
    report: Report | None
    seen_us: int | None
    troubles: tuple[Trouble, ...]
    level: Literal["bad", "warn", "good", "off"]

    @property
    def rank(self) -> tuple[int, int, str]:
        """What lists are ordered by: those with problems first."""
        levels = ("bad", "warn", "good", "off")
        first = _ORDER.index(self.troubles[0]) if self.troubles else len(_ORDER)
        return levels.index(self.level), first, self.box.room.casefold()


def standing(box: Box, report: Report | None, seen_us: int | None, *, epoch: str, now_us: int) -> Standing:
    """Return how a box stands.

    Args:
        box: which.
        report: its last report.
        seen_us: when that came.
        epoch: what the hub said of its present epoch: ``ok``, ``restored``, ``cloned`` or ``conflict``.
        now_us: UTC.
    """
    if box.revoked_us is not None:
        return Standing(box, report, seen_us, (), "off")
    found = tuple(sorted(_troubles(box, report, seen_us, epoch, now_us), key=_ORDER.index))
    level: Literal["bad", "warn", "good"] = "bad" if _BAD & set(found) else "warn" if found else "good"
    return Standing(box, report, seen_us, found, level)


def _troubles(box: Box, report: Report | None, seen_us: int | None, epoch: str, now_us: int) -> list[Trouble]:
    found: list[Trouble] = []
    if box.refusal(now_us) == "expired":
        found.append("expired")
    if epoch in {"cloned", "conflict", "restored"}:
        found.append(epoch)  # type: ignore[arg-type]  # one of the three, which are troubles
    if not box.reached_at:
        found.append("address")
    if report is None or seen_us is None:
        return [*found, "never"]
    if now_us - seen_us > SILENT_US:
        found.append("silent")
    return found + _of_report(report, now_us)


def _of_report(report: Report, now_us: int) -> list[Trouble]:
    found: list[Trouble] = []
    if report.cameras.lost:
        found.append("cameras")
    if report.disk.state in {"stop", "delete"}:
        found.append("disk_stop" if report.disk.state == "stop" else "disk")
    elif report.disk.state == "warn":
        found.append("disk")
    offset = report.clock.offset_us
    if not report.clock.trusted or (offset is not None and abs(offset) > CLOCK_US):
        found.append("clock")
    if report.backlog.parked:
        found.append("parked")
    oldest = report.backlog.oldest_us
    if oldest is not None and now_us - oldest > OLD_BACKLOG_US:
        found.append("backlog")
    if report.proposals:
        found.append("proposals")
    return found
