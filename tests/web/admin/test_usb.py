"""The USB pages: how it stands, what is plugged in and why, what people may order, and the policy as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.usb import orders, seen
from appliance.usb.cleaning import clean
from appliance.usb.devices_rows import Present, keep_present
from appliance.usb.library import library
from appliance.usb.model import Decision, Device, Interface
from appliance.usb.policies import default_text, policy_in_force
from appliance.usb.ports import ports
from appliance.usb.state import State, keep_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock
    from tests.web.conftest import Browser

PAGE = "/admin/usb"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "\u202egnp.exe\x00\x1b[2J",
    "%s %(x)s",
)
STICK = Device(
    port="1-1.2", parent="1-1", vendor=0x0781, product=0x5581, name="Ultra", manufacturer="SanDisk", serial="4C53",
    interfaces=(Interface(8, 6, 0x50),), hash="stick",
)  # fmt: skip


def plugged(db: Database, clock: ManualClock, device: Device = STICK, *, verdict: str = "block") -> Device:
    """Say as the devices process does that something is plugged in."""
    decision = Decision(verdict=verdict, rule="storage", why="Rule “storage” blocks it.")  # type: ignore[arg-type]
    now = clock.wall_us()
    state = "in" if verdict == "allow" else "out"
    with write(db):
        keep_present(db, Present(device=device, decision=decision, state=state, since_us=now, looked_us=now))  # type: ignore[arg-type]
    return device


def send(browser: Browser, path: str, *, at: str = PAGE, **fields: str) -> TestResponse:
    """Send a form of the page."""
    data = {"csrf_token": browser.token(at), **fields}
    return browser.client.post(path, data=data, headers={"Accept": "text/html"})


def test_the_page_says_that_nothing_is_plugged_in(person: Callable[[str], Browser]) -> None:
    """An empty room has words of its own, and a process that never ran is told as such."""
    page = person("auditor").get(PAGE).text
    assert "Nothing is plugged in" in page
    assert "The devices process does not run" in page
    assert "Open: maintenance" in page


def test_a_stick_is_shown_with_place_state_and_rule(
    person: Callable[[str], Browser], db: Database, clock: ManualClock
) -> None:
    """What it is, where, whether it is out, and which rule says so; each rule's word is a click away."""
    plugged(db, clock)
    manager = person("centre_manager")
    answer = send(manager, f"{PAGE}/ports", port="1-1", label="front left", seat="A1")
    assert answer.status_code == 303
    page = manager.get(PAGE).text
    for words in ("USB stick", "SanDisk Ultra", "front left", "Seat A1", "kept out", "storage"):
        assert words in page
    shown = manager.get(f"{PAGE}/devices/1-1.2").text
    assert "0781:5581" in shown
    assert "Nobody confirmed that it belongs to the room." in shown
    assert manager.get(f"{PAGE}/devices/9-9").status_code == 404
    assert send(manager, f"{PAGE}/ports/forget", port="1-1").status_code == 303
    assert ports(db) == ()


def test_a_device_is_let_in_for_a_reason(person: Callable[[str], Browser], db: Database, clock: ManualClock) -> None:
    """An invigilator lets one device in at its port; without a reason, or when it is another by now, none is."""
    device = plugged(db, clock)
    invigilator = person("invigilator")
    fields = {"port": device.port, "hash": device.hash}
    assert send(invigilator, f"{PAGE}/let-in", **fields).status_code == 422
    other = send(invigilator, f"{PAGE}/let-in", port=device.port, hash="another", why="Broken mouse")
    assert other.status_code == 409
    assert "is not plugged in there any more" in other.text
    assert orders.standing(db) == ()
    assert send(invigilator, f"{PAGE}/let-in", **fields, why="Broken mouse").status_code == 303
    (order,) = orders.standing(db)
    assert (order.kind, order.subject.hash, order.subject.port, order.why) == (
        "let_in",
        "stick",
        "1-1.2",
        "Broken mouse",
    )
    assert "Keep it out again" in invigilator.get(PAGE).text
    assert send(invigilator, f"{PAGE}/orders/{order.id}/end").status_code == 303
    assert orders.standing(db) == ()


def test_arming_standing_down_and_ending_it(person: Callable[[str], Browser], db: Database) -> None:
    """The mode is said in big words with who decided; opening USB needs a reason and is not an invigilator's to do."""
    invigilator, manager = person("invigilator"), person("centre_manager")
    assert send(invigilator, f"{PAGE}/arm").status_code == 303
    assert '<h2 id="usb-mode">Armed</h2>' in invigilator.get(PAGE).text
    assert send(invigilator, f"{PAGE}/stand-down", why="x").status_code == 403
    assert send(manager, f"{PAGE}/stand-down").status_code == 422
    assert send(manager, f"{PAGE}/stand-down", why="The keyboard broke").status_code == 303
    page = manager.get(PAGE).text
    assert "Open: stood down" in page
    (order,) = orders.standing(db)
    assert send(manager, f"{PAGE}/orders/{order.id}/end").status_code == 303
    assert "Open: maintenance" in manager.get(PAGE).text


def test_a_stick_is_let_in_for_minutes(person: Callable[[str], Browser], db: Database, clock: ManualClock) -> None:
    """An export names one stick, a person and an end; it is offered for storage alone and for half an hour at most."""
    device = plugged(db, clock)
    manager = person("centre_manager")
    fields = {"port": device.port, "hash": device.hash, "why": "Results"}
    assert send(manager, f"{PAGE}/export", **fields, minutes="31").status_code == 422
    assert send(manager, f"{PAGE}/export", **fields, minutes="5").status_code == 303
    (order,) = orders.standing(db)
    assert order.until_us == clock.wall_us() + 5 * 60 * SECOND_US
    assert "Export: one stick is let in" in manager.get(PAGE).text


def test_what_was_there_is_confirmed_with_one_click(
    person: Callable[[str], Browser], db: Database, clock: ManualClock
) -> None:
    """All proposed devices are ticked; what is confirmed is listed and can be withdrawn; others cannot confirm."""
    camera = next(one.device for one in library() if one.kind == "camera")
    seen.propose(db, [camera], clock=clock)
    admin = person("administrator")
    page = admin.get(PAGE).text
    assert "Do these belong to this room?" in page
    assert f'value="{camera.hash}" checked' in page.replace("&#43;", "+").replace("&#61;", "=")
    assert "An administrator confirms them." in person("invigilator").get(PAGE).text
    assert send(admin, f"{PAGE}/confirm").status_code == 422
    assert send(admin, f"{PAGE}/confirm", hash=camera.hash).status_code == 303
    assert seen.confirmed(db) == {camera.hash}
    assert "Do these belong to this room?" not in admin.get(PAGE).text
    assert send(admin, f"{PAGE}/withdraw", hash=camera.hash).status_code == 303
    assert seen.confirmed(db) == frozenset()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_device_with_hostile_words_is_only_text(
    person: Callable[[str], Browser], db: Database, clock: ManualClock, hostile: str
) -> None:
    """Whatever a device calls itself stands on the page as characters."""
    said = clean(hostile)[:126]
    device = Device(
        port="1-2", vendor=1, product=2, name=said, manufacturer=said, serial=said,
        interfaces=(Interface(3, 1, 1),), hash="bad",
    )  # fmt: skip
    plugged(db, clock, device)
    admin = person("administrator")
    for path in (PAGE, f"{PAGE}/devices/1-2", f"{PAGE}/policy"):
        page = admin.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "\u202e" not in page.text
        assert "\x1b" not in page.text


def test_a_policy_is_tried_without_being_kept(person: Callable[[str], Browser], db: Database) -> None:
    """The page tells what would be treated otherwise than now, and nothing is in force."""
    admin = person("administrator")
    text = default_text().replace('armed = "block"', 'armed = "allow"')
    page = send(admin, f"{PAGE}/policy", at=f"{PAGE}/policy", text=text, do="try")
    assert page.status_code == 200
    assert "would be treated otherwise than now" in page.text
    assert "every device is let in that no rule keeps out" in page.text
    assert policy_in_force(db).version == 0


def test_a_policy_is_kept_taken_back_and_given_as_a_file(person: Callable[[str], Browser], db: Database) -> None:
    """Each version is listed and can be in force again; a mistake is told with its rule, and the typed text stays."""
    admin = person("administrator")
    where = f"{PAGE}/policy"
    wrong = default_text().replace('verdict = "reject"', 'verdict = "explode"', 1)
    refused = send(admin, where, at=where, text=wrong, do="keep", after="0")
    assert refused.status_code == 422
    assert "typing-storage" in refused.text
    assert "explode" in refused.text
    mine = default_text().replace("Default exam policy", "Our policy")
    assert send(admin, where, at=where, text=mine, do="keep", after="0", why="Ours").status_code == 303
    assert policy_in_force(db).policy.name == "Our policy"
    late = send(admin, where, at=where, text=default_text(), do="keep", after="0")
    assert late.status_code == 409, "somebody else changed it since"
    assert admin.get(f"{where}.toml").text == mine
    assert "allow" in admin.get(f"{where}.usbguard").text
    assert send(admin, f"{where}/0/restore", at=where).status_code == 303
    assert policy_in_force(db).policy.name == "Default exam policy"
    assert send(person("centre_manager"), where, text=mine, do="keep").status_code == 403


def test_usbguards_rules_become_a_policy_to_look_at(person: Callable[[str], Browser], db: Database) -> None:
    """What was pasted is shown as a file, what is lost is named, nothing is in force; a mistake is told by its line."""
    admin = person("administrator")
    where = f"{PAGE}/policy"
    rules = "allow id 1d6b:0002\nreject with-interface all-of { 08:*:* 03:00:* } if random(0.5)\n"
    page = send(admin, f"{where}/import", at=where, rules=rules).text
    assert "Nothing is in force yet" in page
    assert "1d6b:0002" in page
    assert policy_in_force(db).version == 0
    wrong = send(admin, f"{where}/import", at=where, rules="permit everything")
    assert wrong.status_code == 422
    assert "Line 1" in wrong.text


def test_a_box_that_cannot_tell_the_kernel_says_so(
    person: Callable[[str], Browser], db: Database, clock: ManualClock
) -> None:
    """Armed but not enforced is red, with the reason in plain words."""
    with write(db):
        keep_state(db, State(at_us=clock.wall_us(), mode="armed", why="order", not_enforced="rights"))
    orders.arm(db, who="test", clock=clock)
    page = person("invigilator").get(PAGE).text
    assert "usb-mode usb-bad" in page
    assert "forbidden devices are only told" in page


def test_a_machine_without_usb_is_no_fault(person: Callable[[str], Browser], db: Database, clock: ManualClock) -> None:
    """There is nothing to keep out, which is said and is not red."""
    with write(db):
        keep_state(db, State(at_us=clock.wall_us(), mode="armed", why="order", not_enforced="no_usb"))
    orders.arm(db, who="test", clock=clock)
    page = person("invigilator").get(PAGE).text
    assert "This machine has no USB." in page


def test_a_rule_is_made_of_a_device_to_look_at(
    person: Callable[[str], Browser], db: Database, clock: ManualClock
) -> None:
    """The rule stands before all others in the file shown, which is not in force; a device that is gone is told."""
    device = plugged(db, clock)
    admin = person("administrator")
    where = f"{PAGE}/devices/{device.port}/rule"
    page = send(admin, where, hash=device.hash, verdict="allow", by="serial", comment="Our own").text
    assert "Our own" in page
    assert "4C53" in page
    assert policy_in_force(db).version == 0
    assert send(admin, where, hash="gone", verdict="allow", by="model").status_code == 409
    assert send(admin, where, hash=device.hash, verdict="perhaps", by="model").status_code == 422
