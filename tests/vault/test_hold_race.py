"""Holds against housekeeping, in real processes at the same time: a hold keeps all that it says it keeps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.auditlog import show, verify
from appliance.clock import ManualClock
from appliance.database import connect
from appliance.errors import ConflictError
from appliance.vault.holds import place_hold
from appliance.vault.part_rows import list_parts, part_path
from tests.vault.part_material import NOW_US, make_file, row, store

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings

ROOT = Path(__file__).resolve().parents[2]
SITTINGS, PARTS = 6, 12


def test_what_a_hold_says_it_keeps_is_kept_while_another_process_deletes(db: Database, settings: Settings) -> None:
    """Of every held sitting exactly those parts are gone that the hold itself calls gone; all others are whole."""
    for sitting in range(SITTINGS):
        for number in range(1, PARTS + 1):
            make_file(settings.vault_dir, store(db, row(number, sitting=f"s-{sitting}")))
    clock = ManualClock(NOW_US)
    held: dict[str, int] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.vault.housekeeping_process", str(settings.database), str(settings.vault_dir)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        other = connect(settings.database)
        for sitting in range(SITTINGS):
            name = f"s-{sitting}"
            try:
                number = place_hold(other, name, None, reason="race", clock=clock, who="ann").id
            except ConflictError:
                assert all(part.state in {"deleting", "deleted"} for part in list_parts(other, name))
                continue
            held[name] = number
            process.stdout.readline()  # a run of housekeeping between two holds
        assert process.wait(120) == 0
    assert held, "every sitting was gone before its hold: the race was not run"
    already_gone = {
        line.detail["sitting"]: line.detail["parts_already_gone"] for line in show(other, action="hold.placed")
    }
    for sitting in held:
        parts = list_parts(other, sitting)
        gone = [part for part in parts if part.state == "deleted"]
        assert len(gone) == already_gone[sitting]
        assert all(part_path(settings.vault_dir, part).exists() == (part.state == "closed") for part in parts)
    assert any(part.state == "deleted" for part in list_parts(other)), "nothing was deleted: the race was not run"
    assert verify(other, None).ok
    other.conn.close()
