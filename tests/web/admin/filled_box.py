"""A box with a month behind it, as rows: sittings, parts, deletions, holds and a log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.auditlog import append, entry
from appliance.database import write
from appliance.vault.holds import place_hold, release_hold
from appliance.vault.retention import HOUR_US, rule_words

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

CAMERAS = {"front": "Front", "rear": "Rear", "door": "Door", "desk": "Invigilator's desk"}
DAY_US = 24 * HOUR_US
GB = 1_000_000_000


@dataclass(frozen=True)
class Month:
    """What to make: days, cameras, parts a day and camera, and how many of the newest days are still there."""

    days: int = 12
    cameras: int = 4
    parts: int = 5
    kept_days: int = 4
    bytes: int = 1_700_000_000


def fill(db: Database, clock: Clock, month: Month = Month()) -> None:
    """Make cameras, a sitting a day, certificates of what is gone, holds and a sitting that runs."""
    now = clock.wall_us()
    cameras = list(CAMERAS)[: month.cameras] + [f"cam-{n}" for n in range(len(CAMERAS), month.cameras)]
    with write(db):
        for number, camera in enumerate(cameras):
            db.table("camera").insert(
                {"id": camera, "name": CAMERAS.get(camera, camera.title()), "role": "room", "kind": "pattern",
                 "address": "640x360@25", "purpose": "Invigilation of examinations",
                 "lawful_basis": "Public task", "retention_hours": 72 if number else 168,
                 "retention_reason": "" if number else "Appeals are open for a week (§ 12 of the regulations)",
                 "created_us": now - 40 * DAY_US, "updated_us": now - 40 * DAY_US}
            )  # fmt: skip
        for day in range(month.days):
            _sitting(db, clock, month, cameras, day)
    _holds(db, clock, month)


def _sitting(db: Database, clock: Clock, month: Month, cameras: list[str], day: int) -> None:
    begin = clock.wall_us() - (month.days - day) * DAY_US
    sitting = name_of(day)
    gone = day < month.days - month.kept_days
    length = 5 * HOUR_US // month.parts
    db.table("recording_wish").insert(
        {"sitting": sitting, "wished_us": begin, "wished_by": "Ada", "stopped_us": begin + 5 * HOUR_US,
         "stopped_by": "Ada"}
    )  # fmt: skip
    rows = [
        (hashlib.sha256(f"{day} {camera} {number}".encode()).hexdigest()[:32], sitting, camera, number + 1,
         begin + number * length, begin + (number + 1) * length,
         month.bytes - 40_000_000 * position, "deleted" if gone else "closed")
        for position, camera in enumerate(cameras) for number in range(month.parts)
    ]  # fmt: skip
    db.conn.executemany(
        "INSERT INTO part (part_id, sitting, camera, number, started_us, ended_us, bytes, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    if gone:
        _certify(db, clock, rows)


def _certify(db: Database, clock: Clock, rows: list[tuple[str, str, str, int, int, int, int, str]]) -> None:
    for part_id, sitting, camera, number, started, ended, size, _ in rows:
        detail = {
            "part_id": part_id, "sitting": sitting, "camera": camera, "part": number, "started_us": started,
            "ended_us": ended, "bytes": size, "chain": "ab" * 32, "checkpoint_sha256": "cd" * 32,
            "rule": rule_words(72), "file": "whole", "keys_destroyed": True,
        }  # fmt: skip
        seq = append(db, "vault.part_deleted", clock=clock, detail=detail)
        db.table("part_deletion").insert(
            {"part_id": part_id, "sitting": sitting, "camera": camera, "number": number, "rule": rule_words(72),
             "applied_by": "box", "began_us": ended + 72 * HOUR_US, "file_state": "whole", "chain": "ab" * 32,
             "checkpoint_sha256": "cd" * 32, "keys_destroyed": 1, "done_us": ended + 72 * HOUR_US + 1,
             "certificate": seq}
        )  # fmt: skip


def _holds(db: Database, clock: Clock, month: Month) -> None:
    kept = [name_of(day) for day in range(month.days - month.kept_days, month.days)]
    appeal = "Appeal 12/26, asked for by the examination office"
    place_hold(db, kept[0], None, reason=appeal, clock=clock, who="Ada", where="10.0.0.7")
    place_hold(db, kept[-1], "front", reason="Incident at seat 14", clock=clock, who="Mia", where="10.0.0.9")
    if len(kept) > 1:
        over = place_hold(db, kept[1], None, reason="Query of the data officer", clock=clock, who="Mia")
        release_hold(db, over.id, reason="Answered", clock=clock, who="Ada")


def name_of(day: int) -> str:
    """Return the name of the sitting of a day."""
    return f"exam-{day + 1:02d}-a1b2"


def fill_log(db: Database, count: int, *, start_us: int) -> None:
    """Make so many entries at once, chained as the box chains them, a second apart."""
    last, chain = db.conn.execute("SELECT coalesce(max(seq), 0) FROM log_entry").fetchone()[0], entry.chain_start()
    if last:
        chain = bytes(db.conn.execute("SELECT chain FROM log_entry WHERE seq = ?", (last,)).fetchone()[0])
    actions = ("vault.checkpoint", "vault.part_closed", "account.signed_in", "recording.viewed", "camera.lost")
    people = ("box", "Ada", "Ben", "Mia")
    rows, personal = [], []
    for seq in range(last + 1, last + count + 1):
        values = entry.personal_values(people[seq % 4], f"10.0.0.{seq % 90 + 1}", None)
        detail = {"sitting": f"exam-{seq % 400}", "camera": "front", "bytes": seq, "chain": "ab" * 32}
        body = entry.build_body(
            seq=seq, at_us=start_us + seq * 1_000_000, mono_us=seq, action=actions[seq % 5], detail=detail,
            personal=values,
        )  # fmt: skip
        chain = entry.chain_next(chain, body)
        rows.append((seq, body, chain))
        personal += [(seq, value.field, value.salt, value.value) for value in values]
    with write(db):
        db.conn.executemany("INSERT INTO log_entry VALUES (?, ?, ?)", rows)
        db.conn.executemany("INSERT INTO log_personal VALUES (?, ?, ?, ?)", personal)
