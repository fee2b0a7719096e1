"""A minute's housekeeping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.auditlog import show
from appliance.config import VaultSettings
from appliance.vault import housekeeping
from appliance.vault.delete import begin_deletion
from appliance.vault.disk import DiskSpace
from appliance.vault.holds import place_hold, release_hold
from appliance.vault.housekeeping import MAX_DELETIONS_A_RUN, HousekeepingReport, deleted_parts, housekeep
from appliance.vault.part_rows import get_part, part_path
from appliance.vault.retention import HOUR_US
from tests.vault.part_material import NOW_US, make_file, row, store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings

SETTINGS = VaultSettings()
DAY = 24 * 3600


@pytest.fixture
def vault(settings: Settings) -> Path:
    """The vault's folder."""
    settings.vault_dir.mkdir(parents=True)
    return settings.vault_dir


def _space(free: int) -> Callable[[Path], DiskSpace]:
    return lambda _folder: DiskSpace(1000, free)


def _keep(
    db: Database, vault: Path, clock: ManualClock, free: int = 500, *, trusted: bool = False
) -> HousekeepingReport:
    return housekeep(db, vault, SETTINGS, clock, measure=_space(free), trusted=trusted)


def test_due_parts_go_and_others_stay(db: Database, vault: Path, clock: ManualClock) -> None:
    """What retention lets go is deleted with a certificate; a young sitting stays."""
    old, young = store(db, row()), store(db, row(1, sitting="young", ended_us=NOW_US - HOUR_US))
    for part in (old, young):
        make_file(vault, part)
    report = _keep(db, vault, clock)
    assert (len(report.certificates), report.failures, report.still_due) == (1, [], 0)
    assert not part_path(vault, old).exists()
    assert part_path(vault, young).exists()
    assert [gone.part_id for gone in deleted_parts(db)] == [old.part_id]
    assert _keep(db, vault, clock).certificates == []


def test_what_a_crash_left_half_deleted_is_completed(db: Database, vault: Path, clock: ManualClock) -> None:
    """Also under a hold placed too late: its keys may be gone already."""
    part = store(db, row())
    make_file(vault, part)
    begin_deletion(db, vault, part.part_id, default_hours=72, clock=clock)
    report = _keep(db, vault, clock)
    assert len(report.certificates) == 1
    assert get_part(db, part.part_id).state == "deleted"


def test_a_run_is_bounded_while_there_is_room(db: Database, vault: Path, clock: ManualClock) -> None:
    """Housekeeping never keeps the disk busy for long; the rest goes in the next run."""
    for number in range(1, MAX_DELETIONS_A_RUN + 4):
        store(db, row(number, started_us=NOW_US - 200 * HOUR_US + number))
    report = _keep(db, vault, clock)
    assert (len(report.certificates), report.still_due) == (MAX_DELETIONS_A_RUN, 3)
    report = _keep(db, vault, clock)
    assert (len(report.certificates), report.still_due) == (3, 0)


def test_one_part_that_cannot_go_does_not_stop_the_others(db: Database, vault: Path, clock: ManualClock) -> None:
    """A foreign file in a part's place is reported, the next part is deleted."""
    foreign = store(db, row(1, started_us=1))
    make_file(vault, row(1, bytes=7))
    other = store(db, row(2))
    make_file(vault, other)
    report = _keep(db, vault, clock)
    assert len(report.certificates) == 1
    assert len(report.failures) == 1
    assert "another part" in report.failures[0]
    assert report.still_due == 1
    assert get_part(db, foreign.part_id).state == "closed"


def test_a_full_disk_deletes_only_what_is_allowed_then_stops(db: Database, vault: Path, clock: ManualClock) -> None:
    """A running sitting and a held one stay; recording is told to stop, once in the log, and may go on later."""
    db.table("recording_wish").insert({"sitting": "running", "wished_us": 1, "wished_by": "ann"})
    db.table("legal_hold").insert({"sitting": "held", "reason": "r", "placed_us": 1, "placed_by": "ann"})
    kept = [store(db, row(1, sitting="running")), store(db, row(1, sitting="held"))]
    for part in kept:
        make_file(vault, part)
    report = _keep(db, vault, clock, free=10)
    assert (report.disk, report.stop_recording, report.certificates) == ("stop", True, [])
    assert all(part_path(vault, part).exists() for part in kept)
    assert _keep(db, vault, clock, free=31).stop_recording, "1 % more must be free before it goes on"
    report = _keep(db, vault, clock, free=500)
    assert (report.disk, report.stop_recording) == ("ok", False)
    changes = [(line.detail["before"], line.detail["state"]) for line in show(db, action="disk.changed")]
    assert changes == [("ok", "stop"), ("stop", "ok")]


def test_room_made_by_deleting_counts_at_once(db: Database, vault: Path, clock: ManualClock) -> None:
    """Where deleting what is due is enough, recording does not stop."""
    part = store(db, row())
    store(db, row(2, sitting="young", ended_us=NOW_US, started_us=NOW_US - HOUR_US))
    path = make_file(vault, part)
    report = housekeep(
        db, vault, SETTINGS, clock, measure=lambda _: DiskSpace(1000, 10 if path.exists() else 600), trusted=True
    )
    assert (report.disk, report.stop_recording, len(report.certificates)) == ("ok", False, 1)


def test_the_disk_can_need_more_than_a_runs_share(db: Database, vault: Path, clock: ManualClock) -> None:
    """A full disk is not made to wait for the next minute."""
    for number in range(1, MAX_DELETIONS_A_RUN + 6):
        store(db, row(number, started_us=NOW_US - 200 * HOUR_US + number, bytes=1))
    report = _keep(db, vault, clock, free=10)
    assert len(report.certificates) == MAX_DELETIONS_A_RUN + 4, "all but the camera's newest"
    assert report.still_due == 1


def test_a_clock_that_leaps_ahead_unproven_deletes_nothing(db: Database, vault: Path, clock: ManualClock) -> None:
    """A box set a year ahead keeps its evidence until the clock is proven or set back."""
    part = store(db, row(1, ended_us=NOW_US - HOUR_US))
    make_file(vault, part)
    assert not _keep(db, vault, clock).clock_doubtful
    clock.step(365 * DAY)
    report = _keep(db, vault, clock)
    assert (report.clock_doubtful, report.certificates) == (True, [])
    clock.advance(60)
    assert _keep(db, vault, clock).clock_doubtful
    clock.step(-365 * DAY)
    assert not _keep(db, vault, clock).clock_doubtful
    assert part_path(vault, part).exists()
    clock.step(365 * DAY)
    assert len(_keep(db, vault, clock, trusted=True).certificates) == 1


def test_time_that_really_passes_is_no_leap(db: Database, vault: Path, clock: ManualClock) -> None:
    """A box that stood idle for a week deletes what is due, synchronised or not."""
    part = store(db, row(1, ended_us=NOW_US - HOUR_US))
    make_file(vault, part)
    _keep(db, vault, clock)
    clock.advance(7 * DAY)
    assert len(_keep(db, vault, clock).certificates) == 1


def test_a_restart_is_no_leap(db: Database, vault: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a boot the monotonic clock says nothing about the time before."""
    part = store(db, row(1, ended_us=NOW_US - HOUR_US))
    make_file(vault, part)
    _keep(db, vault, clock)
    clock.step(7 * DAY)
    monkeypatch.setattr(housekeeping, "boot_id", lambda: "another boot")
    assert len(_keep(db, vault, clock).certificates) == 1


def test_the_report_answers_for_the_status_page(db: Database, vault: Path, clock: ManualClock) -> None:
    """Capture's status tells state, room and how long it lasts."""
    part = store(db, row(1, state="open", ended_us=None, started_us=clock.wall_us() - HOUR_US, bytes=0))
    part_path(vault, part).parent.mkdir(parents=True)
    part_path(vault, part).write_bytes(bytes(100))
    answer = _keep(db, vault, clock, free=130).as_dict()
    assert answer == {
        "state": "warn",
        "stopped": False,
        "total": 1000,
        "free": 130,
        "bytes_an_hour": 100,
        "minutes_left": 60,
        "due": 0,
        "clock_doubtful": False,
        "failures": [],
    }


def test_a_vault_that_is_not_there_is_an_error(db: Database, settings: Settings, clock: ManualClock) -> None:
    """A disk that is not mounted is not judged by the one beneath it."""
    with pytest.raises(FileNotFoundError):
        housekeep(db, settings.vault_dir, SETTINGS, clock)


def test_a_released_hold_keeps_for_its_grace(db: Database, vault: Path, clock: ManualClock) -> None:
    """Housekeeping leaves what was released until the grace is over, and deletes it then."""
    part = store(db, row())
    make_file(vault, part)
    hold = place_hold(db, "exam", None, reason="a", clock=clock, who="ann")
    release_hold(db, hold.id, reason="b", clock=clock, who="ann")
    assert _keep(db, vault, clock).certificates == []
    clock.advance(SETTINGS.release_grace_minutes * 60 - 1)
    assert _keep(db, vault, clock).certificates == []
    clock.advance(1)
    assert len(_keep(db, vault, clock).certificates) == 1


def test_the_rate_is_that_of_the_files_being_written(db: Database, vault: Path, clock: ManualClock) -> None:
    """An open part's row knows no bytes yet; its file does, so that a rate is known while recording goes on."""
    part = store(db, row(1, state="open", bytes=0, started_us=NOW_US - HOUR_US // 2, ended_us=None))
    assert _keep(db, vault, clock).bytes_an_hour is None
    size = make_file(vault, part).stat().st_size
    assert _keep(db, vault, clock).bytes_an_hour == 2 * size
