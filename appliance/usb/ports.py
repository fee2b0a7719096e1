"""What people call ports, and which seat they belong to; a row of a hub counts for all that hangs on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from appliance import auditlog
from appliance.database import write
from appliance.errors import BadInputError, NotFoundError
from appliance.usb.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlite_utils import Database

    from appliance.clock import Clock

_PORT: Final = re.compile(r"(usb\d{1,3}|\d{1,3}-\d{1,3}(\.\d{1,3}){0,6})")
MAX_LABEL: Final = 60


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A port, or a hub with all below it, as people named it; ``seat`` is a seat's label in the room's plans."""

    port: str
    label: Annotated[str, msgspec.Meta(max_length=MAX_LABEL)] = ""
    seat: Annotated[str, msgspec.Meta(max_length=MAX_LABEL)] = ""
    changed_us: int = 0
    changed_by: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where a device is for people: empty texts where nobody said."""

    label: str = ""
    seat: str = ""


def ports(db: Database) -> tuple[Port, ...]:
    """Return the ports that people named."""
    return tuple(Port(**row) for row in rows_of(db, "SELECT * FROM usb_port ORDER BY port"))


def name_port(
    db: Database, port: str, *, label: str = "", seat: str = "", who: str, clock: Clock, where: str = ""
) -> Port:
    """Say what a port (or hub) is called and which seat it belongs to.

    Raises:
        BadInputError: no such form of port, nothing is said, or too long; nothing was stored.
    """
    label, seat = " ".join(label.split()), " ".join(seat.split())
    if not _PORT.fullmatch(port):
        raise BadInputError(
            "port: this is no port's name.", hint="Ports are named as in 1-1.4; see `exambox usb status`."
        )
    for field, value in (("label", label), ("seat", seat)):
        if len(value) > MAX_LABEL:
            raise BadInputError(f"{field}: longer than {MAX_LABEL} characters.", hint="Shorten it.")
    if not (label or seat):
        raise BadInputError("label: say what the port is called, or which seat it belongs to.", hint="Or remove it.")
    one = Port(port=port, label=label, seat=seat, changed_us=clock.wall_us(), changed_by=who)
    with write(db):
        db.conn.execute(
            "INSERT OR REPLACE INTO usb_port (port, label, seat, changed_us, changed_by) VALUES (?, ?, ?, ?, ?)",
            msgspec.structs.astuple(one),
        )
        detail = {"port": port, "label": label, "seat": seat}
        auditlog.append(db, "usb.port_named", clock=clock, who=who, where=where, detail=detail)
    return one


def forget_port(db: Database, port: str, *, who: str, clock: Clock, where: str = "") -> Port:
    """Remove what was said of a port, and return it, so that it can be said again.

    Raises:
        NotFoundError: nothing was.
    """
    with write(db):
        known = next((one for one in ports(db) if one.port == port), None)
        if known is None:
            raise NotFoundError("This port has no name.", hint="Load the page again.")
        db.conn.execute("DELETE FROM usb_port WHERE port = ?", (port,))
        auditlog.append(db, "usb.port_forgotten", clock=clock, who=who, where=where, detail={"port": port})
    return known


def place_of(known: Iterable[Port], port: str, peers: Mapping[str, str] | None = None) -> Place:
    """Return where a port is: as named, else as the nearest hub above it; label and seat each on their own.

    Args:
        known: the ports people named.
        port: the kernel's name of one.
        peers: ports that are the same socket under another name.
    """
    named, others = {one.port: one for one in known}, peers or {}
    label = seat = ""
    for one in above(port):
        for name in (one, others.get(one, "")):
            row = named.get(name)
            if row is not None:
                label, seat = label or row.label, seat or row.seat
    return Place(label, seat)


def above(port: str) -> tuple[str, ...]:
    """Return the port and the hubs above it, the nearest first: ``1-1.4``, ``1-1``, ``usb1``."""
    found = [port]
    while "." in found[-1]:
        found.append(found[-1].rpartition(".")[0])
    bus = port.partition("-")[0]
    if not port.startswith("usb"):
        found.append(f"usb{bus}")
    return tuple(found)
