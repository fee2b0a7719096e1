"""A vault as a room has it after a month: 8 cameras, 30 days of 24 hours, a part an hour, all sealed and chained.

Its index has its true size. Media has not (that would be 10 TB): a segment holds a few bytes, but for 20 seconds in
some parts, which hold real pictures, 1080p25 at 4 Mbit/s, and are the places that are sought. Made once, kept under
``build/bench``; it takes some minutes and about 6 GB.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av

from appliance.capture.fragmenter import Fragmenter
from appliance.capture.segmenter import Segmenter
from appliance.capture.sources.base import SourcePacket, StreamInfo, VideoInfo
from appliance.clock import SECOND_US, ManualClock
from appliance.vault.format import NO_KEY, NO_OFFSET, Flag, Header, Kind
from appliance.vault.keys import load_box_id, load_device_key, load_recipients
from appliance.vault.part import Anchor, PartOpening, PartWriter, PreviousPart, WriterKeys
from appliance.vault.part_file import insert_record, transaction
from appliance.vault.part_files import part_path
from bench.rig import BenchBox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from appliance.capture.segmenter import Segment

DAYS, CAMERAS, HOURS = 30, 8, 24
SEGMENT_US = 1_800_000  # as capture cuts them
HOUR_US = 3600 * SECOND_US
SHORT = 48
FPS = 25
REAL_SEGMENTS = 11  # about 20 s
# Real pictures lie at the middle of every third hour of three days, for every camera.
REAL_DAYS = (2, 15, 28)
REAL_HOURS = tuple(range(1, HOURS, 3))
REAL_AT_US = 1800 * SECOND_US
# In them, pictures are whole from the first keyframe on, and the player reads some seconds ahead.
FIRST_S, LAST_S = 1.5, 9.0
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Place:
    """Twenty seconds of real pictures: from ``start_us`` (wall) on."""

    sitting: str
    camera: str
    part: int
    start_us: int


def sitting_of(day: int) -> str:
    """Return the name of a day's sitting."""
    return f"day-{day:02d}"


def camera_of(number: int) -> str:
    """Return the id of a camera."""
    return f"camera-{number}"


def old_vault(cache: Path, film: Path) -> tuple[BenchBox, list[Place]]:
    """Return a box with that vault, none of its processes started, and the places that can be sought.

    Args:
        cache: where it is kept.
        film: 20 seconds of 1080p25, from `as_mp4`.
    """
    folder = cache / f"old-vault-{VERSION}"
    stamp = folder / "made"
    if not stamp.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        _make(folder, film)
    begin_us = int(stamp.read_text("ascii"))
    box = BenchBox(folder / "state", [])
    places = [
        Place(sitting_of(day), camera_of(camera), hour + 1, begin_us + (day * HOURS + hour) * HOUR_US + REAL_AT_US)
        for day in REAL_DAYS
        for hour in REAL_HOURS
        for camera in range(CAMERAS)
    ]
    return box, places


def as_mp4(stream: Path, times: int = 2) -> Path:
    """Return an Annex B stream as an MP4 that plays it so many times; made once."""
    target = stream.with_name(f"{stream.stem}-x{times}.mp4")
    if not target.is_file():
        joined = target.with_suffix(".joined")
        with joined.open("wb") as file:
            for _ in range(times):
                file.write(stream.read_bytes())
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-f", "h264", "-r", str(FPS), "-i", str(joined), "-c", "copy",
             "-movflags", "+faststart", str(target)],
            check=True,
        )  # fmt: skip
        joined.unlink()
    return target


def _make(folder: Path, film: Path) -> None:
    print("bench: making a vault of a month; this is done once and takes some minutes", flush=True)
    begin = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0) - dt.timedelta(days=DAYS + 1)
    begin_us = int(begin.timestamp()) * SECOND_US
    box = BenchBox(folder / "state", [])
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        tasks = [
            pool.submit(_make_recording, box.state, film, day, camera, begin_us)
            for day in range(DAYS)
            for camera in range(CAMERAS)
        ]
        rows = [row for task in tasks for row in task.result()]
    with box.db.conn:
        box.db.conn.executemany(
            "INSERT INTO part (part_id, sitting, camera, number, started_us, ended_us, bytes, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'closed')",
            rows,
        )
    box.stop()
    (folder / "made").write_text(str(begin_us), "ascii")


def _make_recording(state: Path, film: Path, day: int, camera: int, begin_us: int) -> list[tuple[object, ...]]:
    """Make a camera's parts of one day; return the rows for the box's database."""
    keys_dir = state / "keys"
    keys = WriterKeys(load_box_id(keys_dir), load_device_key(keys_dir), load_recipients(keys_dir).recipients)
    init, codecs, real = film_segments(film)
    previous: PreviousPart | None = None
    rows: list[tuple[object, ...]] = []
    for hour in range(HOURS):
        wall = begin_us + (day * HOURS + hour) * HOUR_US
        clock = ManualClock(wall_us=wall, mono_us=wall - begin_us + SECOND_US)
        opening = PartOpening(
            sitting=sitting_of(day), camera=camera_of(camera), part=hour + 1,
            opened="start" if hour == 0 else "rollover", previous=previous, masked=False, audio=False,
            masks_sha256=None, anchor=Anchor(wall, clock.mono_us(), "bench", trusted=True), aead="AES-256-GCM",
        )  # fmt: skip
        stream = {"codecs": codecs, "video": {"codec": "h264"}, "audio": None, "timescale_note": ""}
        path = part_path(state / "vault", sitting_of(day), camera_of(camera), hour + 1)
        writer = HourWriter.create(path, opening, keys, stream=stream, init=init, clock=clock, trusted=lambda: True)
        has_real = day in REAL_DAYS and hour in REAL_HOURS
        writer.append_all(_hour(clock.mono_us(), real if has_real else []))
        clock.advance(HOUR_US / SECOND_US)
        previous = writer.acknowledged()
        writer.close()
        rows.append((writer.part_id.hex(), sitting_of(day), camera_of(camera), hour + 1, wall, wall + HOUR_US,
                     path.stat().st_size))  # fmt: skip
    return rows


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment to be sealed; times in microseconds, ``start_us`` and ``key_us`` monotonic."""

    start_us: int
    media_us: int
    flags: Flag
    key_us: int
    key_offset: int
    data: bytes


def _hour(start_us: int, real: list[Segment]) -> Iterator[Piece]:
    """Yield an hour of segments of 2 s, the real ones in their place."""
    first = REAL_AT_US // SEGMENT_US
    for number in range(HOUR_US // SEGMENT_US):
        at = start_us + number * SEGMENT_US
        if 0 <= number - first < len(real):
            segment = real[number - first]
            flags = (Flag.KEYFRAME if segment.keyframe else Flag.NONE) | (
                Flag.DISCONTINUITY if number == first else Flag.NONE
            )
            key_us = NO_KEY if segment.key_us is None else at + segment.key_us - segment.start_us
            offset = NO_OFFSET if segment.key_offset is None else segment.key_offset
            yield Piece(at, segment.media_us, flags, key_us, offset, segment.data)
        else:
            yield Piece(at, number * SEGMENT_US, Flag.KEYFRAME, at, 0, bytes(SHORT))


class HourWriter(PartWriter):
    """Writes a whole part in one transaction: nothing is promised to anybody here, so nothing needs a commit each."""

    def append_all(self, pieces: Iterable[Piece]) -> None:
        """Seal, chain and insert all, and commit once."""
        with self._writing() as connection, transaction(connection):
            for piece in pieces:
                header = Header(
                    kind=Kind.SEGMENT, seq=self.next_seq, start_us=piece.start_us, duration_us=SEGMENT_US,
                    part_tag=self.part_id[:8], length=len(piece.data),
                    flags=piece.flags, media_us=piece.media_us, key_us=piece.key_us, key_offset=piece.key_offset,
                )  # fmt: skip
                record = self._seal(header, piece.data, before=self._chain)
                insert_record(connection, record)
                self._committed(record, None)


def film_segments(film: Path) -> tuple[bytes, str, list[Segment]]:
    """Return initialisation segment, codecs and segments of 1.8 s, each with a keyframe, as capture cuts them.

    Raises:
        SystemExit: the film does not come out as that.
    """
    with av.open(str(film)) as container:
        video = container.streams.video[0]
        context = video.codec_context
        info = StreamInfo(
            VideoInfo("h264", context.width, context.height, context.extradata or b"", FPS), None,
            templates={"video": video},
        )  # fmt: skip
        fragmenter, segmenter, found = Fragmenter(info), Segmenter(), []
        for packet in container.demux(video):
            if packet.dts is None:
                continue
            at_us = round(packet.dts * packet.time_base * SECOND_US) + SECOND_US
            for fragment in fragmenter.push(SourcePacket("video", packet, packet.is_keyframe, at_us)):
                found += [done] if (done := segmenter.push(fragment)) is not None else []
    whole = [one for one in found if one.duration_us == SEGMENT_US][:REAL_SEGMENTS]
    if len(whole) != REAL_SEGMENTS or any(one.key_us is None for one in whole):
        raise SystemExit(f"bench: the film gives segments of {[one.duration_us for one in found]}")
    return fragmenter.init, fragmenter.codecs, whole
