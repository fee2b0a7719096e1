"""Agents as real processes, against a box's real web process over real TLS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.clock import SystemClock
from appliance.usb.agents.store import revoke_agent
from tests.seat_agent.world import LAN, Workstation, a_box, until
from tests.sync.process import syncing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.seat_agent.world import SeatBox

STICK, KEYBOARD = "stick-sandisk-cruzer-blade", "keyboard-microsoft-4000"
STEPPED_CLOCK = Path(__file__).resolve().parents[1] / "support" / "stepped_clock"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeatBox]:
    """One box for the module; each test has agents of its own."""
    with a_box(tmp_path_factory.mktemp("box")) as box:
        yield box


@pytest.fixture
def pc(box: SeatBox, tmp_path: Path) -> Iterator[Workstation]:
    """A workstation; afterwards the box knows of no agent and holds no exam."""
    pc = Workstation(tmp_path)
    yield pc
    pc.close()
    for table in ("seat_event", "seat_agent", "seat_agent_code", "usb_signed_policy"):
        box.db.table(table).delete_where()
    box.db.conn.commit()


def joined(box: SeatBox, pc: Workstation, seat: str = "seat 7") -> None:
    """Let the workstation in, and start its agent."""
    done = pc.enrols(box.address, box.code(seat))
    assert done.returncode == 0, done.stderr
    pc.starts()
    until(lambda: pc.status().get("answered_us"), what="the first answer")


def test_a_device_at_a_workstation_is_kept_out_and_told(box: SeatBox, pc: Workstation) -> None:
    """Armed by the box's signed policy, a stick is inert, the workstation's keyboard stays, the room is warned."""
    pc.desk.plug(KEYBOARD, "1-1")
    box.policy("armed")
    box.exam_now("7", seats=("seat 7",))
    joined(box, pc)
    until(lambda: not pc.desk.is_open, what="closed controllers")
    pc.desk.plug(STICK, "1-2")
    (warning,) = until(lambda: box.warnings("forbidden_device"), what="the warning")
    assert not pc.desk.is_in("1-2")
    assert pc.desk.is_in("1-1")
    assert warning.warning.session
    assert (warning.seat, warning.subject["port"], warning.subject["state"]) == ("seat 7", "1-2", "out")
    assert warning.subject["what"] == "usb-stick"
    status = json.loads(pc.says("status", "--json").stdout)
    assert (status["mode"], status["enforced"], status["devices"], status["out"]) == ("armed", True, 2, 1)
    assert "1 kept out" in pc.says("status").stdout
    until(lambda: box.agent().state.get("out") == 1, what="its state at the box")
    box.policy("maintenance")
    pc.nudge()
    until(lambda: pc.desk.is_open and pc.desk.is_in("1-2"), what="opened again")
    assert pc.stop() == 0
    assert [one["what"] for one in box.events("agent")] == ["started", "stopped"]
    assert pc.says("status").returncode == 6


def test_what_happened_offline_comes_once_and_in_order(box: SeatBox, pc: Workstation) -> None:
    """While the box is gone the policy counts on, also through a kill; afterwards all is told once, as it happened."""
    box.policy("armed")
    joined(box, pc)
    until(lambda: not pc.desk.is_open, what="closed controllers")
    box.stop()
    for port in ("1-1", "1-2", "1-3"):
        pc.desk.plug(STICK, port)
        until(lambda port=port: not pc.desk.is_in(port), what="kept out")  # type: ignore[misc]  # bound now
    until(lambda: pc.status().get("problem"), what="trouble that is told")
    pc.kill()
    pc.starts()
    pc.desk.plug(STICK, "1-4")
    until(lambda: not pc.desk.is_in("1-4"), what="kept out after the kill")
    box.start()
    until(lambda: "1-4" in box.ports() and not pc.status()["waiting"], what="all is told")
    # After the kill what is still kept out is told anew, as judged by the new start of the agent.
    assert box.ports(change="plugged")[:3] == ["1-1", "1-2", "1-3"]
    assert sorted(box.ports()[3:]) == ["1-1", "1-2", "1-3", "1-4"]
    assert [(one["what"], one["count"]) for one in box.events("agent")] == [("started", 0), ("started", 1)]
    rows = box.db.conn.execute("SELECT seq, at_us, received_us FROM seat_event ORDER BY seq").fetchall()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    assert rows[1][1] < rows[-1][2]


def test_only_the_boxs_newer_policies_are_taken(box: SeatBox, pc: Workstation) -> None:
    """A policy of another key, and an older one, change nothing and are told; a restart goes on with the one it had."""
    box.policy("armed", version=5)
    joined(box, pc)
    until(lambda: pc.status().get("policy_version") == 5, what="the policy")
    box.policy("maintenance", version=9, private=Ed25519PrivateKey.generate().private_bytes_raw())
    pc.nudge()
    until(lambda: [one for one in box.events("agent") if one["what"] == "policy_refused"], what="the refusal")
    assert (pc.status()["policy_version"], pc.status()["mode"]) == (5, "armed")
    box.policy("maintenance", version=4)
    pc.kill()
    pc.starts()
    until(lambda: pc.status().get("answered_us"), what="an answer after the restart")
    assert (pc.status()["policy_version"], pc.status()["mode"]) == (5, "armed")
    box.policy("maintenance", version=6)
    pc.nudge()
    until(lambda: pc.status().get("mode") == "maintenance", what="the newer policy")


@pytest.mark.parametrize("seconds", [-86_400 * 400, 86_400 * 4000])
def test_a_workstation_whose_clock_is_years_off_is_heard(box: SeatBox, pc: Workstation, seconds: int) -> None:
    """It joins and reports, and what happened is dated by the box's time."""
    (pc.folder / "shift").write_text(str(seconds))
    pc.environ = {"STEPPED_CLOCK": str(pc.folder / "shift"), "PYTHONPATH": str(STEPPED_CLOCK)}
    box.policy("armed")
    joined(box, pc)
    pc.desk.plug(STICK)
    until(box.ports, what="the stick")
    (at_us, received_us) = box.db.conn.execute(
        "SELECT at_us, received_us FROM seat_event WHERE kind = 'usb'"
    ).fetchone()
    assert 0 <= received_us - at_us < 60_000_000
    assert abs(box.agent().state["clock_off_s"] - seconds) < 120


def test_a_code_of_another_box_is_refused_before_it_is_sent(box: SeatBox, pc: Workstation, tmp_path: Path) -> None:
    """Who stands between has another certificate than the code says: nothing is sent, nothing is kept."""
    wrong = box.code()
    wrong = wrong[:-1] + ("A" if wrong[-1] != "A" else "B")
    refused = pc.enrols(box.address, wrong)
    assert refused.returncode == 2
    assert "not the one that made the code" in refused.stderr
    assert not (tmp_path / "agent/agent.json").exists()
    assert box.db.conn.execute("SELECT COUNT(*) FROM seat_agent_code WHERE used_us IS NULL").fetchone()[0] == 1
    assert "belongs to no box" in pc.says("run").stderr


def test_a_name_the_certificate_does_not_have_is_refused(box: SeatBox, pc: Workstation) -> None:
    """The box's authority is believed for the names of its certificate alone."""
    refused = pc.enrols(box.address.replace(LAN, "127.0.0.1"), box.code())
    assert refused.returncode == 6
    assert "reached" in refused.stderr


def test_a_code_is_good_once_and_a_revoked_agent_waits_for_people(
    box: SeatBox, pc: Workstation, tmp_path: Path
) -> None:
    """Another workstation gets nothing by a used code; a revoked one is told why, and joins anew by a new code."""
    code = box.code("seat 7")
    assert pc.enrols(box.address, code).returncode == 0
    (tmp_path / "other").mkdir()
    other = Workstation(tmp_path / "other")
    used = other.enrols(box.address, code)
    assert used.returncode != 0
    assert "has been used" in used.stderr
    revoke_agent(box.db, box.agent().id, why="lost", clock=SystemClock(), who="Ada")
    pc.starts()
    until(lambda: "revoked" in pc.status().get("problem", ""), what="the refusal")
    assert "revoked" in pc.says("status").stdout
    pc.stop()
    assert pc.enrols(box.address, box.code("seat 8")).returncode == 0
    pc.starts()
    until(lambda: pc.status().get("seat") == "seat 8" and not pc.status()["problem"], what="let in again")


def test_leaving_opens_usb_and_removes_the_key(box: SeatBox, pc: Workstation, tmp_path: Path) -> None:
    """A workstation that leaves is as it was: controllers open, devices in, nothing of the box kept."""
    box.policy("armed")
    joined(box, pc)
    pc.desk.plug(STICK)
    until(lambda: not pc.desk.is_in(), what="kept out")
    running = pc.says("leave", "--yes", "--sysfs", str(pc.desk.root))
    assert "Stop it first" in running.stderr
    pc.stop()
    assert not pc.desk.is_in()
    assert pc.says("leave", "--yes", "--sysfs", str(pc.desk.root)).returncode == 0
    assert pc.desk.is_open
    until(pc.desk.is_in, what="let in")
    assert [one.name for one in (tmp_path / "agent").iterdir()] == ["run"]


@pytest.mark.long
def test_a_killed_agent_is_told_to_the_room_until_it_is_back(box: SeatBox, pc: Workstation) -> None:
    """Silence where somebody sits is a warning of the seat; it ends by itself, and the box knows of the kill."""
    box.exam_now("7", seats=("seat 7",))
    joined(box, pc)
    with syncing(box.settings, EXAMBOX_USB__AGENT_SILENT_SECONDS="10"):
        pc.kill()
        (warning,) = until(lambda: box.warnings("timeout"), "the warning")
        assert (warning.warning.session, warning.seat) == ("", "seat 7")
        assert box.agent().silent_since_us is not None
        pc.starts()
        until(lambda: box.agent().silent_since_us is None, "that it is back")
    assert box.warnings("timeout")[0].warning.end_us <= SystemClock().wall_us()
    until(lambda: len(box.events("agent")) == 2, "what it says of itself")
    assert [one["count"] for one in box.events("agent")] == [0, 1]
