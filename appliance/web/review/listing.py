"""What the list says of one recording: its state in a word, its length, what its gaps cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.web.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from appliance.vault.recording import RecordingSummary

_INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Line:
    """One recording of the list."""

    summary: RecordingSummary
    camera_name: str
    state: str
    length_us: int
    gap_us: int


def state_words(state: str) -> str:
    """Return a state as a person is told it."""
    return {
        "recording": _("Recording now"),
        "sealed": _("Sealed"),
        "recovered": _("Recovered"),
        "interrupted": _("Interrupted"),
        "damaged": _("Damaged"),
    }[state]


def line_of(summary: RecordingSummary, names: Mapping[str, str], sitting_now: str | None) -> Line:
    """Return what the list says of a recording (pure); an unknown camera is called by its id."""
    start, end = summary.start_us, summary.end_us
    length = end - start if start is not None and end is not None else 0
    return Line(
        summary=summary,
        camera_name=names.get(summary.camera, summary.camera),
        state=state_of(summary, sitting_now),
        length_us=length,
        gap_us=covered_us((gap.start_us, gap.end_us) for gap in summary.gaps),
    )


def state_of(summary: RecordingSummary, sitting_now: str | None) -> str:
    """Return `sealed`, `recording`, `interrupted`, `recovered` or `damaged` (pure)."""
    if summary.damaged or summary.state == "damaged":
        return "damaged"
    if summary.state == "open":
        return "recording" if summary.sitting == sitting_now else "interrupted"
    return "recovered" if any(gap.reason == _INTERRUPTED for gap in summary.gaps) else "sealed"


def covered_us(stretches: Iterable[tuple[int, int]]) -> int:
    """Return how much time the stretches cover together, overlaps counted once (pure)."""
    total, reached = 0, None
    for start, end in sorted(stretches):
        begin = start if reached is None else max(start, reached)
        total += max(0, end - begin)
        reached = end if reached is None else max(reached, end)
    return total
