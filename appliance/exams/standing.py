"""Where one candidate, and the room's readiness, stand in a sitting: what the history has made of them."""

from __future__ import annotations

import msgspec

from appliance.exams.allowances import NONE, Allowance
from appliance.exams.states import CandidateStatus

_EMPTY_SEATS = frozenset(
    {
        CandidateStatus.LEFT,
        CandidateStatus.ABSENT,
        CandidateStatus.REFUSED,
        CandidateStatus.WITHDRAWN,
        CandidateStatus.TRANSFERRED,
    }
)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that was finished before another one began: its session, and from when to when (wall)."""

    session: str
    begun_us: int | None
    finished_us: int | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate in a sitting. Times are wall; ``seat`` is empty while unseated; ``papers`` None until counted.

    States and times are of the present attempt: ``session`` names it, empty while there was only one; ``earlier`` are
    those before it.
    """

    candidate: str
    exam: str
    status: CandidateStatus = CandidateStatus.EXPECTED
    planned: Allowance = NONE
    identity_asked: bool = True
    seat: str = ""
    arrived_us: int | None = None
    begun_us: int | None = None
    finished_us: int | None = None
    left_us: int | None = None
    papers: int | None = None
    why: str = ""
    session: str = ""
    earlier: tuple[Attempt, ...] = ()

    def is_of(self, session: str) -> bool:
        """Whether this is how a session (its id) of the candidate in this sitting stands; else it is an earlier one."""
        return self.session in {"", session}

    @property
    def occupies_seat(self) -> bool:
        """Whether nobody else can be given this seat."""
        return bool(self.seat) and self.status not in _EMPTY_SEATS

    @property
    def took_part(self) -> bool:
        """Whether the candidate ever began to write: absent, refused and withdrawn before it did not."""
        return self.begun_us is not None


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What the readiness check last found: ``missing`` names each thing, with what is wrong with it."""

    checked: bool = False
    missing: tuple[tuple[str, str], ...] = ()
    overridden_by: str = ""
    overridden_why: str = ""

    @property
    def lets_admit(self) -> bool:
        """Whether candidates may be admitted: all is well, or a named person overrode what is missing."""
        return self.checked and (not self.missing or bool(self.overridden_by))
