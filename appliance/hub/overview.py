"""All boxes of the centre as they stand, out of rows and the reports in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from appliance.exchange.centre.messages import Report
from appliance.hub.boxes import Box, list_boxes
from appliance.hub.standing import Standing, standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlite_utils import Database

    from appliance.hub.reports import Heard


@dataclass(frozen=True, slots=True)
class EpochFact:
    """An epoch of a box; ``said``: ``ok``, or why the box was told to begin another. Times are UTC."""

    epoch: str
    machine: str
    told_seq: int
    held_seq: int
    first_us: int
    seen_us: int
    said: str


def overview(db: Database, heard: Mapping[str, Heard] | None, *, now_us: int) -> list[Standing]:
    """Return all boxes that ever joined, those with problems first.

    Args:
        db: the hub's database.
        heard: the reports in memory (`Reports.heard`); None: those that were written.
        now_us: UTC.
    """
    said = {
        (box, epoch): said for box, epoch, said in db.conn.execute("SELECT box, epoch, said FROM hub_epoch").fetchall()
    }
    found = []
    for box in list_boxes(db):
        report, at_us = _report(box, heard)
        epoch = said.get((box.id, report.epoch), "ok") if report is not None else "ok"
        found.append(standing(box, report, at_us, epoch=epoch, now_us=now_us))
    return sorted(found, key=lambda one: one.rank)


def epochs_of(db: Database, box: str) -> list[EpochFact]:
    """Return the epochs of a box, the newest first."""
    rows = db.conn.execute(
        "SELECT epoch, machine, told_seq, held_seq, first_us, seen_us, said FROM hub_epoch WHERE box = ?"
        " ORDER BY first_us DESC, seen_us DESC",
        (box,),
    )
    return [EpochFact(*row) for row in rows]


def _report(box: Box, heard: Mapping[str, Heard] | None) -> tuple[Report | None, int | None]:
    if heard is not None and box.id in heard:
        return heard[box.id].report, heard[box.id].at_us
    if box.report is None:
        return None, box.seen_us
    return msgspec.json.decode(box.report, type=Report), box.report_us
