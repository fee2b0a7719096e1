"""What a camera recorded passes the verifier, whyever its parts were begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.vault.device_key import load_device_key
from appliance.vault.verify import verify_recording
from tests.capture.test_recording_track import Box

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.clock import ManualClock
    from appliance.config import Settings


def test_parts_that_follow_one_another_verify(tmp_path: Path, settings: Settings, clock: ManualClock) -> None:
    """A part begun for pictures already taken (a full part, a stepped clock) verifies like the first one."""
    from appliance.vault.keys import init_keys
    from tests.capture.test_recording_track import STREAM

    init_keys(settings, passphrase=None, clock=clock)
    box = Box(tmp_path / "vault", settings)
    box.track.stream_started(STREAM)
    for step in (0, 3600, -7200):
        box.clock.step(step)
        box.pictures(25 * 70)
    box.track.finish()
    device = load_device_key(settings.keys_dir).public
    report = verify_recording(tmp_path / "vault", "sitting", "front", "chain", device_key=device, ended=True)
    assert report.findings == ()
    assert report.verified_to is not None
    assert report.verified_to[0] >= 5  # one minute a part, and two steps
