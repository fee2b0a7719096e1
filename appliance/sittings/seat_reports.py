"""What a seat agent reports, taken in: kept once and in order, and what follows from it for the room.

A forbidden device at a seat is a warning of the candidate who sits there, or of the seat where nobody does. Another
active window is one of the candidate alone. Repeats within a time are one warning whose end moves on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.auditlog import append
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError
from appliance.exams.records import Warning as Flag
from appliance.exchange.seat.instants import at_box_us
from appliance.sittings.exams import get_exam
from appliance.sittings.runs import exams_of
from appliance.sittings.seat_times import session_of_seat, sitting_of_seat, writes_at_seat
from appliance.sittings.session_rows import get_session
from appliance.sittings.warning_rows import get_warning
from appliance.sittings.warnings import note_warning
from appliance.usb.agents.bodies import AgentWord, UsbSeen, WindowChange, read_body
from appliance.usb.agents.store import AgentRefusedError, SeatAgent, get_agent
from appliance.usb.words import kind_of

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.records import WarningKind
    from appliance.exchange.seat.messages import Item, ReportRequest

WINDOW_GAP_US: Final = 30 * SECOND_US
"""Window changes that follow one another within this are one warning."""
WINDOW_KIND: Final = "change_active_window_on_computer"
MOST_WARNINGS: Final = 20
"""So many devices of one workstation within `FLOOD_US` are told one by one; then one warning says that there are more.

Who has root on a workstation can make up devices without end: they must not hide what happens at other seats.
"""
FLOOD_US: Final = 60 * SECOND_US
_RUNS_KEPT: Final = 16
_UNIT: Final = "seat-agent"


class OutOfOrderError(BadInputError):
    """Items of a report do not count up."""

    code = "seat.order"
    status = 400


@dataclass(frozen=True, slots=True)
class _Told:
    """An item, whose it is and when it happened by the box's clock."""

    agent: SeatAgent
    epoch: str
    item: Item
    at_us: int
    clock: Clock
    repeat_us: int

    @property
    def id(self) -> str:
        """The name of the warning it makes: the same item never makes two."""
        return f"{self.agent.id}:{self.epoch}:{self.item.seq}"


def take_report(db: Database, agent: str, report: ReportRequest, *, clock: Clock, repeat_us: int) -> int:
    """Keep what is new in a report, with all that follows from it; return up to which number all is durable.

    Asked again it changes nothing. Numbers may be left out (the agent gave items up, and says so), never go back.

    Args:
        db: the box's database.
        agent: whose token came with it.
        report: as it came.
        clock: the box's.
        repeat_us: the same device at the same port within this time is one warning.

    Raises:
        AgentRefusedError: another workstation speaks with the same key (``copied``).
        OutOfOrderError: the items do not count up.
    """
    numbers = [item.seq for item in report.items]
    if numbers != sorted(set(numbers)):
        raise OutOfOrderError("items: their numbers do not count up.", hint="Send them in the order they happened.")
    now = clock.wall_us()
    with write(db):
        known = get_agent(db, agent)
        _keep_state(db, known, report, now_us=now)
        row = db.conn.execute(
            "SELECT MAX(seq) FROM seat_event WHERE agent = ? AND epoch = ?", (agent, report.epoch)
        ).fetchone()
        highest = int(row[0] or 0)
        for item in report.items:
            if item.seq <= highest:
                _check_same(db, agent, report.epoch, item)
                continue
            told = _Told(known, report.epoch, item, at_box_us(item, report, received_us=now), clock, repeat_us)
            _keep(db, told, _follow(db, told), now_us=now)
            highest = item.seq
        return highest


def watches_windows(db: Database, seat: str, *, now_us: int) -> bool:
    """Whether the active window at a seat is to be watched: while its candidate writes an exam that does not hide it.

    What an exam hides is not collected either.
    """
    sitting = sitting_of_seat(db, seat, at_us=now_us)
    session = writes_at_seat(db, sitting, seat) if sitting else ""
    if not session:
        return False
    found = get_session(db, session)
    frozen = exams_of(db, sitting)
    exam = frozen.get(found.exam) or get_exam(db, found.exam).exam
    return WINDOW_KIND not in exam.hidden_warnings


def _keep_state(db: Database, agent: SeatAgent, report: ReportRequest, *, now_us: int) -> None:
    """Keep what the agent says of itself; a start of it that comes back after a later one is another workstation's."""
    runs = [str(one) for one in agent.state.get("runs", [])]
    if report.run in runs[1:]:
        raise AgentRefusedError(
            "Two workstations speak with the same key: one is a copy of the other.",
            reason="copied",
            hint="Revoke this agent at the box, and enrol each of the two with a code of its own.",
        )
    runs = [report.run, *(one for one in runs if one != report.run)][:_RUNS_KEPT]
    said = {
        **msgspec.to_builtins(report.state), "runs": runs, "epoch": report.epoch, "machine": report.machine,
        "clock_off_s": round((report.at_us - now_us) / SECOND_US),
    }  # fmt: skip
    text = msgspec.json.encode(said)
    if msgspec.json.decode(text) != agent.state or report.policy_version != agent.policy_version:
        db.conn.execute(
            "UPDATE seat_agent SET state = ?, policy_version = ?, heard_us = MAX(ifnull(heard_us, 0), ?) WHERE id = ?",
            (text.decode(), report.policy_version, now_us, agent.id),
        )


def _check_same(db: Database, agent: str, epoch: str, item: Item) -> None:
    row = db.conn.execute(
        "SELECT body FROM seat_event WHERE agent = ? AND epoch = ? AND seq = ?", (agent, epoch, item.seq)
    ).fetchone()
    if row is not None and row[0] != item.body:
        raise AgentRefusedError(
            "Something else came under a number that is known: a workstation was restored or copied.",
            reason="copied",
            hint="Enrol the workstation anew; the agent then counts from the beginning.",
        )


def _keep(db: Database, told: _Told, warning: int | None, *, now_us: int) -> None:
    item = told.item
    db.conn.execute(
        "INSERT INTO seat_event (agent, epoch, seq, at_us, received_us, kind, body, warning)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (told.agent.id, told.epoch, item.seq, told.at_us, now_us, item.kind, item.body, warning),
    )


def _follow(db: Database, told: _Told) -> int | None:
    """Let follow what follows from an item; return the number of the warning, if it makes or prolongs one."""
    body = read_body(told.item.kind, told.item.body)
    match body:
        case UsbSeen():
            return _device(db, told, body) if body.is_forbidden else None
        case WindowChange():
            return _window(db, told, body)
        case AgentWord():
            detail = {"agent": told.agent.id, "seat": told.agent.seat, "what": body.what, "count": body.count}
            append(db, "seat.agent_said", clock=told.clock, who=_UNIT, detail=detail)
    return None


def _device(db: Database, told: _Told, seen: UsbSeen) -> int | None:
    seat, device = told.agent.seat, seen.device
    before = _repeated(db, told, seen)
    if before is not None:
        return before
    out = seen.state in {"out", "rejected"}
    detail = {
        "agent": told.agent.id, "seat": seat, "port": device.port, "device": device.id, "hash": device.hash,
        "rule": seen.decision.rule, "verdict": seen.decision.verdict, "out": out, "at_us": told.at_us,
    }  # fmt: skip
    append(db, "seat.device_kept_out" if out else "seat.device_forbidden", clock=told.clock, who=_UNIT, detail=detail)
    sitting = sitting_of_seat(db, seat, at_us=told.at_us)
    if not sitting:
        return None
    session = session_of_seat(db, sitting, seat, at_us=told.at_us, now_us=told.clock.wall_us())
    subject = {
        "what": kind_of(device), "name": " ".join(f"{device.manufacturer} {device.name}".split()),
        "port": device.port, "verdict": seen.decision.verdict, "rule": seen.decision.rule, "hash": device.hash,
        "seat": seat, "agent": told.agent.id, "state": seen.state,
    }  # fmt: skip
    flag = _flag(told, "forbidden_device", session, told.at_us)
    if _floods(db, told):
        number = told.clock.wall_us() // (10 * FLOOD_US)
        flag = msgspec.structs.replace(flag, id=f"{told.agent.id}:flood:{sitting}:{number}")
        subject = {"what": "storm", "seat": seat, "agent": told.agent.id, "verdict": seen.decision.verdict}
    return note_warning(db, flag, clock=told.clock, sitting=sitting, seat=seat, subject=subject).number


def _floods(db: Database, told: _Told) -> bool:
    """Whether this workstation has made as many warnings of late as are told one by one, as they were received."""
    sql = (
        "SELECT COUNT(DISTINCT warning) FROM seat_event WHERE agent = ? AND kind = 'usb' AND warning IS NOT NULL"
        " AND received_us > ?"
    )
    made: int = db.conn.execute(sql, (told.agent.id, told.clock.wall_us() - FLOOD_US)).fetchone()[0]
    return made >= MOST_WARNINGS


def _repeated(db: Database, told: _Told, seen: UsbSeen) -> int | None:
    """Return the warning that the same device at the same port made a while ago, prolonged; None where none did."""
    row = db.conn.execute(
        "SELECT warning, at_us FROM seat_event WHERE agent = ? AND kind = 'usb' AND warning IS NOT NULL"
        " AND json_extract(body, '$.device.hash') = ? AND json_extract(body, '$.device.port') = ?"
        " AND at_us BETWEEN ? AND ? ORDER BY at_us DESC LIMIT 1",
        (told.agent.id, seen.device.hash, seen.device.port, told.at_us - told.repeat_us, told.at_us),
    ).fetchone()
    return None if row is None else _prolonged(db, int(row[0]), told.at_us, told.clock)


def _window(db: Database, told: _Told, change: WindowChange) -> int | None:
    """Warn of the candidate who wrote at the seat then; of an empty seat nobody needs to know."""
    seat = told.agent.seat
    row = db.conn.execute(
        "SELECT w.number FROM seat_event e JOIN warning w ON w.number = e.warning WHERE e.agent = ?"
        " AND e.kind = 'window' AND w.end_us BETWEEN ? AND ? ORDER BY w.end_us DESC LIMIT 1",
        (told.agent.id, told.at_us - change.span_us - WINDOW_GAP_US, told.at_us),
    ).fetchone()
    if row is not None:
        return _prolonged(db, int(row[0]), told.at_us, told.clock)
    sitting = sitting_of_seat(db, seat, at_us=told.at_us)
    if not sitting:
        return None
    session = session_of_seat(db, sitting, seat, at_us=told.at_us, now_us=told.clock.wall_us())
    if not session:
        return None
    subject = {"what": "window", "name": change.application, "former": change.former, "seat": seat,
               "agent": told.agent.id}  # fmt: skip
    flag = _flag(told, WINDOW_KIND, session, told.at_us, since_us=told.at_us - change.span_us)
    return note_warning(db, flag, clock=told.clock, sitting=sitting, seat=seat, subject=subject).number


def _prolonged(db: Database, number: int, end_us: int, clock: Clock) -> int:
    before = get_warning(db, number).warning
    return note_warning(db, msgspec.structs.replace(before, end_us=end_us), clock=clock).number


def _flag(told: _Told, kind: WarningKind, session: str, end_us: int, *, since_us: int | None = None) -> Flag:
    start_us = end_us if since_us is None else min(since_us, end_us)
    version: Any = told.agent.state.get("version", "")
    model = f"{_UNIT} {version}".strip()
    return Flag(id=told.id, session=session, kind=kind, start_us=start_us, end_us=end_us, model=model)
