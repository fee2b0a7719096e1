"""The wall clock of a box that records is set forward and back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.vault.recording import Recording
from tests.faults.tally import Line, count
from tests.support.examination import TILING_US, examine
from tests.support.fault_box import TINY, BoxCamera, FaultBox

if TYPE_CHECKING:
    from appliance.vault.facts import PartFacts

STEPS = (3600, -3600, 40, -40, 2, -2, 86_400 * 30, 0)
STEPPED_CLOCK = Path(__file__).resolve().parent.parent / "support" / "stepped_clock"


def set_shift(shift: Path, seconds: int) -> None:
    """Step the clock: the file is replaced at once, so that nobody reads half of it."""
    fresh = shift.with_suffix(".new")
    fresh.write_text(f"{seconds:+d}\n")
    fresh.rename(shift)


def check_parts(parts: tuple[PartFacts, ...]) -> None:
    """In monotonic time, which no step touches, the parts follow one another without a hole."""
    for before, after in pairwise(parts):
        assert abs(after.start_mono - before.end_mono) <= TILING_US, (before, after)


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_clock_steps_both_ways_cost_no_picture(tmp_path: Path) -> None:
    """Whatever the wall clock does, every picture is kept; each step over a second begins a part with a new anchor."""
    shift = tmp_path / "shift"
    set_shift(shift, 0)
    environ = {"PYTHONPATH": str(STEPPED_CLOCK), "STEPPED_CLOCK": str(shift)}
    cameras = [BoxCamera("left", "pattern", TINY), BoxCamera("right", "pattern", TINY)]
    with FaultBox(tmp_path / "state", cameras, log=tmp_path, environ=environ) as box:
        box.start("capture")
        witness = box.record()
        box.wait_all_recorded(0, 60)
        for seconds in STEPS:
            set_shift(shift, seconds)
            for _ in range(2):
                box.wait_all_recorded()
        box.finish_recording()
        box.stop()
        witness.stop()
        lost = witness.lost()
        examined = examine(box.settings, box.sitting, ["left", "right"], tmp_path)
        holes = [hole for hole in examined.holes if set(hole.reasons) != {"starting"}]
        faults = {"step forward": 4, "step back": 4}
        count(Line("clock steps", faults, witness.acknowledged, len(lost), len(holes)))
        parts = [Recording(box.settings.vault_dir, box.sitting, camera.id).parts for camera in cameras]
    assert lost == []
    assert holes == [], "a step of the clock is no hole"
    for mine in parts:
        check_parts(mine)
        assert sum(part.manifest.opened == "clock_step" for part in mine) == len(STEPS)
