"""The units of a workstation: understood by systemd, tightly sandboxed, and in step with the code."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.commands.seat_agent import seat_agent_command
from appliance.seat_agent.home import SYSTEM_RUN, SYSTEM_STATE

UNITS = Path(__file__).resolve().parents[2] / "systemd" / "seat-agent"
AGENT, HELPER = "exambox-seat-agent.service", "exambox-seat-window.service"
MOST_EXPOSURE = 2.0
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def unit(name: str) -> configparser.SectionProxy:
    """Return the section of a service's file."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names are case-sensitive
    parser.read(UNITS / name, encoding="utf-8")
    return parser["Service"]


@pytest.mark.parametrize("name", [AGENT, HELPER])
def test_what_a_unit_starts_is_a_command_of_ours(name: str) -> None:
    """The words after the program are a command that exists."""
    words = unit(name)["ExecStart"].split()[1:]
    assert words[0] == "seat-agent"
    assert CliRunner().invoke(seat_agent_command, [words[1], "--help"]).exit_code == 0


def test_the_folders_are_the_ones_the_agent_uses() -> None:
    """State and run folder of the unit are the agent's for root."""
    agent = unit(AGENT)
    assert Path("/var/lib", agent["StateDirectory"]) == SYSTEM_STATE
    assert Path("/run", agent["RuntimeDirectory"]) == SYSTEM_RUN
    assert (agent["StateDirectoryMode"], agent["CapabilityBoundingSet"]) == ("0700", "")


@pytest.mark.systemd
@needs_systemd
def test_systemd_understands_the_units_and_finds_them_tight(tmp_path: Path) -> None:
    """Nothing is unknown to systemd, and its own rating of the agent's sandbox stays low."""
    there = tmp_path / "etc/systemd/system"
    there.mkdir(parents=True)
    shutil.copy(UNITS / AGENT, there)
    for name in ("sysinit", "basic", "shutdown", "network", "multi-user"):
        (there / f"{name}.target").write_text("[Unit]\nDescription=stand-in\n", encoding="utf-8")
    program = tmp_path / "opt/exambox/venv/bin/exambox"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)

    verified = analyze("verify", "--man=no", f"--root={tmp_path}", AGENT)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    said = analyze("security", "--offline=true", "--no-pager", str(UNITS / AGENT)).stdout
    rated = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert rated, said
    assert float(rated[1]) <= MOST_EXPOSURE


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    """Ask systemd-analyze."""
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False, timeout=60)
