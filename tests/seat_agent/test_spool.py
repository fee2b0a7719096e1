"""What is to be told is kept until the box has it: durable, in order, bounded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.clock import ManualClock
from appliance.exchange.seat.messages import MAX_BODY, MAX_ITEMS
from appliance.seat_agent.spool import Spool
from appliance.usb.agents.bodies import AgentWord, WindowChange, read_body, write_body

ROOT = Path(__file__).resolve().parents[2]
WRITES = """
import sys
from pathlib import Path
from appliance.clock import SystemClock
from appliance.seat_agent.spool import Spool
spool = Spool(Path(sys.argv[1]), SystemClock(), boot="b")
while True:
    print(spool.add("agent", '{"what":"started"}'), flush=True)
"""


def spool(path: Path, **more: int) -> Spool:
    """The spool of a folder."""
    return Spool(path / "spool.db", ManualClock(), boot="b", **more)


def test_what_was_kept_is_there_after_the_end_under_the_same_epoch(tmp_path: Path) -> None:
    """Numbers go on after everything was delivered, also through a restart: none is ever given twice."""
    first = spool(tmp_path)
    assert [first.add("agent", "{}"), first.add("usb", '{"a":1}')] == [1, 2]
    first.forget(2)
    first.keep("policy", "x")
    first.close()
    again = spool(tmp_path)
    assert again.epoch == first.epoch
    assert (again.note("policy"), again.note("nothing"), again.waiting()) == ("x", "", 0)
    assert again.add("usb", "{}") == 3
    (item,) = again.oldest()
    assert (item.seq, item.kind, item.boot, item.body) == (3, "usb", "b", "{}")
    assert (tmp_path / "spool.db").stat().st_mode & 0o077 == 0


def test_a_new_spool_counts_in_a_new_epoch(tmp_path: Path) -> None:
    """Where the file is gone the numbers begin anew, under another name."""
    first = spool(tmp_path)
    first.close()
    (tmp_path / "spool.db").unlink()
    assert spool(tmp_path).epoch != first.epoch


def test_one_report_takes_a_bounded_part(tmp_path: Path) -> None:
    """Never more items or bytes than the box takes at once, and always at least one."""
    kept = spool(tmp_path)
    for _ in range(MAX_ITEMS + 5):
        kept.add("agent", "{}")
    assert len(kept.oldest()) == MAX_ITEMS
    kept.forget(MAX_ITEMS + 5)
    for _ in range(100):
        kept.add("usb", "x" * MAX_BODY)
    assert 1 <= sum(len(one.body) for one in kept.oldest()) <= 1024 * 1024
    with pytest.raises(ValueError, match="too long"):
        kept.add("usb", "x" * (MAX_BODY + 1))


def test_of_too_much_windows_are_given_up_first_and_that_is_told(tmp_path: Path) -> None:
    """A full spool keeps devices and loses the oldest window changes, and says how many."""
    kept = spool(tmp_path, most=50)
    window = write_body(WindowChange(application="Files"))
    for number in range(60):
        kept.add("usb" if number % 10 == 0 else "window", window)
    items = kept.oldest()
    assert len(items) <= 51
    assert [one.seq for one in items if one.kind == "usb"] == sorted(one.seq for one in items if one.kind == "usb")
    assert sum(one.kind == "usb" for one in items) == 6
    words = [body for one in items if isinstance(body := read_body(one.kind, one.body), AgentWord)]
    assert words[0].what == "items_lost"
    assert sum(one.count for one in words) + len(items) - len(words) == 60


def test_what_was_said_to_be_kept_survives_a_kill(tmp_path: Path) -> None:
    """A process that is killed while it writes loses nothing it was told is kept."""
    path = tmp_path / "spool.db"
    writer = subprocess.Popen([sys.executable, "-c", WRITES, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(50)]
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.stdout.read().splitlines()
    writer.wait(20)
    last = max([*said, *(int(one) for one in rest if one.isdecimal())])
    assert spool(tmp_path).waiting() >= last >= 50
