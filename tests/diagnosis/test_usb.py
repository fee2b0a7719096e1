"""Whether USB is as it is to be: what the doctor says of it, and what the readiness check does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from appliance.config import BoxSettings
from appliance.diagnosis import CHECKS, of_role
from appliance.diagnosis.result import Examined, run
from appliance.diagnosis.usb import check_devices, check_usb, usb_check, usb_findings
from appliance.ipc.beat import write_beat
from appliance.usb.state import State, keep_state

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

ARMED: dict[str, Any] = {"at_us": 1, "mode": "armed", "why": "sitting", "sitting": "monday", "enforced": True}


def a_state(**changes: Any) -> State:
    """What the process says where all is well, but for these."""
    return State(**ARMED | changes)


def examined(settings: Settings, clock: ManualClock, *, trial: bool = False, runs: bool = True) -> Examined:
    """The box, with a process that runs or does not."""
    chosen = msgspec.structs.replace(settings, box=BoxSettings(trial=trial))
    if runs:
        write_beat(chosen.devices_beat, clock, began_us=0, duties={"watching": True, "writing": True})
    return Examined(chosen, clock)


@pytest.mark.parametrize(
    ("changes", "trial", "state", "words"),
    [
        ({}, False, "ok", "armed"),
        ({"mode": "maintenance", "why": "nothing"}, False, "ok", "open while no exam"),
        ({"enforced": False, "not_enforced": "no_usb"}, False, "ok", "no USB"),
        ({"mode": "maintenance", "why": "stood_down"}, False, "warn", "stood down"),
        ({"enforced": False, "not_enforced": "rights", "problem": "No rights."}, False, "fail", "No rights."),
        ({"enforced": False, "not_enforced": "trial", "problem": "A trial."}, True, "warn", "A trial."),
        ({"unconfirmed": True}, False, "warn", "Nobody has confirmed"),
    ],
)
def test_the_doctor_says_how_usb_stands(changes: dict[str, Any], *, trial: bool, state: str, words: str) -> None:
    """Each way of standing is a finding in words; what is not in order says what to do."""
    found = usb_check(a_state(**changes), trial=trial)
    assert (found.state, words in found.message) == (state, True)
    assert bool(found.hint) is (state != "ok")


def test_a_process_that_does_not_run_or_cannot_write_is_a_failure(settings: Settings, clock: ManualClock) -> None:
    """So that it is seen before the exam."""
    assert run(check_devices, examined(settings, clock, runs=False))[0].state == "fail"
    assert check_devices(examined(settings, clock))[0].state == "ok"
    write_beat(settings.devices_beat, clock, began_us=0, duties={"writing": False})
    assert "does not take" in check_devices(Examined(settings, clock))[0].message


def test_a_box_whose_usb_was_never_watched_has_nothing_to_say_of_it(
    settings: Settings, db: Database, clock: ManualClock
) -> None:
    """That the process does not run is the other check's."""
    assert check_usb(Examined(settings, clock)) == []
    keep_state(db, a_state())
    db.conn.commit()
    assert check_usb(Examined(settings, clock))[0].state == "ok"


@pytest.mark.parametrize(
    ("changes", "trial", "state"),
    [
        ({}, False, None),
        ({"mode": "maintenance", "why": "nothing"}, False, "fail"),
        ({"mode": "maintenance", "why": "stood_down"}, False, "fail"),
        ({"enforced": False, "not_enforced": "rights"}, False, "fail"),
        ({"enforced": False, "not_enforced": "no_usb", "mode": "maintenance"}, False, None),
        ({"enforced": False, "not_enforced": "trial"}, True, "warn"),
        ({"unconfirmed": True}, False, "warn"),
    ],
)
def test_the_readiness_check_wants_usb_armed(
    settings: Settings, clock: ManualClock, changes: dict[str, Any], *, trial: bool, state: str | None
) -> None:
    """What is not enforced is missing on a provisioned box, and worth knowing on a trial box."""
    found = usb_findings(examined(settings, clock, trial=trial), a_state(**changes))
    assert [one.state for one in found] == ([] if state is None else [state])
    assert all(one.name == "usb" and one.hint for one in found)


@pytest.mark.parametrize(("trial", "state"), [(False, "fail"), (True, "warn")])
def test_the_readiness_check_wants_the_process_to_run(
    settings: Settings, clock: ManualClock, *, trial: bool, state: str
) -> None:
    """Without it nothing is kept out, and nobody is told."""
    (found,) = usb_findings(examined(settings, clock, trial=trial, runs=False), None)
    assert found.state == state
    (found,) = usb_findings(examined(settings, clock, trial=trial), None)
    assert found.state == state


def test_a_hub_has_no_usb_to_look_at(settings: Settings) -> None:
    """A central service has no room."""
    hub = msgspec.structs.replace(settings, box=BoxSettings(role="hub"))
    assert {check_devices, check_usb}.isdisjoint(of_role(CHECKS, hub))
