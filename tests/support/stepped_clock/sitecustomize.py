"""Python imports this by itself in processes whose ``PYTHONPATH`` names this folder: their wall clock can be stepped.

The file named by ``STEPPED_CLOCK`` holds by how many seconds. Monotonic clocks are untouched, as when a person or
NTP sets a real clock.
"""

from __future__ import annotations

import os
import time

_SHIFT_FILE = os.environ["STEPPED_CLOCK"]
_real_time_ns = time.time_ns


def _shift_ns() -> int:
    with open(_SHIFT_FILE, encoding="ascii") as file:  # noqa: PTH123  imported before anything else
        return int(file.read()) * 1_000_000_000


def _time_ns() -> int:
    return _real_time_ns() + _shift_ns()


def _time() -> float:
    return _time_ns() / 1e9


time.time_ns = _time_ns
time.time = _time
