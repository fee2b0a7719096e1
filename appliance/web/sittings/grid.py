"""The seating plan as a grid of rows and columns (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.web.sittings.people import natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from appliance.exams.model import Seat
    from appliance.web.sittings.people import Row

MAX_SIDE: Final = 60
"""A plan with more rows or columns is shown as a list: nobody reads a grid that wide."""


@dataclass(frozen=True, slots=True)
class Place:
    """A seat and who sits or is planned there."""

    label: str
    row: Row | None


@dataclass(frozen=True, slots=True)
class Grid:
    """Places by row and column, those without a place in the grid, and candidates without a seat.

    ``rows`` has a place or None for each column; it is empty where no seat says where it stands.
    """

    rows: tuple[tuple[Place | None, ...], ...]
    loose: tuple[Place, ...]
    unseated: tuple[Row, ...]


def grid_of(seats: Sequence[Seat], rows: Iterable[Row]) -> Grid:
    """Return the plan; every seat and every candidate is in it once.

    Args:
        seats: the room's plan; seats somebody uses that are not in it are added.
        rows: the candidates; of two who name one seat the one who occupies it now is shown there.
    """
    by_seat: dict[str, Row] = {}
    unseated: list[Row] = []
    for row in sorted(rows, key=lambda one: not one.person.occupies_seat):
        if not row.person.seat or row.person.seat in by_seat:
            unseated.append(row)
        else:
            by_seat[row.person.seat] = row
    known = {seat.label for seat in seats}
    at = _places(seats)
    placed = set(at.values())
    loose = [seat.label for seat in seats if seat.label not in placed] + sorted(by_seat.keys() - known)
    width = max((column for _, column in at), default=0)
    height = max((row for row, _ in at), default=0)
    return Grid(
        tuple(
            tuple(
                Place(at[row, column], by_seat.get(at[row, column])) if (row, column) in at else None
                for column in range(1, width + 1)
            )
            for row in range(1, height + 1)
        ),
        tuple(Place(label, by_seat.get(label)) for label in sorted(loose, key=natural)),
        tuple(unseated),
    )


def _places(seats: Iterable[Seat]) -> Mapping[tuple[int, int], str]:
    """Return labels by row and column; a place taken twice, or far out, leaves its second seat loose."""
    found: dict[tuple[int, int], str] = {}
    for seat in seats:
        if seat.row is None or seat.column is None or max(seat.row, seat.column) > MAX_SIDE:
            continue
        found.setdefault((seat.row, seat.column), seat.label)
    return found
