"""What happened in a sitting: warnings of software, incidents people recorded. Times are wall."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from appliance.errors import ConflictError
from appliance.exams.transitions import MAX_REASON

Text = Annotated[str, msgspec.Meta(max_length=255)]
Note = Annotated[str, msgspec.Meta(max_length=10_000)]
Decision = Literal["open", "confirmed", "dismissed"]
WarningKind = Literal[
    "extra_user_in_frame",
    "substitution_user",
    "no_user_in_frame",
    "avert_eyes",
    "change_active_window_on_computer",
    "voice_detected",
    "phone",
    "forbidden_device",
    "timeout",
]
Category = Literal["lateness", "malpractice", "evacuation", "illness", "disturbance", "intruder", "technical", "other"]
Severity = Literal["info", "minor", "major", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "minor", "major", "critical")
"""From the least to the worst."""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word on a warning."""

    decision: Decision
    who: Text
    at_us: int
    why: str


class Warning(msgspec.Struct, frozen=True, kw_only=True):  # noqa: A001  the word of the field
    """Made by software, for a person to judge. ``judgements`` keeps every one; the last counts.

    ``model``, ``threshold`` and ``confidence`` say how it was made, as the law on such software asks.
    """

    id: str
    session: str
    kind: WarningKind
    start_us: int
    end_us: int
    camera: str = ""
    model: Text = ""
    threshold: float | None = None
    confidence: float | None = None
    judgements: tuple[Judgement, ...] = ()

    @property
    def decision(self) -> Decision:
        """What the last person who judged it said, ``open`` where nobody has."""
        return self.judgements[-1].decision if self.judgements else "open"

    @property
    def cyber(self) -> bool:
        """Whether it is software's word alone: no person has confirmed it (the LMS's ``cyber``)."""
        return self.decision != "confirmed"


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Recorded by a person. ``evidence`` names bookmarks, clips or scans.

    ``seat`` and ``session`` are empty where it concerns the whole room.
    """

    id: str
    sitting: str
    category: Category
    severity: Severity
    at_us: int
    who: Text
    note: Note = ""
    seat: str = ""
    session: str = ""
    evidence: tuple[Text, ...] = ()


def judge(warning: Warning, decision: Literal["confirmed", "dismissed"], *, who: str, at_us: int, why: str) -> Warning:
    """Return the warning with one more judgement; a dismissal, and a changed mind, need a reason.

    Raises:
        ConflictError: the same was said last, or the reason is missing or too long.
    """
    if warning.decision == decision:
        raise ConflictError("The warning is judged so already.", hint="Nothing needs to be done.")
    needs_reason = decision == "dismissed" or bool(warning.judgements)
    if needs_reason and not why.strip():
        raise ConflictError("This judgement needs a reason.", hint="Write in a few words why.")
    if len(why) > MAX_REASON:
        raise ConflictError(f"The reason is longer than {MAX_REASON} characters.", hint="Shorten it.")
    judgement = Judgement(decision=decision, who=who, at_us=at_us, why=why)
    return msgspec.structs.replace(warning, judgements=(*warning.judgements, judgement))
