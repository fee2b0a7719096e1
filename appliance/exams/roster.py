"""A roster out of a table: a dry run that names each row's problem, and the roster only when there is none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.errors import BadInputError
from appliance.exams.allowances import NONE, Allowance, parse_allowance
from appliance.exams.model import Candidate, Roster, RosterEntry
from appliance.exams.tabular import RowProblem, limited, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appliance.exams.tabular import Row

NUMBER_HEADS: Final = (
    "candidate", "candidate number", "candidate no", "candidate id", "student id", "student number",
    "matriculation number", "registration number", "matrikelnummer", "matrikelnr", "nummer", "prüfling",
    "prüflingsnummer", "kandidatennummer", "teilnehmernummer",
)  # fmt: skip
"""Heads of the column that names the candidate, in a roster and in a seating plan."""
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "number": NUMBER_HEADS,
    "last_name": ("surname", "last names", "family name", "nachname", "name", "familienname", "zuname"),
    "first_name": ("given name", "first names", "forename", "vorname", "vornamen"),
    "third_name": ("middle name", "patronymic", "weiterer vorname", "zweiter vorname"),
    "email": ("e-mail", "mail", "e-mail address", "e-mail-adresse"),
    "exam": ("exam id", "exam code", "prüfung", "klausur", "prüfungsnummer", "prüfungs-id", "klausurnummer"),
    "extra_time": (
        "extra",
        "planned extra time",
        "additional time",
        "zeitzugabe",
        "nachteilsausgleich",
        "zusatzzeit",
        "zeitverlängerung",
        "schreibzeitverlängerung",
    ),
    "language": ("language code", "sprache"),
    "user_id": ("lms id", "lms user id", "benutzer-id"),
    "accommodations": ("accommodation", "special arrangements", "besonderheiten"),
}
MAX_NUMBER: Final = 60
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})?")


class RosterDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a table would become. ``rows``: how many it has; those with a problem are not among the entries."""

    sitting: str
    entries: tuple[RosterEntry, ...]
    problems: tuple[RowProblem, ...]
    rows: int

    def roster(self) -> Roster:
        """Return the roster.

        Raises:
            BadInputError: a row has a problem; nothing is taken over.
        """
        if self.problems:
            first = self.problems[0]
            raise BadInputError(f"Row {first.row}, {first.column or 'table'}: {first.message}", hint=first.hint)
        return Roster(sitting=self.sitting, entries=self.entries)


def draft_roster(
    rows: Sequence[Sequence[object]],
    *,
    sitting: str,
    exams: Mapping[str, str],
    identify: Callable[[str], str] = str,
) -> RosterDraft:
    """Return what the table would become, with every problem found.

    Args:
        rows: cells; the first row holds the heads (``COLUMNS``). Only ``number`` is required, and ``exam`` where the
            sitting has more than one.
        sitting: whose roster it is.
        exams: the sitting's exams: what a table may call each (the LMS's id, a code) to its id.
        identify: gives a candidate's id for the centre's number.
    """
    only = next(iter(set(exams.values()))) if len(set(exams.values())) == 1 else None
    required = ("number",) if only is not None else ("number", "exam")
    table = read_table(rows, COLUMNS, required=required)
    problems = list(table.problems)
    seen: dict[str, int] = {}
    entries = []
    if not {problem.column for problem in problems if problem.row <= 1} & set(required):
        for row in table.rows:
            found = _problems(row, exams, only, seen)
            if not found and not row.unreadable:
                entries.append(_entry(row, exams, only, identify))
            problems += found
    return RosterDraft(sitting=sitting, entries=tuple(entries), problems=limited(problems), rows=len(table.rows))


def exams_named(rows: Sequence[Sequence[object]]) -> tuple[str, ...]:
    """Return what a table names as exams, each once, for a dry run where nobody says which there are."""
    cells = [row.cells.get("exam", "") for row in read_table(rows, COLUMNS, required=()).rows]
    return tuple(dict.fromkeys(cell for cell in cells if cell))


def _problems(row: Row, exams: Mapping[str, str], only: str | None, seen: dict[str, int]) -> list[RowProblem]:
    found = _number_problems(row, seen)
    exam = row.cells.get("exam", "")
    if not exam and only is None and "exam" not in row.unreadable:
        found.append(RowProblem(row.number, "exam", "No exam is named.", "Name one of the sitting's exams."))
    elif exam and exam not in exams:
        found.append(
            RowProblem(row.number, "exam", f"The exam {exam!r} is unknown.", "Name one of the sitting's exams.")
        )
    try:
        parse_allowance(row.cells.get("extra_time", ""))
    except BadInputError as problem:
        found.append(RowProblem(row.number, "extra_time", problem.message, problem.hint))
    email, language = row.cells.get("email", ""), row.cells.get("language", "")
    if email and not _EMAIL.fullmatch(email):
        found.append(
            RowProblem(row.number, "email", "This is not an e-mail address.", "Correct it, or leave it empty.")
        )
    if language and not _LANGUAGE.fullmatch(language):
        found.append(
            RowProblem(row.number, "language", "This is not the code of a language.", "Write it like `en` or `de-ch`.")
        )
    return found


def _number_problems(row: Row, seen: dict[str, int]) -> list[RowProblem]:
    number = row.cells.get("number", "")
    if "number" in row.unreadable:
        return []
    if not number:
        return [RowProblem(row.number, "number", "The candidate's number is missing.", "Fill it in.")]
    if len(number) > MAX_NUMBER:
        return [RowProblem(row.number, "number", f"The number is longer than {MAX_NUMBER} characters.", "Shorten it.")]
    first = seen.setdefault(number, row.number)
    if first != row.number:
        return [
            RowProblem(
                row.number, "number", f"This candidate is in row {first} already.", "Leave one of the two rows out."
            )
        ]
    return []


def _entry(row: Row, exams: Mapping[str, str], only: str | None, identify: Callable[[str], str]) -> RosterEntry:
    cells = row.cells
    planned: Allowance = parse_allowance(cells["extra_time"]) if cells.get("extra_time") else NONE
    candidate = Candidate(
        id=identify(cells["number"]),
        number=cells["number"],
        user_id=cells.get("user_id", ""),
        last_name=cells.get("last_name", ""),
        first_name=cells.get("first_name", ""),
        third_name=cells.get("third_name", ""),
        email=cells.get("email") or None,
        language=cells.get("language", "").lower(),
        accommodations=cells.get("accommodations", ""),
    )
    exam = exams[cells["exam"]] if cells.get("exam") else (only or "")
    return RosterEntry(candidate=candidate, exam=exam, planned=planned)
