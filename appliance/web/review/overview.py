"""What the page of a sitting is told first: its cameras, their times and gaps, its bookmarks. No segments, no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.clock import SECOND_US
from appliance.errors import NotFoundError
from appliance.vault.format import check_name
from appliance.vault.part_files import recordings
from appliance.vault.recording import summarise
from appliance.web.language import gettext as _
from appliance.web.review.bookmarks import may_change
from appliance.web.review.deletions import deleted_words, gap_words
from appliance.web.review.listing import line_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from pathlib import Path

    from appliance.web.account.sessions import Person
    from appliance.web.review.bookmarks import Bookmark
    from appliance.web.review.deletions import Deletion
    from appliance.web.review.listing import Line

BEHIND_US = 8 * SECOND_US
"""Who is recorded and so far behind the other cameras has a hole that its recording states when it goes on."""


class CameraOverview(msgspec.Struct, kw_only=True):
    """One camera of a sitting; times are wall microseconds, null where nothing is readable."""

    camera: str
    name: str
    start_us: int | None
    end_us: int | None
    state: str
    masked: bool
    audio: bool
    bytes: int
    damaged: int
    deleted: str
    """What of it was deleted under its rules, in words; empty for nothing."""


class BookmarkAnswer(msgspec.Struct, kw_only=True):
    """A bookmark; ``editable`` for the person who asks. Times are wall microseconds."""

    id: int
    camera: str | None
    at_us: int
    until_us: int | None
    note: str
    made_by: str
    made_us: int
    edited_us: int | None
    editable: bool


class Overview(msgspec.Struct, kw_only=True):
    """A sitting; ``gaps`` by camera: start, end (wall microseconds) and the reason in words.

    The last of a camera that is recorded and delivers nothing ends where the other cameras are: it grows until the
    camera's recording goes on and states it.
    """

    sitting: str
    start_us: int | None
    end_us: int | None
    open: bool
    held: bool
    cameras: list[CameraOverview]
    gaps: dict[str, list[tuple[int, int, str]]]
    bookmarks: list[BookmarkAnswer]


def cameras_of(vault_dir: Path, sitting: str) -> list[str]:
    """Return the cameras recorded in a sitting.

    Raises:
        BadInputError: a name that cannot be one.
        NotFoundError: there is no such sitting.
    """
    check_name(sitting, "sitting")
    found = sorted(camera for place, camera in recordings(vault_dir) if place == sitting)
    if not found:
        raise NotFoundError(f"There is no recording of {sitting} on this box.", hint="The list shows what there is.")
    return found


def lines_of(vault_dir: Path, sitting: str, names: Mapping[str, str], sitting_now: str | None) -> list[Line]:
    """Return what the list says of each camera of a sitting.

    Raises:
        BadInputError, NotFoundError: as `cameras_of`.
        VaultError: the vault cannot be read.
    """
    found = [
        line_of(summary, names, sitting_now)
        for camera in cameras_of(vault_dir, sitting)
        if (summary := summarise(vault_dir, sitting, camera))
    ]
    if not found:
        raise NotFoundError(f"There is no recording of {sitting} on this box.", hint="The list shows what there is.")
    return found


def overview(
    sitting: str,
    lines: Sequence[Line],
    marks: Iterable[Bookmark],
    person: Person | None,
    *,
    held: bool,
    deleted: Iterable[Deletion] = (),
    lost: Container[str] = (),
) -> Overview:
    """Return what the page is told (pure); without a person no bookmarks.

    ``lost``: the cameras that deliver nothing at this moment.
    """
    gone: dict[str, list[Deletion]] = {line.summary.camera: [] for line in lines}
    for one in deleted:
        gone.setdefault(one.camera, []).append(one)
    cameras = [_camera(line, deleted_words(gone[line.summary.camera])) for line in lines]
    end_us = max((one.end_us for one in cameras if one.end_us is not None), default=None)
    return Overview(
        sitting=sitting,
        start_us=min((one.start_us for one in cameras if one.start_us is not None), default=None),
        end_us=end_us,
        open=any(one.state == "recording" for one in cameras),
        held=held,
        cameras=cameras,
        gaps={
            line.summary.camera: [
                *((gap.start_us, gap.end_us, gap_words(gap, gone[line.summary.camera])) for gap in line.summary.gaps),
                *_unstated(line, end_us, is_lost=line.summary.camera in lost),
            ]
            for line in lines
        },
        bookmarks=[bookmark_answer(mark, person) for mark in marks] if person else [],
    )


def _unstated(line: Line, end_us: int | None, *, is_lost: bool) -> list[tuple[int, int, str]]:
    """Return the stretch that a camera in recording is behind the others: no record tells of it yet."""
    reached = line.summary.end_us
    if line.state != "recording" or reached is None or end_us is None or end_us - reached <= BEHIND_US:
        return []
    words = _("camera lost, no recording until it returns") if is_lost else _("no recording yet")
    return [(reached, end_us, words)]


def bookmark_answer(mark: Bookmark, person: Person) -> BookmarkAnswer:
    """Return a bookmark as the page is told it (pure)."""
    return BookmarkAnswer(
        id=mark.id,
        camera=mark.camera,
        at_us=mark.at_us,
        until_us=mark.until_us,
        note=mark.note,
        made_by=mark.made_by or "",
        made_us=mark.made_us,
        edited_us=mark.edited_us,
        editable=may_change(mark, person),
    )


def _camera(line: Line, deleted: str) -> CameraOverview:
    found = line.summary
    return CameraOverview(
        camera=found.camera,
        name=line.camera_name,
        start_us=found.start_us,
        end_us=found.end_us,
        state=line.state,
        masked=found.masked,
        audio=found.audio,
        bytes=found.bytes,
        damaged=len(found.damaged),
        deleted=deleted,
    )
