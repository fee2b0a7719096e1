"""The pages of seat agents: codes shown once, how each workstation stands, what it told, its seat, revoking."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.clock import SECOND_US
from appliance.exchange.seat.code import parse_code
from appliance.exchange.seat.messages import State, Trouble
from appliance.usb.agents import codes, store
from appliance.usb.agents.bodies import AgentWord, UsbSeen, WindowChange, write_body
from appliance.usb.model import Decision, Device, Interface
from appliance.vault.keys import init_keys, load_box_id
from tests.sittings.a_box import actions
from tests.web.seat_api.seat import Seat

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser

HOSTILE = "<script>alert(1)</script>"
STICK = Device(port="1-2", vendor=0x0781, product=0x5581, name=HOSTILE, hash="h", interfaces=(Interface(8, 6, 80),))
SEEN = UsbSeen(
    change="plugged", device=STICK, decision=Decision(verdict="block", rule="storage"), state="out", mode="armed"
)


@pytest.fixture
def box(settings: Settings, clock: ManualClock) -> Settings:
    """A box with keys and a certificate."""
    init_keys(settings, passphrase=None, clock=clock)
    CertificateStore(settings.tls_dir).create("Hall", names_of(["localhost"]), dt.datetime.now(dt.UTC))
    return settings


@pytest.fixture
def seat(app: Flask, box: Settings, db: Database, clock: ManualClock) -> Seat:
    """A workstation that has joined at A1."""
    codes.keep_code(db, "SECRETSECRET", seat="A1", clock=clock, who="Ada")
    made = Seat(app.test_client(), clock, load_box_id(box.keys_dir))
    assert made.joins("SECRETSECRET", name=f"pc-7 {HOSTILE}").status_code == 200
    return made


def test_codes_are_shown_once_and_let_in(box: Settings, person: Callable[[str], Browser], db: Database) -> None:
    """One code a seat, each with the command for its workstation; afterwards only that they are open."""
    browser = person("centre_manager")
    assert "No workstation reports" in browser.get("/admin/seat-agents").text
    shown = browser.submit("/admin/seat-agents/code", seats="A1, A2\nA3", hours="2").text
    found = re.findall(r"exambox seat-agent enrol \S+ ([0-9A-Z-]+)", shown)
    assert len({parse_code(one).secret for one in found}) == 3
    listed = browser.get("/admin/seat-agents").text
    assert all(f"Seat {name}" in listed for name in ("A1", "A2", "A3"))
    assert not any(one in listed for one in found)
    (number, *_) = re.findall(r"/admin/seat-agents/codes/([0-9a-f]+)/withdraw", listed)
    assert browser.client.post(
        f"/admin/seat-agents/codes/{number}/withdraw", data={"csrf_token": browser.token("/account")}
    ).location.endswith("/admin/seat-agents")
    assert len(codes.open_codes(db, now_us=0)) == 2
    assert actions(db).count("seat.code_made") == 3


@pytest.mark.parametrize(
    ("seats", "words"), [("A1,a1", "named twice"), ("x" * 41, "40 characters"), (",".join(map(str, range(101))), "100")]
)
def test_wrong_seats_make_no_code(
    box: Settings, person: Callable[[str], Browser], db: Database, seats: str, words: str
) -> None:
    """What is wrong is said, what was typed stays, and none of the codes is made."""
    answer = person("administrator").submit("/admin/seat-agents/code", seats=seats, hours="2")
    assert answer.status_code == 422
    assert words in answer.text
    assert seats in answer.text
    assert codes.open_codes(db, now_us=0) == []


def test_without_keys_or_certificate_it_says_what_to_do(person: Callable[[str], Browser], db: Database) -> None:
    """A box that cannot be known by a code makes none."""
    browser = person("administrator")
    page = browser.get("/admin/seat-agents/code").text
    assert "no certificate" in page
    assert "keys init" in browser.submit("/admin/seat-agents/code", seats="", hours="2").text
    assert codes.open_codes(db, now_us=0) == []


def test_the_list_says_how_each_stands(
    seat: Seat, person: Callable[[str], Browser], db: Database, clock: ManualClock
) -> None:
    """Not heard yet, reporting with what is missing, and silent; names and words of workstations are no markup."""
    browser = person("invigilator")
    first = browser.get("/admin/seat-agents").text
    assert "not heard yet" in first
    assert HOSTILE not in first
    state = State(mode="armed", devices=3, out=1, troubles=(Trouble(what="rights", detail=HOSTILE),))
    seat.reports(state=state, at_us=clock.wall_us() + 600 * SECOND_US)
    page = browser.get("/admin/seat-agents").text
    assert "reports, with troubles" in page
    assert "has to run as its unit says" in page
    assert "Its clock is wrong" in page
    assert "1 kept out" in page
    clock.advance(31)
    assert "does not report" in browser.get("/admin/seat-agents").text
    assert "Let workstations join" not in page
    assert store.get_agent(db, seat.id).state["out"] == 1


def test_one_workstation_shows_what_it_told(seat: Seat, person: Callable[[str], Browser], clock: ManualClock) -> None:
    """Devices, windows and the agent's own words in plain words, with how late they came."""
    late = seat.item(write_body(AgentWord(what="started", count=1)))
    clock.advance(300)
    seat.reports(late, mono_us=clock.mono_us())
    for kind, body in (("usb", SEEN), ("window", WindowChange(application="Files", former="Exam", changes=2))):
        seat.reports(replace(seat.item(write_body(body)), kind=kind))
    page = person("auditor").get(f"/admin/seat-agents/{seat.id}").text
    assert "USB stick" in page
    assert "&lt;script&gt;" in page
    assert HOSTILE not in page
    assert "Active window: Exam, then Files (2 changes)" in page
    assert "did not end in order" in page
    assert "told 5 min" in page
    assert "Revoke the workstation" not in page


def test_a_seat_is_named_and_an_agent_revoked(seat: Seat, person: Callable[[str], Browser], db: Database) -> None:
    """Both are told and logged; a reason is needed, and a revoked one shows when."""
    browser = person("administrator")
    where = f"/admin/seat-agents/{seat.id}"
    token = browser.token(where)

    def post(act: str, **fields: str) -> int:
        return browser.client.post(f"{where}/{act}", data={"csrf_token": token, **fields}).status_code

    assert post("seat", seat="B2") == 302
    assert post("seat", seat="x" * 41) == 422
    assert store.get_agent(db, seat.id).seat == "B2"
    assert post("revoke", why=" ") == 422
    assert post("revoke", why="sold") == 302
    assert "is refused until" in browser.get(where).text
    assert "1 was revoked" in browser.get("/admin/seat-agents").text
    assert browser.get("/admin/seat-agents/seat-unknown").status_code == 404
    assert {"seat.agent_placed", "seat.agent_revoked"} <= set(actions(db))
