"""What every fault test asks afterwards: is all there, sound, playable, and is every hole stated?"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from appliance import auditlog
from appliance.database import open_box_database
from appliance.vault.device_key import load_device_key
from appliance.vault.keysource import FileKeys
from appliance.vault.playback import iter_playback
from appliance.vault.recording import Recording
from appliance.vault.review_key import load_review_key
from appliance.vault.verify import verify_recording
from tests.support.media import decoded

if TYPE_CHECKING:
    from appliance.config import Settings

VERIFIER = Path(__file__).resolve().parent.parent.parent / "tools" / "verify_standalone.py"
FAR_FUTURE_US = 2**62
# Parts of one recording may miss each other by this much (vault format, 5, "Tiling").
TILING_US = 100_000


@dataclass(frozen=True)
class Hole:
    """A stretch that was not recorded, with what was stated about it; times are wall time."""

    camera: str
    start_us: int
    end_us: int
    reasons: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end_us - self.start_us) / 1e6


@dataclass(frozen=True)
class Examined:
    """What was found sound."""

    parts: int
    segments: int
    pictures: int
    holes: tuple[Hole, ...]


def examine(settings: Settings, sitting: str, cameras: list[str], work: Path) -> Examined:
    """Examine the recordings of a sitting that is over: two verifiers at level full, every picture decoded, every hole.

    Raises AssertionError, saying what is wrong.
    """
    device = load_device_key(settings.keys_dir).public
    review = load_review_key(settings.keys_dir, None)
    generations = [review.private_for(key_id) for key_id in review.key_ids]
    keys = FileKeys(generations)
    examined = [_examine(settings.vault_dir, sitting, camera, device, keys) for camera in cameras]
    for number, (suite, private) in enumerate(generations):
        key_file = work / f"review-{number}.json"
        key_file.write_text(json.dumps({"suite": suite, "private": private.hex()}))
    _standalone(settings.vault_dir / sitting, device, sorted(work.glob("review-*.json")))
    check_database(settings)
    return Examined(
        sum(one.parts for one in examined),
        sum(one.segments for one in examined),
        sum(one.pictures for one in examined),
        tuple(hole for one in examined for hole in one.holes),
    )


def _examine(vault: Path, sitting: str, camera: str, device: bytes, keys: FileKeys) -> Examined:
    report = verify_recording(vault, sitting, camera, "full", device_key=device, keys=keys, ended=True)
    assert report.findings == (), f"{camera}: {report.findings[:5]}"
    assert not report.open, f"{camera}: a part is still open"
    recording = Recording(vault, sitting, camera)
    assert recording.damaged == ()
    pictures, segments = _play(recording, keys)
    return Examined(len(recording.parts), segments, pictures, tuple(holes(recording)))


def _play(recording: Recording, keys: FileKeys) -> tuple[int, int]:
    """Decode every picture of every part; return how many pictures and segments there are."""
    pictures = segments = 0
    parts: dict[int, bytes] = {}
    filled: set[int] = set()
    for piece in iter_playback(recording, 0, FAR_FUTURE_US, keys):
        parts[piece.part.number] = parts.get(piece.part.number, b"") + piece.data
        if piece.kind == "segment":
            segments += 1
            filled.add(piece.part.number)
    for number in filled:
        shown = len(decoded(parts[number]))
        assert shown, f"{recording.camera}: part {number} plays nothing"
        pictures += shown
    return pictures, segments


def holes(recording: Recording) -> list[Hole]:
    """Return the stretches without a segment; adjoining gaps are one hole. A hole nobody states is an error."""
    found: list[Hole] = []
    for gap in recording.gaps():
        assert gap.reason not in {"not_recorded", "missing_part", "damaged_part"}, f"an unstated hole: {gap}"
        if found and gap.start_us - found[-1].end_us <= TILING_US:
            before = found.pop()
            end = max(before.end_us, gap.end_us)
            found.append(Hole(recording.camera, before.start_us, end, (*before.reasons, str(gap.reason))))
        else:
            found.append(Hole(recording.camera, gap.start_us, gap.end_us, (str(gap.reason),)))
    return found


def _standalone(folder: Path, device: bytes, keys: list[Path]) -> None:
    """Run the independent verifier on a whole sitting."""
    command = [sys.executable, str(VERIFIER), str(folder), "--device-key", device.hex(), "--ended", "--json"]
    for key in keys:
        command += ["--key", str(key)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def check_database(settings: Settings) -> None:
    """The box's database is undamaged, and its log's chain and signatures hold."""
    db = open_box_database(settings.database)
    try:
        assert db.conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        report = auditlog.verify(db, load_device_key(settings.keys_dir).public)
        assert not report.findings, report.findings[:5]
    finally:
        db.conn.close()
