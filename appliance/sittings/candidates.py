"""Candidates as rows: the only place where names and addresses of people who are examined lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from appliance.errors import NotFoundError
from appliance.exams.model import Candidate
from appliance.sittings.rows import insert, new_id, one_row, rows_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlite_utils import Database

_FIELDS: Final = tuple(name for name in Candidate.__struct_fields__ if name != "id")
_MANY: Final = 500
MISSING: Final = "There is no such candidate."


def candidate_of_row(row: dict[str, Any]) -> Candidate:
    """Return the candidate a row of the table is."""
    return Candidate(id=row["id"], **{name: row[name] for name in _FIELDS})


def get_candidate(db: Database, id: str) -> Candidate:  # noqa: A002  the model's word
    """Return a candidate.

    Raises:
        NotFoundError: there is none.
    """
    row = one_row(db, "SELECT * FROM candidate WHERE id = ?", (id,))
    if row is None:
        raise NotFoundError(MISSING, hint="Look at the roster.")
    return candidate_of_row(row)


def candidates_by_id(db: Database, ids: Collection[str]) -> dict[str, Candidate]:
    """Return those of these candidates that there are, by id."""
    wanted, found = list(ids), dict[str, Candidate]()
    for first in range(0, len(wanted), _MANY):
        some = wanted[first : first + _MANY]
        marks = ", ".join("?" * len(some))
        rows = rows_of(db, f"SELECT * FROM candidate WHERE id IN ({marks})", some)  # noqa: S608  question marks
        found |= {row["id"]: candidate_of_row(row) for row in rows}
    return found


def known_as(db: Database, integration: str | None, *, user_id: str, number: str) -> Candidate | None:
    """Return the candidate that is meant: by the LMS's user id, else by the centre's number; None where there is none.

    A number is the centre's: it means the same person for every LMS, as long as that LMS does not know them otherwise.
    A number nobody has yet may be what the LMS knows somebody by.
    """
    if user_id and integration is not None:
        row = one_row(db, "SELECT * FROM candidate WHERE integration = ? AND user_id = ?", (integration, user_id))
        if row is not None:
            return candidate_of_row(row)
    if not number:
        return None
    row = one_row(
        db,
        "SELECT * FROM candidate WHERE number = ? AND (integration IS NULL OR integration IS ?)"
        " AND (user_id = '' OR ? = '' OR user_id = ?) ORDER BY integration IS NULL, created_us LIMIT 1",
        (number, integration, user_id, user_id),
    )
    if row is None and not user_id:
        row = one_row(
            db,
            "SELECT * FROM candidate WHERE integration = ? AND user_id = ? AND number = ''",
            (integration, number),
        )
    return None if row is None else candidate_of_row(row)


def keep_candidate(db: Database, said: Candidate, integration: str | None, *, now_us: int) -> Candidate:
    """Make a candidate or change what is known of them, and return them; in the open transaction.

    They are matched by `known_as`. What is said empty keeps what is known: a roster without e-mails takes none away.
    """
    known = known_as(db, integration, user_id=said.user_id, number=said.number)
    if known is None:
        made = {name: getattr(said, name) for name in _FIELDS}
        row = {"id": new_id(), "integration": integration, **made, "created_us": now_us, "updated_us": now_us}
        insert(db, "candidate", row)
        return candidate_of_row(row)
    news = {name: getattr(said, name) or getattr(known, name) for name in _FIELDS}
    if any(news[name] != getattr(known, name) for name in _FIELDS):
        settings = ", ".join(f"{name} = ?" for name in _FIELDS)
        db.conn.execute(
            f"UPDATE candidate SET {settings}, integration = COALESCE(integration, ?), version = version + 1,"  # noqa: S608  own names
            " updated_us = ? WHERE id = ?",
            (*news.values(), integration if said.user_id else None, now_us, known.id),
        )
    return Candidate(id=known.id, **news)
