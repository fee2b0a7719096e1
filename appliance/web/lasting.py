"""Answers that last (live pictures, events): each holds a place and ends when its session does.

One look at the database for all of them, by whoever watches it (`room/watch.py`); no answer asks for itself.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.web.account.sessions import Person
    from appliance.web.slots import StreamSlots


class LastingAnswer:
    """One answer that goes on until it is closed, its session ends, or the process stops.

    Attributes:
        person: for whom.
        wake: set when there is something to send, or to end for.
        ends_us: when the session ends if the person does nothing more (wall microseconds), as last looked up.
    """

    def __init__(self, person: Person, leave: Callable[[LastingAnswer], None], stopping: threading.Event) -> None:
        self.person = person
        self.wake = threading.Event()
        self.ends_us = person.ends_us
        self._leave = leave
        self._stopping = stopping
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether nothing more may be sent."""
        return self._ended or self._stopping.is_set()

    @property
    def session_ended(self) -> bool:
        """Whether it ended because the session did, as against the process."""
        return self._ended and not self._stopping.is_set()

    def end(self) -> None:
        """Let nothing more be sent; whoever sends finds out at once."""
        self._ended = True
        self.wake.set()

    def close(self) -> None:
        """Give the place back; safe to call twice."""
        self._leave(self)


class LastingAnswers:
    """Every lasting answer of the process; safe to share between threads.

    Args:
        slots: the places there are.
        stopping: set when the process is asked to end.
    """

    def __init__(self, slots: StreamSlots, stopping: threading.Event) -> None:
        self._slots = slots
        self._stopping = stopping
        self._lock = threading.Lock()
        self._open: set[LastingAnswer] = set()

    def begin(self, person: Person) -> LastingAnswer:
        """Take a place for an answer.

        Raises:
            TooManyStreamsError: none is free.
        """
        self._slots.take()
        answer = LastingAnswer(person, self._leave, self._stopping)
        with self._lock:
            self._open.add(answer)
        return answer

    def open(self) -> list[LastingAnswer]:
        """Return the answers there are now."""
        with self._lock:
            return list(self._open)

    def review(self, session_end: Callable[[Person], int | None]) -> None:
        """End every answer whose session stands no longer.

        Args:
            session_end: when a person's session ends (wall microseconds), None where it has ended; asked once each.
        """
        known: dict[bytes, int | None] = {}
        for answer in self.open():
            key = answer.person.token_hash
            if key not in known:
                known[key] = session_end(answer.person)
            ends_us = known[key]
            if ends_us is None:
                answer.end()
            else:
                answer.ends_us = ends_us

    def _leave(self, answer: LastingAnswer) -> None:
        with self._lock:
            if answer not in self._open:
                return
            self._open.remove(answer)
        self._slots.give_back()
