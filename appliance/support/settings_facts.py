"""The settings as a bundle tells them: numbers and choices as they are, texts only by whether they are set (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from appliance.config import Settings, flatten

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN: Final = frozenset(
    {
        "box.timezone", "box.language", "vault.suite", "vault.aead", "web.host", "accounts.require_classes",
        "accounts.require_totp_roles", "accounts.smtp_tls", "log.level", "log.format",
    }
)  # fmt: skip
"""Texts that are one of a few choices; every other text is left out, the ones of later versions too."""
LEFT_OUT: Final = "(set, left out)"
NOT_SET: Final = "(not set)"


def settings_facts(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return each key with its value, or why that is not there, and whether it differs from the default."""
    defaults = flatten(Settings())
    return {key: _fact(key, value, defaults) for key, value in flatten(settings).items()}


def _fact(key: str, value: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": _shown(key, value), "default": value == defaults.get(key)}


def _shown(key: str, value: Any) -> Any:
    if isinstance(value, (bool, int, float)) or value is None or key in SHOWN:
        return value
    return LEFT_OUT if value else NOT_SET
