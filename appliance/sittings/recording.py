"""Recording follows the sitting: begun before admission, stopped after closing. A person's own wish is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock


class SittingRecording(msgspec.Struct, frozen=True):
    """Whether a sitting's room is being recorded now: ``as_sitting`` is the recording's name, None where nothing is.

    ``own``: it is the sitting's own recording; otherwise somebody's, or another sitting's, which covers it.
    """

    as_sitting: str | None
    own: bool
    since_us: int | None


def recording_of(db: Database, sitting: str) -> SittingRecording:
    """Return how a sitting is being recorded at this moment."""
    raise NotImplementedError


def begin(db: Database, sitting: str, *, clock: Clock, who: str) -> bool:
    """Wish that the sitting be recorded, where nothing is; return whether a wish was made. Joins a transaction."""
    raise NotImplementedError


def stop(db: Database, sitting: str, *, clock: Clock, who: str) -> bool:
    """End the sitting's own wish; return whether it stood. Joins a transaction."""
    raise NotImplementedError
