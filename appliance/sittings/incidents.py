"""Incidents people record. One is never changed: a correction stands beside it, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.clock import SECOND_US
from appliance.database import write
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.exams.records import Incident
from appliance.exams.transitions import MAX_REASON
from appliance.sittings.exams import get_exam
from appliance.sittings.receivers import concerns_centre, tell_centre
from appliance.sittings.review_rows import weigh_review
from appliance.sittings.rows import Cause, insert, new_id, one_row, rows_of, to_json
from appliance.sittings.runs import stored_sitting
from appliance.sittings.session_rows import get_session

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock

_PLAIN: Final = ("id", "sitting", "category", "severity", "at_us", "who", "note", "seat")
_AHEAD_US: Final = 60 * SECOND_US
_MAX_EVIDENCE: Final = 100
_SELECT: Final = (
    "SELECT i.*, (SELECT id FROM incident WHERE corrects = i.id LIMIT 1) AS corrected_by FROM incident AS i"
)


class IncidentError(BadInputError):
    """An incident is wrong; ``field`` says where. Nothing was stored."""

    code = "sittings.incident"

    def __init__(self, field: str, message: str, *, hint: str) -> None:
        super().__init__(f"{field}: {message}", hint=hint)
        self.field = field


class StoredIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as it is kept. ``corrected_by``: the one that stands for it now. ``withdrawn``: why it was none."""

    incident: Incident
    made_us: int
    corrects: str | None = None
    corrected_by: str | None = None
    withdrawn: str | None = None


def record_incident(db: Database, incident: Incident, *, clock: Clock, where: str = "") -> StoredIncident:
    """Keep an incident; an empty id is made. ``who`` of it is the person who records it.

    Raises:
        IncidentError: a time in the future, or a text that is too long; names the field.
        NotFoundError: there is no such sitting or session.
    """
    with write(db):
        return _kept(db, incident, Cause(clock, incident.who, where))


def correct_incident(
    db: Database,
    incident: str,
    corrected: Incident | None,
    *,
    who: str,
    why: str = "",
    clock: Clock,
    where: str = "",
) -> StoredIncident:
    """Put a correction beside an incident and return it; None: it was none, which needs a reason.

    Raises:
        ConflictError: it was corrected already (correct the correction), or the reason is missing or too long.
        IncidentError: as `record_incident`.
        NotFoundError: there is no such incident.
    """
    with write(db):
        before = get_incident(db, incident)
        if before.corrected_by is not None:
            raise ConflictError("This incident was corrected already.", hint="Correct the one that stands now.")
        if corrected is None and not why.strip():
            raise ConflictError("Withdrawing an incident needs a reason.", hint="Write in a few words why.")
        if len(why) > MAX_REASON:
            raise ConflictError(f"The reason is longer than {MAX_REASON} characters.", hint="Shorten it.")
        told = before.incident if corrected is None else corrected
        news = msgspec.structs.replace(told, id="", who=who, sitting=before.incident.sitting)
        withdrawn = why.strip() if corrected is None else None
        return _kept(db, news, Cause(clock, who, where), before=before, withdrawn=withdrawn, why=why.strip())


def get_incident(db: Database, incident: str) -> StoredIncident:
    """Return one incident, also one that was corrected.

    Raises:
        NotFoundError: there is none.
    """
    row = one_row(db, f"{_SELECT} WHERE i.id = ?", (incident,))
    if row is None:
        raise NotFoundError("There is no such incident.", hint="Load the page again.")
    return _stored(row)


def list_incidents(
    db: Database, *, sitting: str = "", session: str = "", all_versions: bool = False
) -> list[StoredIncident]:
    """Return incidents in order of time; without ``all_versions`` only those that stand now."""
    conditions = ["(? = '' OR i.sitting = ?)", "(? = '' OR i.session = ?)"]
    if not all_versions:
        conditions += ["i.withdrawn IS NULL", "corrected_by IS NULL"]
    sql = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY i.at_us, i.rowid"
    return [_stored(row) for row in rows_of(db, sql, (sitting, sitting, session, session))]


def _kept(
    db: Database,
    incident: Incident,
    cause: Cause,
    *,
    before: StoredIncident | None = None,
    withdrawn: str | None = None,
    why: str = "",
) -> StoredIncident:
    now_us = cause.clock.wall_us()
    _check(incident, now_us)
    stored_sitting(db, incident.sitting)
    if incident.session:
        get_session(db, incident.session)
    name = incident.id or new_id()
    row = {one: getattr(incident, one) for one in _PLAIN} | {
        "id": name,
        "session": incident.session or None,
        "evidence": to_json(incident.evidence),
        "made_us": now_us,
        "corrects": None if before is None else before.incident.id,
        "withdrawn": withdrawn,
    }
    insert(db, "incident", row)
    detail = {"incident": name, "sitting": incident.sitting, "category": incident.category}
    detail |= {"severity": incident.severity, "session": incident.session}
    if before is None:
        cause.log(db, "incident.recorded", detail)
    else:
        corrected = {"corrects": before.incident.id, "withdrawn": withdrawn is not None}
        cause.log(db, "incident.corrected", {**detail, **corrected}, why=why)
    for session in {incident.session, "" if before is None else before.incident.session} - {""}:
        kept = get_session(db, session)
        weigh_review(db, kept, get_exam(db, kept.exam).exam)
    found = get_incident(db, name)
    if concerns_centre(db, incident.sitting):
        tell_centre(db, "incident", msgspec.to_builtins(found), stream=f"sitting:{incident.sitting}", clock=cause.clock)
    return found


def _check(incident: Incident, now_us: int) -> None:
    if not incident.who.strip():
        raise IncidentError("who", "is empty.", hint="Sign in and try again.")
    if incident.at_us > now_us + _AHEAD_US:
        raise IncidentError("at_us", "lies in the future.", hint="Correct the time.")
    if len(incident.evidence) > _MAX_EVIDENCE:
        raise IncidentError("evidence", f"has more than {_MAX_EVIDENCE} entries.", hint="Name the most important.")
    try:
        msgspec.convert(msgspec.to_builtins(incident), Incident)
    except msgspec.ValidationError as problem:
        reason, _, place = str(problem).partition(" - at `$.")
        raise IncidentError(place.rstrip("`") or "incident", f"{reason}.", hint="Correct it.") from problem


def _stored(row: dict[str, Any]) -> StoredIncident:
    evidence = msgspec.json.decode(row["evidence"], type=tuple[str, ...])
    incident = Incident(session=row["session"] or "", evidence=evidence, **{name: row[name] for name in _PLAIN})
    return StoredIncident(
        incident=incident,
        made_us=row["made_us"],
        corrects=row["corrects"],
        corrected_by=row["corrected_by"],
        withdrawn=row["withdrawn"],
    )
