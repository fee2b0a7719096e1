"""Which parts of a recording hold a stretch of wall time, from the box's rows: no file is opened to find out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import ApplianceError, NotFoundError
from appliance.vault.facts import part_facts
from appliance.vault.format import check_name
from appliance.vault.part_files import PartFile, recording_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database

# The row of a part is written a moment after its first record; a little is given away at both ends.
LEEWAY_US = 2_000_000
_GONE = frozenset({"deleting", "deleted"})


@dataclass(frozen=True, slots=True)
class Span:
    """A part's file and the wall times (microseconds) it spans; ``end_us`` is None while it is written."""

    file: PartFile
    start_us: int
    end_us: int | None

    def touches(self, from_us: int, to_us: int) -> bool:
        """Whether it may hold something of ``[from_us, to_us)``."""
        return self.start_us - LEEWAY_US < to_us and (self.end_us is None or self.end_us + LEEWAY_US > from_us)


def spans(db: Database, vault_dir: Path, sitting: str, camera: str) -> list[Span]:
    """Return the parts of one recording by number; files the database does not know are looked into.

    Raises:
        BadInputError: a name that cannot be one.
        NotFoundError: there is no such recording.
    """
    check_name(sitting, "sitting")
    check_name(camera, "camera")
    known = {
        int(number): (int(start), None if end is None else int(end), str(state))
        for number, start, end, state in db.conn.execute(
            "SELECT number, started_us, ended_us, state FROM part WHERE sitting = ? AND camera = ?", (sitting, camera)
        )
    }
    found = list(_spans(recording_files(vault_dir, sitting, camera), known))
    if not found:
        raise NotFoundError(
            f"There is no recording {sitting}/{camera}.", hint="`exambox recordings list` shows what there is."
        )
    return found


def _spans(files: list[PartFile], known: dict[int, tuple[int, int | None, str]]) -> Iterator[Span]:
    for file in files:
        row = known.get(file.number)
        if row is not None:
            if row[2] not in _GONE:
                yield Span(file, row[0], row[1])
            continue
        try:
            facts = part_facts(file)
        except ApplianceError:
            continue  # what cannot be read is named by the overview and by verification
        yield Span(file, facts.start_us, facts.end_us)
