"""What protects the box from one camera's madness: floods, garbage, changes in mid-stream. Pure but for parsing."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from appliance.capture.sources.failures import camera_error
from appliance.capture.sources.parameter_sets import Codec, geometry, looks_like_pictures, parameter_sets
from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from appliance.capture.sources.base import SourcePacket, VideoInfo

FLOOD_WINDOW_US = 3 * SECOND_US
FLOOD_PACKETS_A_SECOND = 2_000
LARGEST_PACKET_BYTES = 16 * 1024 * 1024
# So many damaged access units among the last hundred are no accident of the network.
GARBAGE_OF_HUNDRED = 25


class FloodGuard:
    """Raises ``flood`` when a camera sends more than allowed over 3 seconds."""

    def __init__(self, max_bitrate_mbit: int, what: str) -> None:
        self._limit = max_bitrate_mbit * 1_000_000 // 8 * FLOOD_WINDOW_US // SECOND_US
        self._what = what
        self._seen: deque[tuple[int, int]] = deque()
        self._bytes = 0

    def check(self, size: int, now_us: int) -> None:
        """Count one packet."""
        self._seen.append((now_us, size))
        self._bytes += size
        while self._seen[0][0] < now_us - FLOOD_WINDOW_US:
            self._bytes -= self._seen.popleft()[1]
        packets = FLOOD_PACKETS_A_SECOND * FLOOD_WINDOW_US // SECOND_US
        if self._bytes > self._limit or len(self._seen) > packets or size > LARGEST_PACKET_BYTES:
            raise camera_error("flood", self._what)


class GarbageGuard:
    """Raises ``invalid`` when too many access units are no pictures; says which are."""

    def __init__(self, codec: Codec, what: str) -> None:
        self._codec: Codec = codec
        self._what = what
        self._last: deque[bool] = deque(maxlen=100)

    def damaged(self, head: bytes, *, corrupt: bool) -> bool:
        """Count one access unit; return whether it is to be dropped."""
        bad = corrupt or not looks_like_pictures(head, self._codec)
        self._last.append(bad)
        if bad and sum(self._last) > GARBAGE_OF_HUNDRED:
            raise camera_error("invalid", self._what)
        return bad


class ChangeGuard:
    """Raises ``stream_changed`` when a keyframe brings parameter sets of other pictures than the stream began with."""

    def __init__(self, video: VideoInfo, what: str, profile: str | None = None) -> None:
        self._codec: Codec = video.codec
        self._what = what
        self._sets = parameter_sets(video.extradata, video.codec)
        self._size = (video.width, video.height)
        self._profile = profile

    def check(self, packet: SourcePacket) -> None:
        """Look at one keyframe."""
        data = bytes(packet.packet)
        sets = parameter_sets(data, self._codec)
        if not sets or sets == self._sets:
            return
        now = geometry(data, self._codec)
        if now is None:
            return  # damaged on the way; the next keyframe tells
        if (now.width, now.height) != self._size or (self._profile or now.profile) != now.profile:
            raise camera_error("stream_changed", self._what)
        self._sets, self._profile = sets, now.profile
