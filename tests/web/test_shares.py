"""Who may use a thread while its request is still being sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.web.shares import Shares


def test_beyond_its_share_an_address_waits_its_turn() -> None:
    """The third waits until one of the first two is done; then it goes, in the order they came."""
    shares: Shares[str] = Shares(2)
    assert [shares.ask("a", name) for name in ("one", "two", "three", "four")] == [True, True, False, False]
    assert shares.ask("b", "other")
    assert (shares.done("a"), shares.done("a"), shares.done("a")) == ("three", "four", None)


def test_the_box_itself_has_no_limit() -> None:
    """Free addresses never wait."""
    shares: Shares[int] = Shares(1, {"127.0.0.1"})
    assert all(shares.ask("127.0.0.1", number) for number in range(100))


def test_who_waits_at_the_end_is_known() -> None:
    """Nobody who waits is forgotten when the process ends."""
    shares: Shares[int] = Shares(1)
    for number in range(3):
        shares.ask("a", number)
    assert shares.drain() == [1, 2]
    assert shares.drain() == []
    assert shares.done("a") is None


@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=80))
def test_any_order_of_asking_and_leaving_keeps_the_shares(each: int, steps: list[tuple[str, bool]]) -> None:
    """Never more than a share goes, nobody waits while there is a place, nobody is lost or goes twice."""
    shares: Shares[int] = Shares(each)
    going: dict[str, list[int]] = {name: [] for name in "abc"}
    waiting: dict[str, list[int]] = {name: [] for name in "abc"}
    for number, (address, leaves) in enumerate(steps):
        if leaves:
            if not going[address]:
                continue
            going[address].pop(0)
            following = shares.done(address)
            assert following == (waiting[address].pop(0) if waiting[address] else None)
            going[address] += [] if following is None else [following]
        else:
            (going if shares.ask(address, number) else waiting)[address].append(number)
        for name in "abc":
            assert len(going[name]) <= each
            assert not waiting[name] or len(going[name]) == each
