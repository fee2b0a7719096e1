"""What happens in the room as numbered events: resumed without a gap, or begun anew with everything.

An event's id is ``<epoch>-<number>``; the epoch is the process's. What is told is a set of facts by name; an event
replaces some and takes some away, so that whoever has heard every event since a snapshot knows the same as the box.
"""

from __future__ import annotations

import collections
import re
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RING_EVENTS = 300
"""About five minutes of a busy room; who was away for longer begins with a snapshot."""
MAX_ID = 40
_ID = re.compile(r"([0-9a-f]{16})-(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``snapshot`` (all facts) or ``change`` (``set`` and ``gone``)."""

    number: int
    kind: str
    data: Mapping[str, Any]


class EventLog:
    """The facts as they are, and the last changes; safe to share between threads."""

    def __init__(self, *, epoch: str | None = None, ring: int = RING_EVENTS) -> None:
        self.epoch = epoch or secrets.token_hex(8)
        self._lock = threading.Lock()
        self._facts: dict[str, Any] = {}
        self._number = 0
        self._ring: collections.deque[Event] = collections.deque(maxlen=ring)

    def tell(self, facts: Mapping[str, Any]) -> bool:
        """Take the facts as they are now; return whether that was an event, which it is if any of them changed."""
        with self._lock:
            changed = {
                name: value for name, value in facts.items() if name not in self._facts or self._facts[name] != value
            }
            gone = sorted(self._facts.keys() - facts.keys())
            if not changed and not gone:
                return False
            self._facts = dict(facts)
            self._number += 1
            self._ring.append(Event(self._number, "change", {"set": changed, "gone": gone}))
            return True

    def tell_some(self, facts: Mapping[str, Any]) -> bool:
        """Take some facts as they are now and leave the others; return whether that was an event."""
        return self.tell({**self._facts, **facts})

    def after(self, last: int | None) -> list[Event]:
        """Return what somebody has not heard who has heard everything up to ``last``; None: who has heard nothing."""
        with self._lock:
            if last is None or last > self._number or (self._ring and last < self._ring[0].number - 1):
                return [Event(self._number, "snapshot", {"facts": self._facts})]
            return [event for event in self._ring if event.number > last]

    def number_of(self, event_id: str) -> int | None:
        """Return the number an id of this process names; None for any other text."""
        found = _ID.fullmatch(event_id) if len(event_id) <= MAX_ID else None
        return int(found[2]) if found and found[1] == self.epoch else None

    def written(self, event: Event) -> bytes:
        """Return an event as it goes to a browser (HTML standard, 9.2.5: event stream)."""
        return written(event.kind, event.data, event_id=f"{self.epoch}-{event.number}")


_SAID = ("message", "hint")


def worded(
    event: Event, words: Callable[[str], str], *, made: Mapping[str, Callable[[Any], Any]] | None = None
) -> Event:
    """Return an event with what its facts say to people (``message``, ``hint``) put into other words (pure).

    ``made`` names facts that are put into words by a function of their own.
    """
    part = "facts" if event.kind == "snapshot" else "set"
    own = made or {}
    facts = {name: own[name](fact) if name in own else _worded(fact, words) for name, fact in event.data[part].items()}
    return Event(event.number, event.kind, {**event.data, part: facts})


def _worded(fact: Any, words: Callable[[str], str]) -> Any:
    if not isinstance(fact, dict):
        return fact
    said = {name: words(fact[name]) for name in _SAID if isinstance(fact.get(name), str)}
    return {**fact, **said} if said else fact


def written(kind: str, data: Mapping[str, Any], *, event_id: str = "") -> bytes:
    """Return an event of the stream as bytes; one without an id does not count for resuming."""
    head = f"id: {event_id}\nevent: {kind}\ndata: " if event_id else f"event: {kind}\ndata: "
    return head.encode() + msgspec.json.encode(data) + b"\n\n"
