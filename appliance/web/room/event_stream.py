"""The room's events as an answer: lasting, or what there is now for a browser that no place is free for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from appliance.web.language.problems import problem_words_in
from appliance.web.language.texts import current_language
from appliance.web.room.events import Event, worded, written
from appliance.web.usb_words import alert_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from appliance.web.account.sessions import Person
    from appliance.web.lasting import LastingAnswer
    from appliance.web.services import Services

CONTENT_TYPE = "text/event-stream"
BEAT_SECONDS = 1.5
_RECONNECT = b"retry: 1500\n\n"


class EventAnswer:
    """Events from where the browser left off, until its session ends or the process does.

    Raises:
        TooManyStreamsError: no place is free.
    """

    def __init__(self, box: Services, person: Person, last_id: str) -> None:
        self._box = box
        self._language = current_language()
        self._last = box.room.log.number_of(last_id)
        self._answer = box.lasting.begin(person)
        try:
            box.room.wake()
            if self._last is None:
                box.room.look_now()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Yield events as they come, and a beat when there were none: silence is a broken connection."""
        try:
            yield _RECONNECT + self._beat() + self._news()
            yield from self._coming()
            if self._answer.session_ended:
                yield written("end", {"why": "session"})
        finally:
            self.close()

    def _coming(self) -> Iterator[bytes]:
        answer = self._answer
        told = time.monotonic()
        while not answer.ended:
            answer.wake.clear()
            news = self._news()
            late = time.monotonic() - told >= BEAT_SECONDS
            if news or late:
                yield self._beat() + news if late else news
                told = time.monotonic() if late else told
            answer.wake.wait(BEAT_SECONDS / 3)

    def _news(self) -> bytes:
        events = self._box.room.log.after(self._last)
        if events:
            self._last = events[-1].number
        return _told(self._box, events, self._language)

    def _beat(self) -> bytes:
        return beat(self._box, self._answer)

    def close(self) -> None:
        """Give the place back; safe to call twice (the server calls it, too)."""
        self._answer.close()


def beat(box: Services, answer: LastingAnswer | Person) -> bytes:
    """Return the event that says what time it is in the box, and when the session ends; it has no id."""
    return written("beat", {"now_us": box.clock.wall_us(), "session_ends_us": answer.ends_us})


def events_now(box: Services, person: Person, last_id: str) -> bytes:
    """Return what has not been heard after ``last_id``, without waiting for more and without a place."""
    box.room.look_now()
    events = box.room.log.after(box.room.log.number_of(last_id))
    return beat(box, person) + _told(box, events, current_language())


def _told(box: Services, events: list[Event], language: str) -> bytes:
    """Return events as they go to a reader of this language; a stream outlives its request, which knew it."""
    own = {"alerts": lambda fact: alerts_in(fact, language)}
    return b"".join(
        box.room.log.written(worded(event, lambda text: problem_words_in(text, language), made=own)) for event in events
    )


def alerts_in(fact: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return the fact ``alerts`` with each item's ``title``, ``detail`` and ``page`` (its sitting's warnings)."""
    items = [{**item, **alert_words(item, language), "page": _page_of(item)} for item in fact["items"]]
    return {**fact, "items": items}


def _page_of(item: Mapping[str, Any]) -> str:
    return f"/sittings/{item['sitting']}/warnings" if item["sitting_name"] else ""
