"""A keyring that serves in a thread of the test, and parts to ask it for."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import pytest

from appliance.config import BoxSettings, Settings
from appliance.errors import UnavailableError
from appliance.ipc.keyring import KeyringClient
from appliance.keyring import server
from appliance.vault import crypto, keys, review_key
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appliance.clock import ManualClock

WORDS = "correct horse battery staple"


class Ask(Protocol):
    """Makes the fields of a request for a part key."""

    def __call__(self, part_key: bytes = b"k" * 32, **changes: Any) -> dict[str, Any]:
        """Wrap ``part_key`` to the box's review key and return the fields, some changed."""
        ...


@dataclass
class Keyring:
    """A serving keyring."""

    settings: Settings
    clock: ManualClock
    client: KeyringClient


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess costs nothing in tests, and the loop looks often."""
    monkeypatch.setattr(server, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(review_key, "DEFAULT_COST", review_key.Cost(2**4, 8, 1))


def serves(client: KeyringClient) -> bool:
    """Return whether a keyring answers."""
    try:
        client.status()
    except UnavailableError:
        return False
    return True


@contextlib.contextmanager
def serving(settings: Settings, clock: ManualClock) -> Iterator[Keyring]:
    """Run a keyring in a thread for the block."""
    stop = threading.Event()
    thread = threading.Thread(target=server.serve, args=(settings, clock, stop))
    thread.start()
    try:
        client = KeyringClient(settings.keyring_socket)
        until(lambda: serves(client), what="the keyring's first answer")
        yield Keyring(settings, clock, client)
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def trial(settings: Settings, clock: ManualClock) -> Iterator[Keyring]:
    """A trial box's keyring: unlocked by itself."""
    keys.init_keys(settings, passphrase=None, clock=clock)
    with serving(settings, clock) as keyring:
        yield keyring


@pytest.fixture
def provisioned_settings(settings: Settings, clock: ManualClock) -> Settings:
    """A provisioned box with a passphrase."""
    found: Settings = msgspec.structs.replace(settings, box=BoxSettings(trial=False))
    keys.init_keys(found, passphrase=WORDS, clock=clock)
    return found


@pytest.fixture
def provisioned(provisioned_settings: Settings, clock: ManualClock) -> Iterator[Keyring]:
    """A provisioned box's keyring: locked."""
    with serving(provisioned_settings, clock) as keyring:
        yield keyring


@pytest.fixture
def ask(settings: Settings) -> Callable[..., dict[str, Any]]:
    """Make requests for part keys."""

    def make(part_key: bytes = b"k" * 32, **changes: Any) -> dict[str, Any]:
        listed = keys.load_recipients(settings.keys_dir)
        review = listed.review
        info = {"box": listed.box, "sitting": "maths", "camera": "front", "part": 1, "part_id": b"\1" * 16}
        info |= {name: changes[name] for name in info if name in changes and name != "box"}
        wrapped = crypto.wrap(review.suite, review.public, crypto.PartBinding(**info).info(), part_key)
        fields = {"suite": review.suite, "key_id": review.key_id, "wrapped": wrapped, **info}
        return {**fields, "purpose": "playback", "person": "anna", **changes}

    return make
