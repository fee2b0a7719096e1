"""The pictures of the storage page as numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.config import VaultSettings
from appliance.vault.forecast import Inflow, Release, forecast
from appliance.vault.retention import HOUR_US
from appliance.web.admin.storage_chart import HEIGHT, WIDTH, bar, course, free_at, thresholds

NOW = 1_800_000_000_000_000
SHARES = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 10**12)), max_size=6)


@given(SHARES, st.integers(0, 10**13))
def test_the_bar_is_whole_and_shows_everything_there_is(shares: list[tuple[str, int]], total: int) -> None:
    """Pieces lie side by side, fill the bar exactly, and even the smallest is seen."""
    pieces = bar(shares, total)
    assert [piece.kind for piece in pieces] == [kind for kind, count in shares if count]
    at = 0
    for piece in pieces:
        assert (piece.x, piece.width > 0) == (at, True)
        at += piece.width
    assert at == (WIDTH if pieces else 0)


@given(
    st.integers(0, 10**12), st.integers(1, 10**12), st.integers(0, 10**10), st.integers(1, 400),
    st.lists(st.integers(0, 500), max_size=5),
)  # fmt: skip
def test_the_course_stays_inside_the_picture(free: int, total: int, rate: int, keep: int, hours: list[int]) -> None:
    """Whatever is foretold, the line goes from left to right within the frame."""
    found = forecast(
        free=free, reserve=0, inflows=[Inflow(rate, keep)],
        releases=[Release(NOW + hour * HOUR_US, 10**9) for hour in hours], now_us=NOW,
    )  # fmt: skip
    points = [tuple(map(int, pair.split(","))) for pair in course(found, total, NOW).points.split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert points[0][0] == 0
    assert points[-1][0] == WIDTH
    assert all(0 <= y <= HEIGHT for _, y in points)


def test_free_space_is_read_off_the_course() -> None:
    """Between two moments it changes evenly; after the end it stays."""
    found = forecast(free=1000, reserve=0, inflows=[Inflow(10, 1000)], releases=[], now_us=NOW)
    assert free_at(found, NOW) == 1000
    assert free_at(found, NOW + 50 * HOUR_US) == 500
    assert free_at(found, NOW + 1000 * HOUR_US) == 0


def test_thresholds_stand_where_the_settings_say() -> None:
    """15, 10 and 3 percent free, from the right of the bar and from the bottom of the course."""
    lines = thresholds(VaultSettings())
    assert [(line.name, line.x, line.y) for line in lines] == [
        ("warn", 850, 170), ("delete", 900, 180), ("stop", 970, 194),
    ]  # fmt: skip
