"""What a box is told of a thing: the body of its change, made of the hub's rows as they are now."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from appliance.exchange.centre.bodies import (
    CandidateWord,
    ExamBody,
    FinishWish,
    IntegrationBody,
    RosterBody,
    RosterLine,
    SealedSecret,
    SeatingBody,
    SeatWord,
    SessionBody,
    SittingBody,
)
from appliance.exchange.centre.kinds import ChangeKind
from appliance.exchange.centre.messages import MediaRequest
from appliance.exchange.centre.sealed_secret import seal_secret
from appliance.integrations.secrets import good_secrets
from appliance.sittings.rows import one_row, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlite_utils import Database

    from appliance.exchange.json_edge import JsonObject
    from appliance.hub.boxes import Box
    from appliance.integrations.exchange_key import ExchangeKey

_SHORT: Final = 255
_LONG: Final = 2000
_EMAIL: Final = 320
_CANDIDATE: Final = (
    "c.id AS c_id, c.user_id, c.number, c.last_name, c.first_name, c.third_name, c.email, c.language, c.accommodations,"
    " (SELECT name FROM integration WHERE id = c.integration) AS c_integration"
)


@dataclass(frozen=True, slots=True)
class Content:
    """What a change will say.

    Attributes:
        sitting: which it is about, or empty.
        body: as it goes to this box.
        print: a hash of what it was made from; the same print is the same content, however it was sealed.
    """

    sitting: str
    body: JsonObject
    print: bytes


@dataclass(frozen=True, slots=True)
class Source:
    """What bodies are made with: the database, the key of the LMSs' secrets, the hub's address, and the time."""

    db: Database
    exchange: ExchangeKey
    address: str
    now_us: int


class _Maker(Protocol):
    def __call__(self, source: Source, id: str, box: Box, /) -> Content | None:  # noqa: A002  the model's word
        """Return what is said of a thing, None where it is gone or there is nothing to say yet."""


def content_of(source: Source, kind: str, id: str, box: Box) -> Content | None:  # noqa: A002  the model's word
    """Return what a box is told of a thing; None where it is gone, or there is nothing to say yet.

    Raises:
        ExchangeKeyError: an LMS's secret cannot be opened.
        UnavailableError: the key of the secrets cannot be read.
    """
    return _MAKERS[ChangeKind(kind)](source, id, box)


def is_for_one_box(kind: str) -> bool:
    """Return whether the body differs from box to box."""
    return kind == ChangeKind.INTEGRATION


def _plain(body: JsonObject, sitting: str = "", of: JsonObject | None = None) -> Content:
    return Content(sitting, body, hashlib.sha256(msgspec.json.encode([sitting, of or body], order="sorted")).digest())


def _integration(source: Source, id: str, box: Box) -> Content | None:  # noqa: A002  the model's word
    row = one_row(source.db, "SELECT * FROM integration WHERE id = ? AND removed_us IS NULL", (id,))
    if row is None:
        return None
    good = good_secrets(source.db, id, now_us=source.now_us, keys=source.exchange)
    ends = dict(source.db.conn.execute("SELECT id, ends_us FROM integration_secret WHERE integration = ?", (id,)))
    name = str(row["name"])
    body = IntegrationBody(
        name=name,
        is_active=bool(row["is_active"]),
        secrets=tuple(
            SealedSecret(
                sealed=seal_secret(one.text, integration=name, box=box.id, public=box.seal_public), ends_us=ends[one.id]
            )
            for one in good
        ),
        centre=source.address,
    )
    made_from: JsonObject = {
        "name": name,
        "is_active": body.is_active,
        "secrets": [[one.id, ends[one.id]] for one in good],
        "centre": source.address,
        "to": box.seal_public.hex(),
    }
    return _plain(body.body(), of=made_from)


def _exam(source: Source, id: str, _box: Box) -> Content | None:  # noqa: A002  the model's word
    row = one_row(
        source.db,
        "SELECT e.*, i.name AS of_integration FROM exam e JOIN integration i ON i.id = e.integration"
        " WHERE e.id = ? AND e.removed_us IS NULL",
        (id,),
    )
    if row is None:
        return None
    body = ExamBody(
        integration=row["of_integration"],
        account=row["account"],
        exam_id=row["exam_id"],
        name=row["name"][:_LONG],
        parameters=msgspec.json.decode(row["parameters"]),
        choices=msgspec.json.decode(row["choices"]),
    )
    return _plain(body.body())


def _sitting(source: Source, id: str, _box: Box) -> Content | None:  # noqa: A002  the model's word
    row = one_row(source.db, "SELECT * FROM sitting WHERE id = ? AND removed_us IS NULL", (id,))
    exams = rows_of(source.db, "SELECT exam FROM sitting_exam WHERE sitting = ? ORDER BY exam", (id,))
    if row is None or not exams:
        return None
    body = SittingBody(
        name=row["name"][:_LONG],
        room=row["room"][:_SHORT],
        exams=tuple(one["exam"] for one in exams),
        timing=msgspec.json.decode(row["timing"]),
        opening=row["opening"],
        lead_us=row["lead_us"],
    )
    return _plain(body.body(), id)


def _roster(source: Source, id: str, _box: Box) -> Content | None:  # noqa: A002  the model's word
    rows = rows_of(
        source.db,
        f"SELECT r.exam, r.planned, {_CANDIDATE} FROM roster_entry r JOIN candidate c ON c.id = r.candidate"  # noqa: S608  own words
        " WHERE r.sitting = ? ORDER BY c.id",
        (id,),
    )
    if not rows:
        return None
    lines = tuple(
        RosterLine(candidate=_word(row), exam=row["exam"], planned=msgspec.json.decode(row["planned"])) for row in rows
    )
    return _plain(RosterBody(entries=lines).body(), id)


def _seating(source: Source, id: str, _box: Box) -> Content | None:  # noqa: A002  the model's word
    seats = rows_of(source.db, "SELECT * FROM seat WHERE sitting = ? ORDER BY label", (id,))
    if not seats:
        return None
    assigned = source.db.conn.execute(
        "SELECT seat, candidate FROM roster_entry WHERE sitting = ? AND seat <> '' ORDER BY seat", (id,)
    )
    body = SeatingBody(
        seats=tuple(
            SeatWord(
                label=one["label"],
                row=one["place_row"],
                column=one["place_column"],
                cameras=tuple(msgspec.json.decode(one["cameras"])),
            )
            for one in seats
        ),
        assigned={str(seat): str(candidate) for seat, candidate in assigned},
    )
    return _plain(body.body(), id)


def _session(source: Source, id: str, _box: Box) -> Content | None:  # noqa: A002  the model's word
    row = one_row(
        source.db,
        f"SELECT n.*, i.name AS of_integration, h.finish_us, h.finish_by, {_CANDIDATE} FROM session n"  # noqa: S608  own words
        " JOIN integration i ON i.id = n.integration JOIN candidate c ON c.id = n.candidate LEFT JOIN hub_session h"
        " ON h.integration = n.integration AND h.session_id = n.session_id WHERE n.id = ? AND n.removed_us IS NULL",
        (id,),
    )
    if row is None:
        return None
    wire = msgspec.json.decode(row["wire"])
    finish = row["finish_us"]
    body = SessionBody(
        integration=row["of_integration"],
        account=wire.get("account", row["account"]),
        session=wire.get("session", row["session_id"]),
        exam=row["exam"],
        candidate=_word(row),
        sitting=row["sitting"] or "",
        session_url=row["session_url"],
        finish_url=row["finish_url"],
        parameters=msgspec.json.decode(row["parameters"]),
        scheduled_us=row["scheduled_us"],
        finish=None if finish is None else FinishWish(asked_us=finish, who=row["finish_by"][:_SHORT]),
    )
    return _plain(body.body(), row["sitting"] or "")


def _extra_time(source: Source, id: str, _box: Box) -> Content | None:  # noqa: A002  the model's word
    row = one_row(source.db, "SELECT sitting, body FROM hub_extra_time WHERE id = ? AND withdrawn_us IS NULL", (id,))
    return None if row is None else _plain(msgspec.json.decode(row["body"]), row["sitting"])


def _media(source: Source, id: str, _box: Box) -> Content | None:  # noqa: A002  the model's word
    row = one_row(source.db, "SELECT * FROM hub_media WHERE id = ? AND withdrawn_us IS NULL", (id,))
    if row is None or row["complete_us"] is not None:
        return None
    body = MediaRequest(
        sitting=row["sitting"],
        camera=row["camera"],
        from_us=row["from_us"],
        to_us=row["to_us"],
        reason=row["why"],
        session=row["session"],
    )
    return _plain(msgspec.to_builtins(body), row["sitting"])


def _word(row: Mapping[str, Any]) -> CandidateWord:
    email = row["email"]
    return CandidateWord(
        id=row["c_id"],
        integration=row["c_integration"] or "",
        user_id=row["user_id"][:_SHORT],
        number=row["number"][:_SHORT],
        last_name=row["last_name"][:_SHORT],
        first_name=row["first_name"][:_SHORT],
        third_name=row["third_name"][:_SHORT],
        email=None if email is None or len(email) > _EMAIL else email,
        language=row["language"][:_SHORT],
        accommodations=row["accommodations"][:_LONG],
    )


_MAKERS: Final[dict[ChangeKind, _Maker]] = {
    ChangeKind.INTEGRATION: _integration,
    ChangeKind.EXAM: _exam,
    ChangeKind.SITTING: _sitting,
    ChangeKind.ROSTER: _roster,
    ChangeKind.SEATING: _seating,
    ChangeKind.SESSION: _session,
    ChangeKind.EXTRA_TIME: _extra_time,
    ChangeKind.MEDIA_REQUEST: _media,
}
