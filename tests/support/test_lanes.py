"""Two lanes of tests side by side: each test is run once, and the end says how all of them went."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import lanes

ROOT = Path(__file__).resolve().parents[2]
# Without the plugins of this project's own tests, which take a second to load.
QUICK = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.mark.parametrize(
    ("place", "markers", "lane"),
    [
        ("exams/test_timing.py", set(), lanes.PURE),
        ("web/admin/test_users.py", {"parametrize"}, lanes.PURE),
        ("web/review/test_script_clock.py", {"browser"}, lanes.REAL),
        ("web/test_serving.py", set(), lanes.REAL),
        ("web/attacks/test_slow.py", set(), lanes.REAL),
        ("website/test_it.py", set(), lanes.REAL),
        ("journeys/test_room.py", {"browser"}, lanes.REAL),
        ("test_clock.py", set(), lanes.REAL),
    ],
)
def test_only_what_computes_runs_beside(place: str, markers: set[str], lane: str) -> None:
    """What needs a browser, cameras, processes or time, and whatever is not known, is in the lane of the real thing."""
    assert lanes.lane_of(place, markers) == lane


def test_every_place_named_is_there() -> None:
    """A folder that is renamed does not change its lane unseen."""
    gone = [place for place in (*lanes.PURE_PLACES, *lanes.REAL_PLACES) if not (ROOT / "tests" / place).exists()]
    assert gone == []


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["== 2 passed, 1 deselected in 1.00s ==", "== 1 failed, 3 passed in 2.50s (0:00:02) =="],
         "1 failed, 5 passed, 1 deselected in 65.00s (0:01:05)"),
        (["== 1 passed, 1 error in 1.00s ==", "== 1 passed, 1 warning in 1.00s =="],
         "2 passed, 1 warnings, 1 errors in 65.00s (0:01:05)"),
    ],
)  # fmt: skip
def test_the_closing_line_counts_both(texts: list[str], line: str) -> None:
    """Its counts are the sums, its time is what the whole took."""
    assert (lanes.closing_line(texts, 65.0) or "").strip("= ") == line


def test_a_lane_that_did_not_finish_leaves_no_closing_line() -> None:
    """Half an answer is none."""
    assert lanes.closing_line(["== 2 passed in 1.00s ==", "Fatal Python error"], 1.0) is None


@pytest.mark.parametrize(
    ("codes", "code"), [((0, 0), 0), ((0, 5), 0), ((5, 5), 5), ((1, 0), 1), ((0, 1), 1), ((5, 2), 2)]
)
def test_one_failing_lane_fails_the_whole(codes: tuple[int, int], code: int) -> None:
    """A lane may be empty, not both, and none may fail."""
    assert lanes.worst(codes) == code


def _project(folder: Path, pure: str) -> subprocess.CompletedProcess[str]:
    sources = {"exams/test_it.py": pure, "journeys/test_it.py": "def test_it():\n    pass\n"}
    for place, source in sources.items():
        path = folder / "tests" / place
        path.parent.mkdir(parents=True)
        path.write_text(source, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "tests.support.lanes", "-k", "test_"],
        env=QUICK, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_both_lanes_run_and_are_told_as_one(tmp_path: Path) -> None:
    """Every test of both is run once, and the last line counts all of them."""
    done = _project(tmp_path, "def test_it():\n    pass\ndef other_test():\n    pass\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 2 passed in " in done.stdout.splitlines()[-1]


def test_a_failure_in_the_second_lane_is_told_at_the_end(tmp_path: Path) -> None:
    """What failed beside is named once more before the closing line, and the whole has failed."""
    done = _project(tmp_path, "def test_it():\n    assert 1 == 2\n")
    assert done.returncode == 1
    *_, named, closing = done.stdout.splitlines()
    assert named.startswith("FAILED tests/exams/test_it.py::test_it")
    assert " 1 failed, 1 passed in " in closing
