"""When each picture is shown, read from fragments that the box itself makes."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from appliance.vault.keysource import FileKeys
from appliance.vault.reader import PartReader
from tests.vault.recorded import FPS, PRIVATE, Recorder, clock_at, movie

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Script = Callable[..., Any]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
READ = """({pictureTrack, pictureTimes}, [init, data]) => {
  const buffer = text => Uint8Array.from(atob(text), sign => sign.charCodeAt(0)).buffer;
  const track = pictureTrack(buffer(init));
  return track && [track.scale, pictureTimes(buffer(data), track)];
}"""


def sealed(folder: Path, film: bytes) -> tuple[bytes, list[bytes]]:
    """Return the initialisation segment and the segments of a film that went through the recorder."""
    recorder = Recorder(folder, clock_at())
    recorder.part(film)
    keys = FileKeys([("X25519", PRIVATE)])
    with PartReader(folder / "exam" / "front" / "0001.sqlite") as reader:
        cipher = reader.cipher(keys.part_key(reader, "playback"))
        return reader.init(cipher), [
            reader.segment(row.seq, cipher) for row in reader.index() if row.end_us > row.start_us
        ]


def read(script: Script, init: bytes, data: bytes) -> Any:
    """Read the pictures' times in the browser."""
    return script("frames.js", READ, [base64.b64encode(part).decode() for part in (init, data)])


@pytest.mark.parametrize(
    ("b_frames", "audio"), [(0, False), (2, False), (0, True)], ids=["plain", "reordered", "sound"]
)
def test_every_picture_has_its_time(script: Script, tmp_path: Path, b_frames: int, audio: bool) -> None:
    """All pictures are found, evenly apart, also where they are stored in another order or sound lies between."""
    init, segments = sealed(tmp_path, movie(4, b_frames=b_frames, audio=audio))
    _, times = read(script, init, b"".join(segments))
    assert len(times) == 4 * FPS
    steps = [after - before for before, after in pairwise(times)]
    assert steps == pytest.approx([1 / FPS] * len(steps), abs=0.002)


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x00\x08moof", b"\xff" * 400, b"\x00\x00\x00\x00" * 9])
def test_rubbish_has_no_pictures(script: Script, tmp_path: Path, data: bytes) -> None:
    """Hostile or cut fragments give no times, and no error that stops the player."""
    init, _ = sealed(tmp_path, movie(1))
    assert read(script, init, data)[1] == []
    assert read(script, data, b"") is None


def test_a_cut_fragment_gives_at_most_what_is_there(script: Script, tmp_path: Path) -> None:
    """Wherever a fragment is cut, reading ends without an error."""
    init, segments = sealed(tmp_path, movie(1))
    for length in range(0, len(segments[0]), 97):
        assert len(read(script, init, segments[0][:length])[1]) <= FPS
