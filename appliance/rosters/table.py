"""A table out of a file: its heads, its rows, and the limits that hold for every kind of file."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from appliance.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BYTES: Final = 10 << 20
MAX_ROWS: Final = 20_000
"""Below the heads."""
MAX_COLUMNS: Final = 100
MAX_CELL: Final = 32_767
"""Characters; more than a spreadsheet program itself puts into a cell."""
LAST_ROW: Final = 1 << 20
"""No spreadsheet program has rows below; empty ones are not counted further either."""
_SHOWN = 80

Kind = Literal["csv", "xlsx"]


class Note(msgspec.Struct, frozen=True):
    """Something a person should know about how the file was read; it is no problem by itself."""

    message: str
    hint: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds.

    ``header``: the first row; ``rows``: those below it, in the file's order, empty ones in their place, so that the
    first of them is row 2 of the file. Cells are texts as the file has them, not trimmed; empty ones at a row's end
    are left out. ``sheet``: the sheet's name, empty for CSV.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sheet: str
    kind: Kind
    notes: tuple[Note, ...] = ()

    @property
    def cells(self) -> list[tuple[str, ...]]:
        """The rows with the heads as the first: what the domain's drafts take."""
        return [self.header, *self.rows]


class RowsRead:
    """Rows as they are read, one after the other: counted, measured, and without the empty ones at the end."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._empty = 0

    @property
    def next_row(self) -> int:
        """The number the next row has in the file."""
        return len(self.rows) + self._empty + 1

    def add(self, cells: Sequence[str]) -> None:
        """Take one row.

        Raises:
            BadInputError: there are too many rows, columns or characters; the message says where.
        """
        number = self.next_row
        last = next((at for at in range(len(cells), 0, -1) if cells[at - 1] and not cells[at - 1].isspace()), 0)
        if not last:
            self.skip()
            return
        if number > MAX_ROWS + 1:
            raise _too_many_rows()
        if last > MAX_COLUMNS:
            raise BadInputError(
                f"Row {number} has more than {MAX_COLUMNS} columns.",
                hint="Take out the columns that are not needed, and check what separates the cells.",
            )
        for at, cell in enumerate(cells[:last], start=1):
            if len(cell) > MAX_CELL:
                raise BadInputError(
                    f"Row {number}, column {column_letters(at)}: the text is longer than {MAX_CELL} characters.",
                    hint="Shorten it; a quotation mark that is never closed may be the reason.",
                )
        self.rows += [[] for _ in range(self._empty)]
        self._empty = 0
        self.rows.append(list(cells[:last]))

    def skip(self) -> None:
        """Take one row in which there is nothing.

        Raises:
            BadInputError: there are more of them than any spreadsheet has.
        """
        self._empty += 1
        if self._empty > LAST_ROW:
            raise _too_many_rows()

    def table(self, *, kind: Kind, sheet: str = "", notes: Sequence[Note] = ()) -> Table:
        """Return the table.

        Raises:
            BadInputError: there is nothing in it, or nothing in its first row.
        """
        if not self.rows:
            raise BadInputError(
                "There is nothing in the table.", hint="Choose a file with heads in the first row; there is a template."
            )
        if not self.rows[0]:
            raise BadInputError(
                "The first row is empty.", hint="Delete the rows above the heads: they have to be the first row."
            )
        header, *rows = (tuple(row) for row in self.rows)
        return Table(header=header, rows=tuple(rows), sheet=sheet, kind=kind, notes=tuple(notes))


def _too_many_rows() -> BadInputError:
    return BadInputError(f"The table has more than {MAX_ROWS} rows.", hint="Split it, or take out what is not needed.")


def column_letters(number: int) -> str:
    """Return what spreadsheet programs call a column: 1 is ``A``, 27 is ``AA``."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def shown_name(name: str) -> str:
    """Return a file's name so that it can stand in a sentence: one line, not long, no folder."""
    return one_line(name.replace("\\", "/").rsplit("/", 1)[-1]) or "file"


def one_line(text: str) -> str:
    """Return a file's text so that it can stand in a sentence: no control characters, cut where it is long."""
    clean = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in text[: 4 * _SHOWN]).strip()
    return clean[: _SHOWN - 1] + "…" if len(clean) > _SHOWN else clean
