"""A box joins by a one-time code: its keys become known, its first epoch, the code is used up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.auditlog import append
from appliance.database import write
from appliance.errors import ApplianceError, ConflictError
from appliance.exchange.centre.messages import EnrolAnswer
from appliance.hub.boxes import Box, get_box
from appliance.hub.codes import hash_of
from appliance.hub.forms import checked_address

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.centre.messages import EnrolRequest
    from appliance.hub.identity import HubKeys


class EnrolRefusedError(ApplianceError):
    """A code does not let a box in; ``reason`` is ``unknown``, ``used``, ``expired`` or ``withdrawn``."""

    code = "centre.enrol_refused"
    status = 403

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(
            message, hint="Ask the central service for a new code: “Rooms, Let a box join”, or `exambox hub code`."
        )
        self.reason = reason


def enrol(
    db: Database, asked: EnrolRequest, *, keys: HubKeys, centre: str, clock: Clock, ca: str = "", where: str = ""
) -> EnrolAnswer:
    """Let a box join; the token beside the request was checked with the key it names. Durable when it returns.

    Asked again by the same box with the same key and code it is answered the same, so that a lost answer costs nothing.

    Raises:
        EnrolRefusedError: the code is not known, used, out of time or withdrawn.
        ConflictError: another key is known of a box of this name that was not revoked.
    """
    now, hashed = clock.wall_us(), hash_of(asked.code)
    public, seal_public = bytes.fromhex(asked.public), bytes.fromhex(asked.seal_public)
    with write(db):
        row = db.conn.execute(
            "SELECT room, address, expires_us, used_us, used_by, withdrawn_us FROM hub_code WHERE hash = ?", (hashed,)
        ).fetchone()
        if row is None:
            raise EnrolRefusedError("This code is not known here.", reason="unknown")
        room, address, expires_us, used_us, used_by, withdrawn_us = row
        known = _known(db, asked.box)
        if used_us is not None:
            if used_by != asked.box or known is None or known.public != public or known.revoked_us is not None:
                raise EnrolRefusedError("This code has been used.", reason="used")
            return _answer(keys, centre, known, ca)
        if withdrawn_us is not None:
            raise EnrolRefusedError("This code was withdrawn.", reason="withdrawn")
        if now >= expires_us:
            raise EnrolRefusedError("This code is out of time.", reason="expired")
        if known is not None and known.revoked_us is None and known.public != public:
            raise ConflictError(
                f"A box {asked.box} with another key belongs to this centre already.",
                hint="If it is the same box with new keys, revoke the former one at the central service first.",
            )
        _keep(db, asked, room=room, address=address, keys=(public, seal_public), now_us=now)
        db.conn.execute("UPDATE hub_code SET used_us = ?, used_by = ? WHERE hash = ?", (now, asked.box, hashed))
        db.conn.execute("INSERT OR IGNORE INTO hub_dirty (kind, id) VALUES ('box', ?)", (asked.box,))
        detail = {"box": asked.box, "room": room, "again": known is not None}
        append(db, "hub.box_enrolled", clock=clock, who=f"box {asked.box}", where=where, detail=detail)
        return _answer(keys, centre, get_box(db, asked.box), ca)


def _known(db: Database, box: str) -> Box | None:
    row = db.conn.execute("SELECT id FROM hub_box WHERE id = ?", (box,)).fetchone()
    return None if row is None else get_box(db, box)


def _keep(
    db: Database, asked: EnrolRequest, *, room: str, address: str, keys: tuple[bytes, bytes], now_us: int
) -> None:
    db.conn.execute(
        "INSERT INTO hub_box (id, room, name, public, seal_public, address, told_address, enrolled_us, valid_until_us)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE SET room = ?2, name = ?3, public = ?4,"
        " seal_public = ?5, address = CASE WHEN ?6 = '' THEN address ELSE ?6 END, told_address = ?7, enrolled_us = ?8,"
        " valid_until_us = ?9, revoked_us = NULL, revoked_by = NULL, revoked_why = NULL",
        (
            asked.box, room, asked.name or room, *keys, address, checked_address(asked.address), now_us,
            asked.key_expires_us,
        ),
    )  # fmt: skip
    db.conn.execute(
        "INSERT INTO hub_epoch (box, epoch, machine, first_us, seen_us) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (box, epoch) DO UPDATE SET seen_us = excluded.seen_us",
        (asked.box, asked.epoch, asked.machine, now_us, now_us),
    )


def _answer(keys: HubKeys, centre: str, box: Box, ca: str) -> EnrolAnswer:
    return EnrolAnswer(
        hub=keys.id,
        public=keys.public.hex(),
        seal_public=keys.seal_public.hex(),
        centre=centre[:255],
        room=box.room,
        valid_until_us=box.valid_until_us,
        ca=ca,
    )
