"""What of a recording belongs to a session's range: everything else is not there for whoever has its pass alone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.errors import ApplianceError, NotFoundError
from appliance.vault.facts import check_place
from appliance.vault.format import Kind
from appliance.vault.reader import PartReader
from appliance.web.review import windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.web.review.overview import CameraOverview, Overview
    from appliance.web.review.parts import Span
    from appliance.web.review.windows import Row

LEAD_US: Final = 30 * SECOND_US
"""A picture is decoded from the keyframe before it: so much before the range may be read for that, no more."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of wall time, microseconds, ``to_us`` excluded."""

    from_us: int
    to_us: int

    def clipped(self, from_us: int, to_us: int) -> tuple[int, int] | None:
        """Return what of another stretch lies inside; None: nothing (pure)."""
        start, end = max(self.from_us, from_us), min(self.to_us, to_us)
        return (start, end) if start < end else None

    def holds(self, at_us: int) -> bool:
        """Whether a moment lies inside (pure)."""
        return self.from_us <= at_us < self.to_us


def segments(spans: Sequence[Span], stretch: Stretch, from_us: int, to_us: int) -> tuple[list[Row], bool]:
    """Return the segments of a window as far as it lies in the stretch, with the keyframe it begins with."""
    inside = stretch.clipped(from_us, to_us)
    if inside is None:
        return [], False
    rows, more = windows.segments(spans, *inside)
    return [row for row in rows if row[2] < stretch.to_us and row[3] > stretch.from_us - LEAD_US], more


def key_at(spans: Sequence[Span], stretch: Stretch, at_us: int) -> tuple[Span, int, int]:
    """Return the part, the record and the wall time of the last keyframe at or before a moment of the stretch.

    Raises:
        NotFoundError: the moment lies outside, or no keyframe is near enough.
    """
    found = windows.seek(spans, at_us) if stretch.holds(at_us) else None
    if found is None or found[2] < stretch.from_us - LEAD_US:
        raise NotFoundError("There is no picture of this session at that time.")
    return found


def check_part(spans: Sequence[Span], stretch: Stretch, part: int) -> None:
    """Refuse a part that holds nothing of the stretch.

    Raises:
        NotFoundError: it does not.
    """
    if not any(span.file.number == part and span.touches(stretch.from_us - LEAD_US, stretch.to_us) for span in spans):
        raise NotFoundError("There is no such part of this session.")


def check_record(spans: Sequence[Span], stretch: Stretch, part: int, seq: int) -> None:
    """Refuse a record that lies outside of the stretch and is not needed to decode its first picture.

    Raises:
        NotFoundError: it does.
    """
    span = next((one for one in spans if one.file.number == part), None)
    times = None if span is None else _times(span, seq)
    if times is None or times[0] >= stretch.to_us or times[1] <= stretch.from_us - LEAD_US:
        raise NotFoundError("There is no such record of this session.")
    if times[1] > stretch.from_us:
        return
    key = windows.seek(spans, stretch.from_us)
    if key is None or key[0] is not span or seq < key[1]:
        raise NotFoundError("There is no such record of this session.")


def _times(span: Span, seq: int) -> tuple[int, int] | None:
    """Return when a segment begins and ends (wall); None where it is none."""
    with suppress(ApplianceError), PartReader(span.file.path) as reader:
        check_place(reader.manifest, span.file)
        row = reader.row(seq)
        if row is not None and row.kind == Kind.SEGMENT:
            return reader.wall_of(row.start_us), reader.wall_of(row.end_us)
    return None


def clipped_overview(whole: Overview, stretch: Stretch, cameras: Sequence[str]) -> Overview:
    """Return what is told of a sitting as far as it belongs to a session (pure): nothing of other times or people."""
    kept = [
        clipped
        for camera in whole.cameras
        if camera.camera in cameras and (clipped := _clipped_camera(camera, stretch)) is not None
    ]
    starts = [camera.start_us for camera in kept if camera.start_us is not None]
    ends = [camera.end_us for camera in kept if camera.end_us is not None]
    return msgspec.structs.replace(
        whole,
        start_us=min(starts, default=None),
        end_us=max(ends, default=None),
        held=False,
        cameras=kept,
        gaps={
            camera.camera: [
                (*inside, words)
                for start, end, words in whole.gaps.get(camera.camera, [])
                if (inside := stretch.clipped(start, end)) is not None
            ]
            for camera in kept
        },
        bookmarks=[],
    )


def _clipped_camera(camera: CameraOverview, stretch: Stretch) -> CameraOverview | None:
    if camera.start_us is None or camera.end_us is None:
        return None
    inside = stretch.clipped(camera.start_us, camera.end_us)
    if inside is None:
        return None
    share = (inside[1] - inside[0]) / max(1, camera.end_us - camera.start_us)
    return msgspec.structs.replace(
        camera, start_us=inside[0], end_us=inside[1], bytes=round(camera.bytes * share), damaged=0, deleted=""
    )
