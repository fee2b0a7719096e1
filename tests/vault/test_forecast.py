"""When the disk will be full."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.vault.forecast import HORIZON_HOURS, Forecast, Inflow, Release, forecast
from appliance.vault.retention import HOUR_US

NOW = 1_800_000_000_000_000
INFLOWS = st.lists(st.builds(Inflow, st.integers(0, 5_000), st.integers(1, 400)), max_size=4)
RELEASES = st.lists(
    st.builds(Release, st.integers(-50, 500).map(lambda hours: NOW + hours * HOUR_US), st.integers(0, 50_000)),
    max_size=6,
)
FREE = st.integers(0, 2_000_000)
RESERVE = st.integers(0, 100_000)


def _at(free: int, reserve: int, inflows: list[Inflow], releases: list[Release]) -> Forecast:
    return forecast(free=free, reserve=reserve, inflows=inflows, releases=releases, now_us=NOW)


def _hourly(free: int, inflows: list[Inflow], releases: list[Release], hours: int) -> list[int]:
    """Free bytes at each whole hour, before that hour's releases, by plain simulation without an end."""
    found, left = [], free + sum(one.bytes for one in releases if one.at_us <= NOW)
    for hour in range(hours + 1):
        found.append(left)
        at_us = NOW + hour * HOUR_US
        left += sum(one.bytes for one in releases if one.at_us == at_us and hour)
        left -= sum(flow.bytes_an_hour for flow in inflows if hour < flow.keep_hours)
    return found


@given(free=FREE, reserve=RESERVE, inflows=INFLOWS, releases=RELEASES)
def test_it_agrees_with_going_through_every_hour(
    free: int, reserve: int, inflows: list[Inflow], releases: list[Release]
) -> None:
    """The exact projection says full in the very hour in which a plain simulation runs out of room, or never."""
    found = _at(free, reserve, inflows, releases)
    hourly = _hourly(free, inflows, releases, 600)
    short = next((hour for hour, left in enumerate(hourly) if left <= reserve and (hour == 0 or inflows)), None)
    written = any(flow.bytes_an_hour for flow in inflows)
    if short is None or (short > 0 and not written):
        assert found.full_us is None
    else:
        assert found.full_us is not None
        assert NOW + (short - 1) * HOUR_US < found.full_us <= NOW + short * HOUR_US


@given(free=FREE, reserve=RESERVE, inflows=INFLOWS, releases=RELEASES, more=st.integers(0, 10**6))
def test_room_and_deletions_only_help_and_cameras_only_cost(
    free: int, reserve: int, inflows: list[Inflow], releases: list[Release], more: int
) -> None:
    """Free space and deletions never bring the end nearer; cameras and longer retention never move it away."""

    def full(result: Forecast) -> int:
        return NOW + (HORIZON_HOURS + 1) * HOUR_US if result.full_us is None else result.full_us

    usual = full(_at(free, reserve, inflows, releases))
    assert full(_at(free + more, reserve, inflows, releases)) >= usual
    assert full(_at(free, reserve, inflows, [*releases, Release(NOW + 3 * HOUR_US, more)])) >= usual
    assert full(_at(free, reserve, [*inflows, Inflow(more, 24)], releases)) <= usual
    longer = [Inflow(flow.bytes_an_hour, flow.keep_hours + 1 + more % 50) for flow in inflows]
    assert full(_at(free, reserve, longer, releases)) <= usual


@given(free=FREE, reserve=RESERVE, inflows=INFLOWS, releases=RELEASES)
def test_the_course_is_told_in_order_and_ends_where_it_says(
    free: int, reserve: int, inflows: list[Inflow], releases: list[Release]
) -> None:
    """Moments follow one another; the least free space is among them; a full disk ends the course at the reserve."""
    found = _at(free, reserve, inflows, releases)
    times = [moment.at_us for moment in found.course]
    assert times == sorted(times)
    assert times[0] == NOW
    assert found.lowest in found.course
    assert found.lowest.free == min(moment.free for moment in found.course)
    assert found.keeps_pace == (found.settles_us is not None)
    if found.full_us is not None:
        assert times[-1] == found.full_us
        assert found.course[-1].free <= max(reserve, free + sum(one.bytes for one in releases))


def test_a_box_that_deletes_as_fast_as_it_records_keeps_pace() -> None:
    """Three days of one camera fit: the disk never fills; a byte less and it fills just before the first deletion."""
    camera = [Inflow(1000, 72)]
    fits = _at(72_001 + 500, 500, camera, [])
    assert (fits.full_us, fits.settles_us, fits.lowest.free) == (None, NOW + 72 * HOUR_US, 501)
    assert _at(72_000 + 500, 500, camera, []).full_us == NOW + 72 * HOUR_US


def test_nothing_recorded_is_never_full() -> None:
    """Without a rate there is no end, and an overdue deletion makes room at once."""
    idle = _at(100, 50, [], [Release(NOW - HOUR_US, 30)])
    assert (idle.full_us, idle.course[0].free) == (None, 130)
    assert _at(10, 50, [], []).full_us == NOW
