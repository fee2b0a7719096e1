"""Calls to a hub whose clock is not the box's, over a transport of the test's own."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.centre.hub_caller import HubCaller, HubFacts, Received
from appliance.centre.keys import CentreKeys
from appliance.centre.measuring import ClockMeter
from appliance.clock import ManualClock
from appliance.exchange.centre.messages import PullAnswer, PullRequest, write_message
from appliance.exchange.centre.peer_token import check_request, claimed, sign_answer
from appliance.exchange.centre.routes import PULL
from appliance.exchange.token import TokenError

if TYPE_CHECKING:
    from appliance.centre.hub_caller import Transport

HUB = "hub:one"
MINUTE = 60


class HubAlone:
    """Answers as a hub does, by a clock of its own."""

    def __init__(self, box: bytes) -> None:
        self.clock = ManualClock()
        self.private = Ed25519PrivateKey.generate()
        self.box = box
        self.refused: list[str] = []

    def send(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Received:
        """Answer one call, or refuse its time."""
        token = headers["Authorization"].removeprefix("JWT ")
        now_us = self.clock.wall_us()
        status, answer = 200, write_message(PullAnswer())
        try:
            path = url.removeprefix("http://hub")
            check_request(token, self.box, audience=HUB, method=method, path=path, body=body, now_us=now_us)
        except TokenError as problem:
            self.refused.append(problem.reason)
            status, answer = 401, b'{"code":"token","reason":"%s"}' % problem.reason.encode()
        signed = sign_answer(self.private, hub=HUB, to=claimed(token).jti, status=status, body=answer, now_us=now_us)
        self.clock.advance(0.02)
        return Received(status, answer, signed, 0.0, (self.clock.mono_us() - 20_000, self.clock.mono_us()))

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("seconds", [7 * MINUTE, -7 * MINUTE])
@pytest.mark.parametrize("own_trusted", [True, False])
def test_a_clock_that_was_set_at_the_hub_costs_one_more_request(seconds: int, *, own_trusted: bool) -> None:
    """However often the hub's former time was measured, the time of its refusal is believed for the next try."""
    key, seal = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    keys = CentreKeys(key.public_key().public_bytes_raw(), seal.public_key().public_bytes_raw(), key, seal)
    hub = HubAlone(keys.public)
    meter = ClockMeter(hub.clock, own_trusted=lambda: own_trusted, boot=hashlib.sha256(b"boot").hexdigest())
    facts = HubFacts("http://hub", "", HUB, hub.private.public_key().public_bytes_raw())
    caller = HubCaller(cast("Transport", hub), facts, box="box-1", keys=keys, meter=meter)
    for _ in range(20):
        caller.call(PULL, PullAnswer, PullRequest(), epoch="1-a")
    assert hub.refused == []
    box = ManualClock(hub.clock.wall_us(), hub.clock.mono_us())
    meter._clock = box
    hub.clock.step(seconds)
    caller.call(PULL, PullAnswer, PullRequest(), epoch="1-a")
    assert hub.refused == ["expired" if seconds > 0 else "future"]
