"""What people order of USB: arm, stand down, let a stick be written to, let one device in. Rows, and their log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from appliance import auditlog
from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.usb.rows import rows_of, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.usb.model import Device

OrderKind = Literal["arm", "stand_down", "export", "let_in"]
MAX_REASON: Final = 500
LONGEST_EXPORT_US: Final = 30 * 60 * SECOND_US
LONGEST_LET_IN_US: Final = 12 * 3600 * SECOND_US
RECOVERY: Final = "recovery"
"""Who a standing down by recovery file or kernel command line is by."""
TIME: Final = "the time"
"""Who ends an order whose time is over, or whose sitting is."""
_ACTIONS: Final[dict[str, str]] = {
    "arm": "usb.arm_ordered",
    "stand_down": "usb.stood_down",
    "export": "usb.export_ordered",
    "let_in": "usb.let_in",
}


class OrderSubject(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an order is about.

    Attributes:
        hash: of the one device it concerns; with ``port`` and its ``words`` for people.
        port: where that device is plugged in: at another port the order does not count.
        words: the device as people call it.
        sitting: the order stands no longer than this sitting is open; empty: it does not depend on one.
        boot: the boot at which recovery gave it, so that it does so once a boot.
    """

    hash: str = ""
    port: str = ""
    words: str = ""
    sitting: str = ""
    boot: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is kept; ``until_us`` None: until it is ended. Wall times."""

    id: int
    kind: OrderKind
    made_us: int
    made_by: str
    why: str = ""
    until_us: int | None = None
    ended_us: int | None = None
    ended_by: str = ""
    subject: OrderSubject = OrderSubject()


def standing(db: Database) -> tuple[Order, ...]:
    """Return the orders that nobody has ended, the oldest first; whether they count now says `modes.mode_of`."""
    return tuple(map(_order, rows_of(db, "SELECT * FROM usb_order WHERE ended_us IS NULL ORDER BY id")))


def orders(db: Database, *, before: int | None = None, limit: int = 100) -> tuple[Order, ...]:
    """Return orders of all times, the newest first."""
    sql = "SELECT * FROM usb_order WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?"
    return tuple(map(_order, rows_of(db, sql, (before, before, limit))))


def arm(db: Database, *, who: str, clock: Clock, why: str = "", where: str = "") -> Order:
    """Arm USB until somebody ends it; standing orders to stand down end with it.

    Raises:
        ConflictError: it is ordered already.
    """
    with write(db):
        present = standing(db)
        downs = [one for one in present if one.kind == "stand_down"]
        if not downs and any(one.kind == "arm" for one in present):
            raise ConflictError("USB is ordered to be armed already.", hint="Nothing needs to be done.")
        _end(db, downs, who=who, clock=clock, where=where)
        known = next((one for one in present if one.kind == "arm"), None)
        return known or _make(db, "arm", who=who, clock=clock, why=why, where=where)


def rearm(db: Database, *, who: str, clock: Clock, where: str = "") -> int:
    """End every standing order to stand down, so that sittings arm USB again; return how many."""
    with write(db):
        downs = [one for one in standing(db) if one.kind == "stand_down"]
        _end(db, downs, who=who, clock=clock, where=where)
    return len(downs)


def stand_down(
    db: Database,
    *,
    who: str,
    why: str,
    clock: Clock,
    where: str = "",
    sitting: str = "",
    until_us: int | None = None,
    boot: str = "",
) -> Order:
    """Open USB, also while a sitting runs; orders to arm, to export and to let in end with it.

    With ``sitting`` it counts while that sitting is open: the next one arms USB again.

    Raises:
        BadInputError: the reason is missing or too long.
        ConflictError: it is stood down already.
    """
    _check_reason(why)
    with write(db):
        present = standing(db)
        if any(one.kind == "stand_down" and one.subject.sitting == sitting for one in present):
            raise ConflictError("USB is stood down already.", hint="Arm it to end that.")
        _end(db, [one for one in present if one.kind != "stand_down"], who=who, clock=clock, where=where)
        subject = OrderSubject(sitting=sitting, boot=boot)
        return _make(db, "stand_down", who=who, clock=clock, why=why, where=where, until_us=until_us, subject=subject)


def export(
    db: Database, device: Device, *, words: str, who: str, why: str, until_us: int, clock: Clock, where: str = ""
) -> Order:
    """Let one stick in at its port until a time, 30 minutes at most; an export that stands ends with it.

    Raises:
        BadInputError: the reason is missing, or the time is over or too far away.
    """
    _check_reason(why)
    _check_until(until_us, clock.wall_us(), LONGEST_EXPORT_US)
    with write(db):
        others = [one for one in standing(db) if one.kind == "export"]
        _end(db, others, who=who, clock=clock, where=where)
        subject = OrderSubject(hash=device.hash, port=device.port, words=words)
        return _make(db, "export", who=who, clock=clock, why=why, where=where, until_us=until_us, subject=subject)


def let_in(
    db: Database,
    device: Device,
    *,
    words: str,
    who: str,
    why: str,
    clock: Clock,
    where: str = "",
    sitting: str = "",
    until_us: int | None = None,
) -> Order:
    """Let one device in at its port: until its sitting closes, or until a time (12 hours at most, where neither).

    Raises:
        BadInputError: the reason is missing, or the time is over or too far away.
        ConflictError: it is let in already.
    """
    _check_reason(why)
    now_us = clock.wall_us()
    if until_us is not None:
        _check_until(until_us, now_us, LONGEST_LET_IN_US)
    elif not sitting:
        until_us = now_us + LONGEST_LET_IN_US
    subject = OrderSubject(hash=device.hash, port=device.port, words=words, sitting=sitting)
    with write(db):
        same = [one for one in standing(db) if one.kind == "let_in" and _same_device(one, device)]
        if any(one.subject.sitting == sitting and (one.until_us or now_us + 1) > now_us for one in same):
            raise ConflictError("This device is let in already.", hint="End that first to change it.")
        _end(db, same, who=who, clock=clock, where=where)
        return _make(db, "let_in", who=who, clock=clock, why=why, where=where, until_us=until_us, subject=subject)


def end_order(db: Database, id: int, *, who: str, clock: Clock, where: str = "") -> Order:  # noqa: A002  the table's word
    """End a standing order, and return it as it is then.

    Raises:
        ConflictError: it has ended already.
        NotFoundError: there is no such order.
    """
    with write(db):
        order = get_order(db, id)
        if order.ended_us is not None:
            raise ConflictError("This order has ended already.", hint="Load the page again.")
        _end(db, [order], who=who, clock=clock, where=where)
        return get_order(db, id)


def get_order(db: Database, id: int) -> Order:  # noqa: A002  the table's word
    """Return one order.

    Raises:
        NotFoundError: there is none.
    """
    found = rows_of(db, "SELECT * FROM usb_order WHERE id = ?", (id,))
    if not found:
        raise NotFoundError("There is no such order.", hint="Load the page again.")
    return _order(found[0])


def was_recovered(db: Database, boot: str) -> bool:
    """Return whether recovery opened USB at this boot already."""
    sql = "SELECT 1 FROM usb_order WHERE kind = 'stand_down' AND json_extract(subject, '$.boot') = ? LIMIT 1"
    return db.conn.execute(sql, (boot,)).fetchone() is not None


def end_due(db: Database, ended: Iterable[int], *, clock: Clock) -> None:
    """End orders whose time is over, or whose sitting is; those that have ended already stay as they are."""
    numbers = frozenset(ended)
    with write(db):
        _end(db, [one for one in standing(db) if one.id in numbers], who=TIME, clock=clock, where="")


def _same_device(order: Order, device: Device) -> bool:
    return (order.subject.hash, order.subject.port) == (device.hash, device.port)


def _check_reason(why: str) -> None:
    if not why.strip():
        raise BadInputError("why: this needs a reason.", hint="Write in a few words why.")
    if len(why) > MAX_REASON:
        raise BadInputError(f"why: the reason is longer than {MAX_REASON} characters.", hint="Shorten it.")


def _check_until(until_us: int, now_us: int, longest_us: int) -> None:
    if until_us <= now_us:
        raise BadInputError("until_us: the time is over already.", hint="Choose a later one.")
    if until_us > now_us + longest_us:
        minutes = longest_us // (60 * SECOND_US)
        raise BadInputError(f"until_us: at most {minutes} minutes are possible.", hint="Choose an earlier one.")


def _make(
    db: Database,
    kind: OrderKind,
    *,
    who: str,
    clock: Clock,
    why: str,
    where: str,
    until_us: int | None = None,
    subject: OrderSubject | None = None,
) -> Order:
    about = subject or OrderSubject()
    db.conn.execute(
        "INSERT INTO usb_order (kind, made_us, made_by, why, until_us, subject) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, clock.wall_us(), who, why.strip(), until_us, to_json(about)),
    )
    order = get_order(db, int(db.conn.execute("SELECT last_insert_rowid()").fetchone()[0]))
    detail: dict[str, Any] = {"order": order.id}
    detail |= {name: value for name in ("hash", "port", "sitting") if (value := getattr(about, name))}
    detail |= {} if until_us is None else {"until_us": until_us}
    personal = {name: value for name, value in (("why", why.strip()), ("device", about.words)) if value}
    auditlog.append(db, _ACTIONS[kind], clock=clock, who=who, where=where, detail=detail, personal=personal)
    return order


def _end(db: Database, ended: Iterable[Order], *, who: str, clock: Clock, where: str) -> None:
    for one in ended:
        db.conn.execute("UPDATE usb_order SET ended_us = ?, ended_by = ? WHERE id = ?", (clock.wall_us(), who, one.id))
        detail = {"order": one.id, "kind": one.kind}
        auditlog.append(db, "usb.order_ended", clock=clock, who=who, where=where, detail=detail)


def _order(row: dict[str, Any]) -> Order:
    subject = msgspec.json.decode(row["subject"], type=OrderSubject)
    return Order(subject=subject, **{name: value for name, value in row.items() if name != "subject"})
