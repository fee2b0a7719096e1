"""Deleted parts of a sitting are told with their certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.clock import SECOND_US
from appliance.vault.delete import delete_part, finish_deletions
from appliance.web.review.deletions import deletions
from tests.vault.recorded import Recorder, movie

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser


def record(settings: Settings, db: Database, clock: ManualClock, parts: int) -> list[str]:
    """Record parts of two seconds with their rows, and end the sitting long ago; return their ids."""
    recorder = Recorder(settings.vault_dir, clock)
    found = []
    for number in range(1, parts + 1):
        begun = clock.wall_us()
        writer = recorder.part(movie(2))
        found.append(writer.part_id.hex())
        with db.conn:
            db.conn.execute(
                "INSERT INTO part (part_id, sitting, camera, number, started_us, ended_us, bytes, state)"
                " VALUES (?, 'exam', 'front', ?, ?, ?, 1, 'closed')",
                (found[-1], number, begun, clock.wall_us()),
            )
    clock.advance(1000 * 3600)
    return found


def delete(settings: Settings, db: Database, clock: ManualClock, part_id: str) -> int:
    """Delete a part under the rule; return its certificate."""
    entry = delete_part(db, settings.vault_dir, part_id, default_hours=72, clock=clock, who="test")
    finish_deletions(db, settings.vault_dir, clock=clock)
    return entry


def test_a_hole_of_a_deleted_part_names_its_certificate(
    settings: Settings, db: Database, clock: ManualClock, person: Callable[[str], Browser]
) -> None:
    """It is no missing part: the gap says that it was deleted, and which entry of the log certifies it."""
    parts = record(settings, db, clock, 3)
    entry = delete(settings, db, clock, parts[1])
    found = person("reviewer").client.get("/api/recordings/exam").get_json()
    (gap,) = found["gaps"]["front"]
    assert gap[2] == f"Deleted when its time was over; entry {entry} of the log certifies it."
    assert round((gap[1] - gap[0]) / SECOND_US) == 2
    assert found["cameras"][0]["deleted"] == gap[2]


def test_what_was_deleted_before_the_rest_is_told_too(
    settings: Settings, db: Database, clock: ManualClock, person: Callable[[str], Browser]
) -> None:
    """Parts of the beginning leave no hole; the camera's facts tell them, all by their entries."""
    parts = record(settings, db, clock, 3)
    entries = [delete(settings, db, clock, part) for part in parts[:2]]
    found = person("auditor").client.get("/api/recordings/exam").get_json()
    assert found["gaps"]["front"] == []
    told = found["cameras"][0]["deleted"]
    assert told.startswith("2 parts were deleted when their time was over; entries ")
    assert f"{entries[0]} to {entries[1]}" in told


def test_a_part_that_is_missing_without_a_certificate_stays_missing(
    settings: Settings, db: Database, clock: ManualClock, person: Callable[[str], Browser]
) -> None:
    """Only a certificate explains a hole."""
    record(settings, db, clock, 3)
    (settings.vault_dir / "exam" / "front" / "0002.sqlite").unlink()
    found = person("reviewer").client.get("/api/recordings/exam").get_json()
    assert found["gaps"]["front"][0][2] == "a part of the recording is not here"
    assert found["cameras"][0]["deleted"] == ""
    assert deletions(db, "exam") == []
