"""What the agent makes of USB: judged, kept out, told once; the kernel is a folder here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.clock import ManualClock
from appliance.errors import BadInputError
from appliance.exchange.seat.messages import SignedText
from appliance.seat_agent.home import Enrolment
from appliance.seat_agent.policy import WITHOUT_BOX_US, PolicyKeeper
from appliance.seat_agent.spool import Spool
from appliance.seat_agent.usb_watch import UsbWatch
from appliance.usb.agents.bodies import UsbSeen, read_body
from appliance.usb.book import Glimpse, PortNews
from appliance.usb.policies import default_text
from appliance.usb.signed import SignedPolicy, sign_policy
from appliance.usb.sysfs import UsbBus
from tests.seat_agent.desk import DEVICES, Desk

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.usb.model import Mode

STICK, KEYBOARD, BADUSB = "stick-sandisk-cruzer-blade", "keyboard-microsoft-4000", "badusb-circuitpython-pico"
KEY = Ed25519PrivateKey.generate()


class Agent:
    """The parts of an agent that look at USB."""

    def __init__(self, folder: Path, *own: str, may_enforce: bool = True) -> None:
        self.folder, self.clock, self.desk = folder, ManualClock(), Desk(folder / "sys")
        self.without_us = 0
        for number, device in enumerate(own, 1):
            self.desk.plug(device, f"1-{number}")
        self.enrolment = Enrolment(
            address="https://box", anchor="", agent="seat-1", box="box-1", room="", seat="", name="pc",
            usb_public=KEY.public_key().public_bytes_raw().hex(), expires_us=0, enrolled_us=0,
            own={DEVICES[one].at("1-1").hash: one for one in own},
        )  # fmt: skip
        self.spool = Spool(folder / "spool.db", self.clock, boot="b")
        self.policy = PolicyKeeper(self.enrolment, self.spool)
        self.usb = UsbWatch(
            UsbBus(self.desk.root), self.policy, frozenset(self.enrolment.own), self.spool, self.clock,
            without_box_us=lambda: self.without_us, may_enforce=may_enforce,
        )  # fmt: skip

    def gets(self, mode: Mode, version: int = 1, *, box: str = "box-1", private: Ed25519PrivateKey = KEY) -> None:
        """Take a policy of the box."""
        policy = SignedPolicy(box=box, version=version, made_us=1, mode=mode, policy_version=0, policy=default_text())
        signed = sign_policy(private.private_bytes_raw(), policy)
        self.policy.take(SignedText(version=signed.version, body=signed.body, signature=signed.signature.hex()))

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """What waits to be told: change, port, state."""
        bodies = [read_body(item.kind, item.body) for item in self.spool.oldest()]
        return [(one.change, one.device.port, one.state) for one in bodies if isinstance(one, UsbSeen)]


def test_its_own_devices_stay_and_others_are_kept_out(tmp_path: Path) -> None:
    """Armed, what joined with the workstation is in and untold; a stick is out, told once, and when it is gone."""
    agent = Agent(tmp_path, KEYBOARD)
    agent.gets("armed")
    agent.usb.look()
    assert (agent.desk.is_open, agent.desk.is_in("1-1"), agent.told) == (False, True, [])
    agent.desk.plug(STICK, "1-2")
    assert agent.usb.look()
    assert not agent.desk.is_in("1-2")
    for _ in range(3):
        assert not agent.usb.look()
    agent.desk.unplug("1-2")
    agent.usb.look()
    assert agent.told == [("plugged", "1-2", "out"), ("unplugged", "1-2", "out")]
    assert (agent.usb.devices, agent.usb.out) == (1, 0)


def test_what_was_there_is_judged_when_the_box_arms(tmp_path: Path) -> None:
    """Before, everything is in and noted; armed it is taken out and told; in maintenance it is in again."""
    agent = Agent(tmp_path)
    agent.desk.plug(STICK)
    agent.usb.look()
    assert agent.desk.is_in()
    agent.gets("armed")
    agent.clock.advance(10)
    agent.usb.look()
    assert not agent.desk.is_in()
    agent.gets("maintenance", 2)
    agent.usb.look()
    assert agent.desk.is_in()
    assert agent.desk.is_open
    assert [(change, state) for change, _, state in agent.told] == [
        ("judged", "noted"), ("judged", "out"), ("judged", "noted"),
    ]  # fmt: skip


def test_a_rejected_device_is_dropped(tmp_path: Path) -> None:
    """What types and carries storage is dropped by the kernel until it is plugged in again."""
    agent = Agent(tmp_path)
    agent.gets("armed")
    agent.usb.look()
    agent.desk.plug(BADUSB)
    agent.usb.look()
    assert agent.desk.was_dropped()
    agent.desk.unplug()
    agent.usb.look()
    assert agent.told == [("plugged", "1-1", "rejected")]


def test_another_device_in_the_same_place_is_noticed(tmp_path: Path) -> None:
    """A device that turns into another one is judged anew, and told as changed or as a new one."""
    agent = Agent(tmp_path)
    agent.gets("armed")
    agent.usb.look()
    agent.desk.plug("hub-genesys")
    agent.usb.look()
    assert agent.desk.is_in()
    agent.desk.unplug()
    agent.desk.plug(STICK)
    agent.usb.look()
    assert not agent.desk.is_in()
    assert [state for _, _, state in agent.told] == ["in", "out"]


def test_a_device_that_is_gone_at_once_is_told_by_its_event(tmp_path: Path) -> None:
    """What was unplugged before it could be read is known by what the kernel's event named."""
    agent = Agent(tmp_path)
    agent.gets("armed")
    agent.usb.look()
    agent.usb.look((PortNews("1-4", (Glimpse(0x0781, 0x5567, 0x100),), again=True, first_us=0),))
    assert agent.told == [("plugged", "1-4", "out")]


def test_a_shaken_plug_is_told_once_in_a_while(tmp_path: Path) -> None:
    """Hundreds of plugs of the same stick within seconds are a few messages, and it is never in."""
    agent = Agent(tmp_path)
    agent.gets("armed")
    agent.usb.look()
    for _ in range(200):
        agent.desk.plug(STICK)
        agent.usb.look()
        assert not agent.desk.is_in()
        agent.desk.unplug()
        agent.usb.look()
    assert len(agent.told) == 2
    agent.clock.advance(6)
    agent.desk.plug(STICK)
    agent.usb.look()
    assert len(agent.told) == 3


def test_without_rights_it_says_so_and_tells_all_the_same(tmp_path: Path) -> None:
    """Started to watch only, nothing is written; forbidden devices are noted, and why is said."""
    agent = Agent(tmp_path, may_enforce=False)
    agent.gets("armed")
    agent.usb.look()
    agent.desk.plug(STICK)
    agent.usb.look()
    assert (agent.desk.is_in(), agent.desk.is_open) == (True, True)
    assert agent.told == [("plugged", "1-1", "noted")]
    assert (agent.usb.enforces, list(agent.usb.troubles)) == (False, ["never"])


def test_an_armed_workstation_that_lost_its_box_opens_after_a_day(tmp_path: Path) -> None:
    """Nobody is locked out of a computer that stands in no exam any more."""
    agent = Agent(tmp_path)
    agent.gets("armed")
    agent.desk.plug(STICK)
    agent.without_us = WITHOUT_BOX_US
    agent.usb.look()
    assert not agent.desk.is_in()
    agent.without_us += 1
    agent.usb.look()
    assert agent.desk.is_in()
    assert agent.desk.is_open


def test_only_newer_policies_of_its_box_are_taken(tmp_path: Path) -> None:
    """Another key, another box, an older and the same version are refused; the one kept survives a restart."""
    agent = Agent(tmp_path)
    agent.gets("armed", 5)
    for version, more in ((6, {"private": Ed25519PrivateKey.generate()}), (6, {"box": "box-2"}), (5, {}), (4, {})):
        with pytest.raises(BadInputError):
            agent.gets("maintenance", version, **more)
    again = PolicyKeeper(agent.enrolment, agent.spool)
    assert (again.version, again.mode(without_box_us=0)) == (5, "armed")
    agent.spool.keep("policy", agent.spool.note("policy").replace("armed", "export"))
    changed = PolicyKeeper(agent.enrolment, agent.spool)
    assert (changed.version, changed.mode(without_box_us=0)) == (0, "maintenance")
