"""Exams as rows: made and changed by the LMS, the centre or a stick; what the centre chose beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.model import Integration
    from appliance.exchange.exam_parameters import ExamParameters
    from appliance.sittings.values import ExamChoices, Origin, StoredExam, Upserted


def upsert_exam(
    db: Database,
    integration: Integration,
    parameters: ExamParameters,
    *,
    clock: Clock,
    who: str,
    where: str = "",
    origin: Origin = "lms",
) -> Upserted:
    """Make the exam of (integration, account, examId), or change it to what is said now; committed when it returns.

    However often and by however many at once the same is said, there is one exam, and only what is new is written. A
    removed one comes back.
    """
    raise NotImplementedError


def get_exam(db: Database, id: str) -> StoredExam:  # noqa: A002  the model's word
    """Return an exam, also a removed one.

    Raises:
        NotFoundError: there is none.
    """
    raise NotImplementedError


def find_exam(db: Database, integration: str, account: str, exam_id: str) -> StoredExam | None:
    """Return the exam an LMS (integration's id) calls so, None where there is none or it was removed."""
    raise NotImplementedError


def list_exams(
    db: Database,
    *,
    text: str = "",
    now_us: int,
    limit: int = 50,
    before: tuple[int, str] | None = None,
    past: bool = True,
) -> list[StoredExam]:
    """Return exams, the latest window first.

    Args:
        db: the box's database.
        text: only those whose name, course or LMS's id holds it.
        now_us: what is past is told by it.
        limit: at most so many.
        before: continue after this one: (window's end, id) of the last exam shown.
        past: whether exams whose window has ended are listed.
    """
    raise NotImplementedError


def set_choices(db: Database, id: str, choices: ExamChoices, *, clock: Clock, who: str, where: str = "") -> StoredExam:  # noqa: A002  the model's word
    """Keep what the centre chooses for an exam, instead of what it chose before.

    Raises:
        NotFoundError: there is no such exam.
    """
    raise NotImplementedError


def remove_exam(db: Database, id: str, *, clock: Clock, who: str, where: str = "") -> None:  # noqa: A002  the model's word
    """Remove an exam from the lists; its sittings and sessions stay, and an LMS that sends it again brings it back.

    Raises:
        NotFoundError: there is no such exam.
        ConflictError: a sitting that is not closed holds it.
    """
    raise NotImplementedError


def restore_exam(db: Database, id: str, *, clock: Clock, who: str, where: str = "") -> StoredExam:  # noqa: A002  the model's word
    """Bring a removed exam back.

    Raises:
        NotFoundError: there is no such exam.
    """
    raise NotImplementedError
