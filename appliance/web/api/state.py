"""What the API's calls share in this process: connections, the committer, limits, and what was refused last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from flask import current_app

from appliance.centre.measuring import TokenClock
from appliance.centre.store import centre_of
from appliance.integrations.exchange_key import ExchangeKey, exchange_key
from appliance.web.api.buckets import Buckets
from appliance.web.api.committer import Committer
from appliance.web.api.connections import Connections
from appliance.web.api.turns import InTurn, Turn

if TYPE_CHECKING:
    from flask import Flask

    from appliance.clock import Clock
    from appliance.config import Settings
    from appliance.errors import ApplianceError

REFUSED_BURST: Final = 60
REFUSED_PER_SECOND: Final = 1.0
"""Refused calls of one address to one integration: an LMS with a wrong secret still learns so at each try."""
_REMEMBERED: Final = 200
_KEY: Final = "exambox-api"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last call of an integration that was refused: when, from where, and why in words."""

    at_us: int
    address: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class Api:
    """One for the process."""

    clock: Clock
    keys: ExchangeKey
    connections: Connections
    committer: Committer
    calls: Buckets[str]
    refused: Buckets[tuple[str, str]]
    token_clock: TokenClock
    turn: Turn
    _last: OrderedDict[str, Refusal] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_refused(self, name: str, address: str, problem: ApplianceError) -> None:
        """Keep why a call of an integration was refused, for the page where somebody looks for the reason."""
        refusal = Refusal(self.clock.wall_us(), address, problem.code, problem.message, problem.hint)
        with self._lock:
            self._last[name] = refusal
            self._last.move_to_end(name)
            if len(self._last) > _REMEMBERED:
                self._last.popitem(last=False)

    def last_refusal(self, name: str) -> Refusal | None:
        """Return the last refused call of an integration since the process started."""
        with self._lock:
            return self._last.get(name)


def install(app: Flask, settings: Settings, clock: Clock) -> None:
    """Make the state known to the application; nothing is opened before the first call."""
    connections, turn = Connections(settings.database), Turn()

    def belongs() -> bool:
        with connections.one() as db:
            return centre_of(db) is not None

    app.wsgi_app = InTurn(app.wsgi_app, turn)  # type: ignore[method-assign]  # Flask's own way to wrap it
    app.extensions[_KEY] = Api(
        clock=clock,
        keys=exchange_key(settings),
        connections=connections,
        committer=Committer(settings.database, turn),
        calls=Buckets(per_second=settings.exams.api_per_second, burst=settings.exams.api_burst, mono_us=clock.mono_us),
        refused=Buckets(per_second=REFUSED_PER_SECOND, burst=REFUSED_BURST, mono_us=clock.mono_us),
        token_clock=TokenClock(settings, clock, belongs=belongs),
        turn=turn,
    )


def api() -> Api:
    """Return the state of the application that handles this request."""
    return cast("Api", current_app.extensions[_KEY])
