"""What warnings are called where people read them (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.exchange.enums import WarningType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.exchange.json_edge import Json, JsonObject

TITLES: Final[dict[WarningType, dict[str, str]]] = {
    WarningType.EXTRA_USER_IN_FRAME: {"en": "Another person in the picture", "de": "Eine weitere Person im Bild"},
    WarningType.SUBSTITUTION_USER: {"en": "Another person than at the start", "de": "Eine andere Person als zu Beginn"},
    WarningType.NO_USER_IN_FRAME: {"en": "Nobody in the picture", "de": "Niemand im Bild"},
    WarningType.AVERT_EYES: {"en": "Looking away from the screen", "de": "Blick weg vom Bildschirm"},
    WarningType.CHANGE_ACTIVE_WINDOW_ON_COMPUTER: {
        "en": "Another window on the computer",
        "de": "Ein anderes Fenster am Rechner",
    },
    WarningType.VOICE_DETECTED: {"en": "A voice was heard", "de": "Eine Stimme war zu hören"},
    WarningType.PHONE: {"en": "A phone in the picture", "de": "Ein Telefon im Bild"},
    WarningType.FORBIDDEN_DEVICE: {"en": "A forbidden device", "de": "Ein verbotenes Gerät"},
    WarningType.TIMEOUT: {"en": "No signal for some time", "de": "Eine Zeit lang kein Signal"},
}


def titles_of(kinds: Iterable[str]) -> JsonObject:
    """Return the titles of all known kinds and of these: by kind, then by language.

    A kind that is not known here is called by its own words: ``WARNING_HAND_RAISED`` is *Hand raised*.
    """
    found: JsonObject = {kind.value: _copy(titles) for kind, titles in TITLES.items()}
    for kind in kinds:
        found.setdefault(kind, {"en": kind.removeprefix("WARNING_").replace("_", " ").strip().capitalize() or kind})
    return found


def _copy(titles: dict[str, str]) -> Json:
    return {language: title for language, title in titles.items()}  # noqa: C416  a dict of another value type
