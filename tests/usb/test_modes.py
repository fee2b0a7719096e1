"""Which mode USB is in: sittings, orders and the time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.usb.modes import NEVER_BEGUN_US, SittingTimes, counts, mode_of, next_change_us
from appliance.usb.orders import Order, OrderKind, OrderSubject

TIMES = st.integers(0, 10_000)
KINDS: list[OrderKind] = ["arm", "stand_down", "export", "let_in"]
SITTINGS = st.lists(
    st.builds(
        SittingTimes, id=st.sampled_from("abc"), begun=st.booleans(), start_us=TIMES, lead_us=st.integers(0, 500)
    ),
    max_size=3,
)
ORDERS = st.lists(
    st.builds(
        Order,
        id=st.integers(1, 99),
        kind=st.sampled_from(KINDS),
        made_us=TIMES,
        made_by=st.just("Ida"),
        until_us=st.none() | TIMES,
        subject=st.builds(
            OrderSubject, hash=st.sampled_from("xy"), port=st.just("1-1"), sitting=st.sampled_from(["", "a", "b"])
        ),
    ),
    max_size=5,
)


def an_order(kind: OrderKind, **how: object) -> Order:
    """An order of Ida's."""
    return Order(id=1, kind=kind, made_us=0, made_by="Ida", **how)  # type: ignore[arg-type]


def a_sitting(*, begun: bool = True, start_us: int = 1000, lead_us: int = 100) -> SittingTimes:
    """A sitting."""
    return SittingTimes(id="a", begun=begun, start_us=start_us, lead_us=lead_us)


def test_with_nothing_on_it_is_open() -> None:
    """No sitting and no order: maintenance."""
    assert (mode_of([], [], 0).mode, mode_of([], [], 0).why) == ("maintenance", "nothing")


@pytest.mark.parametrize(
    ("now_us", "begun", "mode"),
    [
        (899, False, "maintenance"),
        (900, False, "armed"),
        (0, True, "armed"),
        (1000 + NEVER_BEGUN_US - 1, False, "armed"),
        (1000 + NEVER_BEGUN_US, False, "maintenance"),
        (1000 + NEVER_BEGUN_US, True, "armed"),
    ],
)
def test_a_sitting_arms_from_its_lead_or_its_beginning_on(now_us: int, mode: str, *, begun: bool) -> None:
    """One that was never held arms nothing for ever; one that has begun arms until it is closed."""
    assert mode_of([a_sitting(begun=begun)], [], now_us).mode == mode


@given(SITTINGS, ORDERS, TIMES)
def test_a_standing_order_to_stand_down_always_opens(
    sittings: list[SittingTimes], orders: list[Order], now_us: int
) -> None:
    """Whatever else is on; and without one that counts, an arming sitting always closes."""
    down = any(one.kind == "stand_down" and counts(one, sittings, now_us) for one in orders)
    mode = mode_of(sittings, orders, now_us)
    if down:
        assert (mode.mode, mode.let_in) == ("maintenance", frozenset())
    elif any(one.arms(now_us) for one in sittings):
        assert mode.enforces
    assert (mode.mode == "export") == (mode.why == "export")


@given(SITTINGS, ORDERS, TIMES)
def test_nothing_is_let_in_by_an_order_that_does_not_count(
    sittings: list[SittingTimes], orders: list[Order], now_us: int
) -> None:
    """Devices let in are those of orders whose time and sitting are not over, and of no other kind."""
    allowed = {
        (one.subject.hash, one.subject.port)
        for one in orders
        if one.kind in {"let_in", "export"} and counts(one, sittings, now_us)
    }
    assert mode_of(sittings, orders, now_us).let_in <= allowed


@given(SITTINGS, ORDERS, TIMES, st.integers(1, 2000))
def test_between_two_changes_the_mode_stays(
    sittings: list[SittingTimes], orders: list[Order], now_us: int, later_us: int
) -> None:
    """The next change is never later than the mode's own."""
    change = next_change_us(sittings, orders, now_us)
    then = now_us + later_us
    if change is None or then < change:
        assert mode_of(sittings, orders, then) == mode_of(sittings, orders, now_us)


def test_standing_down_in_a_sitting_ends_with_it() -> None:
    """The next sitting arms again."""
    down = an_order("stand_down", subject=OrderSubject(sitting="a"))
    assert mode_of([a_sitting()], [down], 1000).why == "stood_down"
    other = SittingTimes(id="b", begun=True, start_us=1000, lead_us=0)
    assert mode_of([other], [down], 1000).mode == "armed"


def test_an_export_closes_also_where_nothing_else_is_on() -> None:
    """One stick is let in, and everything else is kept out until its time is over."""
    stick = an_order("export", until_us=50, subject=OrderSubject(hash="x", port="1-1"))
    assert mode_of([], [stick], 49).mode == "export"
    assert mode_of([], [stick], 49).let_in == {("x", "1-1")}
    assert mode_of([], [stick], 50).mode == "maintenance"
