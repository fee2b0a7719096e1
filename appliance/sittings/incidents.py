"""Incidents people record. One is never changed: a correction stands beside it, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.exams.records import Incident

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.clock import Clock


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
        BadInputError: a time in the future, or a text that is too long; names the field.
        NotFoundError: there is no such sitting or session.
    """
    raise NotImplementedError


def correct_incident(
    db: Database,
    id: str,
    corrected: Incident | None,
    *,
    who: str,
    why: str = "",
    clock: Clock,
    where: str = "",  # noqa: A002  the model's word
) -> StoredIncident:
    """Put a correction beside an incident; None: it was none, which needs a reason.

    Raises:
        ConflictError: it was corrected already (correct the correction), or the reason is missing.
        NotFoundError: there is no such incident.
    """
    raise NotImplementedError


def list_incidents(
    db: Database, *, sitting: str = "", session: str = "", all_versions: bool = False
) -> list[StoredIncident]:
    """Return incidents in order of time; without `all_versions` only those that stand now."""
    raise NotImplementedError
