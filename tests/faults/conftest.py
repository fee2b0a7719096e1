"""The table at the end, and what every fault test needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.faults import tally
from tests.faults.small_disk import SmallDisk, why_no_disk
from tests.support import ci

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was injected and what became of it."""
    if tally.LINES:
        terminalreporter.section("faults")
        for line in tally.table():
            terminalreporter.write_line(line)


def skip_or_fail(why: str) -> None:
    """Skip with a plain reason; on a build server a fault test that does not run is a failure."""
    if ci.on_build_server(os.environ):
        pytest.fail(f"must run on a build server: {why}")
    pytest.skip(why)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A real ext4 file system of 48 MiB on a loop device."""
    why = why_no_disk()
    if why:
        skip_or_fail(why)
    with SmallDisk(tmp_path, mebibytes=48) as disk:
        yield disk
