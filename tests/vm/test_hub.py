"""A central service under real systemd: the same package, units and target as a box, and a box that joins it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.vm import container

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.vm.container import Container

pytestmark = pytest.mark.vm

PROCESSES = ("web", "sync")
NOT_NEEDED = ("capture", "keyring")
ADDRESS = "https://localhost:8443"
SETTINGS = f"""[box]
role = "hub"
room = "North campus"
timezone = "Europe/Berlin"

[web]
lan = true

[exams]
public_address = "{ADDRESS}"
"""
BOX_SETTINGS = """[box]
trial = true
room = "Hall 2"

[paths]
state = "/root/box/state"
run = "/root/box/run"
"""
AT_THE_BOX = ("exambox", "--config", "/root/box/config.toml")
EXAM = {
    "accountId": 123, "accountName": "Demo University", "examId": "a3875623", "examName": "Algebra", "duration": 120,
    "schedule": False, "proctoring": "online", "identification": "passport",
    "startDate": "2031-03-27T00:00:00Z", "endDate": "2031-03-30T12:55:00Z",
}  # fmt: skip

AS_THE_LMS = """
import json, ssl, sys, urllib.request
from appliance.clock import SystemClock
from appliance.exchange.token import authorization, issue_token
token = authorization(issue_token(sys.argv[2], now_us=SystemClock().wall_us()))
asked = urllib.request.Request(sys.argv[1] + "/api/v2/integration/simple/campus/exams/", data=sys.argv[3].encode(),
    headers={"Authorization": token, "Content-Type": "application/json"})
context = ssl.create_default_context(cafile="/var/lib/exambox/tls/current/ca.pem")
with urllib.request.urlopen(asked, timeout=10, context=context) as answer:
    print(json.dumps([answer.status, json.load(answer)]))
"""
EXAMS = """
import json
from pathlib import Path
from appliance.database import connect
db = connect(Path("/root/box/state/db/exambox.db"), read_only=True)
print(json.dumps([row[0] for row in db.conn.execute("SELECT exam_id FROM exam WHERE removed_us IS NULL")]))
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[Container]:
    """A central service as hub.md has it set up, after a reboot."""
    missing = container.missing_tools()
    if missing:
        pytest.fail(f"this needs {', '.join(missing)}")
    tree = container.installed_tree(container.BUILD / "hub")
    (tree / "etc/exambox/config.toml").write_text(SETTINGS, encoding="utf-8")
    (tree / "root/box").mkdir(mode=0o700)
    (tree / "root/box/config.toml").write_text(BOX_SETTINGS, encoding="utf-8")
    blocks = container.shell_blocks("hub.md")
    assert blocks, "hub.md has no commands that run as they stand"
    with container.booted(tree) as first:
        for block in blocks:
            first.run("sh", "-euc", block)
        for name in PROCESSES:
            first.until_state(f"exambox-{name}", "active")
    with container.booted(tree) as running:
        for name in PROCESSES:
            running.until_state(f"exambox-{name}", "active")
        yield running


def _standing(hub: Container) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(hub.run("exambox", "hub", "boxes", "--json"))
    return found


def test_it_comes_back_by_itself_with_what_it_needs(hub: Container) -> None:
    """After a reboot the one target runs with web, sync and the certificate's timer; nothing of it has failed."""
    for unit in ("exambox.target", "exambox-web", "exambox-sync", "exambox-certs-renew.timer"):
        assert hub.property(unit, "ActiveState") == "active"
    assert hub.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "exambox*").strip() == ""


@pytest.mark.parametrize("name", NOT_NEEDED)
def test_what_records_is_not_needed_and_says_so(hub: Container, name: str) -> None:
    """Capture and keyring end in order, are not started again, and status and journal tell why."""
    unit = f"exambox-{name}"
    hub.until_state(unit, "inactive", 20)
    assert (hub.property(unit, "Result"), hub.property(unit, "NRestarts")) == ("success", "0")
    assert "not needed: a central service has no" in hub.property(unit, "StatusText")
    assert f"{name} is not needed here" in hub.run("journalctl", "--no-pager", "-o", "cat", "-u", unit)
    assert hub.run("ls", "/var/lib/exambox/vault") == ""


def test_the_hubs_keys_are_for_who_speaks_for_it(hub: Container) -> None:
    """Web and sync read them; capture, keyring and strangers do not."""
    for key in ("hub.key", "hub-seal.key", "exchange.key"):
        path = f"/var/lib/exambox/keys/{key}"
        for user in ("exambox-web", "exambox-sync"):
            assert hub.code("runuser", "-u", user, "--", "cat", path) == 0
        for user in ("exambox-capture", "exambox-keyring", "nobody"):
            assert hub.code("runuser", "-u", user, "--", "cat", path) != 0


def test_the_doctor_finds_it_in_order(hub: Container) -> None:
    """Nothing fails, and what a central service does not have is not asked for."""
    found = json.loads(hub.run("exambox", "doctor", "--json", ok=False))
    assert [check for check in found["checks"] if check["state"] == "fail"] == []
    assert found["checks"][0]["message"] == "/etc/exambox/config.toml; provisioned central service"
    assert not {check["name"] for check in found["checks"]} & {"capture", "cameras", "keyring", "recipients"}


def test_a_box_joins_and_gets_the_exam_that_an_lms_made(hub: Container) -> None:
    """By a code of the console a box belongs to the centre; an exam of an LMS reaches it once it is assigned to it."""
    secret = json.loads(hub.run("exambox", "integrations", "add", "campus", "--json"))["secret"]
    status, exam = json.loads(hub.python(AS_THE_LMS, ADDRESS, secret, json.dumps(EXAM)))
    assert (status, exam["examId"]) == (201, "a3875623")
    hub.run(*AT_THE_BOX, "keys", "init")
    code = json.loads(hub.run("exambox", "hub", "code", "--room", "Hall 2", "--json"))["code"]
    told = hub.run(*AT_THE_BOX, "sync", "enrol", code, "--address", ADDRESS)
    assert "belongs to North campus now, as Hall 2" in told
    hub.run("systemd-run", "--quiet", "--unit=room", "--property=Type=notify", *AT_THE_BOX, "sync", "run")
    hub.until(lambda: [one["seen_us"] is not None for one in _standing(hub)] == [True], 30)
    assert json.loads(hub.python(EXAMS)) == []
    hub.run("exambox", "hub", "assign", "a3875623", "Hall 2")
    hub.until(lambda: bool(json.loads(hub.python(EXAMS)) == ["a3875623"]), 30)
    assert f"at {ADDRESS}" in hub.run(*AT_THE_BOX, "sync", "status")


@pytest.mark.parametrize("name", PROCESSES)
def test_a_killed_process_is_back_and_hears_the_box(hub: Container, name: str) -> None:
    """Kill -9 of a process of the hub: it is back by itself, and what the box reports arrives again."""
    unit = f"exambox-{name}"
    before, seen_us = hub.property(unit, "MainPID"), _standing(hub)[0]["seen_us"]
    hub.run("systemctl", "kill", "--signal=KILL", unit)
    hub.until(lambda: hub.property(unit, "MainPID") not in {"0", before}, 10)
    hub.until_state(unit, "active", 20)
    hub.until(lambda: bool(_standing(hub)[0]["seen_us"] > seen_us), 60)


def test_a_stop_is_orderly(hub: Container) -> None:
    """`systemctl stop exambox.target` ends both without a kill."""
    hub.run("systemctl", "stop", "exambox.target", timeout=60)
    for name in PROCESSES:
        hub.until_state(f"exambox-{name}", "inactive", 20)
        assert hub.property(f"exambox-{name}", "Result") == "success"
