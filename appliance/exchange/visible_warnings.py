"""Which warnings a candidate is shown (pure). A hidden one is recorded all the same."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from appliance.exchange.fields import flag
from appliance.exchange.record import nested, wire, written

if TYPE_CHECKING:
    from appliance.exchange.json_edge import JsonObject


_PREFIX: Final = "warning_"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleWarnings:
    """Whether the candidate is shown each kind of warning."""

    extra_user_in_frame: bool = wire("warning_extra_user_in_frame", flag, default=True)
    substitution_user: bool = wire("warning_substitution_user", flag, default=True)
    no_user_in_frame: bool = wire("warning_no_user_in_frame", flag, default=True)
    avert_eyes: bool = wire("warning_avert_eyes", flag, default=True)
    change_active_window_on_computer: bool = wire("warning_change_active_window_on_computer", flag, default=True)
    voice_detected: bool = wire("warning_voice_detected", flag, default=True)
    phone: bool = wire("warning_phone", flag, default=True)
    forbidden_device: bool = wire("warning_forbidden_device", flag, default=True)
    timeout: bool = wire("warning_timeout", flag, default=True)
    extra: JsonObject

    def shows(self, kind: str) -> bool:
        """Return whether a warning of this type (``WARNING_PHONE``) is shown; one that nothing is said of is."""
        key = kind.lower()
        name = key.removeprefix(_PREFIX)
        said = getattr(self, name) if key.startswith(_PREFIX) and name in _KINDS else self.extra.get(key)
        return said is not False

    def as_json(self) -> JsonObject:
        """Return every kind, then those that are not known here."""
        return written(self)


_KINDS: Final = frozenset(one.name for one in fields(VisibleWarnings)) - {"extra"}
read_visible_warnings: Final = nested(VisibleWarnings)
"""Reads the object ``visibleWarnings``."""
DEFAULT_VISIBLE_WARNINGS: Final = read_visible_warnings({})
