"""The list of sittings: which there are, which fit the filters, what each of one page's lines says."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from appliance.vault.part_files import recordings
from appliance.vault.recording import summarise
from appliance.web.review.listing import Line, covered_us, line_of, state_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from sqlite_utils import Database

PAGE = 25
# The worst state of its cameras is the sitting's.
_WORST = ("damaged", "interrupted", "recording", "recovered", "sealed")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to; empty text and None: everything. Times are wall microseconds."""

    q: str = ""
    camera: str = ""
    state: str = ""
    from_us: int | None = None
    to_us: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What else the box knows: cameras' names, the sitting that is recorded now, bookmarks and holds by sitting."""

    names: Mapping[str, str]
    sitting_now: str | None
    bookmarks: Mapping[str, int]
    held: frozenset[str]


@dataclass(frozen=True, slots=True)
class Place:
    """A sitting that lies in the vault: its cameras and, where the box has rows, its times (wall microseconds)."""

    sitting: str
    cameras: tuple[str, ...]
    start_us: int | None
    end_us: int | None


@dataclass(frozen=True, slots=True)
class SittingRow:
    """One line of the list; times are wall microseconds, None where nothing is readable."""

    sitting: str
    cameras: tuple[dict[str, str], ...]
    start_us: int | None
    end_us: int | None
    state: str
    gaps: int
    gap_us: int
    bytes: int
    trusted: bool
    damaged: int
    bookmarks: int
    held: bool

    @property
    def length_us(self) -> int:
        """From the first picture to the last."""
        return 0 if self.start_us is None or self.end_us is None else self.end_us - self.start_us

    @property
    def state_words(self) -> str:
        """The state as a person is told it."""
        return state_words(self.state)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list, numbered from 1."""

    rows: tuple[SittingRow, ...]
    number: int
    pages: int
    total: int


def places(db: Database, vault_dir: Path) -> list[Place]:
    """Return the sittings in the vault, the newest first; no part is opened.

    Raises:
        OSError: the vault folder cannot be read.
    """
    times = {
        str(sitting): (start, end)
        for sitting, start, end in db.conn.execute(
            "SELECT sitting, min(started_us), max(coalesce(ended_us, started_us)) FROM part"
            " WHERE state NOT IN ('deleting', 'deleted') GROUP BY sitting"
        )
    }
    found = [
        Place(sitting, tuple(camera for _, camera in group), *times.get(sitting, (None, None)))
        for sitting, group in groupby(sorted(recordings(vault_dir)), key=lambda place: place[0])
    ]
    return sorted(found, key=lambda place: (-(place.start_us or 0), place.sitting))


def fitting(found: Iterable[Place], filters: Filters, names: Mapping[str, str]) -> list[Place]:
    """Return the places that the filters let through, but for the state, which only their parts tell (pure)."""
    words = filters.q.casefold().split()

    def fits(place: Place) -> bool:
        text = " ".join(
            [place.sitting, *place.cameras, *(names.get(camera, "") for camera in place.cameras)]
        ).casefold()
        after = filters.from_us is None or (place.end_us is not None and place.end_us >= filters.from_us)
        before = filters.to_us is None or (place.start_us is not None and place.start_us < filters.to_us)
        camera = not filters.camera or filters.camera in place.cameras
        return all(word in text for word in words) and camera and after and before

    return [place for place in found if fits(place)]


def page_of(vault_dir: Path, found: Sequence[Place], filters: Filters, number: int, known: Known) -> Page:
    """Return one page; a number beyond the last is the last.

    Raises:
        VaultError: the vault cannot be read.
    """
    if filters.state:
        rows = [row for place in found if (row := row_of(vault_dir, place, known)) and row.state == filters.state]
        pages, number = _numbers(len(rows), number)
        return Page(tuple(rows[(number - 1) * PAGE : number * PAGE]), number, pages, len(rows))
    pages, number = _numbers(len(found), number)
    shown = found[(number - 1) * PAGE : number * PAGE]
    return Page(tuple(row for place in shown if (row := row_of(vault_dir, place, known))), number, pages, len(found))


def _numbers(total: int, number: int) -> tuple[int, int]:
    pages = max(1, -(-total // PAGE))
    return pages, min(max(1, number), pages)


def row_of(vault_dir: Path, place: Place, known: Known) -> SittingRow | None:
    """Return a sitting's line; None where its files have just gone.

    Raises:
        VaultError: the vault cannot be read.
    """
    lines = [
        line_of(summary, known.names, known.sitting_now)
        for camera in place.cameras
        if (summary := summarise(vault_dir, place.sitting, camera))
    ]
    return joined(place.sitting, lines, known) if lines else None


def joined(sitting: str, lines: Sequence[Line], known: Known) -> SittingRow:
    """Return the line of a sitting from those of its cameras (pure)."""
    starts = [line.summary.start_us for line in lines if line.summary.start_us is not None]
    ends = [line.summary.end_us for line in lines if line.summary.end_us is not None]
    gaps = {(gap.start_us, gap.end_us) for line in lines for gap in line.summary.gaps}
    return SittingRow(
        sitting=sitting,
        cameras=tuple({"camera": line.summary.camera, "name": line.camera_name} for line in lines),
        start_us=min(starts, default=None),
        end_us=max(ends, default=None),
        state=min((line.state for line in lines), key=_WORST.index),
        gaps=sum(len(line.summary.gaps) for line in lines),
        gap_us=covered_us(gaps),
        bytes=sum(line.summary.bytes for line in lines),
        trusted=all(line.summary.trusted for line in lines),
        damaged=sum(len(line.summary.damaged) for line in lines),
        bookmarks=known.bookmarks.get(sitting, 0),
        held=sitting in known.held,
    )
