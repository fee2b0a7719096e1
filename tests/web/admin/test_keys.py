"""The keys page: it shows who can open recordings, and cannot change it."""

from __future__ import annotations

import html
import io
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import auditlog
from appliance.clock import SECOND_US
from appliance.errors import LockedError
from appliance.vault.crypto import generate_private, public_of
from appliance.vault.keys import add_recipient, fingerprint, init_keys, load_recipients
from appliance.vault.recipient_files import new_key_pair
from appliance.vault.recipients import make_recipient
from appliance.web.admin.keys import MAX_KEY_FILE, add_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlite_utils import Database
    from werkzeug.test import TestResponse

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser, StandInKeyring

SUITE = "MLKEM768-X25519"


@pytest.fixture(autouse=True)
def _keys(settings: Settings, clock: ManualClock) -> None:
    init_keys(settings, passphrase=None, clock=clock)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[bytes, bytes]:
    """An auditor's public and private key file."""
    made = new_key_pair(tmp_path, "Anna's office", SUITE)
    return made.public_file.read_bytes(), made.private_file.read_bytes()


def _send(browser: Browser, raw: bytes, name: str = "anna.public.json", role: str = "auditor") -> TestResponse:
    fields = {"csrf_token": browser.token("/admin/keys"), "role": role, "file": (io.BytesIO(raw), name)}
    return browser.client.post(
        "/admin/keys/check", data=fields, content_type="multipart/form-data", headers={"Accept": "text/html"}
    )


def test_the_page_names_who_can_open_recordings_and_since_when(
    person: Callable[[str], Browser], settings: Settings, clock: ManualClock, db: Database
) -> None:
    """Label, role, key, fingerprint; an auditor may see it too, and has no button to change anything."""
    recipient = make_recipient(
        suite=SUITE, public=public_of(SUITE, generate_private(SUITE)), label="Anna <Audit>", role="auditor"
    )
    add_recipient(settings.keys_dir, recipient, clock=clock)
    auditlog.append(db, "keys.recipient_added", clock=clock, detail={"key_id": recipient.key_id})
    for role in ("administrator", "auditor"):
        page = person(role).get("/admin/keys").text
        assert "Anna &lt;Audit&gt;" in page
        assert recipient.key_id in page
        assert all(f"<span>{group}</span>" in page for group in fingerprint(recipient.public).split())
        assert f"exambox keys recipients remove {recipient.key_id}" in page
        assert "the log does not say" in page  # of the room's own key, as this keyring tells no generations
        assert ("Check the file" in page, "Lock now" in page) == ((role == "administrator"),) * 2


def test_no_route_changes_the_list(
    person: Callable[[str], Browser], settings: Settings, pair: tuple[bytes, bytes]
) -> None:
    """Checking a file keeps nothing: the signed list is the same, byte for byte, and so is the folder."""
    before = {path.name: path.read_bytes() for path in settings.keys_dir.iterdir()}
    assert _send(person("administrator"), pair[0]).status_code == 200
    assert {path.name: path.read_bytes() for path in settings.keys_dir.iterdir()} == before


def test_a_public_key_is_checked_and_the_command_given(
    person: Callable[[str], Browser], pair: tuple[bytes, bytes]
) -> None:
    """With label and role filled in, the fingerprint in groups, and never with `--yes`."""
    page = _send(person("administrator"), pair[0], role="escrow").text
    public = bytes.fromhex(json.loads(pair[0])["public"])
    assert all(f"<span>{group}</span>" in page for group in fingerprint(public).split())
    command = "exambox keys recipients add --role escrow --label 'Anna'\"'\"'s office' anna.public.json"
    assert command in html.unescape(page)
    assert "--yes" not in page


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (lambda public, _: public[:-40], 422, "is no public key file"),
        (lambda _public, private: private, 422, "do not use this pair"),
        (lambda *_: b"x" * (MAX_KEY_FILE + 1), 422, "too large"),
        (lambda *_: b"[" * 4000, 422, "is no public key file"),
        (lambda *_: b"\xff\xfe", 422, "is no public key file"),
        (lambda *_: json.dumps({"suite": "X25519", "public": "00" * 32, "label": "a"}).encode(), 422, "no usable"),
        (lambda public, _: public.replace(b'"key_id": "', b'"key_id": "f', 1), 422, "does not belong"),
    ],
)
def test_what_is_no_usable_public_key_is_refused_with_a_reason(
    person: Callable[[str], Browser], pair: tuple[bytes, bytes], change: Callable[..., bytes], status: int, words: str
) -> None:
    """A private key above all: it is not kept, and its owner is told to make another."""
    answer = _send(person("administrator"), change(*pair))
    assert (answer.status_code, words in answer.text) == (status, True)
    assert json.loads(pair[1])["private"] not in answer.text


def test_a_key_that_does_not_fit_the_box_is_refused(
    person: Callable[[str], Browser], settings: Settings, clock: ManualClock, pair: tuple[bytes, bytes]
) -> None:
    """Another suite, and one that is in the list already."""
    admin = person("administrator")
    other = json.dumps(
        {"suite": "X25519", "public": public_of("X25519", generate_private("X25519")).hex(), "label": "B"}
    )
    answer = _send(admin, other.encode())
    assert (answer.status_code, "this box seals with MLKEM768-X25519" in answer.text) == (409, True)
    public = bytes.fromhex(json.loads(pair[0])["public"])
    add_recipient(settings.keys_dir, make_recipient(suite=SUITE, public=public, label="A", role="auditor"), clock=clock)
    answer = _send(admin, pair[0])
    assert (answer.status_code, "in the list already" in answer.text) == (409, True)


def test_a_form_without_a_file_or_with_another_role_is_refused(person: Callable[[str], Browser], pair: Any) -> None:
    """Nobody becomes a review key by a form."""
    admin = person("administrator")
    data = {"csrf_token": admin.token("/admin/keys"), "role": "auditor"}
    answer = admin.client.post("/admin/keys/check", data=data, headers={"Accept": "text/html"})
    assert (answer.status_code, "Choose a public key file first." in answer.text) == (422, True)
    assert _send(admin, pair[0], role="review").status_code == 422


@given(
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.text(min_size=1, max_size=80).filter(lambda text: " ".join(text.split()).isprintable() and text.split() != []),
)
def test_the_command_is_one_command_whatever_file_and_label_are_called(name: str, label: str) -> None:
    """A shell reads the words that were meant, so no name can add a command, an option or a file."""
    public = public_of("X25519", b"\x11" * 32)
    recipient = make_recipient(suite="X25519", public=public, label=label, role="auditor")
    words = shlex.split(add_command(recipient, name))
    assert words[:7] == ["exambox", "keys", "recipients", "add", "--role", "auditor", "--label"]
    assert words[7] == recipient.label
    assert len(words) == 9
    assert words[8] == "FILE" or (words[8] == name and not name.startswith("-"))
    assert "--yes" not in words[8:]


def test_unlock_and_lock_without_scripts(person: Callable[[str], Browser], keyring: StandInKeyring) -> None:
    """Plain forms: a wrong passphrase is told and stays on the page, the right one unlocks, a button locks."""
    manager = person("centre_manager")
    keyring.locked = True
    answer = manager.client.post(
        "/admin/keys/unlock",
        data={"csrf_token": manager.token("/admin/keys"), "passphrase": "wrong"},
        headers={"Accept": "text/html"},
    )
    assert (answer.status_code, "The passphrase is wrong." in answer.text) == (423, True)
    assert "wrong</" not in answer.text
    manager.client.post("/admin/keys/unlock", data={"csrf_token": manager.token("/"), "passphrase": "right"})
    assert not keyring.locked
    manager.client.post("/admin/keys/lock", data={"csrf_token": manager.token("/")})
    assert keyring.locked


def test_throttled_guesses_are_told_with_the_wait(
    person: Callable[[str], Browser], keyring: StandInKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page counts down what the keyring says is left."""
    keyring.locked = True
    status = {**keyring.status(), "retry_us": 7_200_000, "protected": True, "unlocks_itself": False}
    monkeypatch.setattr(keyring, "status", lambda: status)

    def refuse(*_: object) -> None:
        raise LockedError("Too many wrong passphrases: wait 8 s.")

    monkeypatch.setattr(keyring, "unlock", refuse)
    admin = person("administrator")
    assert 'data-wait="8"' in admin.get("/admin/keys").text
    data = {"csrf_token": admin.token("/admin/keys"), "passphrase": "x"}
    answer = admin.client.post("/admin/keys/unlock", data=data, headers={"Accept": "text/html"})
    assert (answer.status_code, "wait 8 s" in answer.text) == (423, True)


def test_generations_and_last_uses_are_shown(
    person: Callable[[str], Browser],
    keyring: StandInKeyring,
    settings: Settings,
    clock: ManualClock,
    db: Database,
) -> None:
    """Who opened which recording for what, newest first; which generation is in use."""
    review = load_recipients(settings.keys_dir).review.key_id
    generations = [
        {"key_id": "0" * 16, "suite": SUITE, "created_us": clock.wall_us() - SECOND_US},
        {"key_id": review, "suite": SUITE, "created_us": clock.wall_us()},
    ]
    status = {**keyring.status(), "generations": generations}
    keyring.status = lambda: status  # type: ignore[method-assign]
    auditlog.append(
        db,
        "keyring.part_key_used",
        clock=clock,
        who="Berta",
        detail={"sitting": "s1", "camera": "c", "purpose": "export"},
    )
    page = person("administrator").get("/admin/keys").text
    assert "Berta" in page
    assert "export, s1 · c" in page
    assert page.index(f"<code>{review}</code>") < page.index(f"<code>{'0' * 16}</code>")


def test_a_list_that_was_tampered_with_and_a_dead_keyring_are_told(
    person: Callable[[str], Browser], settings: Settings, keyring: StandInKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page stays usable and says what to do."""
    file = settings.keys_dir / "recipients.json"
    file.write_text(file.read_text().replace("review", "escrow", 1))

    def dead() -> Any:
        from appliance.errors import UnavailableError

        raise UnavailableError("The keyring process is not running.", hint="Start it.")

    monkeypatch.setattr(keyring, "status", dead)
    page = person("administrator").get("/admin/keys").text
    assert "was not signed by this box" in page
    assert "The keyring process is not running." in page
