"""Long bodies: read from boxes of the centre alone."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from appliance.exchange.centre.messages import SMALL
from appliance.exchange.centre.routes import OFFER, PUSH, SEGMENT
from tests.support.hub_box import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from appliance.exchange.centre.routes import Call
    from tests.support.hub_box import HubBox

LONG = SMALL.size + 1
CALLS = pytest.mark.parametrize(
    ("call", "path"),
    [(PUSH, ""), (OFFER, ""), (SEGMENT, SEGMENT.at(request="m", part=0, seq=0))],
    ids=["push", "offer", "segment"],
)


class Counted(io.BytesIO):
    """A body that counts what is read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on."""
        data = super().read(size)
        self.taken += len(data)
        return data

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer will do
        """Read on, into a buffer."""
        count = super().readinto(buffer)
        self.taken += count
        return count


def _sending(app: Flask, box: HubBox, *, chunks: bool = False) -> list[Counted]:
    """Let a box's next requests be counted."""
    bodies: list[Counted] = []

    def send(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        bodies.append(Counted(body))
        length = None if chunks else len(body)
        stated = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"} if chunks else {}
        found = app.test_client().open(
            path,
            method=method,
            headers=headers,
            input_stream=bodies[-1],
            content_length=length,
            environ_overrides=stated,
        )
        return Answer(found.status_code, found.get_data(), found.headers)  # type: ignore[arg-type]  # a mapping of texts

    box.send = send
    return bodies


@CALLS
@pytest.mark.parametrize("chunks", [False, True], ids=["stated", "chunked"])
def test_a_strangers_long_body_is_not_read(
    app: Flask, new_box: Callable[..., HubBox], call: Call, path: str, *, chunks: bool
) -> None:
    """Whoever is no box of this centre, or signs with another key, is refused before the hub holds their megabytes."""
    known, stranger = new_box(), new_box("box-ffffffff", join=False)
    for sender in (stranger, known):
        bodies = _sending(app, stranger, chunks=chunks)
        stranger.box, stranger.hub = sender.box, known.hub
        answer = stranger.call(call, b"x" * LONG, path=path)
        assert answer.status == 401
        assert answer.json()["reason"] in {"unknown", "signature"}
        assert bodies[0].taken == 0


@CALLS
def test_a_boxs_long_body_is_read_and_judged(app: Flask, new_box: Callable[..., HubBox], call: Call, path: str) -> None:
    """A box's own is read whole, and refused for what it is."""
    box = new_box()
    bodies = _sending(app, box)
    answer = box.call(call, b"x" * LONG, path=path)
    assert answer.status in {400, 404, 422}
    assert bodies[0].taken == LONG
