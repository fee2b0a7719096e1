"""The addresses of an LMS that the box calls: checked when they are entered (pure)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from appliance.errors import BadInputError

MAX_ADDRESS: Final = 2000
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?\.?", re.IGNORECASE)


class AddressError(BadInputError):
    """An address cannot be called; ``field`` says which of them, ``reason`` why."""

    code = "integration.address"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}", hint="Give it in full, as in https://lms.example.org/proctoring/review.")
        self.field = field
        self.reason = reason


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where the LMS wants to be told; None: it does not want to be."""

    review_url: str | None = None
    schedule_url: str | None = None
    warning_url: str | None = None
    agreement_acceptance_url: str | None = None

    def given(self) -> dict[str, str]:
        """Return those that are set, by name."""
        return {name: value for name in ADDRESS_NAMES if (value := getattr(self, name))}


ADDRESS_NAMES: Final = ("review_url", "schedule_url", "warning_url", "agreement_acceptance_url")


def checked_addresses(addresses: Addresses) -> Addresses:
    """Return the addresses without blanks around them; an empty one is none.

    Raises:
        AddressError: one is no address of HTTP that can be called.
    """
    return Addresses(**{name: _checked(name, getattr(addresses, name)) for name in ADDRESS_NAMES})


def is_encrypted(address: str) -> bool:
    """Whether what is sent to an address cannot be read on the way: it is HTTPS, or this very machine."""
    parts = urlsplit(address)
    return parts.scheme.lower() == "https" or _is_this_machine(parts.hostname or "")


def _is_this_machine(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(name: str, given: str | None) -> str | None:
    address = (given or "").strip()
    if not address:
        return None
    if len(address) > MAX_ADDRESS:
        raise AddressError(name, f"is longer than {MAX_ADDRESS} characters.")
    if not address.isascii() or any(not sign.isprintable() or sign == " " for sign in address):
        raise AddressError(name, "holds a character that addresses have to escape.")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as problem:
        raise AddressError(name, "is no address.") from problem
    if parts.scheme.lower() not in {"http", "https"}:
        raise AddressError(name, "has to begin with https:// or http://.")
    if parts.username is not None or parts.password is not None:
        raise AddressError(name, "must not hold a user or a password; the box signs what it sends.")
    if parts.fragment:
        raise AddressError(name, "must not have a part after #.")
    if not (_HOST.fullmatch(host) or _is_address(host)):
        raise AddressError(name, "names no host.")
    return address


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
