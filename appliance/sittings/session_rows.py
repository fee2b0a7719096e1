"""Rows of sessions: read, found, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.errors import NotFoundError
from appliance.exams.states import SessionStatus
from appliance.exchange.messages import SessionName
from appliance.sittings.rows import one_row, rows_of
from appliance.sittings.values import SessionSpelling, StoredSession

if TYPE_CHECKING:
    from sqlite_utils import Database

_PLAIN: Final = tuple(name for name in StoredSession.__struct_fields__ if name not in {"wire", "parameters", "status"})


def session_of_row(row: dict[str, Any]) -> StoredSession:
    """Return the session a row of the table is."""
    return StoredSession(
        wire=msgspec.json.decode(row["wire"], type=SessionSpelling),
        parameters=msgspec.json.decode(row["parameters"]),
        status=SessionStatus(row["status"]),
        **{name: row[name] for name in _PLAIN},
    )


def get_session(db: Database, id: str) -> StoredSession:  # noqa: A002  the model's word
    """Return a session by our id, also an unregistered one.

    Raises:
        NotFoundError: there is none.
    """
    row = one_row(db, "SELECT * FROM session WHERE id = ?", (id,))
    if row is None:
        raise _unknown()
    return session_of_row(row)


def find_session(db: Database, integration: str, session_id: str) -> StoredSession:
    """Return the session that an LMS (integration's id) calls so, also an unregistered one.

    Raises:
        NotFoundError: there is none.
    """
    row = one_row(db, "SELECT * FROM session WHERE integration = ? AND session_id = ?", (integration, session_id))
    if row is None:
        raise _unknown()
    return session_of_row(row)


def sessions_of(db: Database, sitting: str, candidate: str | None = None) -> list[StoredSession]:
    """Return the sessions of a sitting, or of one candidate in it, the oldest first."""
    sql = "SELECT * FROM session WHERE sitting = ? AND (? IS NULL OR candidate = ?) ORDER BY created_us, id"
    return [session_of_row(row) for row in rows_of(db, sql, (sitting, candidate, candidate))]


def name_of(session: StoredSession) -> SessionName:
    """Return a session's name as its LMS spelled it."""
    return SessionName(session.wire.account, session.wire.session)


def _unknown() -> NotFoundError:
    return NotFoundError("There is no such session.", hint="Compare the sessionId with the one it was begun with.")
