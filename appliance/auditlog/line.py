"""One entry as a person sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.auditlog import entry
from appliance.clock import format_utc

ERASED = "(erased)"
UNREADABLE = "(unreadable)"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry as a person sees it; erased values read ``(erased)``."""

    seq: int
    at_us: int
    action: str
    who: str
    where: str
    detail: dict[str, Any]
    personal: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values, as the command and the dashboard's file give it; the time in UTC as well."""
        return {
            "seq": self.seq,
            "at": format_utc(self.at_us),
            "at_us": self.at_us,
            "action": self.action,
            "who": self.who,
            "where": self.where,
            "detail": self.detail,
            "personal": self.personal,
        }


def read_line(seq: int, raw: bytes, values: dict[str, str]) -> LogLine:
    """Return an entry's line from its body and the personal values beside it (pure)."""
    body = entry.read_body(raw) or {}
    stated = entry.commitments_of(body)
    shown = {field: values.get(field, ERASED) for field in stated}
    detail, at_us = body.get("detail"), body.get("at_us")
    return LogLine(
        seq=seq,
        at_us=at_us if isinstance(at_us, int) else 0,
        action=str(body.get("action", UNREADABLE)),
        who=shown.pop(entry.WHO, ""),
        where=shown.pop(entry.WHERE, ""),
        detail=detail if isinstance(detail, dict) else {},
        personal=shown,
    )
