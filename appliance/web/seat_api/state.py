"""What the calls of seat agents share in this process."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from flask import current_app

from appliance.clock import SECOND_US
from appliance.hub.seen_tokens import SeenTokens
from appliance.vault.keys import load_box_id
from appliance.web.api.buckets import Buckets

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from appliance.clock import Clock
    from appliance.config import Settings

CALLS_PER_SECOND: Final = 5.0
CALLS_BURST: Final = 60.0
"""Calls of one agent: a report every 5 s, one at each event, and as many as deliver what was kept while offline."""
REFUSED_PER_SECOND: Final = 1.0
REFUSED_BURST: Final = 30.0
CODES_PER_SECOND: Final = 0.2
CODES_BURST: Final = 60.0
"""Tries to join from one address: a room of workstations behind one address joins in a minute or two; sixty random
bits are not guessed at that rate."""
MOST_TOKENS: Final = 20_000
FLUSH_US: Final = 3 * SECOND_US
_KEY: Final = "exambox-seats"


class Heard:
    """When agents were heard, kept together every few seconds: a report in which nothing happened costs no commit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, int] = {}
        self._flushed_us = clock.mono_us() - FLUSH_US

    def note(self, agent: str, at_us: int) -> dict[str, int]:
        """Note an agent; return what is to be written now, empty where it may wait for the next report."""
        with self._lock:
            self._waiting[agent] = at_us
            if self._clock.mono_us() - self._flushed_us < FLUSH_US:
                return {}
            self._flushed_us = self._clock.mono_us()
            due, self._waiting = self._waiting, {}
            return due


@dataclass(frozen=True)
class Seats:
    """One for the process."""

    keys_dir: Path
    tokens: SeenTokens
    heard: Heard
    began_us: int
    calls: Buckets[str]
    refused: Buckets[tuple[str, str]]
    codes: Buckets[str]

    @property
    def box(self) -> str:
        """The box's id, which tokens are for.

        Raises:
            MissingKeyError: the box has no keys yet.
        """
        return load_box_id(self.keys_dir)


def install(app: Flask, settings: Settings, clock: Clock) -> None:
    """Make the state known to the application."""
    app.extensions[_KEY] = Seats(
        keys_dir=settings.keys_dir,
        tokens=SeenTokens(clock, most=MOST_TOKENS),
        heard=Heard(clock),
        began_us=clock.wall_us(),
        calls=Buckets(per_second=CALLS_PER_SECOND, burst=CALLS_BURST, mono_us=clock.mono_us),
        refused=Buckets(per_second=REFUSED_PER_SECOND, burst=REFUSED_BURST, mono_us=clock.mono_us),
        codes=Buckets(per_second=CODES_PER_SECOND, burst=CODES_BURST, mono_us=clock.mono_us),
    )


def seats() -> Seats:
    """Return the state of the application that handles this request."""
    return cast("Seats", current_app.extensions[_KEY])
