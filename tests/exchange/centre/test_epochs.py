"""No delivery key is ever given twice: a box that went back, or was copied, begins a new epoch and knows why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appliance.exchange.centre.epochs import HubWord, Mark, decide, hub_says, new_epoch
from appliance.exchange.idempotency import DeliveryKey
from tests.exchange.centre.values import NOW_US

HERE = Mark("e2", 10, "machine-1", previous="e1")


def reason(database: Mark | None, witness: Mark | None, hub: HubWord | None = None, machine: str = "machine-1") -> str:
    """Return why a box begins a new epoch, ``keep`` where it does not."""
    found = decide(database, witness, machine=machine, hub=hub)
    assert found.new == (found.reason is not None) == bool(found.why)
    return found.reason or "keep"


@pytest.mark.parametrize(
    ("database", "witness", "hub", "why"),
    [
        (None, None, None, "first"),
        (None, HERE, None, "restored"),
        (HERE, HERE, None, "keep"),
        (HERE, replace(HERE, seq=9), None, "keep"),
        (HERE, replace(HERE, seq=11), None, "restored"),
        (HERE, None, None, "restored"),
        (replace(HERE, seq=0), None, None, "first"),
        (HERE, replace(HERE, epoch="e3"), None, "restored"),
        (HERE, replace(HERE, epoch="e1", seq=90), None, "keep"),
        (replace(HERE, machine="machine-2"), HERE, None, "cloned"),
        (HERE, replace(HERE, machine="machine-2"), None, "cloned"),
        (HERE, HERE, HubWord("ok", 10), "keep"),
        (HERE, HERE, HubWord("ok", 11), "restored"),
        (HERE, HERE, HubWord("restored", 11), "restored"),
        (HERE, HERE, HubWord("restored", 10), "keep"),
        (HERE, HERE, HubWord("cloned", 10), "cloned"),
        (HERE, HERE, HubWord("conflict", 10), "conflict"),
    ],
)
def test_each_case_has_its_reason(database: Mark | None, witness: Mark | None, hub: HubWord | None, why: str) -> None:
    """A first start, a restore, a copy and a conflict are told apart; a crash between two writes is none of them."""
    assert reason(database, witness, hub) == why


def test_a_computer_without_an_identity_decides_nothing() -> None:
    """Where the machine cannot be told, the other marks count."""
    assert reason(HERE, HERE, machine="") == "keep"
    assert reason(HERE, replace(HERE, seq=11), machine="") == "restored"
    assert reason(HERE, HERE, machine="machine-2") == "cloned"


def test_the_hub_tells_a_copy_from_a_restore() -> None:
    """Another machine is a copy, a lower number a restore, another content a conflict."""
    assert hub_says(None, HERE, highest=0, conflict=False) == HubWord("ok", 0)
    assert hub_says(HERE, HERE, highest=10, conflict=False) == HubWord("ok", 10)
    assert hub_says(HERE, replace(HERE, seq=12), highest=8, conflict=False) == HubWord("ok", 10)
    assert hub_says(HERE, replace(HERE, machine="machine-2"), highest=8, conflict=False) == HubWord("cloned", 10)
    assert hub_says(HERE, replace(HERE, seq=9), highest=8, conflict=False) == HubWord("restored", 10)
    assert hub_says(HERE, HERE, highest=12, conflict=False) == HubWord("restored", 12)
    assert hub_says(HERE, HERE, highest=10, conflict=True) == HubWord("conflict", 10)


@given(st.integers(0, NOW_US * 2), st.binary(min_size=6, max_size=6))
def test_an_epochs_name_fits_a_key(now_us: int, random: bytes) -> None:
    """A new epoch's name is part of a delivery key, and is made of the second and the random bytes."""
    name = new_epoch(now_us, random)
    assert DeliveryKey("box", name, 1).epoch == name
    assert name == f"{now_us // 1_000_000:x}-{random.hex()}"


def test_too_little_chance_is_an_error_of_the_program() -> None:
    """An epoch is not named by fewer than 6 random bytes."""
    with pytest.raises(ValueError, match="random"):
        new_epoch(NOW_US, b"short")


class Numbers(RuleBasedStateMachine):
    """A box that gives numbers, crashes, is restored and moved; the witness file is never part of a backup."""

    def __init__(self) -> None:
        super().__init__()
        self.database: Mark | None = None
        self.witness: Mark | None = None
        self.backups: list[Mark] = []
        self.machine = "machine-0"
        self.given: list[tuple[str, int]] = []
        self.epochs = 0
        self.started = False

    @rule(crash=st.booleans())
    def start(self, crash: bool) -> None:
        """Start the box; at a crash the witness of a new epoch is not written any more."""
        self.started = False
        if decide(self.database, self.witness, machine=self.machine).new:
            self.epochs += 1
            previous = self.database.epoch if self.database else ""
            self.database = Mark(f"e{self.epochs}", 0, self.machine, previous)
        if not crash:
            self.witness = self.database
            self.started = True

    @precondition(lambda self: self.started)
    @rule(crash=st.booleans())
    def give(self, crash: bool) -> None:
        """Give a number; at a crash the database has it, and the witness has not, and nothing left the box."""
        assert self.database
        self.database = replace(self.database, seq=self.database.seq + 1)
        if crash:
            self.started = False
            return
        self.witness = self.database
        self.given.append((self.database.epoch, self.database.seq))

    @precondition(lambda self: self.database)
    @rule()
    def back_up(self) -> None:
        """Take a backup of the database."""
        assert self.database
        self.backups.append(self.database)

    @precondition(lambda self: self.backups)
    @rule(data=st.data(), lost=st.booleans(), moved=st.booleans())
    def restore(self, data: st.DataObject, lost: bool, moved: bool) -> None:
        """Restore a backup, perhaps after the disk was lost, perhaps on another computer."""
        self.database = data.draw(st.sampled_from(self.backups))
        self.started = False
        if lost or moved:
            self.witness = None
        if moved:
            self.machine = f"machine-{data.draw(st.integers(0, 2))}"

    @invariant()
    def no_number_left_the_box_twice(self) -> None:
        """No key was given twice."""
        assert len(set(self.given)) == len(self.given)


TestNumbers = Numbers.TestCase
TestNumbers.settings = hypothesis_settings(max_examples=60, stateful_step_count=30, deadline=None)
