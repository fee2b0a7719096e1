"""What candidates may do in an exam (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.exchange.fields import flag, text
from appliance.exchange.record import nested, wire, written

if TYPE_CHECKING:
    from appliance.exchange.json_edge import JsonObject

_MAX_CUSTOM_RULES: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is allowed, and rules in the exam's own words."""

    allow_to_use_paper: bool = wire("allow_to_use_paper", flag, default=True)
    allow_to_use_calculator: bool = wire("allow_to_use_calculator", flag, default=True)
    allow_to_use_websites: bool = wire("allow_to_use_websites", flag, default=False)
    allow_to_use_books: bool = wire("allow_to_use_books", flag, default=False)
    allow_to_use_messengers: bool = wire("allow_to_use_messengers", flag, default=False)
    allow_to_use_excel: bool = wire("allow_to_use_excel", flag, default=False)
    allow_to_use_human_assistant: bool = wire("allow_to_use_human_assistant", flag, default=False)
    allow_absence_in_frame: bool = wire("allow_absence_in_frame", flag, default=False)
    allow_voices: bool = wire("allow_voices", flag, default=False)
    allow_wrong_gaze_direction: bool = wire("allow_wrong_gaze_direction", flag, default=False)
    custom_rules: str = wire("custom_rules", text(_MAX_CUSTOM_RULES), "")
    extra: JsonObject

    def as_json(self) -> JsonObject:
        """Return every rule, then those that are not known here."""
        return written(self)


read_rules: Final = nested(Rules)
"""Reads the object ``rules``."""
DEFAULT_RULES: Final = read_rules({})
