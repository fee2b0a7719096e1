"""When something at a workstation happened, by the box's clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.seat.instants import at_box_us
from appliance.exchange.seat.messages import Item, ReportRequest, State

TIMES = st.integers(0, 4_000_000_000_000_000)
SPANS = st.integers(0, 86_400_000_000)


def report(*, at_us: int, mono_us: int, boot: str = "boot-2") -> ReportRequest:
    """A report without items."""
    return ReportRequest(
        epoch="e", run="r", boot=boot, mono_us=mono_us, at_us=at_us, machine=sha256_text(b""), state=State()
    )


def item(*, at_us: int, mono_us: int, boot: str = "boot-2") -> Item:
    """An item of a moment."""
    return Item(seq=1, at_us=at_us, mono_us=mono_us, boot=boot, kind="agent", body="{}")


@given(TIMES, TIMES, TIMES, SPANS, SPANS)
def test_within_a_boot_no_clock_that_is_set_moves_an_event(
    received: int, wall_then: int, wall_now: int, mono: int, ago: int
) -> None:
    """Whatever the workstation's wall clock said, an event lies as long ago as the monotonic clock counted."""
    found = at_box_us(
        item(at_us=wall_then, mono_us=mono), report(at_us=wall_now, mono_us=mono + ago), received_us=received
    )
    assert found == max(0, received - ago)


@given(TIMES, st.integers(-(10**15), 10**15), SPANS)
def test_an_event_of_an_earlier_boot_is_corrected_by_how_far_the_clock_is_off(
    received: int, off: int, ago: int
) -> None:
    """Of an earlier boot the wall clock counts, less what it is wrong by now."""
    now = max(0, received + off)
    then = max(0, now - ago)
    found = at_box_us(item(at_us=then, mono_us=1, boot="boot-1"), report(at_us=now, mono_us=5), received_us=received)
    assert found == min(received, max(0, received - (now - then)))


@given(TIMES, st.tuples(TIMES, TIMES), st.tuples(SPANS, SPANS), st.sampled_from(["boot-1", "boot-2"]))
def test_nothing_happens_in_the_future(received: int, wall: tuple[int, int], mono: tuple[int, int], boot: str) -> None:
    """No event is dated after it was received, nor before 1970."""
    then = item(at_us=wall[0], mono_us=mono[0], boot=boot)
    found = at_box_us(then, report(at_us=wall[1], mono_us=mono[1]), received_us=received)
    assert 0 <= found <= received
