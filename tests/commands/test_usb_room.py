"""`exambox usb`: what a person at the console sees and does about USB."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from appliance.cli import exambox
from appliance.database import write
from appliance.errors import ApplianceError
from appliance.usb.devices_rows import Present, keep_present
from appliance.usb.library import described
from appliance.usb.model import Decision
from appliance.usb.orders import standing
from appliance.usb.seen import confirmed, propose
from appliance.usb.state import State, keep_state

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

STICK = described("stick-sandisk-ultra-fit").device


def run(settings: Settings, *words: str) -> str:
    """Run the command line on this box, and return what it prints."""
    environ = {"EXAMBOX_PATHS__STATE": settings.paths.state, "EXAMBOX_PATHS__RUN": settings.paths.run}
    result = CliRunner().invoke(exambox, ["usb", *words], env=environ)
    if isinstance(result.exception, ApplianceError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(name="armed")
def _armed(db: Database) -> Database:
    """A box in a running sitting, with a stick that is kept out."""
    decision = Decision(verdict="block", rule="storage", why="Sticks stay out.")
    with write(db):
        keep_state(db, State(at_us=1, mode="armed", why="sitting", sitting="monday", enforced=True))
        keep_present(db, Present(device=STICK, decision=decision, state="out", since_us=1, looked_us=1))
    return db


def test_status_says_mode_devices_and_why(settings: Settings, armed: Database) -> None:
    """In words, with the rule's reason; as JSON with all of it; and that the process does not run."""
    said = run(settings, "status")
    assert "Mode: armed (sitting monday)" in said
    assert "kept out. Sticks stay out." in said
    assert "does not run" in said
    told = json.loads(run(settings, "status", "--json"))
    assert (told["running"], told["state"]["mode"], told["devices"][0]["state"]) == (False, "armed", "out")


def test_a_box_that_was_never_watched_says_so(settings: Settings, db: Database) -> None:
    """Before the process has ever run."""
    assert "not been watched yet" in run(settings, "status")
    assert db is not None


def test_standing_down_and_arming_are_orders(settings: Settings, armed: Database) -> None:
    """Stood down for this sitting, with the reason; arming ends it."""
    run(settings, "stand-down", "--reason", "new keyboard")
    (order,) = standing(armed)
    assert (order.kind, order.why, order.subject.sitting) == ("stand_down", "new keyboard", "monday")
    run(settings, "arm")
    assert [one.kind for one in standing(armed)] == ["arm"]
    assert "order" in run(settings, "status")


def test_one_device_is_let_in_and_that_is_ended(settings: Settings, armed: Database) -> None:
    """By the port it is in; a port with nothing in it is refused."""
    assert "SanDisk" in run(settings, "let-in", "1-1", "--reason", "paper")
    (order,) = standing(armed)
    assert order.subject.hash == STICK.hash
    run(settings, "end", str(order.id))
    assert standing(armed) == ()
    with pytest.raises(ApplianceError, match=r"Nothing is plugged in at 1-9\."):
        run(settings, "let-in", "1-9", "--reason", "paper")


def test_an_export_is_for_minutes(settings: Settings, armed: Database) -> None:
    """Ten unless said otherwise."""
    run(settings, "export", "1-1", "--reason", "marks")
    (order,) = standing(armed)
    assert order.until_us is not None
    assert order.until_us - order.made_us <= 10 * 60 * 1_000_000


def test_the_first_devices_are_listed_and_confirmed(settings: Settings, armed: Database, clock: ManualClock) -> None:
    """Listed without a port, confirmed all at once or by port, and taken off again."""
    assert "Nothing was plugged in at the first start." in run(settings, "confirm")
    propose(armed, [STICK], clock=clock)
    assert "proposed" in run(settings, "confirm")
    assert "1 confirmed." in run(settings, "confirm", "--all")
    assert confirmed(armed) == {STICK.hash}
    assert "1 taken off the list." in run(settings, "confirm", "1-1", "--withdraw")
    assert confirmed(armed) == frozenset()
    assert "1 confirmed." in run(settings, "confirm", "1-1")


def test_ports_have_names_and_seats(settings: Settings, armed: Database) -> None:
    """Named, listed, seen in the status, forgotten."""
    assert "No port has a name." in run(settings, "ports", "list")
    run(settings, "ports", "name", "1-1", "--label", "front left", "--seat", "A1")
    assert "front left" in run(settings, "ports", "list")
    assert "[front left, seat A1]" in run(settings, "status")
    run(settings, "ports", "forget", "1-1")
    assert "front left" not in run(settings, "status")
    assert armed is not None
