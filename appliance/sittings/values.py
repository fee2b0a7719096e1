"""What is kept of exams, sessions and sittings: frozen values, and how a row becomes one. Wall times in ``_us``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from appliance.exams.methods import Method
from appliance.exams.model import Candidate, Exam, Identification, Sitting, SittingId, Text
from appliance.exams.standing import Standing
from appliance.exams.states import SessionStatus, SittingStatus
from appliance.exams.timing import End, SittingTiming
from appliance.exchange.messages import SessionName

Origin = Literal["lms", "centre", "stick", "box"]
Opening = Literal["people", "automatic"]


class ExamChoices(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the centre chose for an exam beside what the LMS says; None: as the LMS says. What is here wins."""

    method: Method | None = None
    requires_validation: bool | None = None
    identification: Identification | None = None
    instructions: Annotated[str, msgspec.Meta(max_length=20_000)] | None = None


class StoredExam(msgspec.Struct, frozen=True, kw_only=True):
    """An exam as it is kept.

    ``exam``: what it means here. ``parameters``: the answer to the LMS, every key. ``account`` and ``exam_id``: the
    LMS's names as text. ``version`` counts changes of what the LMS said or the centre chose.
    """

    exam: Exam
    parameters: dict[str, Any]
    choices: ExamChoices
    account: str
    exam_id: str
    origin: Origin
    version: int
    created_us: int
    updated_us: int
    removed_us: int | None = None

    @property
    def id(self) -> str:
        """Our name of it."""
        return self.exam.id


class Upserted(msgspec.Struct, frozen=True):
    """What became of an exam that an LMS sent: ``changed`` is False where nothing in it was new."""

    exam: StoredExam
    created: bool
    changed: bool


class Kept(msgspec.Struct, frozen=True):
    """As `Upserted`, with what the LMS is answered alone."""

    parameters: dict[str, Any]
    created: bool
    changed: bool


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it is kept.

    ``account`` and ``session_id``: the LMS's names as text; ``wire``: as the LMS spelled them (numbers stay numbers).
    ``parameters``: of the hand-over, after defaults. ``status``: as last worked out, see `sessions.session_facts`.
    """

    id: str
    integration: str
    account: str
    session_id: str
    wire: SessionSpelling
    exam: str
    candidate: str
    sitting: str | None
    session_url: str
    finish_url: str | None
    parameters: dict[str, Any]
    scheduled_us: int | None
    agreed_us: int | None
    agreed_notice: str | None
    begun_us: int | None
    finished_us: int | None
    status: SessionStatus
    created_us: int
    updated_us: int
    removed_us: int | None


class SessionSpelling(msgspec.Struct, frozen=True):
    """How the LMS spelled its names: a number stays one in answers and messages."""

    account: str | int = ""
    session: str | int = ""


class StoredSitting(msgspec.Struct, frozen=True, kw_only=True):
    """A sitting as it is kept; what happens in it is `runs.run_of`.

    ``start_us``: planned. ``ends_us``: the last end of anybody as last worked out, None before the start. ``lead_us``:
    cameras record so long before the start. ``seq``: of the newest event. ``version``: of plan and roster.
    """

    sitting: Sitting
    origin: Origin
    status: SittingStatus
    lead_us: int
    start_us: int
    ends_us: int | None
    seq: int
    version: int
    created_us: int
    created_by: str
    updated_us: int
    removed_us: int | None
    candidates: int = 0

    @property
    def id(self) -> str:
        """Its name, also the folder's in the vault."""
        return self.sitting.id

    @property
    def automatic(self) -> bool:
        """Whether the box opens and closes it by itself."""
        return self.sitting.opening == "automatic"


class SittingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody plans. ``exams``: our ids, at least one. ``id`` is made from the start where it is None."""

    name: Text
    room: Text
    exams: tuple[str, ...]
    timing: SittingTiming
    lead_us: Annotated[int, msgspec.Meta(ge=0, le=24 * 3600 * 1_000_000)] = 0
    opening: Opening = "people"
    origin: Origin = "box"
    id: SittingId | None = None


class Booking(msgspec.Struct, frozen=True):
    """How a candidate stands who books a time: whether one is chosen, and until when it can be given up (wall)."""

    chosen: bool
    cancel_until_us: int | None = None


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a page, the LMS or a message needs of a session at one moment.

    ``exam``: as the sitting has frozen it, else as it is now. ``window``: first and last wall time to begin, None where
    no time is booked. ``booking``: where the candidate books it.
    ``start_us`` and ``end_us``: when it was begun and finished. ``end``: when its time is over.
    """

    session: StoredSession
    exam: Exam
    candidate: Candidate
    sitting: StoredSitting | None
    standing: Standing | None
    end: End | None
    window: tuple[int, int] | None
    status: SessionStatus
    start_us: int | None
    end_us: int | None
    seat: str
    name: SessionName
    booking: Booking | None = None


class HandedOver(msgspec.Struct, frozen=True):
    """What a hand-over led to; ``created`` is False where the session was known."""

    session: StoredSession
    created: bool


class RecordingRange(msgspec.Struct, frozen=True):
    """Where the pictures of a session are: the recording's sitting (a folder of the vault) and a range (wall)."""

    sitting: str
    cameras: tuple[str, ...]
    from_us: int
    to_us: int
