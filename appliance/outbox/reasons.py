"""Why something waits: stored as ``word`` or ``word: detail``, so that each reader is told in their language (pure)."""

from __future__ import annotations

from typing import Final

REASONS: Final = {
    "address": "its address is not one the box may call",
    "certificate": "its certificate is not accepted",
    "cut": "its answer ended in the middle",
    "dns": "its name cannot be found",
    "forgotten": "it was there, but the central service was restored from a backup and has forgotten it",
    "inactive": "the integration is not active",
    "key": "the box cannot open the integration's secret",
    "no_address": "the integration has no address for this",
    "no_secret": "the integration has no secret",
    "not_hub": "what answers there is not the central service this box belongs to",
    "not_http": "what answers there does not speak HTTP as it should",
    "redirect": "it is not at this address, but sends us elsewhere: enter the new address",
    "refused": "nothing listens at its address",
    "removed": "the integration was removed",
    "says_error": "accepted, but the answer's text speaks of an error",
    "status": "it answered with the status",
    "timeout": "it did not answer in time",
    "unauthorised": "it does not accept the box's token: compare the secrets and clocks of both sides",
    "unreachable": "it cannot be reached",
    "wrong_address": "there is nothing at this address of it",
}
"""The words, and what they mean in plain English."""


def reason(word: str, detail: str = "") -> str:
    """Return a reason as it is stored."""
    return f"{word}: {' '.join(detail.split())}" if detail else word


def split_reason(text: str) -> tuple[str, str]:
    """Return word and detail; what has no known word (a person's reason) is all detail."""
    word, _, detail = text.partition(": ")
    return (word, detail) if word in REASONS else ("", text)


def in_words(text: str) -> str:
    """Return a stored reason as a person reads it."""
    word, detail = split_reason(text)
    if not word:
        return detail
    return f"{REASONS[word]} ({detail})" if detail else REASONS[word]
