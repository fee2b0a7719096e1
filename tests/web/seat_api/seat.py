"""A seat agent that signs real requests, over any way to send them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.exchange.centre.canonical import sha256_text
from appliance.exchange.centre.messages import write_message
from appliance.exchange.centre.peer_token import ENROL_AUDIENCE, new_jti, sign_request
from appliance.exchange.seat.messages import EnrolRequest, Item, ReportRequest, State
from appliance.exchange.seat.routes import ENROL, REPORT, agent_id

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock


@dataclass
class Seat:
    """One workstation."""

    client: FlaskClient
    clock: ManualClock
    box: str
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    seq: int = 0

    @property
    def public(self) -> bytes:
        """Its raw public key."""
        return self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        """Its name."""
        return agent_id(self.public)

    def token(self, path: str, body: bytes, **more: Any) -> str:
        """Sign a request."""
        facts: dict[str, Any] = {
            "box": self.id, "epoch": "1-a", "audience": self.box, "method": "POST", "path": path, "body": body,
            "now_us": self.clock.wall_us(), "jti": new_jti(os.urandom(16)),
        }  # fmt: skip
        return sign_request(more.pop("private", self.private), **facts | more)

    def send(self, path: str, body: bytes, token: str) -> TestResponse:
        """Send a request with a token."""
        headers = {"Authorization": f"JWT {token}", "Content-Type": "application/json"}
        return self.client.post(path, data=body, headers=headers)

    def joins(self, secret: str, **more: Any) -> TestResponse:
        """Ask to be let in."""
        facts = {"code": secret, "agent": self.id, "name": "pc-7", "public": self.public.hex(), "version": "1"}
        body = write_message(EnrolRequest(**facts | more))
        return self.send(ENROL, body, self.token(ENROL, body, audience=ENROL_AUDIENCE))

    def report(self, *items: Item, **more: Any) -> bytes:
        """A report as bytes."""
        facts: dict[str, Any] = {
            "epoch": "1-a", "run": "1-r", "boot": "b", "mono_us": self.clock.mono_us(),
            "at_us": self.clock.wall_us(), "machine": sha256_text(b""), "state": State(),
        }  # fmt: skip
        return write_message(ReportRequest(items=items, **facts | more))

    def item(self, body: str = '{"what":"started"}') -> Item:
        """The next item."""
        self.seq += 1
        return Item(
            seq=self.seq, at_us=self.clock.wall_us(), mono_us=self.clock.mono_us(), boot="b", kind="agent", body=body
        )

    def reports(self, *items: Item, **more: Any) -> TestResponse:
        """Report."""
        body = self.report(*items, **more)
        return self.send(REPORT, body, self.token(REPORT, body))


def reason(answer: TestResponse) -> tuple[int, str]:
    """Status and stable word of a refusal."""
    told: dict[str, Any] = msgspec.json.decode(answer.get_data())
    return answer.status_code, told.get("reason", "")
