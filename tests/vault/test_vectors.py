"""The committed vectors of vault format 1: what they say is what the code does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.vault.crypto import PartBinding, RecordCipher, derive, key_id, public_of, unwrap
from appliance.vault.findings import Code
from appliance.vault.format import Flag, Header, Kind, chain_next, chain_start, checkpoint_message, parse_header, sha256
from appliance.vault.manifest import parse_checkpoint
from appliance.vault.reader import PartReader

ROOT = Path(__file__).resolve().parent.parent.parent
VECTORS = ROOT / "tests" / "vectors" / "vault-format-1"
KEYS: dict[str, dict[str, str]] = json.loads((VECTORS / "keys.json").read_text(encoding="utf-8"))
PRIMITIVES: dict[str, Any] = json.loads((VECTORS / "primitives.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))
WHOLE = [case for case in CASES if case["passes"] == "full"]
MAX_BYTES = 1_500_000


def raw(vector: dict[str, Any], name: str) -> bytes:
    """Return a vector's value that is stored as hex."""
    return bytes.fromhex(vector[name])


def test_key_schedule() -> None:
    """Part key and id give the content key, nonce base and commitment of the vector."""
    vector = PRIMITIVES["key_schedule"]
    secrets = derive(raw(vector, "part_key"), raw(vector, "part_id"))
    assert secrets.content_key == raw(vector, "content_key")
    assert secrets.nonce_base == raw(vector, "nonce_base")
    assert secrets.commitment == raw(vector, "commitment")


@pytest.mark.parametrize("vector", PRIMITIVES["wrapping"], ids=lambda vector: vector["suite"])
def test_wrapping(vector: dict[str, Any]) -> None:
    """The vector's wrapped key opens with its private key under its binding, for both suites."""
    binding = PartBinding(
        vector["box"], vector["sitting"], vector["camera"], vector["part"], bytes.fromhex(vector["part_id"])
    )
    assert binding.info() == raw(vector, "info")
    assert public_of(vector["suite"], raw(vector, "private")) == raw(vector, "public")
    assert key_id(vector["suite"], raw(vector, "public")) == vector["key_id"]
    opened = unwrap(vector["suite"], raw(vector, "private"), binding.info(), raw(vector, "wrapped"))
    assert opened == raw(vector, "part_key")


def test_header() -> None:
    """The vector's fields pack to its bytes and its bytes read as its fields."""
    vector = PRIMITIVES["header"]
    header = Header(
        kind=Kind(vector["kind"]),
        seq=vector["seq"],
        start_us=vector["start_us"],
        duration_us=vector["duration_us"],
        part_tag=raw(vector, "part_tag"),
        length=vector["length"],
        flags=Flag(vector["flags"]),
        reason=vector["reason"],
        media_us=vector["media_us"],
        key_us=vector["key_us"],
        key_offset=vector["key_offset"],
    )
    assert header.pack() == raw(vector, "packed")
    assert parse_header(raw(vector, "packed")) == header


@pytest.mark.parametrize("vector", PRIMITIVES["sealing"], ids=lambda vector: vector["aead"])
def test_sealing(vector: dict[str, Any]) -> None:
    """Sealing the vector's plaintext gives its data, for both ciphers."""
    schedule = PRIMITIVES["key_schedule"]
    cipher = RecordCipher(derive(raw(schedule, "part_key"), raw(schedule, "part_id")), vector["aead"])
    assert cipher.seal(vector["seq"], raw(vector, "header"), raw(vector, "plaintext")) == raw(vector, "data")
    assert cipher.open(vector["seq"], raw(vector, "header"), raw(vector, "data")) == raw(vector, "plaintext")


def test_chain() -> None:
    """The chain begins with the manifest and goes on with header and data as the vector says."""
    vector = PRIMITIVES["chain"]
    start = chain_start(raw(vector, "manifest"))
    assert start == raw(vector, "start")
    assert chain_next(start, raw(vector, "header"), raw(vector, "data")) == raw(vector, "next")


def test_checkpoint() -> None:
    """The vector's checkpoint is canonical, and its signature is the device key's."""
    vector = PRIMITIVES["checkpoint"]
    body = raw(vector, "body")
    Ed25519PublicKey.from_public_bytes(raw(vector, "device_key")).verify(
        raw(vector, "signature"), checkpoint_message(body)
    )
    assert sha256(body) == raw(vector, "sha256")
    assert parse_checkpoint(body).final


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case["case"])
def test_whole_recordings_open(case: dict[str, Any]) -> None:
    """Every sealed record of a whole recording opens with the named key, and its pictures are fragments."""
    folder = VECTORS / case["case"] / case["sitting"] / case["camera"]
    key = KEYS[case["keys"][0]]
    for path in sorted(folder.iterdir()):
        with PartReader(path) as reader:
            suite, wrapped = reader.wrapped(key["key_id"])
            cipher = reader.cipher(unwrap(suite, bytes.fromhex(key["private"]), reader.binding.info(), wrapped))
            assert reader.init(cipher)[4:8] == b"ftyp"
            assert reader.stream(cipher)["video"] == {"codec": "h264", "width": 64, "height": 64}
            segments = [row.seq for row in reader.index() if row.kind == Kind.SEGMENT]
            assert segments
            assert all(reader.segment(seq, cipher)[4:8] == b"moof" for seq in segments)


def test_vectors_are_complete_and_small() -> None:
    """Folders and expectations are the same, every finding code has a case, and all of it stays small."""
    folders = {path.relative_to(VECTORS).as_posix() for kind in ("good", "bad") for path in (VECTORS / kind).iterdir()}
    assert folders == {case["case"] for case in CASES}
    assert {case["code"] for case in CASES} - {None} == set(Code.__args__)
    assert sum(path.stat().st_size for path in VECTORS.rglob("*") if path.is_file()) < MAX_BYTES


def test_vectors_cover_every_field_the_format_names() -> None:
    """There is a damaged vector for each header field, column and body, and for each attack the document lists."""
    names = {case["case"].removeprefix("bad/") for case in CASES if case["code"]}
    fields = "magic kind flags reason seq start duration media key key-offset length part"
    columns = "seq kind start end key"
    assert {f"header-{field}" for field in fields.split()} <= names
    assert {f"column-{column}" for column in columns.split()} <= names
    assert {"chain-flipped", "data-flipped", "recipient-wrapped-1", "recipient-key-id", "manifest-software"} <= names
    assert {"checkpoint-body", "checkpoint-signature", "checkpoint-number", "checkpoint-foreign"} <= names
    assert {"segments-swapped", "segment-removed", "segment-repeated", "tail-cut", "wrong-recipient"} <= names


def test_vectors_can_be_made_anew(tmp_path: Path) -> None:
    """The script still makes the committed vectors; only what hangs on random encapsulation differs."""
    target = tmp_path / "vectors"
    subprocess.run([sys.executable, ROOT / "tools" / "make_vectors.py", target], check=True, capture_output=True)
    for name in ("keys.json", "expected.json"):
        assert (target / name).read_text(encoding="utf-8") == (VECTORS / name).read_text(encoding="utf-8")
    made = json.loads((target / "primitives.json").read_text(encoding="utf-8"))
    for vector, committed in zip(made["wrapping"], PRIMITIVES["wrapping"], strict=True):
        assert vector.pop("wrapped") != committed["wrapped"]
        assert vector == {name: value for name, value in committed.items() if name != "wrapped"}
    del made["wrapping"]
    assert made == {name: value for name, value in PRIMITIVES.items() if name != "wrapping"}

    def parts(root: Path) -> list[str]:
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.sqlite"))

    assert parts(target) == parts(VECTORS)
