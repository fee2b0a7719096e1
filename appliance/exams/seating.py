"""A seating plan out of a table: a dry run that names each row's problem, and who has no seat yet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.errors import BadInputError
from appliance.exams.model import Seat, SeatingPlan
from appliance.exams.roster import NUMBER_HEADS
from appliance.exams.tabular import RowProblem, limited, read_table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from appliance.exams.model import Roster
    from appliance.exams.tabular import Row

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "seat": (
        "seat label",
        "seat number",
        "seat no",
        "place",
        "desk",
        "platz",
        "platznummer",
        "platznr",
        "sitz",
        "sitzplatz",
        "tisch",
    ),
    "number": NUMBER_HEADS,
    "row": ("seat row", "reihe"),
    "column": ("seat column", "spalte"),
    "cameras": ("camera", "camera ids", "kamera", "kameras"),
}
MAX_LABEL: Final = 60
MAX_GRID: Final = 1000


class SeatingDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a table would become. ``unseated``: ids of candidates of the roster without a seat; no problem by itself."""

    sitting: str
    seats: tuple[Seat, ...]
    assigned: dict[str, str]
    unseated: tuple[str, ...]
    problems: tuple[RowProblem, ...]
    rows: int

    def plan(self) -> SeatingPlan:
        """Return the seating plan.

        Raises:
            BadInputError: a row has a problem; nothing is taken over.
        """
        if self.problems:
            first = self.problems[0]
            raise BadInputError(f"Row {first.row}, {first.column or 'table'}: {first.message}", hint=first.hint)
        return SeatingPlan(sitting=self.sitting, seats=self.seats, assigned=self.assigned)


class _Seen(msgspec.Struct):
    """What earlier rows hold: labels of seats, numbers of candidates, places of the grid; each with its row."""

    seats: dict[str, int] = msgspec.field(default_factory=dict)
    numbers: dict[str, int] = msgspec.field(default_factory=dict)
    places: dict[tuple[int, int], int] = msgspec.field(default_factory=dict)


def draft_seating(rows: Sequence[Sequence[object]], *, roster: Roster, cameras: Collection[str] = ()) -> SeatingDraft:
    """Return what the table would become, with every problem found.

    Args:
        rows: cells; the first row holds the heads (``COLUMNS``). Only ``seat`` is required; a row without a
            candidate is a seat that stays empty. Cameras are separated by commas, semicolons or spaces.
        roster: who is expected.
        cameras: ids of the room's cameras.
    """
    table = read_table(rows, COLUMNS, required=("seat",))
    problems = list(table.problems)
    by_number = {entry.candidate.number or entry.candidate.id: entry.candidate.id for entry in roster.entries}
    seats, assigned, seen = [], {}, _Seen()
    for row in table.rows if "seat" in table.columns else ():
        found = _problems(row, by_number, cameras, seen)
        problems += found
        if found or row.unreadable:
            continue
        seat = _seat(row)
        seats.append(seat)
        if number := row.cells.get("number", ""):
            assigned[seat.label] = by_number[number]
    seated = set(assigned.values())
    return SeatingDraft(
        sitting=roster.sitting,
        seats=tuple(seats),
        assigned=assigned,
        unseated=tuple(one for one in by_number.values() if one not in seated),
        problems=limited(problems),
        rows=len(table.rows),
    )


def cameras_named(rows: Sequence[Sequence[object]]) -> frozenset[str]:
    """Return what a table names as cameras, for a dry run where nobody says which there are."""
    return frozenset(camera for row in read_table(rows, COLUMNS, required=()).rows for camera in _cameras(row))


def _problems(row: Row, by_number: dict[str, str], cameras: Collection[str], seen: _Seen) -> list[RowProblem]:
    found = [*_seat_problems(row, seen), *_number_problems(row, by_number, seen), *_place_problems(row, seen)]
    unknown = [camera for camera in _cameras(row) if camera not in cameras]
    if unknown:
        found.append(
            RowProblem(
                row.number, "cameras", f"The camera {unknown[0]!r} is unknown.", "Name cameras by their id on this box."
            )
        )
    return found


def _seat_problems(row: Row, seen: _Seen) -> list[RowProblem]:
    label = row.cells["seat"]
    if "seat" in row.unreadable:
        return []
    if not label:
        return [RowProblem(row.number, "seat", "The seat has no name.", "Fill it in.")]
    if len(label) > MAX_LABEL:
        return [RowProblem(row.number, "seat", f"The name is longer than {MAX_LABEL} characters.", "Shorten it.")]
    first = seen.seats.setdefault(label.casefold(), row.number)
    if first != row.number:
        return [
            RowProblem(row.number, "seat", f"This seat is in row {first} already.", "Leave one of the two rows out.")
        ]
    return []


def _number_problems(row: Row, by_number: dict[str, str], seen: _Seen) -> list[RowProblem]:
    number = row.cells.get("number", "")
    if not number:
        return []
    if number not in by_number:
        hint = "Add the candidate to the roster first, or leave the seat empty."
        return [RowProblem(row.number, "number", f"The candidate {number!r} is not on the roster.", hint)]
    first = seen.numbers.setdefault(number, row.number)
    if first != row.number:
        hint = "Give the candidate one seat."
        return [RowProblem(row.number, "number", f"This candidate has a seat in row {first} already.", hint)]
    return []


def _place_problems(row: Row, seen: _Seen) -> list[RowProblem]:
    texts = [(name, row.cells.get(name, "")) for name in ("row", "column")]
    found = [
        RowProblem(
            row.number, name, f"This is not a whole number from 1 to {MAX_GRID}.", "Correct it, or leave it empty."
        )
        for name, text in texts
        if text and _whole(text) is None
    ]
    place = tuple(_whole(text) for _, text in texts)
    if not found and place[0] is not None and place[1] is not None:
        first = seen.places.setdefault((place[0], place[1]), row.number)
        if first != row.number:
            found.append(
                RowProblem(
                    row.number, "column", f"The seat of row {first} has this place already.", "Correct one of them."
                )
            )
    return found


def _whole(text: str) -> int | None:
    number = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0
    return number if 1 <= number <= MAX_GRID else None


def _cameras(row: Row) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in re.split(r"[\s,;]+", row.cells.get("cameras", "")) if one))


def _seat(row: Row) -> Seat:
    return Seat(
        label=row.cells["seat"],
        row=_whole(row.cells.get("row", "")),
        column=_whole(row.cells.get("column", "")),
        cameras=_cameras(row),
    )
