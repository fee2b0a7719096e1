"""The list of OWASP's requirements: each has one row, names what exists, and gives a reason where it is not met."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASVS = ROOT / "docs" / "asvs.md"
NUMBERS = Path(__file__).with_name("asvs_5_0_level_2.txt")
ROW = re.compile(r"^\| (V\d+\.\d+\.\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
PATH = re.compile(r"`((?:appliance|docs|tests|systemd|tools|requirements)/[^`]*|[A-Z]+\.md|pyproject\.toml)`")
SHORTEST_REASON = 20


def rows() -> list[tuple[str, str, str, str]]:
    """Return number, words, status and evidence of each row."""
    return [(row[1], row[2], row[3], row[4]) for row in ROW.finditer(ASVS.read_text(encoding="utf-8"))]


def wanted() -> list[str]:
    """Return the numbers of levels 1 and 2."""
    lines = NUMBERS.read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if not line.startswith("#")]


def test_each_requirement_has_one_row() -> None:
    """None is left out, none is there twice, none is invented."""
    assert Counter(row[0] for row in rows()) == Counter(wanted())
    assert len(wanted()) == 253


def test_the_statuses_are_known_and_counted() -> None:
    """Met, not applicable or deviation; the sums at the top are right."""
    counts = Counter(row[2] for row in rows())
    assert set(counts) == {"met", "not applicable", "deviation"}
    told = f"{counts['met']} are met, {counts['not applicable']} do not apply, {counts['deviation']} deviate."
    assert told in ASVS.read_text(encoding="utf-8")


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_says_where_or_why(row: tuple[str, str, str, str]) -> None:
    """Files and tests that are named exist; a deviation has a reason in words."""
    _, _, status, evidence = row
    named = PATH.findall(evidence)
    assert [path for path in named if not (ROOT / path).exists()] == []
    if status == "deviation":
        assert len(PATH.sub("", evidence)) >= SHORTEST_REASON or "follows from" in evidence
    if status == "met":
        assert named or len(evidence) > 2


def test_what_the_threat_model_names_exists() -> None:
    """Tests and documents the threat model points to are there."""
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    bases = (ROOT, ROOT / "docs", ROOT / "tests" / "web", ROOT / "tests" / "keyring", ROOT / "appliance")
    named = re.findall(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|md|service|lock)|(?:[\w.-]+/)+)`", text)
    missing = [path for path in named if not any((base / path).exists() for base in bases)]
    assert missing == []
