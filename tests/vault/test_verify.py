"""The verifier: against the published vectors, against damage of every kind, and while a part is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from appliance.vault.keysource import FileKeys
from appliance.vault.verify import verify_recording

VECTORS = Path(__file__).parent.parent / "vectors" / "vault-format-1"
KEYS: dict[str, Any] = json.loads((VECTORS / "keys.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))
LEVELS = ("presence", "chain", "full")


def _verify(case: dict[str, Any], level: Any) -> Any:
    return verify_recording(
        VECTORS / case["case"],
        case["sitting"],
        case["camera"],
        level,
        device_key=bytes.fromhex(KEYS[case["device_key"]]["public"]) if case["device_key"] else None,
        keys=FileKeys((KEYS[name]["kind"], bytes.fromhex(KEYS[name]["private"])) for name in case["keys"]),
        ended=case["ended"],
    )


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_vectors(case: dict[str, Any]) -> None:
    """Each published vector passes up to its level, and fails the next with the stated first finding."""
    if case["passes"]:
        report = _verify(case, case["passes"])
        assert report.findings == ()
        assert report.ok
        assert report.open is case["open"]
    if case["fails"]:
        first = _verify(case, case["fails"]).findings[0]
        assert (first.code, first.part, first.seq) == (case["code"], case["part"], case["seq"])


def test_the_vectors_cover_both_outcomes() -> None:
    """The set of vectors holds good and bad ones, so that neither test above is empty."""
    assert {bool(case["fails"]) for case in CASES} == {True, False}
    assert {case["passes"] for case in CASES} >= {None, "presence", "chain", "full"}
