"""On a build server nothing that needs a browser, cameras, udev or systemd may quietly not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

MUST_RUN = frozenset({"media", "browser", "udev", "systemd"})


def on_build_server(environ: Mapping[str, str]) -> bool:
    """Return whether ``CI`` is set to anything that means yes."""
    return environ.get("CI", "").strip().lower() not in {"", "0", "false", "no"}


def refuse_skip(markers: set[str], report: pytest.TestReport) -> None:
    """Turn the skip of a test that must run into a failure that keeps the reason.

    An expected failure (``xfail``) is not a skip and stays as it is.
    """
    needed = sorted(markers & MUST_RUN)
    if not needed or not report.skipped or hasattr(report, "wasxfail"):
        return
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{', '.join(needed)} tests must run on a build server, but this one was skipped: {why}"


class NoQuietSkips:
    """The pytest plugin; registered by ``tests/conftest.py`` on a build server."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> object:
        """Look at each report as it is made; a skip in setup, by mark or in the test itself counts alike."""
        report = yield
        refuse_skip({mark.name for mark in item.iter_markers()}, report)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> object:
        """A whole file skipped at import (``importorskip``) would take its tests with it unseen."""
        report = yield
        if report.skipped:
            report.outcome = "failed"
            report.longrepr = f"{collector.nodeid} was skipped as a whole: mark and skip single tests instead."
        return report
