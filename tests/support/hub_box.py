"""A box as a central service sees it: signs real requests, checks real answers; the network is the caller's."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.centre.changes import check_change
from appliance.exchange.centre.items import item_of
from appliance.exchange.centre.messages import (
    ClockWord,
    EnrolRequest,
    PullAnswer,
    PullRequest,
    PushRequest,
    Report,
    write_message,
)
from appliance.exchange.centre.peer_token import (
    ANSWER_HEADER,
    ENROL_AUDIENCE,
    check_answer,
    new_jti,
    sign_request,
)
from appliance.exchange.centre.routes import ENROL, PULL, PUSH, REPORT, Call
from appliance.exchange.idempotency import DeliveryKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.clock import Clock
    from appliance.exchange.centre.changes import Change
    from appliance.exchange.centre.items import Item

MACHINE = sha256_text(b"machine one")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> dict[str, Any]:
        """Return the body as JSON."""
        value: dict[str, Any] = msgspec.json.decode(self.body)
        return value


class Send(Protocol):
    """Sends one request: method, path, headers, body."""

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Return the answer."""


@dataclass
class HubBox:
    """One box.

    Attributes:
        send: the way to the hub.
        hub_public: the hub's key; learnt when it joins.
    """

    send: Send
    clock: Clock
    box: str = "box-1f2e3d4c"
    epoch: str = "1-aaaa"
    machine: str = MACHINE
    hub: str = ""
    hub_public: bytes = b""
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    seal_private: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    seq: int = 0
    cursor: str = ""

    def call(
        self,
        call: Call,
        body: bytes,
        *,
        path: str = "",
        token: str = "",
        audience: str = "",
        signed_body: bytes | None = None,
    ) -> Answer:
        """Send one call with a token of its own; every answer with a signature is checked."""
        jti = new_jti(os.urandom(16))
        there = path or call.path
        text = token or sign_request(
            self.private,
            box=self.box,
            epoch=self.epoch,
            audience=audience or self.hub,
            method=call.method,
            path=there,
            body=body if signed_body is None else signed_body,
            now_us=self.clock.wall_us(),
            jti=jti,
        )
        headers = {"Authorization": f"JWT {text}", "Content-Type": "application/json"}
        answer = self.send(call.method, there, headers, body)
        if ANSWER_HEADER in answer.headers and not token and self.hub_public:
            check_answer(
                answer.headers[ANSWER_HEADER],
                self.hub_public,
                hub=self.hub,
                to=jti,
                status=answer.status,
                body=answer.body,
            )
        return answer

    def enrol_request(self, secret: str, **more: Any) -> EnrolRequest:
        """Return the request to join by a code's secret."""
        return EnrolRequest(
            code=secret,
            box=self.box,
            name="Box of hall 2",
            public=self.private.public_key().public_bytes_raw().hex(),
            seal_public=self.seal_private.public_key().public_bytes_raw().hex(),
            epoch=self.epoch,
            machine=self.machine,
            version="1",
            **{"address": "https://hall-2.example:8443", **more},
        )

    def enrol(self, secret: str, **more: Any) -> Answer:
        """Join by a code's secret, and remember the hub."""
        answer = self.call(ENROL, write_message(self.enrol_request(secret, **more)), audience=ENROL_AUDIENCE)
        if answer.status == 200:
            self.hub, self.hub_public = answer.json()["hub"], bytes.fromhex(answer.json()["public"])
        return answer

    def report(self, **more: Any) -> Answer:
        """Say how it is."""
        facts: dict[str, Any] = {
            "box": self.box,
            "epoch": self.epoch,
            "seq": self.seq,
            "machine": self.machine,
            "version": "1",
            "at_us": self.clock.wall_us(),
            "clock": ClockWord(trusted=True),
        }
        return self.call(REPORT, write_message(Report(**{**facts, **more})))

    def pull(self, limit: int = 200) -> list[Change]:
        """Return one chunk of changes, each checked, and go on from there."""
        answer = self.call(PULL, write_message(PullRequest(cursor=self.cursor, limit=limit)))
        assert answer.status == 200, answer.body
        found = msgspec.json.decode(answer.body, type=PullAnswer)
        self.cursor = found.cursor
        return [check_change(one, self.hub_public) for one in found.changes]

    def pull_all(self) -> dict[tuple[str, str], Change]:
        """Return the newest of each thing that is still to be pulled."""
        held: dict[tuple[str, str], Change] = {}
        while chunk := self.pull():
            held |= {one.key: one for one in chunk}
        return held

    def item(self, kind: str, body: object, *, stream: str = "", seq: int = 0, epoch: str = "") -> Item:
        """Return the next item."""
        if not seq:
            self.seq += 1
        key = DeliveryKey(self.box, epoch or self.epoch, seq or self.seq)
        return item_of(
            key, kind=kind, stream=stream, at_us=self.clock.wall_us(), body=msgspec.json.encode(body).decode()
        )

    def push(self, *items: Item) -> list[tuple[str, str]]:
        """Tell items; return result and reason of each."""
        answer = self.call(PUSH, write_message(PushRequest(items=items)))
        assert answer.status == 200, answer.body
        return [(one["result"], one.get("reason", "")) for one in answer.json()["results"]]
