"""What the pages of seat agents show: how each stands, what it told last, and how the box's own part stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.certificates.anchor import anchor_of
from appliance.certificates.own_address import reachable_address
from appliance.certificates.store import CertificateStore
from appliance.clock import SECOND_US
from appliance.errors import ApplianceError, UnavailableError
from appliance.ipc.beat import read_beat
from appliance.sittings.seat_reports import watches_windows
from appliance.usb.agents.bodies import read_body
from appliance.usb.agents.store import list_agents
from appliance.usb.signed import signed_policy

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.usb.agents.bodies import Body
    from appliance.usb.agents.store import SeatAgent
    from appliance.web.services import Services

_DAY_US: Final = 24 * 3600 * SECOND_US
ENDS_SOON_US: Final = 30 * _DAY_US
CLOCK_OFF_S: Final = 120
_EVENTS: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One agent. ``level``: ``good``, ``warn``, ``silent``, ``new``, ``expired``; ``troubles`` are words' names."""

    agent: SeatAgent
    level: str
    troubles: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The colour it is shown in."""
        return {"good": "good", "warn": "warn", "new": ""}.get(self.level, "bad")


@dataclass(frozen=True, slots=True)
class Told:
    """Something an agent told; ``late_us``: how long it waited to be delivered, where that is more than a moment."""

    at_us: int
    body: Body | None
    warning: int | None
    late_us: int


@dataclass(frozen=True, slots=True)
class BoxPart:
    """How the box's own part stands.

    Attributes:
        version: of the signed policy; 0: none was signed yet.
        dead: why the devices process, which signs it, is not there; None: it is.
        address: where workstations reach the box by HTTPS; empty: they cannot.
        no_anchor: why there is no certificate to bind codes to; None: there is one.
    """

    version: int
    dead: ApplianceError | None
    address: str
    no_anchor: ApplianceError | None


def box_part(db: Database, box: Services) -> BoxPart:
    """Look at the box's own part."""
    signed, dead, no_anchor = signed_policy(db), None, None
    try:
        read_beat(box.settings.devices_beat, box.clock, name="devices")
    except UnavailableError as problem:
        dead = problem
    except PermissionError:
        dead = None  # closed to this user: it is there
    try:
        anchor_of(CertificateStore(box.settings.tls_dir))
    except ApplianceError as problem:
        no_anchor = problem
    address = reachable_address(box.settings)
    return BoxPart(
        version=0 if signed is None else signed.version,
        dead=dead,
        address=address if address.startswith("https://") else "",
        no_anchor=no_anchor,
    )


def rows(db: Database, box: Services, *, version: int) -> list[Row]:
    """Return the agents that were not revoked, each with how it stands."""
    agents = list_agents(db)
    at_seats = Counter(one.seat.casefold() for one in agents if one.seat)
    known = {
        str(label).casefold()
        for (label,) in db.conn.execute(
            "SELECT DISTINCT t.label FROM seat t JOIN sitting s ON s.id = t.sitting"
            " WHERE s.removed_us IS NULL AND s.status <> 'closed'"
        )
    }
    return [_row(db, box, one, version=version, seats=known, at_seat=at_seats[one.seat.casefold()]) for one in agents]


def row_of(db: Database, box: Services, agent: SeatAgent, *, version: int) -> Row:
    """Return one agent with how it stands."""
    found = [one for one in rows(db, box, version=version) if one.agent.id == agent.id]
    return found[0] if found else Row(agent, "silent", ())


def told_by(db: Database, agent: str) -> list[Told]:
    """Return what an agent told last, the newest first."""
    found = db.conn.execute(
        "SELECT at_us, received_us, kind, body, warning FROM seat_event WHERE agent = ?"
        " ORDER BY received_us DESC, epoch DESC, seq DESC LIMIT ?",
        (agent, _EVENTS),
    )
    return [
        Told(at_us, read_body(kind, body), warning, late if (late := received_us - at_us) > 60 * SECOND_US else 0)
        for at_us, received_us, kind, body, warning in found
    ]


def _row(db: Database, box: Services, one: SeatAgent, *, version: int, seats: set[str], at_seat: int) -> Row:
    now = box.clock.wall_us()
    troubles = tuple(_troubles(db, box, one, version=version, seats=seats, at_seat=at_seat))
    if one.refusal(now):
        return Row(one, "expired", ())
    if one.heard_us is None:
        return Row(one, "new", tuple(name for name in troubles if name in {"no_seat", "unknown_seat", "shared_seat"}))
    if now - one.heard_us > box.settings.usb.agent_silent_seconds * SECOND_US:
        return Row(one, "silent", troubles)
    return Row(one, "warn" if troubles else "good", troubles)


def _troubles(db: Database, box: Services, one: SeatAgent, *, version: int, seats: set[str], at_seat: int) -> list[str]:
    now, found = box.clock.wall_us(), []
    if not one.seat:
        found.append("no_seat")
    elif seats and one.seat.casefold() not in seats:
        found.append("unknown_seat")
    if at_seat > 1:
        found.append("shared_seat")
    found += [str(trouble.get("what", "")) for trouble in one.state.get("troubles", [])]
    if one.policy_version != version:
        found.append("ahead" if one.policy_version > version else "old_policy")
    if abs(int(one.state.get("clock_off_s", 0))) > CLOCK_OFF_S:
        found.append("clock")
    if one.expires_us - now < ENDS_SOON_US:
        found.append("ends_soon")
    if not one.state.get("windows") and one.seat and watches_windows(db, one.seat, now_us=now):
        found.append("no_windows")
    return found
