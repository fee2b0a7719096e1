"""Exams as rows: made and changed by the LMS, the centre or a stick; what the centre chose beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from appliance.database import joined, write
from appliance.errors import ConflictError, NotFoundError
from appliance.exchange.exam_parameters import actual, exam_schema, parse_exam
from appliance.sittings.mapping import exam_of
from appliance.sittings.rows import Cause, insert, like, new_id, one_row, rows_of, to_json
from appliance.sittings.values import ExamChoices, Kept, StoredExam, Upserted

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.model import Integration
    from appliance.exchange.exam_parameters import ExamParameters
    from appliance.exchange.json_edge import JsonObject
    from appliance.sittings.values import Origin

_KNOWN: Final = frozenset(cast("dict[str, object]", exam_schema()["properties"]))


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
    with write(db):
        row, kept = _upserted(db, integration, parameters, origin, Cause(clock, who, where))
    return Upserted(_stored(row, parameters, kept.parameters), created=kept.created, changed=kept.changed)


def put_exam(
    db: Database, integration: Integration, parameters: ExamParameters, *, clock: Clock, who: str, where: str = ""
) -> Kept:
    """As `upsert_exam` for what an LMS sends, without working out what the exam means here: its answer needs it not.

    Where a transaction is open, whoever opened it undoes it if this fails.
    """
    return _upserted(db, integration, parameters, "lms", Cause(clock, who, where))[1]


def _upserted(
    db: Database, integration: Integration, parameters: ExamParameters, origin: Origin, cause: Cause
) -> tuple[dict[str, Any], Kept]:
    """Make or change an exam; return its row, and what became of it."""
    answer, (account, exam_id) = actual(parameters), parameters.key
    said = (parameters, answer)
    with joined(db):
        row = one_row(
            db,
            "SELECT * FROM exam WHERE integration = ? AND account = ? AND exam_id = ?",
            (integration.id, account, exam_id),
        )
        if row is None:
            row = _made(db, integration.id, said, origin, cause)
            return row, Kept(answer, created=True, changed=True)
        if row["parameters"] == to_json(answer) and row["removed_us"] is None:
            return row, Kept(answer, created=False, changed=False)
        _changed(db, row, said, cause)
        return row, Kept(answer, created=False, changed=True)


def get_exam(db: Database, id: str) -> StoredExam:  # noqa: A002  the model's word
    """Return an exam, also a removed one.

    Raises:
        NotFoundError: there is none.
    """
    row = one_row(db, "SELECT * FROM exam WHERE id = ?", (id,))
    if row is None:
        raise NotFoundError("There is no such exam.", hint="Look at the list of exams.")
    return stored_exam(row)


def find_exam(db: Database, integration: str, account: str, exam_id: str) -> StoredExam | None:
    """Return the exam an LMS (integration's id) calls so, None where there is none or it was removed."""
    row = one_row(
        db,
        "SELECT * FROM exam WHERE integration = ? AND account = ? AND exam_id = ? AND removed_us IS NULL",
        (integration, account, exam_id),
    )
    return None if row is None else stored_exam(row)


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
    conditions, values = ["removed_us IS NULL"], list[object]()
    if text:
        found = "{} LIKE ? ESCAPE '\\'"
        course = found.format("json_extract(parameters, '$.courseName')")
        conditions.append(f"({found.format('name')} OR {found.format('exam_id')} OR {course})")
        values += [like(text)] * 3
    if not past:
        conditions.append("window_end_us >= ?")
        values.append(now_us)
    if before is not None:
        conditions.append("(window_end_us, id) < (?, ?)")
        values += before
    sql = f"SELECT * FROM exam WHERE {' AND '.join(conditions)} ORDER BY window_end_us DESC, id DESC LIMIT ?"  # noqa: S608  own words
    return [stored_exam(row) for row in rows_of(db, sql, [*values, limit])]


def set_choices(db: Database, id: str, choices: ExamChoices, *, clock: Clock, who: str, where: str = "") -> StoredExam:  # noqa: A002  the model's word
    """Keep what the centre chooses for an exam, instead of what it chose before.

    Raises:
        NotFoundError: there is no such exam.
    """
    now = clock.wall_us()
    with write(db):
        before = get_exam(db, id)
        if before.choices == choices:
            return before
        db.conn.execute(
            "UPDATE exam SET choices = ?, version = version + 1, updated_us = ? WHERE id = ?",
            (to_json(choices), now, id),
        )
        names = [name for name in choices.__struct_fields__ if getattr(choices, name) != getattr(before.choices, name)]
        detail = {"exam": id, "version": before.version + 1, "chosen": names}
        Cause(clock, who, where).log(db, "exam.changed", detail)
        return get_exam(db, id)


def remove_exam(db: Database, id: str, *, clock: Clock, who: str, where: str = "") -> None:  # noqa: A002  the model's word
    """Remove an exam from the lists; its sittings and sessions stay, and an LMS that sends it again brings it back.

    Raises:
        NotFoundError: there is no such exam.
        ConflictError: a sitting that is not closed holds it.
    """
    with write(db):
        if get_exam(db, id).removed_us is not None:
            return
        held = one_row(
            db,
            "SELECT s.name FROM sitting_exam x JOIN sitting s ON s.id = x.sitting"
            " WHERE x.exam = ? AND s.status <> 'closed' AND s.removed_us IS NULL",
            (id,),
        )
        if held is not None:
            raise ConflictError(
                f"The sitting {held['name']} holds this exam.", hint="Close, call off or remove the sitting first."
            )
        db.conn.execute("UPDATE exam SET removed_us = ? WHERE id = ?", (clock.wall_us(), id))
        Cause(clock, who, where).log(db, "exam.removed", {"exam": id})


def restore_exam(db: Database, id: str, *, clock: Clock, who: str, where: str = "") -> StoredExam:  # noqa: A002  the model's word
    """Bring a removed exam back.

    Raises:
        NotFoundError: there is no such exam.
    """
    with write(db):
        if get_exam(db, id).removed_us is not None:
            db.conn.execute("UPDATE exam SET removed_us = NULL WHERE id = ?", (id,))
            Cause(clock, who, where).log(db, "exam.restored", {"exam": id})
        return get_exam(db, id)


def parameters_of(stored: StoredExam) -> ExamParameters:
    """Return an exam's parameters as the API's record."""
    return parse_exam(stored.parameters)


def stored_exam(row: dict[str, Any]) -> StoredExam:
    """Return the exam a row of the table is."""
    said = msgspec.json.decode(row["parameters"])
    return _stored(row, parse_exam(said), said)


def _stored(row: dict[str, Any], parameters: ExamParameters, said: JsonObject) -> StoredExam:
    choices = msgspec.json.decode(row["choices"], type=ExamChoices)
    return StoredExam(
        exam=exam_of(parameters, choices, id=row["id"], integration=row["integration"]),
        parameters=said,
        choices=choices,
        account=row["account"],
        exam_id=row["exam_id"],
        origin=row["origin"],
        version=row["version"],
        created_us=row["created_us"],
        updated_us=row["updated_us"],
        removed_us=row["removed_us"],
    )


def _made(
    db: Database, integration: str, said: tuple[ExamParameters, JsonObject], origin: Origin, cause: Cause
) -> dict[str, Any]:
    parameters, answer = said
    now = cause.clock.wall_us()
    row: dict[str, Any] = {
        "id": new_id(),
        "integration": integration,
        "account": parameters.account_id.text,
        "exam_id": parameters.exam_id.text,
        **_columns(parameters, answer),
        "choices": "{}",
        "origin": origin,
        "version": 1,
        "created_us": now,
        "updated_us": now,
        "removed_us": None,
    }
    insert(db, "exam", row)
    cause.log(db, "exam.made", {"exam": row["id"], "integration": integration, "exam_id": row["exam_id"]})
    return row


def _changed(db: Database, row: dict[str, Any], said: tuple[ExamParameters, JsonObject], cause: Cause) -> None:
    parameters, answer = said
    before = msgspec.json.decode(row["parameters"])
    changed = {key for key in before.keys() | answer.keys() if before.get(key) != answer.get(key)}
    named = sorted(changed & _KNOWN) + (["other keys"] if changed - _KNOWN else [])
    news = _columns(parameters, answer) | {"version": row["version"] + 1, "updated_us": cause.clock.wall_us()}
    row |= news | {"removed_us": None}
    db.conn.execute(
        "UPDATE exam SET name = :name, parameters = :parameters, window_start_us = :window_start_us,"
        " window_end_us = :window_end_us, version = :version, updated_us = :updated_us, removed_us = NULL"
        " WHERE id = :id",
        row,
    )
    cause.log(db, "exam.changed", {"exam": row["id"], "version": row["version"], "changed": named})


def _columns(parameters: ExamParameters, answer: JsonObject) -> dict[str, Any]:
    return {
        "name": parameters.exam_name or parameters.exam_id.text,
        "parameters": to_json(answer),
        "window_start_us": parameters.start.us,
        "window_end_us": parameters.end.us,
    }
