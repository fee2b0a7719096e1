"""Warnings of software as rows: noted, told in merged form, judged by people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from appliance.exams.records import Warning as Flag

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock


class StoredWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A warning as it is kept: ``number`` is the LMS's ``id``; ``warning.session`` is empty for one of room or seat."""

    number: int
    warning: Flag
    sitting: str
    seat: str
    told_end_us: int | None


def note_warning(db: Database, warning: Flag, *, clock: Clock, sitting: str = "", seat: str = "") -> StoredWarning:
    """Keep a warning and tell the LMS, where it is to be told; the same id again changes only the end.

    Of repeats within 10 s the first is told at once and the others move its end, told at most every 30 s.

    Raises:
        NotFoundError: there is no such session.
    """
    raise NotImplementedError


def tell_merged(db: Database, *, clock: Clock) -> int:
    """Tell the new ends of merged warnings that are due; return how many messages. For the tick."""
    raise NotImplementedError


def judge_warning(
    db: Database,
    number: int,
    decision: Literal["confirmed", "dismissed"],
    *,
    who: str,
    why: str = "",
    clock: Clock,
    where: str = "",
) -> StoredWarning:
    """Keep a person's word on a warning; the score, the review queue and what the LMS knows follow.

    Raises:
        ConflictError: it is judged so already, or the reason is missing.
        NotFoundError: there is no such warning.
    """
    raise NotImplementedError


def warnings_of(db: Database, *, session: str = "", sitting: str = "", limit: int = 5000) -> list[StoredWarning]:
    """Return the warnings of a session, or of a whole sitting, in order of start."""
    raise NotImplementedError
