"""What a reviewer judges: warnings grouped and ranked, and how the score is made up (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from appliance.exams.grouping import Group, grouped
from appliance.exams.score import SLOT_US, score_of, thresholds_of, weight_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.exams.model import Exam
    from appliance.exams.score import Score, Thresholds
    from appliance.sittings.warnings import StoredWarning

Order = Literal["worst", "time"]
State = Literal["open", "confirmed", "dismissed", "both"]


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Repeats of one kind as the page shows them.

    Attributes:
        group: which.
        warnings: as they are kept, by start.
        points: what they would add to the score if none were dismissed; it ranks the list, and no judgement changes it.
        hidden: the exam does not show this kind to the LMS.
    """

    group: Group
    warnings: tuple[StoredWarning, ...]
    points: float
    hidden: bool

    @property
    def key(self) -> int:
        """The number of its first warning: its name on the page."""
        return self.warnings[0].number

    @property
    def state(self) -> State:
        """How it is judged: ``open`` while one of them is not; ``both`` where only some were dismissed."""
        said = {one.warning.decision for one in self.warnings}
        if "open" in said:
            return "open"
        if said == {"confirmed"}:
            return "confirmed"
        return "dismissed" if said == {"dismissed"} else "both"

    @property
    def subjects(self) -> list[dict[str, str]]:
        """What its warnings are about, each once, in order."""
        found = [one.subject for one in self.warnings if one.subject]
        return [one for at, one in enumerate(found) if one not in found[:at]]

    def not_said(self, decision: str) -> list[int]:
        """Return the numbers a decision is for: those nobody has judged; where none, those judged otherwise."""
        undecided = [one.number for one in self.warnings if one.warning.decision == "open"]
        return undecided or [one.number for one in self.warnings if one.warning.decision != decision]


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """What one kind of warning adds: its weight in the exam, its occurrences, and their product."""

    kind: str
    weight: float
    occurrences: int

    @property
    def points(self) -> float:
        """Weight x occurrences."""
        return self.weight * self.occurrences


@dataclass(frozen=True, slots=True)
class Weighed:
    """A session's warnings and what they weigh."""

    groups: tuple[GroupRow, ...]
    score: Score
    thresholds: Thresholds
    lines: tuple[ScoreLine, ...]

    @property
    def open(self) -> int:
        """How many groups nobody has judged, or not all of them."""
        return sum(row.state == "open" for row in self.groups)


def weighed(exam: Exam, stored: Sequence[StoredWarning], *, start_us: int, order: Order) -> Weighed:
    """Return the warnings of a session that started at ``start_us`` (wall), in groups, in an order."""
    by_id = {one.warning.id: one for one in stored}
    rows = [
        GroupRow(
            group=group,
            warnings=tuple(by_id[one.id] for one in group.warnings),
            points=_points(exam, group, start_us),
            hidden=group.kind in exam.hidden_warnings,
        )
        for group in grouped(one.warning for one in stored)
    ]
    if order == "worst":
        rows.sort(key=lambda row: (-row.points, row.group.start_us, row.key))
    score = score_of(exam.score, (one.warning for one in stored), start_us=start_us)
    lines = tuple(ScoreLine(kind, weight_of(exam.score, kind), count) for kind, count in score.occurrences.items())
    return Weighed(tuple(rows), score, thresholds_of(exam.score), lines)


def _points(exam: Exam, group: Group, start_us: int) -> float:
    slots = {(one.start_us - start_us) // SLOT_US for one in group.warnings}
    return weight_of(exam.score, group.kind) * len(slots)
