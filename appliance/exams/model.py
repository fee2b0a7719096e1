"""What is planned: integrations, exams, sittings, candidates, seats, sessions. Frozen values; wall times in ``_us``.

The lengths are the LMS interface's. ``id`` is ours and opaque; what the LMS calls a thing stands beside it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from appliance.exams.allowances import NONE, Allowance
from appliance.exams.methods import Method, holds_result, traits_of
from appliance.exams.rules import Rules
from appliance.exams.score import ScoreConfig
from appliance.exams.timing import ExamTiming, SittingTiming

Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Text = Annotated[str, msgspec.Meta(max_length=255)]
LongText = Annotated[str, msgspec.Meta(max_length=500)]
Url = Annotated[str, msgspec.Meta(max_length=2048)]
SittingId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
"""Also the name of the sitting's folder in the vault."""
Identification = Literal["passport", "face", "face_and_passport", "skip"]
Opening = Literal["people", "automatic"]
"""Who opens a sitting, lets people in and starts it: people in the room, or the box by itself where nobody is."""
Duration = Annotated[int, msgspec.Meta(ge=1, le=31 * 24 * 3600 * 1_000_000)]


class Integration(msgspec.Struct, frozen=True, kw_only=True):
    """An LMS that may speak to the box. Its secret is kept elsewhere and never in a value like this."""

    id: Identifier
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")]
    is_active: bool = True
    review_url: Url | None = None
    schedule_url: Url | None = None
    warning_url: Url | None = None
    agreement_acceptance_url: Url | None = None


class Exam(msgspec.Struct, frozen=True, kw_only=True):
    """A definition that comes from the LMS, unique by integration, account and exam_id.

    ``schedule``: candidates book slots inside the window.
    """

    id: Identifier
    integration: Identifier
    account: Text
    exam_id: Text
    name: LongText
    duration_us: Duration
    window_start_us: int
    window_end_us: int
    course: LongText = ""
    schedule: bool = False
    method: Method = Method.FULL
    requires_validation: bool = False
    identification: Identification = "skip"
    auxiliary_camera: bool = False
    instructions: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    agreement_url: Url | None = None
    rules: Rules = Rules()
    score: ScoreConfig = ScoreConfig()
    hidden_warnings: frozenset[str] = frozenset()

    @property
    def holds_result(self) -> bool:
        """Whether a result waits for a person's conclusion."""
        return holds_result(self.method, requires_validation=self.requires_validation)

    @property
    def timing(self) -> ExamTiming:
        """What the timing engine needs of it."""
        return ExamTiming(
            duration_us=self.duration_us,
            window_start_us=self.window_start_us,
            window_end_us=self.window_end_us,
            cap_us=traits_of(self.method).cap_us,
        )


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A person who is examined. ``number`` is what the centre knows them by; ``user_id`` what the LMS does."""

    id: Identifier
    user_id: Text = ""
    number: Text = ""
    last_name: Text = ""
    first_name: Text = ""
    third_name: Text = ""
    email: Annotated[str, msgspec.Meta(max_length=320)] | None = None
    language: Annotated[str, msgspec.Meta(max_length=12)] = ""
    accommodations: Annotated[str, msgspec.Meta(max_length=2000)] = ""

    @property
    def display_name(self) -> str:
        """First, third and last name; the number or id where none is known."""
        names = (self.first_name, self.third_name, self.last_name)
        return " ".join(name.strip() for name in names if name.strip()) or self.number or self.user_id or self.id


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a room: its label, its row and column counted from 1 where known, the cameras that see it."""

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    row: int | None = None
    column: int | None = None
    cameras: tuple[str, ...] = ()


class SeatingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which candidate sits where, by label of the seat; nobody sits in two, nobody shares one."""

    sitting: SittingId
    seats: tuple[Seat, ...]
    assigned: dict[str, Identifier]


class RosterEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate who is expected, for which exam, with which planned extra time."""

    candidate: Candidate
    exam: Identifier
    planned: Allowance = NONE


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who is expected in a sitting; each candidate once."""

    sitting: SittingId
    entries: tuple[RosterEntry, ...]


class Sitting(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one or more exams in one room at one time; what happens in it is ``sitting_run.SittingRun``."""

    id: SittingId
    room: Text
    name: Text
    exams: tuple[Identifier, ...]
    timing: SittingTiming
    opening: Opening = "people"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate's attempt. ``session_id`` is the LMS's; ``sitting`` is None until it belongs to one."""

    id: Identifier
    integration: Identifier
    session_id: Text
    exam: Identifier
    candidate: Identifier
    sitting: SittingId | None = None
    session_url: Url = ""
    finish_url: Url | None = None
