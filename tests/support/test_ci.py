"""The hook that makes skipped browser, camera, udev and systemd tests fail on a build server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ci

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = """
from tests.support.ci import NoQuietSkips
def pytest_configure(config):
    for marker in ("media", "browser", "udev", "systemd"):
        config.addinivalue_line("markers", marker)
    config.pluginmanager.register(NoQuietSkips())
"""


def _run(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)],
        # Without the plugins of this project's own tests, which take a second to load.
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("marker", sorted(ci.MUST_RUN))
@pytest.mark.parametrize(
    "body",
    [
        "@pytest.mark.{marker}\n@pytest.mark.skipif(True, reason='none here')\ndef test_it():\n    pass",
        "@pytest.mark.{marker}\ndef test_it():\n    pytest.skip('none here')",
        (
            "@pytest.fixture\ndef thing():\n    pytest.skip('none here')\n"
            "@pytest.mark.{marker}\ndef test_it(thing):\n    pass"
        ),
    ],
    ids=["mark", "in the test", "in a fixture"],
)
def test_a_marked_test_that_is_skipped_fails_the_run(tmp_path: Path, marker: str, body: str) -> None:
    """However a test that must run is skipped, the run fails and says why."""
    done = _run(tmp_path, "import pytest\n" + body.format(marker=marker))
    assert done.returncode == 1
    assert "must run on a build server" in done.stdout
    assert "none here" in done.stdout


def test_a_file_skipped_as_a_whole_fails_the_run(tmp_path: Path) -> None:
    """An ``importorskip`` at the top of a file cannot hide its tests."""
    done = _run(tmp_path, "import pytest\npytest.importorskip('no_such_module')\n")
    assert done.returncode != 0
    assert "skipped as a whole" in done.stdout


def test_other_skips_and_expected_failures_stay_what_they_are(tmp_path: Path) -> None:
    """Only tests that must run are held to it, and an expected failure is no skip."""
    done = _run(
        tmp_path,
        "import pytest\ndef test_plain():\n    pytest.skip('fine')\n"
        "@pytest.mark.media\n@pytest.mark.xfail(reason='known')\ndef test_known():\n    assert False\n"
        "@pytest.mark.media\ndef test_good():\n    pass\n",
    )
    assert done.returncode == 0
    assert "1 passed, 1 skipped, 1 xfailed" in done.stdout


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("1", True), ("", False), ("0", False), ("no", False)])
def test_ci_variable(value: str, *, expected: bool) -> None:
    """``CI`` means yes unless it is empty or says no."""
    assert ci.on_build_server({"CI": value}) is expected
    assert ci.on_build_server({}) is False
