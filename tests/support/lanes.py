"""The quick tests in two lanes side by side, so that a machine of two cores is used while tests wait.

In the first lane is what runs the real thing: browsers, cameras, processes, sockets, and whatever measures time. Such
tests come one after the other, as they always did, and nothing but the second lane is beside them. In the second lane
is what only computes, in its own process and folders; it runs with less of a claim to the machine.

    python -m tests.support.lanes [arguments of pytest]     # both, ends with one closing line as pytest's
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

REAL, PURE = "real", "pure"
# Folders and files under tests/ whose tests only compute; what is not named here is in the lane of the real thing.
PURE_PLACES = (
    "auditlog", "cameras", "certificates", "database", "devices", "diagnosis", "docs", "exams", "exchange", "hub",
    "integrations", "outbox", "rosters", "sittings", "support", "support_bundle", "tools", "usb", "vault", "web",
)  # fmt: skip
REAL_PLACES = ("web/attacks", "web/lan", "web/room", "web/test_main.py", "web/test_serving.py")
REAL_MARKERS = frozenset({"browser", "media", "systemd", "udev"})
NICENESS = 5
NOTHING_COLLECTED = 5
CLOSING = re.compile(r"^=+ (?P<counts>.*\d.*) in (?P<seconds>[\d.]+)s.*=+$")
COUNT = re.compile(r"(\d+) ([a-z]+)")
TOLD = re.compile(r"^(FAILED|ERROR) ")
# As pytest orders them.
ORDER = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "warnings", "errors")


def lane_of(place: str, markers: frozenset[str] | set[str]) -> str:
    """Return the lane of a test by its file's place under ``tests/`` and its markers."""

    def inside(places: Sequence[str]) -> bool:
        return any(place == one or place.startswith(f"{one}/") for one in places)

    return PURE if inside(PURE_PLACES) and not inside(REAL_PLACES) and not markers & REAL_MARKERS else REAL


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let pytest run one lane alone; without the option it runs all."""
    parser.addoption("--lane", choices=(REAL, PURE), help="only the tests of one lane (tests/support/lanes.py)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the lane; those of the other are not counted as deselected."""
    lane = config.getoption("--lane")
    folder = config.rootpath / "tests"
    if lane:
        items[:] = [
            item
            for item in items
            if lane_of(item.path.relative_to(folder).as_posix(), {mark.name for mark in item.iter_markers()}) == lane
        ]


def closing_line(texts: Sequence[str], seconds: float) -> str | None:
    """Return one closing line for several runs of pytest, as pytest would have said it; None if one did not finish."""
    counts: Counter[str] = Counter()
    for text in texts:
        found = [match for line in text.splitlines() if (match := CLOSING.match(line))]
        if not found:
            return None
        for number, word in COUNT.findall(found[-1]["counts"]):
            counts[{"error": "errors", "warning": "warnings"}.get(word, word)] += int(number)
    told = ", ".join(f"{counts[word]} {word}" for word in ORDER if counts[word]) or "no tests ran"
    length = f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"
    return f" {told} in {seconds:.2f}s ({length}) ".center(80, "=")


def worst(codes: Sequence[int]) -> int:
    """Return the exit code of both lanes together; one of them may be empty."""
    if all(code == NOTHING_COLLECTED for code in codes):
        return NOTHING_COLLECTED
    return next((code for code in codes if code not in {0, NOTHING_COLLECTED}), 0)


def main(arguments: Sequence[str], build: Path = Path("build")) -> int:
    """Run both lanes, show one after the other, and end with one closing line; return pytest's exit code."""
    build.mkdir(exist_ok=True)
    logs = {lane: build / f"tests-{lane}.log" for lane in (REAL, PURE)}
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.lanes", *arguments]
    began = time.monotonic()
    with logs[PURE].open("wb") as log:
        beside = subprocess.Popen(
            ["nice", "-n", str(NICENESS), *command, "-p", "no:cacheprovider", f"--lane={PURE}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            codes = [_shown([*command, f"--lane={REAL}"], logs[REAL]), beside.wait()]
        finally:
            beside.terminate()
            beside.wait()
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in logs.values()]
    print(f"\nBeside these ran ({logs[PURE]}):\n\n{texts[1]}")  # noqa: T201  this is what the command is for
    for line in (line for text in texts for line in text.splitlines() if TOLD.match(line)):
        print(line)  # noqa: T201
    closing = closing_line(texts, time.monotonic() - began)
    print(closing or "One of the two lanes did not finish.")  # noqa: T201
    return worst(codes) if closing else worst(codes) or 1


def _shown(command: Sequence[str], log: Path) -> int:
    """Run a command, show what it says as it says it, and keep it; return its exit code."""
    with log.open("wb") as kept, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout
        while piece := process.stdout.read1(65536):  # type: ignore[attr-defined]  # a BufferedReader
            kept.write(piece)
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
