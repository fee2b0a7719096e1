"""Sessions as rows, and what is known of one at a moment: for its page, for the LMS, for messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.exams.transitions import Role
    from appliance.sittings.values import RecordingRange, SessionFacts, StoredSession


def get_session(db: Database, id: str) -> StoredSession:  # noqa: A002  the model's word
    """Return a session by our id, also an unregistered one.

    Raises:
        NotFoundError: there is none.
    """
    raise NotImplementedError


def find_session(db: Database, integration: str, session_id: str) -> StoredSession:
    """Return the session that an LMS (integration's id) calls so.

    Raises:
        NotFoundError: there is none.
    """
    raise NotImplementedError


def sessions_of(db: Database, sitting: str) -> list[StoredSession]:
    """Return the sessions of a sitting, in no particular order."""
    raise NotImplementedError


def session_facts(db: Database, id: str, *, now_us: int) -> SessionFacts:  # noqa: A002  the model's word
    """Return what is known of a session now.

    Raises:
        NotFoundError: there is none.
    """
    raise NotImplementedError


def finish_session(
    db: Database,
    session: StoredSession,
    *,
    who: str,
    role: Role,
    clock: Clock,
    finish_url: str | None = None,
    where: str = "",
) -> bool:
    """Finish a session, or unregister it where it has not begun; return whether that changed anything.

    Raises:
        IllegalTransitionError: it cannot be finished now, or not by this role.
    """
    raise NotImplementedError


def record_agreement(
    db: Database, session: StoredSession, *, notice: str, clock: Clock, where: str = ""
) -> StoredSession:
    """Keep that the candidate agreed to a version of the notice, and tell the LMS; the first time counts.

    In a sitting the candidate's `consent` is acted as well, where it is their turn.
    """
    raise NotImplementedError


def recordings_of(db: Database, session: StoredSession, *, now_us: int) -> Sequence[RecordingRange]:
    """Return where the pictures of a session are: usually one range, none where nothing was recorded."""
    raise NotImplementedError
