"""Live streams never take the last threads."""

from __future__ import annotations

import pytest

from appliance.web.slots import StreamSlots, TooManyStreamsError


@pytest.mark.parametrize(("threads", "limit"), [(4, 2), (8, 6), (96, 72)])
def test_a_quarter_of_the_threads_stays_free(threads: int, limit: int) -> None:
    """The limit is below the pool, by at least two threads; a place given back can be taken again."""
    slots = StreamSlots(threads)
    for _ in range(limit):
        slots.take()
    with pytest.raises(TooManyStreamsError):
        slots.take()
    slots.give_back()
    slots.take()
    assert slots.taken == limit
