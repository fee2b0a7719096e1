"""The Makefile's list of targets."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_help_lists_every_target() -> None:
    """`make` alone lists each target a person may want, with a line about it."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    shown = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in phony[1].split():
        listed = re.search(rf"^  {target} +\S.*$", shown, re.MULTILINE)
        assert bool(listed) is not target.startswith("setup-"), target
    for asked in ("run", "test", "lint", "bench", "test-long", "test-faults", "test-vm", "help"):
        assert re.search(rf"^  {asked} ", shown, re.MULTILINE)


def test_locks_have_hashes_and_name_no_place() -> None:
    """Every locked package has a hash, and no lock file says where packages come from."""
    for lock in ("run.lock", "dev.lock"):
        text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        blocks = [block for block in re.split(r"(?m)^(?=\S)", text) if not block.startswith("#")]
        assert blocks
        for block in filter(str.strip, blocks):
            assert re.match(r"[a-z0-9.-]+==\S+", block), block[:60]
            assert "--hash=sha256:" in block, block[:60]


def test_locks_cover_what_the_project_asks_for() -> None:
    """Each dependency of pyproject.toml stands in the lock of its kind, and both locks agree on versions."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def locked(name: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        for package, version in re.findall(r"(?m)^([a-z0-9.-]+)==([^\s;]+)", text):
            found.setdefault(package, set()).add(version)
        return found

    def asked(lines: list[str]) -> set[str]:
        return {re.split(r"[<>=!~\[; ]", line)[0].lower() for line in lines}

    run, dev = locked("run.lock"), locked("dev.lock")
    assert asked(project["dependencies"]) <= set(run)
    assert asked(project["dependencies"]) | asked(project["optional-dependencies"]["dev"]) <= set(dev)
    assert all(dev[name] == versions for name, versions in run.items())
