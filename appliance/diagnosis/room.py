"""Is the room ready for a sitting? What is seen of capture, disk, clock, keys and roster; ``readiness.py`` decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.cameras.wishes import current_wish
from appliance.clock import clock_is_trusted
from appliance.diagnosis import access, keys
from appliance.diagnosis.readiness import CameraFact, Facts, findings, needed_bytes, noted
from appliance.diagnosis.result import Check, Examined, run
from appliance.diagnosis.usb import usb_findings
from appliance.errors import ApplianceError
from appliance.exams.methods import traits_of
from appliance.sittings.rosters import seating_of
from appliance.sittings.runs import exams_of, run_of, stored_sitting
from appliance.usb.state import state_of
from appliance.vault.disk import bytes_an_hour, read_space
from appliance.vault.part_rows import open_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.exams.model import Exam
    from appliance.exams.sitting_run import SittingRun


def room_findings(examined: Examined, db: Database, sitting: str) -> list[Check]:
    """Return what is missing for a sitting (``fail``) and what is worth knowing (``warn``).

    Raises:
        NotFoundError: there is no such sitting.
    """
    return findings(room_facts(examined, db, sitting))


def missing_in_room(examined: Examined, db: Database, sitting: str) -> dict[str, str]:
    """Return what the event ``note_readiness`` holds: each thing that is missing, in words; empty: ready.

    Raises:
        NotFoundError: there is no such sitting.
    """
    return noted(room_findings(examined, db, sitting))


def room_facts(examined: Examined, db: Database, sitting: str) -> Facts:
    """Look at the box for one sitting; what does not answer is a fact, too.

    Raises:
        NotFoundError: there is no such sitting.
    """
    stored, present = stored_sitting(db, sitting), run_of(db, sitting)
    exams = list(exams_of(db, sitting).values())
    seats = seating_of(db, sitting).seats
    status, why = _asked(examined)
    cameras = None if status is None else _cameras(status)
    now = examined.clock.wall_us()
    length = stored.lead_us + _length_us(present, exams, now)
    free, rate = _disk(examined, db, now)
    wish = current_wish(db)
    return Facts(
        cameras=cameras,
        capture=why,
        wanted=any(traits_of(exam.method).recorded for exam in exams),
        wish=wish.sitting if wish else "",
        sitting=sitting,
        free=free,
        needed=needed_bytes(cameras=len(cameras or ()), bytes_an_hour=rate, length_us=length),
        hours=length / 3_600_000_000,
        trusted=_trusted(status),
        keys=[*run(keys.check_keys, examined), *_unsigned(examined)],
        certificate=run(access.check_certificate, examined),
        usb=usb_findings(examined, state_of(db)),
        roster=len(present.people),
        unseated=sum(not one.seat for one in present.people.values()) if seats else 0,
    )


def _unsigned(examined: Examined) -> list[Check]:
    """Return a list of recipients that is not there or not this box's; whom it names is the administrator's concern."""
    return [check for check in run(keys.check_recipients, examined) if check.state == "fail"]


def _asked(examined: Examined) -> tuple[dict[str, Any] | None, str]:
    try:
        return examined.capture_status(), ""
    except ApplianceError as problem:
        return None, problem.message


def _cameras(status: dict[str, Any]) -> list[CameraFact]:
    told = [one for one in status.get("cameras", []) if isinstance(one, dict) and one.get("state") != "stopped"]
    return [
        CameraFact(
            str(one.get("name") or one.get("camera", "")),
            str(one.get("state", "")),
            bool(one.get("recording")),
            one["last_segment_age_ms"] if isinstance(one.get("last_segment_age_ms"), int) else None,
            str(one.get("alarm") or ""),
        )
        for one in told
    ]


def _trusted(status: dict[str, Any] | None) -> bool:
    """Return what capture says, which sees the clock each second, or what the kernel says."""
    told = (status or {}).get("clock", {}).get("trusted")
    return told if isinstance(told, bool) else clock_is_trusted()


def _length_us(present: SittingRun, exams: Iterable[Exam], now_us: int) -> int:
    """Return the longest that anybody is to write, as planned."""
    ends = present.ends(now_us)
    planned = [sum(reason.amount_us for reason in end.reasons) for end in ends.values()]
    return max([*planned, *(exam.duration_us for exam in exams)], default=0)


def _disk(examined: Examined, db: Database, now_us: int) -> tuple[int | None, int]:
    """Return the bytes that may be recorded before the reserve is reached, and the measured rate an hour (0: none)."""
    vault, folder = examined.settings.vault, examined.settings.vault_dir
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    try:
        space = read_space(there)
    except OSError:
        return None, 0
    reserve = space.total * vault.disk_stop_free_percent // 100
    return max(0, space.free - reserve), bytes_an_hour(open_parts(db, folder), now_us) or 0
