"""Guessing is slowed down, also across restarts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from appliance.clock import SECOND_US, ManualClock
from appliance.database import connect, open_box_database
from appliance.web.account import throttle

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings

NOW = 1_800_000_000 * SECOND_US
times = st.lists(st.integers(NOW - 3600 * SECOND_US, NOW + 3600 * SECOND_US), max_size=60)


@given(times, st.integers(1, 30))
def test_the_wait_is_bounded_and_grows_with_failures(failures: list[int], free: int) -> None:
    """Nobody waits longer than the window, nobody waits within the free attempts, and one more never shortens it."""
    wait = throttle.wait_us(failures, NOW, free)
    assert 0 <= wait <= throttle.WINDOW_US
    recent = [at for at in failures if at > NOW - throttle.WINDOW_US]
    assert wait == 0 or len(recent) >= free
    assert throttle.wait_us([*failures, NOW], NOW, free) >= wait


def test_after_five_failures_the_next_waits_and_the_wait_doubles(db: Database, clock: ManualClock) -> None:
    """Five attempts are free; from then on each failure doubles the wait from 5 s."""
    for _ in range(5):
        throttle.begin_attempt(db, "Ada", "127.0.0.1", clock=clock)
    waits = []
    for _ in range(4):
        with pytest.raises(throttle.ThrottledError) as refused:
            throttle.begin_attempt(db, "ada ", "127.0.0.1", clock=clock)
        waits.append(refused.value.wait_seconds)
        clock.advance(refused.value.wait_seconds)
        throttle.begin_attempt(db, "ADA", "127.0.0.1", clock=clock)
    assert waits == [5, 10, 20, 40]


def test_a_restart_forgives_nothing(settings: Settings, db: Database, clock: ManualClock) -> None:
    """Another connection, as after a restart, still refuses."""
    for _ in range(5):
        throttle.begin_attempt(db, "Ada", "127.0.0.1", clock=clock)
    again = connect(settings.database)
    with pytest.raises(throttle.ThrottledError):
        throttle.begin_attempt(again, "Ada", "127.0.0.1", clock=clock)
    again.conn.close()


def test_one_name_does_not_lock_another_out(db: Database, clock: ManualClock) -> None:
    """Guessing at one name leaves the others of the room alone, up to the address's own limit."""
    for _ in range(5):
        throttle.begin_attempt(db, "Ada", "127.0.0.1", clock=clock)
    throttle.begin_attempt(db, "Grace", "127.0.0.1", clock=clock)


def test_many_names_from_one_address_are_slowed_too(db: Database, clock: ManualClock) -> None:
    """Trying one password on many names meets the address's limit."""
    for number in range(throttle.FREE_FOR_AN_ADDRESS):
        throttle.begin_attempt(db, f"name{number}", "127.0.0.1", clock=clock)
    with pytest.raises(throttle.ThrottledError):
        throttle.begin_attempt(db, "another", "127.0.0.1", clock=clock)
    throttle.begin_attempt(db, "another", "127.0.0.2", clock=clock)


def test_success_forgives_the_name(db: Database, clock: ManualClock) -> None:
    """After a good sign-in the count begins anew."""
    for _ in range(5):
        throttle.begin_attempt(db, "Ada", "127.0.0.1", clock=clock)
    throttle.attempt_succeeded(db, "Ada", "127.0.0.1")
    throttle.begin_attempt(db, "Ada", "127.0.0.1", clock=clock)


def test_no_name_is_stored_in_clear(db: Database, clock: ManualClock) -> None:
    """What people typed as a name (often a password) is not in the table."""
    throttle.begin_attempt(db, "MyPassw0rd!", "127.0.0.1", clock=clock)
    rows = list(db.query("SELECT key FROM sign_in_failure"))
    assert len(rows) == 2
    assert all(len(row["key"]) == 64 and "Passw0rd" not in row["key"] for row in rows)


@pytest.mark.parametrize(
    ("window_us", "most"), [(throttle.WINDOW_US, 1500), (throttle.CODE_WINDOW_US, 110)], ids=["password", "code"]
)
def test_a_patient_guesser_gets_few_tries_a_day(window_us: int, most: int) -> None:
    """Somebody who tries again at each first chance, day and night: a bounded number of passwords, fewer codes."""
    failures: list[int] = []
    now = NOW
    while now < NOW + 24 * 3600 * SECOND_US:
        wait = throttle.wait_us(failures, now, throttle.FREE_FOR_A_NAME, window_us)
        if wait:
            now += wait
            continue
        failures.append(now)
    assert len(failures) <= most


class Guessing(RuleBasedStateMachine):
    """The throttle against a model: what was let through, and that nobody waits longer than it says."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.folder = tempfile.TemporaryDirectory()
        self.db = open_box_database(Path(self.folder.name) / "box.db")
        self.tried: dict[tuple[str, str], list[int]] = {}

    def wait_of_a_try(self, name: str, kind: throttle.Kind) -> int:
        """Try; return how long to wait, or 0 where it was looked at."""
        try:
            throttle.begin_attempt(self.db, name, "", clock=self.clock, kind=kind)
        except throttle.ThrottledError as refused:
            return refused.wait_seconds
        return 0

    @rule(name=st.sampled_from(["Ada", "Grace"]), kind=st.sampled_from(["name", "code", "confirm"]))
    def a_guess(self, name: str, kind: throttle.Kind) -> None:
        """An attempt is looked at or told how long to wait; it is looked at no sooner, and then for certain."""
        tried = self.tried.setdefault((name, kind), [])
        wait = self.wait_of_a_try(name, kind)
        if wait:
            everybody = sum(len(times) for times in self.tried.values())
            assert len(tried) >= throttle.FREE_FOR_A_NAME or everybody >= throttle.FREE_FOR_AN_ADDRESS
            assert wait <= 15 * 60
            self.clock.advance(wait)
            assert self.wait_of_a_try(name, kind) == 0
        tried.append(self.clock.wall_us())

    @rule(name=st.sampled_from(["Ada", "Grace"]), kind=st.sampled_from(["name", "code", "confirm"]))
    def the_right_one(self, name: str, kind: throttle.Kind) -> None:
        """Success forgives the name's own failures of that kind and no others."""
        before = {key: list(times) for key, times in self.tried.items()}
        throttle.attempt_succeeded(self.db, name, "", kind=kind)
        self.tried[name, kind] = []
        others = sum(len(times) for key, times in before.items() if key != (name, kind))
        if others == 0:
            throttle.begin_attempt(self.db, name, "", clock=self.clock, kind=kind)
            self.tried[name, kind].append(self.clock.wall_us())

    @rule(seconds=st.integers(0, 2000))
    def time_passes(self, seconds: int) -> None:
        """The clock runs."""
        self.clock.advance(seconds)

    @rule()
    def a_restart(self) -> None:
        """Another process goes on with what is in the database."""
        self.db.conn.close()
        self.db = open_box_database(Path(self.folder.name) / "box.db")

    def teardown(self) -> None:
        """Remove the database."""
        self.db.conn.close()
        self.folder.cleanup()


TestGuessing = Guessing.TestCase
TestGuessing.settings = settings_of_hypothesis(max_examples=15, stateful_step_count=25, deadline=None)
