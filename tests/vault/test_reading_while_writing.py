"""Readers and the writer of one part at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from appliance.vault.format import Kind
from appliance.vault.playback import iter_playback
from appliance.vault.reader import PartReader
from appliance.vault.recording import Recording
from appliance.vault.verify import verify_recording
from tests.vault.recorded import DEVICE, Recorder, clock_at, file_keys, movie

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.vault.part import PartWriter


def _segment(writer: PartWriter) -> dict[str, Any]:
    with PartReader(writer.path) as reader:
        cipher = reader.cipher(file_keys().part_key(reader, "verify"))
        seq = next(row.seq for row in reader.index() if row.kind == Kind.SEGMENT)
        return {"media_us": 0, "keyframe": True, "plaintext": reader.segment(seq, cipher)}


def _verify(vault: Path, done: threading.Event, looks: list[int]) -> None:
    """Verify again and again; note how far each look came, the last one begun after the writer was done."""
    while True:
        last = done.is_set()
        report = verify_recording(vault, "exam", "front", "full", device_key=DEVICE.public, keys=file_keys())
        assert report.findings == ()
        assert report.verified_to is not None
        looks.append(report.verified_to[1])
        if last:
            return


def _write(writer: PartWriter, segment: dict[str, Any], count: int) -> None:
    for number in range(count):
        start = writer.end_us
        writer.append_segment(
            start_us=start,
            duration_us=400_000,
            key_us=start,
            key_offset=0,
            discontinuity=False,
            checkpoint=number % 10 == 9,
            **segment,
        )


def _play(vault: Path, done: threading.Event) -> None:
    while not done.is_set():
        recording = Recording(vault, "exam", "front")
        assert list(iter_playback(recording, recording.start_us, recording.end_us, file_keys()))


def test_readers_and_the_writer_do_not_disturb_each_other(tmp_path: Path) -> None:
    """While verifier and player go through an open part without pause, every write succeeds, every look is sound."""
    writer = Recorder(tmp_path, clock_at()).part(movie(2), close=False)
    segment = _segment(writer)
    done = threading.Event()
    looks: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        verifying, playing = pool.submit(_verify, tmp_path, done, looks), pool.submit(_play, tmp_path, done)
        try:
            for _ in range(3):
                _write(writer, segment, 50)
                seen = len(looks)
                while len(looks) < seen + 2 and not verifying.done():
                    done.wait(0.005)
            writer.close()
        finally:
            done.set()
        verifying.result()
        playing.result()
    assert looks == sorted(looks)
    assert looks[-1] == writer.next_seq - 1
    assert len(set(looks)) >= 3
