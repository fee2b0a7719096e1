"""Passwords: the policy, argon2id, and passwords the box makes itself.

Policy: at least 8 characters with upper case, lower case, digit and symbol unless the settings say
otherwise; long ones welcome; none from a list of what everybody tries. No forced rotation.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.errors import BadInputError

if TYPE_CHECKING:
    from appliance.config import AccountsSettings

MIN_LENGTH = 8
MAX_LENGTH = 256
GENERATED_GROUPS = 4
SHORTEST_WORD = 4
LONG_ENOUGH = 12
# No letters or digits that are mistaken for one another when read from a screen or paper.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_ADDED = "0123456789!@#$%^&*()-_=+.,?;:/ "
_DRESSED = str.maketrans("@$013457!", "asoleasti")

# RFC 9106, section 4, second recommended option (64 MiB, t = 3, p = 4), which argon2-cffi also takes
# as its default: fits a 2 GB board, about 0.1 s on a Pi 5.
_HASHER = PasswordHasher()
# Each hash holds 64 MiB while it is computed: a burst of sign-ins must not take the box's memory.
_TURN = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a new password must have; the blocklist holds in any case."""

    min_length: int = MIN_LENGTH
    classes: tuple[str, ...] = ("upper", "lower", "digit", "symbol")


def policy_of(settings: AccountsSettings) -> Policy:
    """Return the policy the settings ask for."""
    return Policy(settings.min_length, settings.require_classes)


def hash_password(password: str) -> str:
    """Return the argon2id hash, with its parameters and salt, as text."""
    with _TURN:
        return _HASHER.hash(_normal(password))


def password_fits(password_hash: str | None, password: str) -> bool:
    """Return whether the password is the hashed one; takes as long when there is no hash to compare with."""
    try:
        with _TURN:
            return _HASHER.verify(password_hash or _dummy(), _normal(password)) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Return whether the hash was made with older parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def check_policy(password: str, *, name: str = "", policy: Policy | None = None) -> None:
    """Refuse a password that is too weak.

    Args:
        password: as typed.
        name: the account's name, which must not be the password's main part.
        policy: what the box asks for; its default if None.

    Raises:
        BadInputError: says everything that is missing, in one sentence.
    """
    if len(password) > MAX_LENGTH:
        raise BadInputError(f"The password is longer than {MAX_LENGTH} characters.")
    missing = [text for text, fits in _rules(password, policy or Policy()) if not fits]
    if missing:
        raise BadInputError(f"The password needs {_listed(missing)}.")
    plain = _normal(password).casefold()
    if _is_common(plain) or (name and name.casefold() in plain):
        raise BadInputError(
            "The password is easy to guess.", hint="Several words that have nothing to do with one another work well."
        )


def generate_password() -> str:
    """Return a random password of about 78 bits that also fits the policy, easy to read out loud."""
    while True:
        groups = ["".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(GENERATED_GROUPS)]
        password = "-".join([groups[0].title(), *groups[1:]])
        if all(fits for _, fits in _rules(password, Policy())):
            return password


def _rules(password: str, policy: Policy) -> list[tuple[str, bool]]:
    classes = {
        "upper": ("an upper-case letter", any(letter.isupper() for letter in password)),
        "lower": ("a lower-case letter", any(letter.islower() for letter in password)),
        "digit": ("a digit", any(letter.isdigit() for letter in password)),
        "symbol": ("a symbol", any(not letter.isalnum() and not letter.isspace() for letter in password)),
    }
    length = (f"at least {policy.min_length} characters", len(password) >= policy.min_length)
    return [length, *(classes[name] for name in classes if name in policy.classes)]


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _normal(password: str) -> str:
    """The same characters typed on another keyboard are the same password (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _is_common(password: str) -> bool:
    """Whether it is a common word that digits and symbols were added to, or whose letters were dressed up."""
    bare = password.strip(_ADDED)
    plain = password.strip(_ADDED.replace("@", "").replace("$", "")).translate(_DRESSED)
    if len(bare) < SHORTEST_WORD:
        # Next to nothing but digits and symbols: fine where there are many of them, else a date or a count.
        return len(password) < LONG_ENOUGH
    return any(word in _blocklist() for word in (bare, plain, bare.translate(_DRESSED)))


@cache
def _blocklist() -> frozenset[str]:
    text = files("appliance.web.account").joinpath("blocklist.txt").read_text(encoding="utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


@cache
def _dummy() -> str:
    return _HASHER.hash(secrets.token_urlsafe(16))
