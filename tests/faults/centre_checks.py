"""Whether a hub, its boxes and an LMS agree after everything failed: what is lost, doubled, out of order, or apart."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appliance.database import connect
from appliance.exchange.moment import parse_moment
from appliance.hub.identity import hub_facts
from appliance.hub.older_words import OLDER
from appliance.outbox.epochs import present_epoch
from appliance.sittings.reviews import review_of
from appliance.sittings.runs import run_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlite_utils import Database

    from tests.faults.centre_driver import BoxDriver, HubDriver
    from tests.faults.centre_world import Box, Hub, Machine
    from tests.support.lms_receiver import LmsReceiver

_OPEN = (
    "SELECT state, kind, reason, COUNT(*) FROM delivery WHERE state IN ('waiting', 'parked')"
    " GROUP BY state, kind, reason"
)
_TOLD = ("session", "agreement", "warning", "review")


@contextlib.contextmanager
def reading(machine: Machine) -> Iterator[Database]:
    """Open a machine's database for the block."""
    db = connect(machine.settings.database)
    try:
        yield db
    finally:
        db.conn.close()


def unsettled(hub: Hub, boxes: Sequence[Box], copies: Sequence[Box]) -> list[str]:
    """Return what is still on its way: nothing once all agree. On a copy nobody decides what waits for people."""
    found = []
    decided = [box.machine.name for box in boxes]
    for box in (*boxes, *copies):
        with reading(box.machine) as db:
            open_ = db.conn.execute(_OPEN).fetchall()
            found += [f"{box.machine.name}: {row}" for row in open_]
            people = box.machine.name in decided
            found += [f"{box.machine.name} apart: {one}" for one in apart(hub, box, db, people=people)]
    open_ = hub.db.conn.execute(_OPEN).fetchall()
    dirty = hub.db.conn.execute("SELECT COUNT(*) FROM hub_dirty").fetchone()[0]
    return found + [f"hub: {row}" for row in open_] + ([f"hub: {dirty} unpublished"] if dirty else [])


def apart(hub: Hub, box: Box, db: Database, *, people: bool) -> list[str]:
    """Return in what a box holds something else of the centre's things than the hub has for it.

    Without ``people`` who decide, what waits counts as held.
    """
    name = hub_facts(hub.db).id
    wanted = {
        (kind, id_): (version, deleted)
        for kind, id_, version, deleted in hub.db.conn.execute(
            "SELECT kind, id, version, deleted FROM hub_feed WHERE box = ?", (box.id,)
        )
    }
    held = {
        (kind, id_): (version, deleted)
        for kind, id_, version, deleted in db.conn.execute(
            "SELECT kind, id, version, deleted FROM centre_thing WHERE hub = ? AND kind NOT IN ('candidate', 'part')",
            (name,),
        )
    }
    waiting = {
        (kind, id_): f"{state} {reason}"
        for kind, id_, state, reason in db.conn.execute("SELECT kind, id, state, reason FROM centre_waiting")
    }
    if not people:
        wanted = {key: word for key, word in wanted.items() if key not in waiting}
    elif box.restores:
        # A session that began, on a box that has forgotten it with its exam, which the centre took away meanwhile: it
        # waits with this reason until the centre gives the exam again.
        wanted = {
            key: word
            for key, word in wanted.items()
            if not (
                key[0] == "session" and "has not arrived yet" in waiting.get(key, "") and _exam_gone(hub, box, key[1])
            )
        }
    return [
        f"{key} is {held.get(key)}, at the hub {word}; {waiting.get(key, 'does not wait')}"
        for key, word in wanted.items()
        if held.get(key) != word
    ] + [f"{key} waits though held: {why}" for key, why in waiting.items() if held.get(key, 0) == wanted.get(key)]


def _exam_gone(hub: Hub, box: Box, session: str) -> bool:
    """Return whether the box is not to have the exam of a session any more."""
    row = hub.db.conn.execute(
        "SELECT f.deleted FROM session n LEFT JOIN hub_feed f ON f.box = ? AND f.kind = 'exam' AND f.id = n.exam"
        " WHERE n.id = ?",
        (box.id, session),
    ).fetchone()
    return row is not None and row[0] != 0


@dataclass
class Findings:
    """What is wrong, by what was promised, and how much was looked at."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    looked: Counter[str] = field(default_factory=Counter)

    @property
    def all(self) -> list[str]:
        """Everything that is wrong."""
        return [*self.lost, *self.doubled, *self.order, *self.apart, *self.logs]


def examine(
    hub: Hub, drivers: list[BoxDriver], copies: list[BoxDriver], centre: HubDriver, lms: LmsReceiver
) -> Findings:
    """Compare everything with everything, once all is settled."""
    found = Findings()
    _items(hub, [*drivers, *copies], found)
    doubtful = {one.box.id for one in drivers if one.box.restores} | {one.box.id for one in copies}
    for driver in (*drivers, *copies):
        with reading(driver.box.machine) as db:
            _order_of_box(hub, driver.box, db, found, alone=driver.box.id not in doubtful)
    for driver in drivers:
        with reading(driver.box.machine) as db:
            _states(hub, driver.box, db, found)
            _gone(hub, driver.box, db, found)
            _extra_time(hub, driver.box, db, found)
    _deliveries(hub, lms, found)
    _answered(hub, centre, found)
    _epochs(hub, drivers, copies, found)
    for machine in (hub.machine, *(one.box.machine for one in (*drivers, *copies))):
        _log(machine, found)
    return found


def bodies(hub: Hub, box: str) -> list[tuple[str, str]]:
    """Return kind and body of all that the hub holds of a box."""
    rows = hub.db.conn.execute("SELECT kind, body FROM hub_item WHERE box = ? ORDER BY number", (box,))
    return [(str(kind), str(body)) for kind, body in rows]


def marks_in(texts: Iterable[tuple[str, str]]) -> dict[str, Counter[str]]:
    """Return the marks of each kind of body, and how often each is there as one and the same thing."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, text in texts:
        body: dict[str, Any] = json.loads(text)
        if kind == "sitting_event":
            event = body["event"]
            found[event["who"]][f"{event['name']} {event.get('candidate', '')}"] += 1
        elif kind == "incident":
            found[str(_note_of(body))]["incident"] += 1
        elif kind == "warning" and "message" in body:
            found[str(parse_moment(body["message"]["start"]).us)][
                f"warning {body['message']['end']} {body['message'].get('cyber')}"
            ] += 1
    return found


def _twice(hub: Hub, drivers: list[BoxDriver], found: Findings) -> None:
    """The same thing is there as often as it happened; a register that is signed and closed is told twice the same."""
    happened: Counter[tuple[str, str, str, str]] = Counter()
    for driver in drivers:
        with reading(driver.box.machine) as db:
            rows = db.conn.execute("SELECT kind, stream, body FROM delivery WHERE target = 'centre'").fetchall()
        mine = Counter((driver.box.id, *row) for row in rows)
        happened |= mine  # a copy of a box holds what the box held
    doubtful = {driver.box.id for driver in drivers if driver.box.restores}
    for *what, count in hub.db.conn.execute(
        "SELECT box, kind, stream, body, COUNT(*) FROM hub_item GROUP BY box, kind, stream, body HAVING COUNT(*) > 1"
    ):
        marked = what[1] in {"sitting_event", "incident"}
        if count > happened[tuple(what)] and (marked or what[0] not in doubtful):
            found.doubled.append(f"{count} times at the hub: {what}")


def _note_of(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("note") or next((note for one in value.values() if (note := _note_of(one))), None)
    return None


def _items(hub: Hub, drivers: list[BoxDriver], found: Findings) -> None:
    there = {driver.box.id: marks_in(bodies(hub, driver.box.id)) for driver in drivers}
    for driver in drivers:
        marks = there[driver.box.id]
        found.lost += [f"{kind} {mark} is not at the hub" for mark, kind in driver.done.items() if mark not in marks]
        found.looked["acts"] += len(driver.done)
        found.doubled += [
            f"{mark} {what} is at the hub {count} times"
            for mark in driver.done
            for what, count in marks.get(mark, {}).items()
            if count > 1
        ]
    _twice(hub, drivers, found)
    found.looked["items"] = hub.db.conn.execute("SELECT COUNT(*) FROM hub_item").fetchone()[0]


def _order_of_box(hub: Hub, box: Box, db: Database, found: Findings, *, alone: bool) -> None:
    """Of each stream what the hub holds stands in the order in which it happened on the box.

    What this database superseded may have been told by the box's copy, or by the box before it was restored: only of a
    box that is ``alone`` is it looked at.
    """
    mine: dict[tuple[str, int, str], tuple[int, str]] = {
        (epoch, seq, body): (id_, stream)
        for id_, epoch, seq, stream, body in db.conn.execute(
            "SELECT id, epoch, seq, stream, body FROM delivery"
            " WHERE target = 'centre' AND (? OR state <> 'superseded')",
            (alone,),
        )
    }
    there = hub.db.conn.execute("SELECT epoch, seq, body FROM hub_item WHERE box = ? ORDER BY number", (box.id,))
    last: dict[str, int] = {}
    held = there.fetchall()
    for epoch, seq, body in held:
        id_, stream = mine.get((epoch, seq, body), (0, ""))  # else of before a restore, or of a copy
        if stream and id_ < last.get(stream, 0):
            found.order.append(f"{box.machine.name}: {epoch}:{seq} of {stream} came after what follows it")
        last[stream] = max(id_, last.get(stream, 0))
    known = {body for _, _, body in held}
    for epoch, seq, body in db.conn.execute(
        "SELECT epoch, seq, body FROM delivery WHERE target = 'centre' AND state = 'delivered'"
    ):
        if body not in known:
            found.lost.append(f"{box.machine.name}: {epoch}:{seq} counts as delivered and is not at the hub")
    found.looked["streams"] += len(last)


def _states(hub: Hub, box: Box, db: Database, found: Findings) -> None:
    """What the hub shows of sittings and sessions is what the box has."""
    for sitting, status in hub.db.conn.execute("SELECT sitting, status FROM hub_sitting WHERE box = ?", (box.id,)):
        row = db.conn.execute("SELECT status, seq FROM sitting WHERE id = ?", (sitting,)).fetchone()
        if box.restores and (row is None or not row[1]):
            continue  # the box has forgotten that anything happened in it
        if row is None or row[0] != (status or "planned"):
            found.apart.append(f"{box.machine.name}: sitting {sitting} is {row}, at the hub {status}")
        found.looked["sittings"] += 1
    rows = hub.db.conn.execute("SELECT session_id, conclusion, ended_us FROM hub_session WHERE box = ?", (box.id,))
    for session_id, conclusion, ended_us in rows:
        row = db.conn.execute("SELECT id, finished_us FROM session WHERE session_id = ?", (session_id,)).fetchone()
        if row is None or ended_us is None or row[1] is None:
            continue
        here = review_of(db, row[0]).conclusion
        if here != conclusion:
            found.apart.append(f"{box.machine.name}: session {session_id} is {here}, at the hub {conclusion}")
        found.looked["conclusions"] += 1


def _gone(hub: Hub, box: Box, db: Database, found: Findings) -> None:
    """What was deleted at the centre is gone on the box, unless something had happened in it."""
    for (exam,) in hub.db.conn.execute(
        "SELECT id FROM hub_feed WHERE box = ? AND kind = 'exam' AND deleted", (box.id,)
    ):
        local = db.conn.execute("SELECT local FROM centre_thing WHERE kind = 'exam' AND id = ?", (exam,)).fetchone()
        if local and local[0] and db.conn.execute(
            "SELECT 1 FROM exam WHERE id = ? AND removed_us IS NULL", (local[0],)
        ).fetchone():  # fmt: skip
            found.apart.append(f"{box.machine.name}: exam {exam} was deleted at the hub and is still there")
        found.looked["deletions"] += 1
    rows = hub.db.conn.execute("SELECT id FROM hub_feed WHERE box = ? AND kind = 'sitting' AND deleted", (box.id,))
    for (sitting,) in rows:
        if db.conn.execute(
            "SELECT 1 FROM sitting WHERE id = ? AND removed_us IS NULL AND status <> 'closed'", (sitting,)
        ).fetchone():
            found.apart.append(f"{box.machine.name}: sitting {sitting} was deleted at the hub and is still open")
        found.looked["deletions"] += 1


def _extra_time(hub: Hub, box: Box, db: Database, found: Findings) -> None:
    """The sums of extra time are equal, and no grant of the centre was given twice."""
    told: dict[str, int] = defaultdict(int)
    mine = set(db.conn.execute("SELECT epoch, seq, body FROM delivery WHERE target = 'centre'").fetchall())
    rows = hub.db.conn.execute(
        "SELECT epoch, seq, body FROM hub_item WHERE box = ? AND kind = 'sitting_event'", (box.id,)
    )
    for epoch, seq, text in rows:
        body = json.loads(text)
        amount = body["event"].get("detail", {}).get("amount_us", 0)
        if (epoch, seq, text) in mine:
            told[body["sitting"]] += amount
    for (sitting,) in db.conn.execute("SELECT id FROM sitting WHERE origin = 'centre'").fetchall():
        history = run_of(db, sitting).history
        here = sum(int(event.detail.get("amount_us", 0)) for event in history)
        if here != told[sitting]:
            found.apart.append(f"{box.machine.name}: {here} us of extra time in {sitting}, at the hub {told[sitting]}")
        grants = Counter(str(event.detail["grant"]) for event in history if "grant" in event.detail)
        found.doubled += [f"{box.machine.name}: grant {grant} given {n} times" for grant, n in grants.items() if n > 1]
        found.looked["grants"] += len(grants)


def _deliveries(hub: Hub, lms: LmsReceiver, found: Findings) -> None:
    """The LMS has every delivery of the hub, of each session in order, and one of each cause."""
    got = {one.key: one for one in lms.first_arrivals()}
    for one in lms.arrived:
        if one.key in got and (one.path, one.body) != (got[one.key].path, got[one.key].body):
            found.doubled.append(f"the LMS got two different things under {one.key}")
    keys_of = {key.partition(":")[2]: key for key in got}
    expected: dict[str, list[str]] = defaultdict(list)
    for epoch, seq, stream, kind, state in hub.db.conn.execute(
        "SELECT epoch, seq, stream, kind, state FROM delivery WHERE target LIKE 'lms:%' ORDER BY id"
    ):
        key = keys_of.get(f"{epoch}:{seq}", "")
        if state == "superseded" and not key:
            continue
        if state not in {"delivered", "superseded"} or not key:
            found.lost.append(f"{kind} {epoch}:{seq} is {state} and not at the LMS")
            continue
        expected[stream].append(key)
        found.looked["deliveries"] += 1
    places = {key: place for place, key in enumerate(got)}
    for stream, keys in expected.items():
        if [places[key] for key in keys] != sorted(places[key] for key in keys):
            found.order.append(f"the LMS got {stream} in another order")
    causes = Counter(
        json.loads(body)["kind"]
        for kind, body in hub.db.conn.execute(
            f"SELECT kind, body FROM hub_item WHERE kind IN {_TOLD} AND note <> ?",  # noqa: S608  our own words
            (OLDER,),
        )
    )
    made = dict(
        hub.db.conn.execute("SELECT kind, COUNT(*) FROM delivery WHERE target LIKE 'lms:%' GROUP BY kind").fetchall()
    )
    for kind in ("review", "schedule", "warning", "agreement"):
        if causes.get(kind, 0) != made.get(kind, 0):
            found.doubled.append(f"{causes.get(kind, 0)} items of {kind} made {made.get(kind, 0)} deliveries")


def _answered(hub: Hub, centre: HubDriver, found: Findings) -> None:
    """What the LMS was answered a success for is what the hub holds."""
    for name, duration in centre.answered.items():
        row = hub.db.conn.execute("SELECT json_extract(parameters, '$.duration') FROM exam WHERE exam_id = ?", (name,))
        held = row.fetchone()
        if held is None or held[0] != duration:
            found.lost.append(f"the exam {name} was answered with {duration} minutes and has {held}")
        found.looked["exams"] += 1


def _epochs(hub: Hub, drivers: list[BoxDriver], copies: list[BoxDriver], found: Findings) -> None:
    """A restored box and a copied one go on under names of their own, and the hub knows both."""
    present: Counter[tuple[str, str]] = Counter()
    known = set(hub.db.conn.execute("SELECT box, epoch FROM hub_epoch").fetchall())
    for driver in (*drivers, *copies):
        with reading(driver.box.machine) as db:
            epoch = str(present_epoch(db))
            reasons = Counter(str(row[0]) for row in db.conn.execute("SELECT reason FROM epoch"))
        present[driver.box.id, epoch] += 1
        if (driver.box.id, epoch) not in known:
            found.apart.append(f"{driver.box.machine.name}: the hub does not know its epoch {epoch}")
        if driver in copies and not reasons["cloned"]:
            found.apart.append(f"{driver.box.machine.name} is a copy and began no epoch of its own: {reasons}")
        if driver.box.restores and not (reasons["restored"] + reasons["conflict"]):
            found.apart.append(f"{driver.box.machine.name} was restored and began no new epoch: {reasons}")
        found.looked["epochs"] += sum(reasons.values())
    found.doubled += [f"two have the epoch {key}" for key, count in present.items() if count > 1]


def _log(machine: Machine, found: Findings) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "log", "verify"],
        env=machine.environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode:
        found.logs.append(
            f"{machine.name}: log verify says {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}"
        )
    with reading(machine) as db:
        found.looked["log entries"] += db.conn.execute("SELECT COUNT(*) FROM log_entry").fetchone()[0]
