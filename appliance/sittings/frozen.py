"""What exams mean in one sitting: frozen when its readiness check begins, so that nothing changes silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.exams.model import Exam
from appliance.sittings.exams import stored_exam
from appliance.sittings.rows import rows_of, to_json

if TYPE_CHECKING:
    from sqlite_utils import Database


class Definition(msgspec.Struct, frozen=True, omit_defaults=True):
    """An exam of a sitting.

    ``planned``: as the history begins with it. ``accepted``: a change of it that somebody accepted since; when, is an
    event of the history.
    """

    planned: Exam
    accepted: Exam | None = None

    @property
    def present(self) -> Exam:
        """What the sitting goes by now."""
        return self.planned if self.accepted is None else self.accepted


def definitions(db: Database, sitting: str) -> dict[str, Definition]:
    """Return the exams of a sitting by id; of one that is not frozen yet, as it is now."""
    rows = rows_of(
        db,
        "SELECT x.definition, x.exam AS of_exam, e.* FROM sitting_exam x JOIN exam e ON e.id = x.exam"
        " WHERE x.sitting = ? ORDER BY x.exam",
        (sitting,),
    )
    return {
        row["of_exam"]: Definition(stored_exam(row).exam)
        if row["definition"] is None
        else msgspec.json.decode(row["definition"], type=Definition)
        for row in rows
    }


def freeze(db: Database, sitting: str) -> None:
    """Keep what the exams of a sitting mean now, where they are not frozen yet; in the open transaction."""
    for exam, definition in definitions(db, sitting).items():
        db.conn.execute(
            "UPDATE sitting_exam SET definition = ? WHERE sitting = ? AND exam = ? AND definition IS NULL",
            (to_json(definition), sitting, exam),
        )


def accept(db: Database, sitting: str, exam: Exam) -> None:
    """Let the sitting go by a changed exam; in the open transaction, beside the event that says so."""
    before = definitions(db, sitting)[exam.id]
    db.conn.execute(
        "UPDATE sitting_exam SET definition = ? WHERE sitting = ? AND exam = ?",
        (to_json(Definition(before.planned, exam)), sitting, exam.id),
    )
