"""`exambox boxes` against real announcements on loopback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from appliance.errors import BadInputError
from appliance.web.lan.neighbours import Announced, Announcer
from tests.commands.box import run
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.config import Settings


@pytest.fixture
def hall() -> Iterator[None]:
    """A box that is on this machine's loopback."""
    told = Announced(room="Hall 2", box="a1b2c3d4e5f6", host="exambox-hall2", port=8443, fingerprint="ab" * 32)
    announcer = Announcer(lambda: told, lambda: ["127.0.0.1"])
    announcer.start()
    until(announcer.heard, 15, "the announcement")
    yield
    announcer.stop()


@pytest.mark.usefixtures("hall")
def test_boxes_are_listed(settings: Settings) -> None:
    """Name, address, version and the beginning of the fingerprint, for people and as JSON."""
    shown = run(settings, "boxes", "--seconds", "2", "--interface", "127.0.0.1").output
    (line,) = (line for line in shown.splitlines() if line.startswith("Hall 2"))
    assert "https://exambox-hall2.local:8443/" in line
    assert line.endswith("ABAB ABAB ABAB ABAB")
    found = json.loads(run(settings, "boxes", "--seconds", "2", "--interface", "127.0.0.1", "--json").output)
    assert {"name": "Hall 2 (a1b2c3)", "box": "a1b2c3d4e5f6", "fingerprint": "ab" * 8}.items() <= found[0].items()


def test_a_quiet_network_is_said_to_be_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody there: what would have to be set."""
    from appliance.web.lan import neighbours

    monkeypatch.setattr(neighbours, "SERVICE", "_nobody-is-this._tcp.local.")
    shown = run(settings, "boxes", "--seconds", "0.5", "--interface", "127.0.0.1")
    assert "No box announces itself" in shown.output
    assert "web.announce" in shown.output


@pytest.mark.parametrize("words", [("--interface", "eth0"), ("--seconds", "0"), ("--seconds", "1000")])
def test_wrong_options_are_refused(settings: Settings, words: tuple[str, str]) -> None:
    """An interface is named by its address, and nobody listens for ever."""
    done = run(settings, "boxes", *words)
    assert done.exit_code == 2 or isinstance(done.exception, BadInputError)
