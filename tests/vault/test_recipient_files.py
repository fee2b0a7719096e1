from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import BadInputError, ConflictError, MissingKeyError
from appliance.vault import crypto
from appliance.vault.recipient_files import load_private_file, load_public_file, new_key_pair

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("suite", ["X25519", "MLKEM768-X25519"])
def test_a_new_pair_opens_what_is_sealed_to_it(tmp_path: Path, suite: crypto.Suite) -> None:
    """What is wrapped to the public file opens with the private one, which only its owner can read."""
    pair = new_key_pair(tmp_path, "Dr. Anna Prüfer", suite)
    assert pair.private_file.name == "dr-anna-prufer.private.json"
    assert pair.private_file.stat().st_mode & 0o777 == 0o600
    public = load_public_file(pair.public_file, label=None, role="auditor")
    private = load_private_file(pair.private_file)
    assert (public.key_id, public.label) == (private.key_id, "Dr. Anna Prüfer")
    found, raw = private.private_for(pair.key_id)
    assert crypto.unwrap(found, raw, b"i", crypto.wrap(suite, public.public, b"i", b"k" * 32)) == b"k" * 32
    assert raw.hex() not in repr(private)
    with pytest.raises(MissingKeyError):
        private.private_for("0" * 16)


def test_a_pair_is_never_overwritten(tmp_path: Path) -> None:
    """A second pair of the same name is refused and neither file changes."""
    pair = new_key_pair(tmp_path, "Anna", "X25519")
    before = pair.private_file.read_bytes(), pair.public_file.read_bytes()
    with pytest.raises(ConflictError):
        new_key_pair(tmp_path, "anna", "X25519")
    assert (pair.private_file.read_bytes(), pair.public_file.read_bytes()) == before
    with pytest.raises(BadInputError):
        new_key_pair(tmp_path / "none", "Anna", "X25519")


def test_a_private_file_is_not_taken_for_a_public_one(tmp_path: Path) -> None:
    """Whoever hands in the wrong file is told to take it off the box."""
    pair = new_key_pair(tmp_path, "Anna", "X25519")
    with pytest.raises(BadInputError, match="private") as caught:
        load_public_file(pair.private_file, label=None, role="auditor")
    assert "remove it" in caught.value.hint


def test_suite_and_public_key_are_enough(tmp_path: Path) -> None:
    """A file of another tool with only these two is accepted, with a label given beside it."""
    public = crypto.public_of("X25519", crypto.generate_private("X25519"))
    path = tmp_path / "k.json"
    path.write_text(json.dumps({"suite": "X25519", "public": public.hex(), "comment": "x"}))
    assert load_public_file(path, label="Anna", role="escrow").public == public
    with pytest.raises(BadInputError, match="label"):
        load_public_file(path, label=None, role="escrow")


@pytest.mark.parametrize(
    "change",
    [{"suite": "RSA"}, {"public": "zz"}, {"public": "00" * 32}, {"public": None}, {"key_id": "0" * 16}, {"label": 1}],
)
def test_unusable_public_files_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """Each wrong field is a plain error."""
    pair = new_key_pair(tmp_path, "Anna", "X25519")
    content = json.loads(pair.public_file.read_text())
    pair.public_file.write_text(json.dumps({**content, **change}))
    with pytest.raises(BadInputError):
        load_public_file(pair.public_file, label=None, role="auditor")


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_files_that_are_no_key_are_refused(tmp_path: Path, raw: bytes) -> None:
    """Garbage is named as what it is, for either kind."""
    path = tmp_path / "x.json"
    path.write_bytes(raw)
    with pytest.raises(BadInputError):
        load_public_file(path, label="x", role="auditor")
    with pytest.raises(MissingKeyError):
        load_private_file(path)


def test_halves_of_two_pairs_do_not_pass_for_one(tmp_path: Path) -> None:
    """A private file whose halves do not belong together is damaged."""
    one, two = new_key_pair(tmp_path, "one", "X25519"), new_key_pair(tmp_path, "two", "X25519")
    mixed = {**json.loads(one.private_file.read_text()), "public": json.loads(two.private_file.read_text())["public"]}
    one.private_file.write_text(json.dumps(mixed))
    with pytest.raises(MissingKeyError, match="damaged"):
        load_private_file(one.private_file)
