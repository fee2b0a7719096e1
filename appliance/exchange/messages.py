"""What the box tells the LMS: bodies in which every key is always there (pure).

Receivers have been seen to fail on a missing key and on a date without a time. So what is not known is null,
lists and maps are never left out, and an instant is written in full, in whole seconds of UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.exchange.enums import Conclusion, ScheduleEvent, SessionStatus
from appliance.exchange.moment import with_offset, zulu
from appliance.exchange.warning_titles import titles_of

if TYPE_CHECKING:
    from appliance.exchange.json_edge import Json, JsonObject


@dataclass(frozen=True, slots=True)
class SessionName:
    """How the LMS names a session, as it spelled it: its account, empty where it named none, and its identifier."""

    account_id: str | int
    session_id: str | int

    def keys(self) -> JsonObject:
        """Return the keys that every message begins with."""
        return {"accountId": self.account_id, "sessionId": self.session_id}


@dataclass(frozen=True, slots=True)
class WarningFact:
    """Something that was noticed, from when to when.

    Attributes:
        number: the box's own, which a later message about the same warning repeats.
        kind: ``WARNING_AVERT_EYES`` and so on.
        start_us: UTC.
        end_us: UTC, not before the start.
        cyber: found by software; false: made or confirmed by a person.
    """

    number: int
    kind: str
    start_us: int
    end_us: int
    cyber: bool = True

    def keys(self) -> JsonObject:
        """Return the keys of a warning."""
        return {
            "type": self.kind,
            "start": with_offset(self.start_us),
            "end": with_offset(self.end_us),
            "cyber": self.cyber,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What is known about a session so far; sent again each time more is.

    Attributes:
        archive: address of the recording's page, None until there is one.
        score: 0 to 100, higher is worse; None until it is known.
        attention: score from which a person should look.
        rejected: score from which the LMS wants a session rejected.
        start_us: UTC, None until the session was started.
        end_us: UTC, None until it was finished.
        report_url: address of the report, None until there is one.
    """

    session: SessionName
    archive: str | None = None
    conclusion: Conclusion = Conclusion.UNKNOWN
    comment: str = ""
    score: float | None = None
    attention: float
    rejected: float
    start_us: int | None = None
    end_us: int | None = None
    warnings: tuple[WarningFact, ...] = ()
    report_url: str | None = None

    def body(self) -> JsonObject:
        """Return the body for ``review_url``."""
        warnings: list[Json] = [one.keys() for one in self.warnings]
        return {
            **self.session.keys(),
            "archive": self.archive,
            "conclusion": self.conclusion.value,
            "comment": self.comment,
            "score": self.score,
            "threshold": {"attention": self.attention, "rejected": self.rejected},
            "sessionStart": _zulu_or_null(self.start_us),
            "sessionEnd": _zulu_or_null(self.end_us),
            "warnings": warnings,
            "warningTitles": titles_of(one.kind for one in self.warnings),
            "reportUrl": self.report_url,
        }


def schedule_body(
    session: SessionName, event: ScheduleEvent, *, start_us: int | None, cancel_deadline_us: int | None
) -> JsonObject:
    """Return the body for ``schedule_url``."""
    return {
        **session.keys(),
        "event": event.value,
        "start": _zulu_or_null(start_us),
        "cancelDeadline": _zulu_or_null(cancel_deadline_us),
    }


def warning_body(session: SessionName, warning: WarningFact) -> JsonObject:
    """Return the body for ``warning_url``."""
    return {**session.keys(), **warning.keys(), "id": warning.number}


def agreement_body(session: SessionName, *, accepted_us: int) -> JsonObject:
    """Return the body for ``agreement_acceptance_url``."""
    return {**session.keys(), "timestamp": zulu(accepted_us)}


def status_body(session: SessionName, status: SessionStatus, *, start_us: int | None, end_us: int | None) -> JsonObject:
    """Return the answer to who asks for a session's status."""
    return {
        **session.keys(),
        "status": status.value,
        "sessionStart": _zulu_or_null(start_us),
        "sessionEnd": _zulu_or_null(end_us),
    }


def finish_body(*, changed: bool) -> JsonObject:
    """Return the answer to who finishes a session: whether that changed anything."""
    return {"message": "finished" if changed else "not_changed"}


def _zulu_or_null(us: int | None) -> str | None:
    return None if us is None else zulu(us)
