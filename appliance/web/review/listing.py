"""The list of recordings and a recording's index, as pages and the player need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.vault.recording import RecordingSummary, list_recordings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from appliance.vault.facts import Gap
    from appliance.vault.recording import Recording

STATE_WORDS = {
    "recording": "Recording now",
    "sealed": "Sealed",
    "recovered": "Recovered",
    "interrupted": "Interrupted",
    "damaged": "Damaged",
}
_INTERRUPTED = "interrupted"
# Nobody reads a hundred lines of gaps on a list; the recording's own page has all of them.
GAPS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list."""

    summary: RecordingSummary
    camera_name: str
    state: str
    length_us: int
    gap_us: int

    @property
    def state_words(self) -> str:
        """The state as a person is told it."""
        return STATE_WORDS[self.state]


def lines(vault_dir: Path, names: Mapping[str, str], sitting_now: str | None) -> list[Line]:
    """Return the list, newest first.

    Args:
        vault_dir: the vault.
        names: cameras' names by id; an unknown camera is called by its id.
        sitting_now: the sitting that is being recorded, if any.
    """
    return [line_of(summary, names, sitting_now) for summary in list_recordings(vault_dir)]


def line_of(summary: RecordingSummary, names: Mapping[str, str], sitting_now: str | None) -> Line:
    """Return one line of the list (pure)."""
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
    """Return the key of `STATE_WORDS` that fits a recording (pure)."""
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


def index_of(recording: Recording, after_us: int | None) -> dict[str, Any]:
    """Return what the player asks for: segments that end after a wall time, and every gap.

    ``segments`` are ``[part, seq, start_us, end_us, key_us or null]``, ``gaps`` ``[start_us, end_us, words]``.
    """
    start, end = recording.start_us, recording.end_us
    first = start if after_us is None else after_us
    # A step of the wall clock may put a later part before an earlier one: ask beyond every end.
    beyond = max(part.end_us for part in recording.parts) + 1
    return {
        "start_us": start,
        "end_us": end,
        "open": recording.parts[-1].state == "open",
        "segments": [
            [tile.part.number, tile.seq, tile.start_us, tile.end_us, tile.key_us]
            for tile in recording.segments(first, beyond)
        ],
        "gaps": [_gap_row(gap) for gap in recording.gaps()],
    }


def _gap_row(gap: Gap) -> list[Any]:
    return [gap.start_us, gap.end_us, gap.words]
