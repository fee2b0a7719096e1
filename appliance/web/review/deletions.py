"""What of a sitting was deleted under its rules: a reader of the rest is told so, with the entry that certifies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.vault.facts import MISSING_PART
from appliance.web.language import gettext as _
from appliance.web.language import ngettext
from appliance.web.language.problems import problem_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlite_utils import Database

    from appliance.vault.facts import Gap


@dataclass(frozen=True, slots=True)
class Deletion:
    """One part that was deleted: the wall times it spanned (microseconds) and its certificate's entry in the log."""

    camera: str
    number: int
    start_us: int
    end_us: int
    certificate: int


def deletions(db: Database, sitting: str) -> list[Deletion]:
    """Return the deleted parts of a sitting whose certificates are in the log, by camera and number."""
    rows = db.conn.execute(
        "SELECT part.camera, part.number, part.started_us, coalesce(part.ended_us, part.started_us), certificate"
        " FROM part_deletion JOIN part USING (part_id)"
        " WHERE part_deletion.sitting = ? AND done_us IS NOT NULL AND certificate IS NOT NULL"
        " ORDER BY part.camera, part.number",
        (sitting,),
    )
    return [Deletion(*row) for row in rows]


def gap_words(gap: Gap, deleted: Sequence[Deletion]) -> str:
    """Return why a gap has no pictures, in the reader's language; parts that were deleted are no missing ones."""
    inside = [one for one in deleted if one.start_us < gap.end_us and one.end_us > gap.start_us]
    return deleted_words(inside) if gap.reason == MISSING_PART and inside else problem_words(gap.words)


def deleted_words(deleted: Iterable[Deletion]) -> str:
    """Return the sentence about some deleted parts; nothing for none."""
    entries = sorted(one.certificate for one in deleted)
    if not entries:
        return ""
    if len(entries) == 1:
        return _("Deleted when its time was over; entry %(entry)s of the log certifies it.", entry=entries[0])
    return ngettext(
        "%(num)s part was deleted when its time was over; entries %(first)s to %(last)s of the log certify it.",
        "%(num)s parts were deleted when their time was over; entries %(first)s to %(last)s of the log certify it.",
        len(entries),
        first=entries[0],
        last=entries[-1],
    )
