from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import ApplianceError, BadInputError, LockedError, MissingKeyError, UnavailableError
from appliance.ipc import framing
from appliance.ipc import keyring as client_module
from appliance.ipc.keyring import KeyringClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def answering(path: Path, answer: bytes, asked: list[Any] | None = None) -> Iterator[KeyringClient]:
    """Serve one connection with fixed bytes."""
    with framing.listen(path) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                request = framing.receive_json(connection)
                if asked is not None:
                    asked.append(request)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield KeyringClient(path)
        thread.join(10)


PART = {
    "suite": "X25519",
    "key_id": "0" * 16,
    "wrapped": b"w",
    "box": "b",
    "sitting": "s",
    "camera": "c",
    "part": 1,
    "part_id": b"\1" * 16,
    "purpose": "playback",
    "person": "anna",
}
CALLS: dict[str, Callable[[KeyringClient], object]] = {
    "status": KeyringClient.status,
    "part_key": lambda client: client.part_key(**PART),  # type: ignore[arg-type]
    "sign_export": lambda client: client.sign_export(b"{}", "anna"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\0",
        framing.pack(b"J", b"nonsense"),
        framing.pack(b"J", b"[]"),
        b"\xff" * 100,
        framing.pack_json({"ok": True}),
        framing.pack_json({"ok": True, "part_key": "00", "signature": "00", "locked": True}),
        framing.pack_json({"ok": True, "part_key": 7, "signature": None, "key_ids": 7}),
        framing.pack_json({}),
    ],
)
def test_an_answer_that_makes_no_sense_is_unavailability(tmp_path: Path, call: str, answer: bytes) -> None:
    """Whatever the other end sends, callers meet one error they can show."""
    with answering(tmp_path / "k.sock", answer) as client, pytest.raises(UnavailableError) as caught:
        CALLS[call](client)
    assert caught.value.hint or "failed" in caught.value.message


@pytest.mark.parametrize("kind", [LockedError, MissingKeyError, UnavailableError, BadInputError])
def test_errors_come_across_as_what_they_are(tmp_path: Path, kind: type[ApplianceError]) -> None:
    """The caller catches the same class, with the same words."""
    answer = framing.pack_json(framing.error_message(kind("What is wrong.", hint="What to do.")))
    with answering(tmp_path / "k.sock", answer) as client, pytest.raises(kind) as caught:
        client.lock("anna")
    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.hint) == ("What is wrong.", "What to do.")


def test_an_unknown_error_code_is_unavailability(tmp_path: Path) -> None:
    """A newer keyring's code breaks no older client."""
    answer = framing.pack_json({"ok": False, "code": "future", "message": "Hm.", "hint": ""})
    with answering(tmp_path / "k.sock", answer) as client, pytest.raises(UnavailableError, match="Hm"):
        client.lock("anna")


def test_a_silent_keyring_does_not_hold_its_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer in time the call ends with an error."""
    monkeypatch.setattr(client_module.KeyringClient._ask, "__kwdefaults__", {"timeout": 0.05})
    with framing.listen(tmp_path / "k.sock"), pytest.raises(UnavailableError, match="does not answer"):
        KeyringClient(tmp_path / "k.sock").status()


def test_a_request_says_what_is_documented(tmp_path: Path) -> None:
    """The bytes go as hex, the binding's fields together."""
    asked: list[Any] = []
    answer = framing.pack_json({"ok": True, "part_key": "07" * 32})
    with answering(tmp_path / "k.sock", answer, asked) as client:
        assert client.part_key(**PART) == b"\7" * 32  # type: ignore[arg-type]
    assert asked == [
        {
            "want": "part_key",
            "suite": "X25519",
            "key_id": "0" * 16,
            "wrapped": "77",
            "info": {"box": "b", "sitting": "s", "camera": "c", "part": 1, "part_id": "01" * 16},
            "purpose": "playback",
            "person": "anna",
        }
    ]


def test_no_keyring_is_said(tmp_path: Path) -> None:
    """Every call tells that the process is not running."""
    client = KeyringClient(tmp_path / "none.sock")
    for call in CALLS.values():
        with pytest.raises(UnavailableError, match="not running"):
            call(client)
