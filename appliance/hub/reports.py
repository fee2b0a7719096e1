"""What boxes say of themselves every few seconds: kept in memory, written every few seconds, all in one go.

A thousand boxes say something two hundred times a second; none of it is worth a write of its own. What a crash takes is
the last seconds of reports, which the next ones make good.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.auditlog import append
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.exchange.centre.epochs import HubWord, Mark, hub_says
from appliance.exchange.centre.messages import Report, ReportAnswer
from appliance.hub.feed import newest_positions

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

REPORT_EVERY_S: Final = 5
FLUSH_EVERY_US: Final = 3 * SECOND_US
LOOK_EVERY_US: Final = SECOND_US
LOW_REPORTS: Final = 3
"""So many reports in a row with a lower number than is known are a restored box's."""
HELD_EPOCHS: Final = 50
"""Of so many of a box's newest epochs it is told what is here."""
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Heard:
    """The last report of a box, and when it came by the hub's clock."""

    report: Report
    at_us: int


@dataclass(slots=True)
class _Epoch:
    """One epoch of a box: the first machine that reported it, what it said it gave, what is here."""

    machine: str
    told_seq: int
    held_seq: int
    conflict: bool
    first_us: int
    said: str
    changed: bool = False
    low: int = 0
    """How many reports in a row told a lower number than is known: one alone was overtaken on its way."""


class Reports:
    """The reports of all boxes; safe between threads.

    Args:
        clock: dates what comes in.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._heard: dict[str, Heard] = {}
        self._unwritten: set[str] = set()
        self._epochs: dict[tuple[str, str], _Epoch] = {}
        self._held: dict[str, dict[str, int]] | None = None
        self._news: dict[str, int] = {}
        self._wants: dict[str, int] = {}
        self._pulled: dict[str, int] = {}
        self._pulls: dict[str, int] = {}

    def load(self, db: Database) -> None:
        """Read what was written before, at the start of the process."""
        with self._lock:
            for box, report, at_us in db.conn.execute(
                "SELECT id, report, report_us FROM hub_box WHERE report IS NOT NULL AND report_us IS NOT NULL"
            ):
                self._heard.setdefault(box, Heard(msgspec.json.decode(report, type=Report), at_us))
            self._read_epochs(db)

    def look(self, db: Database) -> None:
        """Read what answers need of the database: what is new for each box, what was received, conflicts."""
        news = newest_positions(db)
        wants = dict(
            db.conn.execute(
                "SELECT box, COUNT(*) FROM hub_media WHERE complete_us IS NULL AND withdrawn_us IS NULL GROUP BY box"
            ).fetchall()
        )
        with self._lock:
            self._news, self._wants = news, wants
            self._read_epochs(db)

    def take(self, report: Report) -> ReportAnswer:
        """Keep a report in memory and return what the box is answered; nothing waits for the disk."""
        now = self._clock.wall_us()
        with self._lock:
            word = self._word(report, now)
            if word.says != "cloned":  # what a copy says of itself is not how the box stands
                self._heard[report.box] = Heard(report, now)
                self._unwritten.add(report.box)
            return ReportAnswer(
                at_us=now,
                epoch=word.says,
                highest=word.highest,
                changed=self._news.get(report.box, 0) > self._pulled.get(report.box, 0),
                wants_media=self._wants.get(report.box, 0),
                next_report_s=REPORT_EVERY_S,
                held=None if self._held is None else self._held.get(report.box, {}),
            )

    def note_pull(self, box: str, position: int) -> None:
        """Note up to where a box has got: what it asked beyond."""
        with self._lock:
            self._pulled[box] = position
            self._pulls[box] = self._clock.wall_us()

    def heard(self) -> dict[str, Heard]:
        """Return the last report of each box that ever sent one."""
        with self._lock:
            return dict(self._heard)

    def flush(self, db: Database) -> int:
        """Write what is new since the last time, in one transaction; return of how many boxes."""
        with self._lock:
            boxes, self._unwritten = self._unwritten, set()
            pulls, self._pulls = self._pulls, {}
            rows = [(box, self._heard[box]) for box in sorted(boxes)]
            epochs = [(key, replace(one)) for key, one in self._epochs.items() if one.changed]
            for one in self._epochs.values():
                one.changed = False
        if not rows and not epochs and not pulls:
            return 0
        try:
            with write(db):
                self._write(db, rows, epochs)
                db.conn.executemany(
                    "UPDATE hub_box SET pulled_us = ? WHERE id = ?", [(at_us, box) for box, at_us in pulls.items()]
                )
        except BaseException:
            with self._lock:
                self._unwritten |= boxes
                self._pulls = pulls | self._pulls
                for key, _ in epochs:
                    self._epochs[key].changed = True
            raise
        return len(rows)

    def _write(self, db: Database, rows: list[tuple[str, Heard]], epochs: list[tuple[tuple[str, str], _Epoch]]) -> None:
        now = self._clock.wall_us()
        with write(db):
            db.conn.executemany(
                "UPDATE hub_box SET report = ?, report_us = ?, seen_us = max(ifnull(seen_us, 0), ?), told_address ="
                " CASE WHEN ? = '' THEN told_address ELSE ? END WHERE id = ?",
                [
                    (
                        _ENCODER.encode(one.report).decode(), one.at_us, one.at_us, one.report.address,
                        one.report.address, box,
                    )
                    for box, one in rows
                ],
            )  # fmt: skip
            for (box, epoch), one in epochs:
                before = db.conn.execute(
                    "SELECT said FROM hub_epoch WHERE box = ? AND epoch = ?", (box, epoch)
                ).fetchone()
                db.conn.execute(
                    "INSERT INTO hub_epoch (box, epoch, machine, told_seq, first_us, seen_us, said) VALUES (?1, ?2, ?3,"
                    " ?4, ?5, ?6, ?7) ON CONFLICT (box, epoch) DO UPDATE SET machine = ?3, told_seq = max(told_seq,"
                    " ?4), seen_us = ?6, said = ?7",
                    (box, epoch, one.machine, one.told_seq, one.first_us, now, one.said),
                )
                if one.said != "ok" and (before is None or before[0] != one.said):
                    detail = {"box": box, "epoch": epoch, "reason": one.said}
                    append(db, "hub.epoch_told_apart", clock=self._clock, detail=detail)

    def _word(self, report: Report, now: int) -> HubWord:
        key = (report.box, report.epoch)
        known = self._epochs.get(key)
        told = Mark(report.epoch, report.seq, report.machine)
        if known is None or not known.machine:
            held = known.held_seq if known else 0
            conflict = known.conflict if known else False
            word = hub_says(None, told, highest=held, conflict=conflict)
            said = _worst(known.said if known else "ok", "ok" if word.says == "restored" else word.says)
            first = known.first_us if known else now
            self._epochs[key] = _Epoch(report.machine, report.seq, held, conflict, first, said, changed=True)
            return word
        mark = Mark(report.epoch, known.told_seq, known.machine)
        word = hub_says(mark, told, highest=known.held_seq, conflict=known.conflict)
        known.low = known.low + 1 if word.says == "restored" else 0
        said = _worst(known.said, "ok" if 0 < known.low < LOW_REPORTS else word.says)
        if said != known.said or (word.says == "ok" and report.seq > known.told_seq):
            known.said, known.changed = said, True
            if word.says == "ok":
                known.told_seq = max(known.told_seq, report.seq)
        return word

    def _read_epochs(self, db: Database) -> None:
        found: dict[str, dict[str, int]] = {}
        for box, epoch, machine, told, held, conflict, first, said in db.conn.execute(
            "SELECT box, epoch, machine, told_seq, held_seq, conflict_us IS NOT NULL, first_us, said FROM hub_epoch"
            " ORDER BY box, first_us DESC"
        ):
            of_box = found.setdefault(box, {})
            if len(of_box) < HELD_EPOCHS:
                of_box[epoch] = held
            known = self._epochs.get((box, epoch))
            if known is None:
                self._epochs[box, epoch] = _Epoch(machine, told, held, bool(conflict), first, said)
            else:
                known.held_seq, known.conflict = max(known.held_seq, held), bool(conflict)
                known.said = _worst(known.said, said)
        self._held = found


def _worst(before: str, now: str) -> str:
    """Return what is remembered of an epoch: that it was told apart is not forgotten."""
    if before != "ok" and now in {"ok", "restored"}:
        return before
    return now
