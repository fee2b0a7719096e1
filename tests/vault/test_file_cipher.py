"""Secrets under a key file: bound to what they are of, and the file read anew when it is another."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidTag

from appliance.vault.file_cipher import DamagedKeyFileError, FileCipher
from appliance.vault.key_files import OWN

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cipher(tmp_path: Path) -> FileCipher:
    """A cipher whose key file is made."""
    made = FileCipher(tmp_path / "a.key", OWN)
    made.make()
    return made


def test_a_secret_opens_for_what_it_was_sealed_for_alone(cipher: FileCipher, tmp_path: Path) -> None:
    """Another context or an altered byte opens nothing; the file is for its user alone."""
    sealed = cipher.seal(b"one", "secret")
    assert cipher.open(b"one", sealed) == "secret"
    assert cipher.seal(b"one", "secret") != sealed
    for context, data in ((b"two", sealed), (b"one", sealed[:-1] + bytes([sealed[-1] ^ 1])), (b"one", b"")):
        with pytest.raises((InvalidTag, ValueError)):
            cipher.open(context, data)
    assert (tmp_path / "a.key").stat().st_mode & 0o777 == 0o600


def test_another_key_file_is_seen_at_once(cipher: FileCipher, tmp_path: Path) -> None:
    """A replaced file opens what was sealed with it, and not what was sealed before; a cut or missing one is told."""
    sealed = cipher.seal(b"one", "secret")
    key = (tmp_path / "a.key").read_bytes()
    (tmp_path / "a.key").unlink()
    with pytest.raises(FileNotFoundError):
        cipher.open(b"one", sealed)
    cipher.make()
    with pytest.raises(InvalidTag):
        cipher.open(b"one", sealed)
    (tmp_path / "a.key").write_bytes(key[:-1])
    with pytest.raises(DamagedKeyFileError):
        cipher.seal(b"one", "secret")
    (tmp_path / "a.key").write_bytes(key)
    assert cipher.open(b"one", sealed) == "secret"


def test_many_that_make_it_at_once_have_one_key(tmp_path: Path) -> None:
    """Threads that find no file at the same moment seal with the same key."""
    gate, sealed = threading.Barrier(6), list[bytes]()

    def use() -> None:
        mine = FileCipher(tmp_path / "b.key", OWN)
        gate.wait()
        mine.make()
        sealed.append(mine.seal(b"one", "secret"))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = FileCipher(tmp_path / "b.key", OWN)
    assert {reader.open(b"one", one) for one in sealed} == {"secret"}
    assert [one.name for one in tmp_path.iterdir()] == ["b.key"]
