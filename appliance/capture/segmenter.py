"""Fragments to segments: what is sealed and committed in one go, at most 2 seconds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.capture.timeline import SECOND_US

if TYPE_CHECKING:
    from appliance.capture.fragmenter import Fragment

# The vault's format allows no longer ones (docs/vault-format.md, section 5).
LONGEST_US = 2 * SECOND_US
# A keyframe ends a segment that has gathered this share of its target: many segments then begin with a keyframe, and
# none is so short that the disk writes much more than the pictures.
WORTHWHILE = 0.9
# The first segment of a stream is cut early, so that a person sees soon that it is being sealed.
FIRST_US = 400_000
# A hole inside a segment could not be stated; one longer than this ends it (half of what tiling tolerates).
HOLE_US = 50_000
# Where a segment would grow beyond this it is cut, whatever its duration (the vault takes 64 MiB).
LARGEST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Segment:
    """Whole fragments, in order. Times in microseconds, ``start_us`` and ``key_us`` monotonic.

    ``keyframe``: it begins with one. ``key_us`` and ``key_offset``: time and place in ``data`` of the first
    keyframe inside, or None. ``media_us``: the first decode time written inside.
    """

    start_us: int
    duration_us: int
    media_us: int
    keyframe: bool
    key_us: int | None
    key_offset: int | None
    discontinuity: bool
    data: bytes


class Segmenter:
    """Gathers fragments. A segment reaches from its first picture to the end of its last; sound lies along.

    Args:
        target_us: how long a segment may grow without a keyframe, at most 2 s.
    """

    def __init__(self, target_us: int = 1_800_000) -> None:
        self._target_us = min(target_us, LONGEST_US)
        self._fragments: list[Fragment] = []
        self._bytes = 0
        self._span: tuple[int, int] | None = None
        self._first = True
        self._last_end_us: int | None = None

    def push(self, fragment: Fragment) -> Segment | None:
        """Take a fragment; return the segment that ended before it, if one did."""
        done = self.flush() if self._fragments and self._ends_before(fragment) else None
        if fragment.kind == "video" and not self._holds_video():
            self._span = None  # pictures give a segment its place; sound only where there are none
        if fragment.kind == "video" or not self._holds_video():
            self._span = _joined(self._span, fragment)
        self._fragments.append(fragment)
        self._bytes += len(fragment.data)
        return done

    def flush(self) -> Segment | None:
        """Return what has gathered, or None if nothing has."""
        if not self._fragments or self._span is None:
            return None
        segment = _segment(self._fragments, self._span, self._last_end_us)
        if self._holds_video():
            self._last_end_us = self._span[1]
        self._fragments, self._bytes, self._span, self._first = [], 0, None, False
        return segment

    def due(self, now_us: int) -> bool:
        """Whether what has gathered should be flushed though nothing more came; ask about every 200 ms."""
        return self._span is not None and now_us - self._span[0] >= self._target_us

    def _holds_video(self) -> bool:
        return any(fragment.kind == "video" for fragment in self._fragments)

    def _ends_before(self, fragment: Fragment) -> bool:
        start_us, end_us = self._span or (fragment.start_us, fragment.start_us)
        if self._bytes + len(fragment.data) > LARGEST_BYTES:
            return True
        if fragment.kind == "audio" and self._holds_video():
            return False
        if _end(fragment) - start_us > self._target_us:
            return True
        if fragment.kind == "audio" or not self._holds_video():
            return False
        gathered_us = end_us - start_us
        broken = fragment.discontinuity or fragment.start_us - end_us > HOLE_US
        early = self._first and gathered_us >= FIRST_US
        return broken or early or (fragment.keyframe and gathered_us >= self._target_us * WORTHWHILE)


def _end(fragment: Fragment) -> int:
    return fragment.start_us + fragment.duration_us


def _joined(span: tuple[int, int] | None, fragment: Fragment) -> tuple[int, int]:
    if span is None:
        return fragment.start_us, _end(fragment)
    return min(span[0], fragment.start_us), max(span[1], _end(fragment))


def _segment(fragments: list[Fragment], span: tuple[int, int], last_end_us: int | None) -> Segment:
    lead = next((f for f in fragments if f.kind == "video"), fragments[0])
    after_hole = lead.kind == "video" and last_end_us is not None and lead.start_us - last_end_us > HOLE_US
    offset, key_us, key_offset = 0, None, None
    for fragment in fragments:
        if fragment.kind == "video" and fragment.keyframe:
            key_us, key_offset = fragment.start_us, offset
            break
        offset += len(fragment.data)
    return Segment(
        start_us=span[0],
        duration_us=span[1] - span[0],
        media_us=lead.media_us,
        keyframe=lead.kind == "video" and lead.keyframe,
        key_us=key_us,
        key_offset=key_offset,
        discontinuity=lead.discontinuity or after_hole,
        data=b"".join(f.data for f in fragments),
    )
