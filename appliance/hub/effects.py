"""What follows from an item of a box: the hub's own rows, and what the LMS is told, in the batch's transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.auditlog import append
from appliance.errors import BadInputError
from appliance.exams.sitting_table import SITTING_TABLE
from appliance.exchange.centre.bodies import ToldMessage
from appliance.exchange.centre.kinds import ItemKind
from appliance.exchange.enums import ScheduleEvent, SessionStatus
from appliance.exchange.moment import parse_moment
from appliance.outbox import lms_target, put
from appliance.sittings.mapping import kind_of
from appliance.sittings.receivers import Receiver, receiver_of

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exchange.centre.items import Item
    from appliance.exchange.json_edge import JsonObject

_MESSAGES: Final = frozenset({ItemKind.SESSION, ItemKind.AGREEMENT, ItemKind.WARNING, ItemKind.REVIEW})
_MOMENTS: Final[dict[str, tuple[str, ...]]] = {
    "review": ("sessionStart", "sessionEnd"),
    "status": ("sessionStart", "sessionEnd"),
    "schedule": ("start",),
    "agreement": ("timestamp",),
    "warning": ("start", "end"),
}
_TOLD: Final = msgspec.json.Decoder(ToldMessage)
_MAX_STREAM: Final = 150
_ID_DIGITS: Final = 32
_UPSERT: Final = (
    "INSERT INTO hub_session (integration, session_id, box, told_us) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (integration,"
    " session_id) DO UPDATE SET box = ?3, told_us = max(ifnull(told_us, 0), ?4)"
)


class UnusableError(BadInputError):
    """An item says nothing that can be used: it is refused, and the box parks it. ``reason`` is a stable word."""

    code = "hub.unusable"

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Named:
    """An integration by its name: its id, and who is told; ``to`` is None of a removed one."""

    id: str
    to: Receiver | None


@dataclass(frozen=True, slots=True)
class _Said:
    """A message about one session."""

    item: Item
    told: ToldMessage
    of: _Named
    session_id: str
    moments: dict[str, int | None]
    """The instants of the message, read once: nothing is written for what cannot be read."""

    @property
    def message(self) -> JsonObject:
        return self.told.message

    def text(self, key: str) -> str:
        value = self.message.get(key)
        return value if isinstance(value, str) else ""

    def moment(self, key: str) -> int | None:
        """Return an instant of the message, None where it says none."""
        return self.moments.get(key)


class Effects:
    """Of one batch of one box, inside its transaction."""

    def __init__(self, db: Database, box: str, *, clock: Clock) -> None:
        self.db, self.box, self.clock = db, box, clock
        self._integrations: dict[str, _Named | None] = {}
        self._conflicts: set[str] = set()

    def of(self, item: Item) -> str:
        """Do what follows from an item that is new; return a note where nothing could come of it, else nothing.

        Raises:
            UnusableError: it is of a kind that is known and does not have its form.
        """
        if item.kind in _MESSAGES:
            return self._message(self._read(item))
        if item.kind == ItemKind.SITTING_EVENT:
            self._event(item)
        elif item.kind == ItemKind.REGISTER:
            self._register(item)
        return ""

    def conflict(self, epoch: str) -> None:
        """Note that another content came under a key that is here: the box needs a new epoch."""
        self._conflicts.add(epoch)

    def finish(self) -> None:
        """Write down what the whole batch led to."""
        now = self.clock.wall_us()
        for epoch in sorted(self._conflicts):
            done = self.db.conn.execute(
                "UPDATE hub_epoch SET conflict_us = ?, said = 'conflict' WHERE box = ? AND epoch = ? AND conflict_us"
                " IS NULL",
                (now, self.box, epoch),
            )
            if done.rowcount:
                append(self.db, "hub.conflict", clock=self.clock, detail={"box": self.box, "epoch": epoch})

    def _read(self, item: Item) -> _Said:
        try:
            told = _TOLD.decode(item.body)  # `check_item` has read it strictly: this is the same, faster
        except msgspec.ValidationError as problem:
            raise UnusableError(str(problem), reason="body") from problem
        fits = told.kind in {"schedule", "status"} if item.kind == ItemKind.SESSION else told.kind == item.kind
        session = told.message.get("sessionId")
        if not fits or isinstance(session, bool) or not isinstance(session, (str, int)) or session == "":
            raise UnusableError("It names no session, or another kind of message than its own.", reason="body")
        if told.kind == "warning" and not (told.message.get("start") and told.message.get("end")):
            raise UnusableError("A warning has no start or no end.", reason="body")
        named = self._named(told.integration)
        if named is None:
            raise UnusableError(f"There is no integration {told.integration} here.", reason="integration")
        moments = {key: _moment(told.message, key) for key in _MOMENTS[told.kind]}
        return _Said(item, told, named, str(session), moments)

    def _named(self, name: str) -> _Named | None:
        if name not in self._integrations:
            row = self.db.conn.execute("SELECT id FROM integration WHERE name = ?", (name,)).fetchone()
            self._integrations[name] = None if row is None else _Named(row[0], receiver_of(self.db, row[0]))
        return self._integrations[name]

    def _message(self, said: _Said) -> str:
        self.db.conn.execute(_UPSERT, (said.of.id, said.session_id, self.box, said.item.at_us))
        message = said.message
        match said.told.kind:
            case "review":
                self._review(said)
            case "status":
                self._status(said)
            case "schedule":
                start = said.moment("start") if said.text("event") == ScheduleEvent.SCHEDULED else None
                self._keep(said, scheduled_us=start)
            case "agreement":
                self._keep(said, agreed_us=said.moment("timestamp"))
                self._session(said, agreed_us=said.moment("timestamp"))
            case "warning":
                message = {**message, "id": self._warning(said)}
        return self._tell(said, message)

    def _tell(self, said: _Said, message: JsonObject) -> str:
        kind, to = said.told.kind, said.of.to
        if kind == "status":
            return ""
        if to is None:
            return "its integration was removed: the LMS is not told"
        if to.wants(kind):
            key = put(
                self.db, target=lms_target(to.id), stream=_stream(said.session_id), kind=kind, body=message,
                clock=self.clock, supersedes=kind == "review",
            )  # fmt: skip
            if kind == "review":
                self._keep(said, tell_epoch=key.epoch, tell_seq=key.seq)
        return ""

    def _review(self, said: _Said) -> None:
        begun, ended, score = said.moment("sessionStart"), said.moment("sessionEnd"), said.message.get("score")
        warnings = said.message.get("warnings")
        self._keep(
            said,
            conclusion=said.text("conclusion"),
            score=float(score) if isinstance(score, (int, float)) and not isinstance(score, bool) else None,
            warnings=len(warnings) if isinstance(warnings, list) else 0,
        )
        self._course(said, begun, ended)

    def _status(self, said: _Said) -> None:
        self._keep(said, status=said.text("status"))
        self._course(said, said.moment("sessionStart"), said.moment("sessionEnd"))

    def _course(self, said: _Said, begun: int | None, ended: int | None) -> None:
        """Keep when a session began and ended, as far as it is said; what was said once stays."""
        if begun is None:
            return
        status = SessionStatus.STARTED if ended is None else SessionStatus.FINISHED
        self._keep(said, status=status.value, begun_us=begun, **({"ended_us": ended} if ended is not None else {}))
        self._session(said, status=status.value, begun_us=begun, finished_us=ended)

    def _keep(self, said: _Said, **values: Any) -> None:
        sets = ", ".join(f"{name} = ?" for name in values)
        self.db.conn.execute(
            f"UPDATE hub_session SET {sets} WHERE integration = ? AND session_id = ?",  # noqa: S608  our own words
            (*values.values(), said.of.id, said.session_id),
        )

    def _session(self, said: _Said, **values: Any) -> None:
        """Bring the hub's own row of the session, where the LMS handed it over here, to what the box says."""
        sets = ", ".join(f"{name} = ?" for name in values)
        self.db.conn.execute(
            f"UPDATE session SET {sets}, updated_us = ? WHERE integration = ? AND session_id = ?",  # noqa: S608  our own words
            (*values.values(), self.clock.wall_us(), said.of.id, said.session_id),
        )

    def _warning(self, said: _Said) -> int:
        """Keep a warning and return its number here: two boxes give the same numbers, and the LMS knows only one hub.

        Told again with another end it is the same warning.
        """
        start, end = said.moment("start") or 0, said.moment("end") or 0
        named = [self.box, said.told.integration, said.session_id, said.message.get("id"), said.text("type"), start]
        identity = hashlib.sha256(msgspec.json.encode(named)).hexdigest()[:_ID_DIGITS]
        (number,) = self.db.conn.execute(
            "INSERT INTO warning (id, session, kind, start_us, end_us, told_end_us) VALUES (?1, (SELECT id FROM session"
            " WHERE integration = ?2 AND session_id = ?3), ?4, ?5, ?6, ?6) ON CONFLICT (id) DO UPDATE SET end_us = ?6,"
            " told_end_us = ?6 RETURNING number",
            (identity, said.of.id, said.session_id, kind_of(said.text("type")), start, max(start, end)),
        ).fetchone()
        return int(number)

    def _event(self, item: Item) -> None:
        """Keep how far a sitting is: what is told last counts, for a restored box tells lower numbers again."""
        content = item.content()
        event, seq, sitting = content.get("event"), content.get("seq"), content.get("sitting")
        if not (isinstance(event, dict) and isinstance(seq, int) and isinstance(sitting, str) and sitting):
            raise UnusableError("An event names no sitting, or no number in it.", reason="body")
        rule = SITTING_TABLE.get(str(event.get("name")))
        status = str(rule.target) if rule is not None and rule.target is not None else ""
        self.db.conn.execute(
            "INSERT INTO hub_sitting (sitting, box, status, seq, at_us) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT"
            " (sitting, box) DO UPDATE SET status = CASE WHEN ?3 <> '' THEN ?3 ELSE status END, seq = ?4, at_us = ?5",
            (sitting, self.box, status, seq, item.at_us),
        )

    def _register(self, item: Item) -> None:
        register = item.content().get("register")
        sitting = register.get("sitting") if isinstance(register, dict) else None
        if not isinstance(sitting, str) or not sitting:
            raise UnusableError("A register names no sitting.", reason="body")
        self.db.conn.execute(
            "INSERT INTO hub_sitting (sitting, box, at_us, register) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (sitting, box)"
            " DO UPDATE SET register = ?4, at_us = max(at_us, ?3)",
            (sitting, self.box, item.at_us, item.body),
        )


def _moment(message: JsonObject, key: str) -> int | None:
    value = message.get(key)
    if value is None:
        return None
    try:
        return parse_moment(str(value)).us
    except ValueError as problem:
        raise UnusableError(f"{key} {problem}", reason="body") from problem


def _stream(session_id: str) -> str:
    """Return what order is kept within towards an LMS: its own name of the session, so that it never changes."""
    if len(session_id) <= _MAX_STREAM:
        return session_id
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()
