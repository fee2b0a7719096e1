"""What an LMS answered, as it is kept: redacted, with why in a word."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from appliance.outbox.reasons import reason
from appliance.outbox.redaction import kept_body, says_error
from appliance.outbox.settling import Tried

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from appliance.outbox.calling import Answer

_ACCEPTED: Final = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
_TOKEN_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NOTHING_THERE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_PERSON: Final = """
SELECT candidate.last_name, candidate.first_name, candidate.third_name, candidate.email, candidate.number,
       candidate.user_id
FROM session JOIN candidate ON candidate.id = session.candidate WHERE session.id = ?
"""


def tried(delivery: int, answer: Answer, *, secrets: Iterable[str], names: Iterable[str]) -> Tried:
    """Return an attempt as it is kept (pure)."""
    body = kept_body(answer.text, secrets=secrets, names=names)
    return Tried(
        delivery=delivery,
        at_us=answer.at_us,
        took_us=answer.took_us,
        status=answer.status,
        body=body,
        reason=answer.reason or _why(answer.status, answer.text),
        retry_after_s=answer.retry_after_s,
    )


def names_of(db: Database, session: str) -> tuple[str, ...]:
    """Return what an answer about a session must not be kept with: its candidate's names and numbers."""
    row = db.conn.execute(_PERSON, (session,)).fetchone()
    return tuple(str(value) for value in row if value) if row else ()


def _why(status: int | None, text: str) -> str:
    if status is None:
        return ""
    if status in _ACCEPTED:
        return reason("says_error") if says_error(text) else ""
    if status in _TOKEN_REFUSED:
        return reason("unauthorised", str(status))
    if status in _NOTHING_THERE:
        return reason("wrong_address", str(status))
    return reason("status", str(status))
