"""The boxes of a centre as rows: known, looked up for each request, changed, revoked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from appliance.auditlog import append
from appliance.database import write
from appliance.errors import ApplianceError, BadInputError, NotFoundError
from appliance.hub.forms import checked_address, checked_room, checked_why

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

_SELECT: Final = (
    "SELECT"
    " id, room, name, public, seal_public, address, told_address, enrolled_us, valid_until_us, revoked_us, revoked_by,"
    " revoked_why, seen_us, report, report_us, pulled_us, pushed_us FROM hub_box"
)


class BoxRefusedError(ApplianceError):
    """A box may not speak here any more; ``reason`` is ``revoked`` or ``expired``."""

    code = "centre.box_refused"
    status = 403

    def __init__(self, message: str, *, reason: Literal["revoked", "expired"], hint: str) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Box:
    """A box that joined; times are UTC.

    Attributes:
        id: as the box is called in keys, ``box-1f2e3d4c``.
        room: which room it stands in, as the code said or somebody changed it.
        name: as the box calls itself.
        public, seal_public: raw keys: what it signs with, what is sealed to it.
        address: where candidates' browsers reach it, as entered here; ``told_address`` as it told.
        valid_until_us: it is refused from then on; None: until it is revoked.
        report: the last one as JSON, as far as it was written.
    """

    id: str
    room: str
    name: str
    public: bytes = field(repr=False)
    seal_public: bytes = field(repr=False)
    address: str
    told_address: str
    enrolled_us: int
    valid_until_us: int | None
    revoked_us: int | None
    revoked_by: str | None
    revoked_why: str | None
    seen_us: int | None
    report: str | None = field(repr=False)
    report_us: int | None
    pulled_us: int | None
    pushed_us: int | None

    @property
    def reached_at(self) -> str:
        """Where browsers reach it; empty where nobody said."""
        return self.address or self.told_address

    def refusal(self, now_us: int) -> Literal["revoked", "expired"] | None:
        """Return why it is refused, None where it is not."""
        if self.revoked_us is not None:
            return "revoked"
        return "expired" if self.valid_until_us is not None and now_us >= self.valid_until_us else None


def list_boxes(db: Database) -> list[Box]:
    """Return all boxes that ever joined, by room."""
    rows = db.conn.execute(f"{_SELECT} ORDER BY room COLLATE NOCASE, id")
    return [Box(*row) for row in rows]


def get_box(db: Database, box: str) -> Box:
    """Return a box by its id.

    Raises:
        NotFoundError: none of this id ever joined.
    """
    row = db.conn.execute(f"{_SELECT} WHERE id = ?", (box,)).fetchone()
    if row is None:
        raise NotFoundError("No such box belongs to this centre.", hint="Compare with the list of rooms.")
    return Box(*row)


def find_boxes(db: Database, text: str) -> list[Box]:
    """Return the boxes that are meant by a box's id or a room's name (case does not matter), revoked ones left out.

    Raises:
        NotFoundError: there is none.
        BoxRefusedError: there are only revoked ones.
    """
    room = text.strip().casefold()
    named = [one for one in list_boxes(db) if one.id == text or one.room.casefold() == room]
    found = [one for one in named if one.revoked_us is None]
    if named and not found:
        raise BoxRefusedError(
            f"The box {named[0].id} of {named[0].room} was revoked.",
            reason="revoked",
            hint="A new code lets it in again: `exambox hub code --room NAME`.",
        )
    if not found:
        raise NotFoundError(f"There is no box or room {text!r}.", hint="`exambox hub boxes` lists them.")
    return found


def check_good(box: Box, *, now_us: int) -> Box:
    """Return the box if it may speak here.

    Raises:
        BoxRefusedError: it was revoked, or its time is over.
    """
    match box.refusal(now_us):
        case "revoked":
            raise BoxRefusedError(
                "This box was revoked at the central service.",
                reason="revoked",
                hint="Ask the central service for a new code if it shall belong to it again.",
            )
        case "expired":
            raise BoxRefusedError(
                "The time this box was let in for is over.",
                reason="expired",
                hint="Ask the central service to extend it, or enrol the box with a new code.",
            )
    return box


def edit_box(db: Database, box: str, *, room: str, address: str, clock: Clock, who: str, where: str = "") -> Box:
    """Name the room a box stands in and where browsers reach it.

    Raises:
        NotFoundError: there is no such box.
        BadInputError: a field is wrong.
    """
    room, address = checked_room(room), checked_address(address)
    with write(db):
        before = get_box(db, box)
        if (room, address) != (before.room, before.address):
            db.conn.execute("UPDATE hub_box SET room = ?, address = ? WHERE id = ?", (room, address, box))
            append(db, "hub.box_edited", clock=clock, who=who, where=where, detail={"box": box, "room": room})
        return get_box(db, box)


def revoke_box(db: Database, box: str, *, why: str, clock: Clock, who: str, where: str = "") -> Box:
    """Refuse a box from now on; what it told stays. Enrolling it with a new code lets it in again.

    Raises:
        NotFoundError: there is no such box.
        BadInputError: no reason is given.
    """
    why = checked_why(why)
    with write(db):
        before = get_box(db, box)
        if before.revoked_us is None:
            db.conn.execute(
                "UPDATE hub_box SET revoked_us = ?, revoked_by = ?, revoked_why = ? WHERE id = ?",
                (clock.wall_us(), who, why, box),
            )
            append(
                db, "hub.box_revoked", clock=clock, who=who, where=where, detail={"box": box, "room": before.room},
                personal={"why": why},
            )  # fmt: skip
        return get_box(db, box)


def extend_box(db: Database, box: str, *, until_us: int | None, clock: Clock, who: str, where: str = "") -> Box:
    """Let a box in until a time; None: until it is revoked.

    Raises:
        NotFoundError: there is no such box.
        BadInputError: the time lies in the past.
    """
    if until_us is not None and until_us <= clock.wall_us():
        raise BadInputError("until: lies in the past.", hint="Revoke the box to refuse it at once.")
    with write(db):
        get_box(db, box)
        db.conn.execute("UPDATE hub_box SET valid_until_us = ? WHERE id = ?", (until_us, box))
        append(db, "hub.box_extended", clock=clock, who=who, where=where, detail={"box": box, "until_us": until_us})
        return get_box(db, box)
