"""Whose keys open a part."""

from __future__ import annotations

import json
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import BadInputError, MissingKeyError
from appliance.vault.crypto import generate_private
from appliance.vault.keysource import FileKeys, UnwrapError, read_private_key
from appliance.vault.reader import PartReader
from tests.vault.recorded import PRIVATE, file_keys, recipient

if TYPE_CHECKING:
    from pathlib import Path


def test_key_files_are_json_or_hex(tmp_path: Path) -> None:
    """Both suites are read from JSON and from bare hex."""
    path = tmp_path / "key"
    for suite in ("X25519", "MLKEM768-X25519"):
        private = generate_private(suite)
        path.write_text(json.dumps({"suite": suite, "private": private.hex(), "label": "ignored"}), encoding="ascii")
        assert read_private_key(path) == (suite, private)
        path.write_text(private.hex() + "\n", encoding="ascii")
        assert read_private_key(path) == (suite, private)


@given(content=st.one_of(st.binary(max_size=100), st.text(max_size=40).map(str.encode)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_other_file_is_bad_input(tmp_path: Path, content: bytes) -> None:
    """Whatever holds no private key is refused with the form it should have."""
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(BadInputError):
        read_private_key(path)


def test_an_unreadable_key_file_is_bad_input(tmp_path: Path) -> None:
    """A folder or a missing file says that it cannot be read."""
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(BadInputError, match="cannot be read"):
            read_private_key(path)


def test_the_right_key_among_several_is_chosen(two_parts: Path) -> None:
    """Of several keys the one the part is sealed to is used."""
    keys = FileKeys([("X25519", generate_private("X25519")), ("X25519", PRIVATE)])
    with PartReader(two_parts / "exam" / "front" / "0001.sqlite") as reader:
        assert keys.part_key(reader, "verify") == file_keys().part_key(reader, "verify")


def test_a_damaged_wrapped_key_is_told_from_a_missing_one(two_parts: Path, tmp_path: Path) -> None:
    """A wrapped key that does not open is another error than no key at all, and a destroyed one is said to be."""
    path = tmp_path / "0001.sqlite"
    shutil.copyfile(two_parts / "exam" / "front" / "0001.sqlite", path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE recipient SET wrapped = zeroblob(80) WHERE key_id = ?", (recipient().key_id,))
    with PartReader(path) as reader, pytest.raises(UnwrapError):
        file_keys().part_key(reader, "verify")
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM recipient")
    with PartReader(path) as reader, pytest.raises(MissingKeyError, match="destroyed"):
        file_keys().part_key(reader, "verify")
