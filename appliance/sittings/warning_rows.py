"""Rows of warnings: read, listed, and as what the LMS may see of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.errors import NotFoundError
from appliance.exams.records import Judgement
from appliance.exams.records import Warning as Flag
from appliance.exchange.messages import WarningFact
from appliance.sittings.mapping import wire_of
from appliance.sittings.rows import one_row, rows_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlite_utils import Database

_PLAIN: Final = ("id", "kind", "start_us", "end_us", "camera", "model", "threshold", "confidence")


class Telling(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a warning is told together with its repeats.

    ``told_with``: the number of the warning whose repeat it is; 0: it is none. ``reaches_us``: how far the repeats of a
    told one reach; 0: it has none.
    """

    told_with: int = 0
    reaches_us: int = 0


class StoredWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A warning as it is kept: ``number`` is the LMS's ``id``; ``warning.session`` is empty for one of room or seat.

    ``subject`` says what it is about, where it is about a thing. Of a USB device: ``what`` (the word of its kind, as
    ``usb-stick``), ``name``, ``port`` (its label, else the kernel's name), ``verdict``, ``rule``, ``hash``, ``seat``.
    """

    number: int
    warning: Flag
    sitting: str
    seat: str
    told_end_us: int | None
    telling: Telling = Telling()
    subject: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def reaches_us(self) -> int:
        """Return how far it and its repeats reach."""
        return max(self.warning.end_us, self.telling.reaches_us)

    @property
    def fact(self) -> WarningFact:
        """The warning as the LMS's interface has it."""
        one = self.warning
        return WarningFact(self.number, wire_of(one.kind), one.start_us, one.end_us, one.cyber)


def warnings_of(db: Database, *, session: str = "", sitting: str = "", limit: int = 5000) -> list[StoredWarning]:
    """Return the warnings of a session, or of a whole sitting, in order of start."""
    column, value = ("session", session) if session else ("sitting", sitting)
    sql = f"SELECT * FROM warning WHERE {column} = ? ORDER BY start_us, number LIMIT ?"  # noqa: S608  own words
    return [warning_of_row(row) for row in rows_of(db, sql, (value, limit))]


def get_warning(db: Database, number: int) -> StoredWarning:
    """Return one warning.

    Raises:
        NotFoundError: there is none.
    """
    row = one_row(db, "SELECT * FROM warning WHERE number = ?", (number,))
    if row is None:
        raise NotFoundError("There is no such warning.", hint="Load the page again.")
    return warning_of_row(row)


def facts_to_tell(db: Database, session: str, hidden: Collection[str]) -> list[WarningFact]:
    """Return a session's warnings as the LMS may see them: those it wants, that nobody dismissed."""
    return [
        one.fact
        for one in warnings_of(db, session=session)
        if one.warning.kind not in hidden and one.warning.decision != "dismissed"
    ]


def warning_of_row(row: dict[str, Any]) -> StoredWarning:
    """Return the warning a row of the table is."""
    flag = Flag(
        session=row["session"] or "",
        judgements=msgspec.json.decode(row["judgements"], type=tuple[Judgement, ...]),
        **{name: row[name] for name in _PLAIN},
    )
    return StoredWarning(
        number=row["number"],
        warning=flag,
        sitting=row["sitting"] or "",
        seat=row["seat"],
        told_end_us=row["told_end_us"],
        telling=msgspec.json.decode(row["detail"], type=Telling),
        subject=msgspec.json.decode(row["subject"], type=dict[str, str]),
    )
