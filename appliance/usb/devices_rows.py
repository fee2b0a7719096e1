"""What is plugged in now, as rows; the devices process alone writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from appliance.usb.model import Decision, Device
from appliance.usb.rows import rows_of, to_json

if TYPE_CHECKING:
    from sqlite_utils import Database

DeviceState = Literal["in", "partly", "out", "rejected", "failed", "noted"]
"""As the kernel was told: in; some of its interfaces in; out; dropped; it could not be told; judged only."""


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """A device that is plugged in.

    ``problem``: why the kernel could not be told, in words. ``since_us``: since when this device is at this port;
    ``looked_us``: when it was last judged (wall).
    """

    device: Device
    decision: Decision
    state: DeviceState
    problem: str = ""
    since_us: int
    looked_us: int


def present(db: Database) -> tuple[Present, ...]:
    """Return what is plugged in, in the order of ports."""
    found = map(_present, rows_of(db, "SELECT * FROM usb_device"))
    return tuple(sorted(found, key=lambda one: port_order(one.device.port)))


def present_at(db: Database, port: str) -> Present | None:
    """Return what is plugged in at a port, None where nothing is."""
    found = rows_of(db, "SELECT * FROM usb_device WHERE port = ?", (port,))
    return _present(found[0]) if found else None


def keep_present(db: Database, one: Present) -> None:
    """Keep a device that is plugged in, in the open transaction."""
    db.conn.execute(
        "INSERT OR REPLACE INTO usb_device (port, device, decision, state, problem, since_us, looked_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            one.device.port,
            to_json(one.device),
            to_json(one.decision),
            one.state,
            one.problem,
            one.since_us,
            one.looked_us,
        ),
    )


def forget_present(db: Database, port: str) -> None:
    """Keep that nothing is plugged in at a port any more, in the open transaction."""
    db.conn.execute("DELETE FROM usb_device WHERE port = ?", (port,))


def port_order(port: str) -> tuple[tuple[int, ...], str]:
    """Return what ports are sorted by: 1-2 comes before 1-10, a hub before what hangs on it."""
    numbers = port.removeprefix("usb").replace("-", ".").split(".")
    return tuple(int(one) for one in numbers if one.isdigit()), port


def _present(row: dict[str, Any]) -> Present:
    return Present(
        device=msgspec.json.decode(row["device"], type=Device),
        decision=msgspec.json.decode(row["decision"], type=Decision),
        **{name: row[name] for name in ("state", "problem", "since_us", "looked_us")},
    )
