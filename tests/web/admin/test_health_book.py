"""What stands how since when, and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import ManualClock
from appliance.diagnosis.result import Check
from appliance.web.admin.health_book import FRESH_US, MAX_CHANGES, HealthBook

if TYPE_CHECKING:
    from appliance.diagnosis.result import State

STATES: tuple[State, ...] = ("ok", "warn", "fail", "unseen")


def _check(name: str, state: State = "ok", message: str = "m") -> Check:
    return Check(name, state, message)


def test_a_state_stands_since_it_began_while_its_words_follow() -> None:
    """A disk that fills stays `ok` with new figures; when it turns, the time is the turn's."""
    clock = ManualClock()
    book, began = HealthBook(clock), clock.wall_us()
    book.take([_check("disk", message="50 %")], "quick")
    clock.advance(60)
    book.take([_check("disk", message="49 %")], "quick")
    (seen,) = book.seen()
    assert (seen.since_us, seen.check.message) == (began, "49 %")
    clock.advance(60)
    book.take([_check("disk", "warn")], "quick")
    assert book.seen()[0].since_us == began + 120_000_000
    (change,) = book.changes()
    assert (change.before, change.after, change.at_us) == ("ok", "warn", clock.wall_us())


def test_what_is_gone_leaves_and_is_told() -> None:
    """A camera that was removed is no finding for ever; the other kind's checks stay."""
    book = HealthBook(ManualClock())
    book.take([_check("camera front", "fail"), _check("disk")], "quick")
    book.take([_check("database")], "thorough")
    book.take([_check("disk")], "quick")
    assert {seen.check.name for seen in book.seen()} == {"disk", "database"}
    assert (book.changes()[0].name, book.changes()[0].after) == ("camera front", None)


def test_many_readers_share_one_look() -> None:
    """Within some seconds nothing is asked again."""
    clock, looks = ManualClock(), 0

    def look() -> list[Check]:
        nonlocal looks
        looks += 1
        return [_check("disk")]

    book = HealthBook(clock)
    book.refresh(look)
    book.refresh(look)
    assert looks == 1
    clock.advance(FRESH_US / 1_000_000)
    book.refresh(look)
    assert looks == 2


def test_the_thorough_look_is_done_once_at_a_time() -> None:
    """Who claims it does it; the others are told that it is being done."""
    book = HealthBook(ManualClock())
    assert book.begin_thorough()
    assert not book.begin_thorough()
    assert book.looks_thoroughly
    book.end_thorough()
    assert book.begin_thorough()


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(STATES), max_size=3), max_size=60))
def test_changes_replayed_give_the_present(looks: list[dict[str, State]]) -> None:
    """Whatever is seen in whatever order: changes from the first look on lead to what stands now."""
    clock = ManualClock()
    book = HealthBook(clock)
    for look in looks:
        clock.advance(1)
        book.take([_check(name, state) for name, state in look.items()], "quick")
    assert {seen.check.name: seen.check.state for seen in book.seen()} == (looks[-1] if looks else {})
    changes = list(reversed(book.changes()))
    if looks and len(changes) < MAX_CHANGES:
        stands: dict[str, State] = dict(looks[0])
        for change in changes:
            assert stands.get(change.name) == change.before
            if change.after is None:
                del stands[change.name]
            else:
                stands[change.name] = change.after
        assert stands == looks[-1]
