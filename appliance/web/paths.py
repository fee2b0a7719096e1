"""Addresses a person may be sent on to (pure)."""

from __future__ import annotations


def local_path(target: str | None) -> str:
    """Return a path of this dashboard, or nothing where ``target`` could lead elsewhere."""
    text = target or ""
    if not text.startswith("/") or text[1:2] in {"/", "\\"} or any(ord(sign) <= ord(" ") for sign in text):
        return ""
    return text
