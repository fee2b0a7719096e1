"""`exambox usb policy`, as a person at the command line uses it."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

import pytest

from appliance.commands import usb_policy_trial
from appliance.errors import BadInputError, ConflictError, NotFoundError
from appliance.usb.library import described
from appliance.usb.policies import default_text
from appliance.usb.policy_file import read_policy
from appliance.usb.sysfs import UsbBus
from tests.commands.box import run

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.config import Settings

OPEN = "[[rule]]\nid = 'all'\nverdict = 'allow'\n"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a hub at 1-1 and a stick at 1-1.4."""
    root = tmp_path / "usb"
    for port, device_id in (("1-1", "hub-genesys"), ("1-1.4", "stick-sandisk-ultra-fit")):
        folder = root / "devices" / port
        folder.mkdir(parents=True)
        one = described(device_id)
        said = {"idVendor": one.vendor, "idProduct": one.product, "product": one.name, "serial": one.serial}
        for name, text in said.items():
            (folder / name).write_text(f"{text}\n", encoding="utf-8")
        (folder / "descriptors").write_bytes(one.raw)
    monkeypatch.setattr(usb_policy_trial, "UsbBus", functools.partial(UsbBus, root))
    return root


@pytest.fixture
def open_file(tmp_path: Path) -> Path:
    """A policy file that lets in everything."""
    file = tmp_path / "open.toml"
    file.write_text(OPEN, encoding="utf-8")
    return file


def test_policy_in_force_can_be_changed_and_had_again(settings: Settings, open_file: Path) -> None:
    """A policy is shown as a file, applied from a file, listed with its reason, and the former one restored."""
    assert run(settings, "usb", "policy", "show").stdout == default_text()
    applied = run(settings, "usb", "policy", "apply", str(open_file), "--why", "listening exam")
    assert applied.exit_code == 0, applied.output
    assert "Version 1 is in force." in applied.output
    assert run(settings, "usb", "policy", "show").stdout == OPEN
    assert "policy in force already" in run(settings, "usb", "policy", "apply", str(open_file)).output
    assert run(settings, "usb", "policy", "restore", "0", "--yes").exit_code == 0
    assert run(settings, "usb", "policy", "show").stdout == default_text()
    lines = run(settings, "usb", "policy", "history").output.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "1", "0"]
    assert lines[1].endswith(": listening exam")
    assert run(settings, "usb", "policy", "show", "--version", "1").stdout == OPEN


def test_what_would_be_kept_out_is_asked_before(settings: Settings, open_file: Path, tmp_path: Path) -> None:
    """A policy that would keep out what is plugged in says so and asks; without a yes nothing changes."""
    run(settings, "usb", "policy", "apply", str(open_file))
    strict = tmp_path / "strict.toml"
    strict.write_text(default_text(), encoding="utf-8")
    refused = run(settings, "usb", "policy", "apply", str(strict))
    assert refused.exit_code == 1
    assert "USB stick, SanDisk" in refused.output
    assert run(settings, "usb", "policy", "show").stdout == OPEN
    assert run(settings, "usb", "policy", "apply", str(strict), "--yes").exit_code == 0
    assert run(settings, "usb", "policy", "show").stdout == default_text()


def test_check_names_the_place_and_stores_nothing(settings: Settings, open_file: Path, tmp_path: Path) -> None:
    """A check says what would change and what is wrong with its rule and key; the policy in force stays."""
    found = run(settings, "usb", "policy", "check", str(open_file))
    assert found.exit_code == 0
    assert "1 rule" in found.output
    assert "Now: blocked." in found.output
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(OPEN + "match.device = '1:2'\n", encoding="utf-8")
    with pytest.raises(BadInputError, match=r"rule 1 \(all\), match.device: “1:2”"):
        raise _problem(settings, "usb", "policy", "check", str(wrong))
    wrong.write_bytes(b"\xff")
    with pytest.raises(BadInputError, match="UTF-8"):
        raise _problem(settings, "usb", "policy", "check", str(wrong))
    assert run(settings, "usb", "policy", "show").stdout == default_text()


def _problem(settings: Settings, *arguments: str) -> BaseException:
    problem = run(settings, *arguments).exception
    assert problem is not None
    return problem


def test_dry_run_lists_what_is_plugged_in(settings: Settings, open_file: Path) -> None:
    """A dry run has a verdict, a rule and a reason for each device, and counts them."""
    found = run(settings, "usb", "policy", "dry-run").output
    assert "blocked  USB stick, SanDisk" in found
    assert "Rule “storage” blocks it" in found
    assert "2 devices: 1 allowed, 1 blocked." in found
    rows = json.loads(run(settings, "usb", "policy", "dry-run", str(open_file), "--surprises", "--json").output)
    assert [(row["port"], row["decision"]["verdict"], row["now"]["verdict"]) for row in rows] == [
        ("1-1.4", "allow", "block")
    ]


def test_dry_run_against_the_library(settings: Settings, open_file: Path) -> None:
    """The default exam policy surprises nobody with the library's devices; one that lets in everything does."""
    assert "otherwise than expected" not in run(settings, "usb", "policy", "dry-run", "--library").output
    found = run(settings, "usb", "policy", "dry-run", str(open_file), "--library", "--surprises").output
    assert "Expected: blocked." in found


def test_explain_names_the_rule_that_decides(settings: Settings, open_file: Path) -> None:
    """An explanation marks the rule that decides, says of the others why they do not match, and sums up."""
    lines = run(settings, "usb", "policy", "explain", "1-1.4").output.splitlines()
    assert [line.split()[1] for line in lines if line.startswith(">")] == ["storage"]
    assert "Does not match: no interface is 0e:*:*." in next(line for line in lines if " cameras " in line)
    assert lines[-1] == "So it is blocked in mode armed."
    found = json.loads(run(settings, "usb", "policy", "explain", "1-1.4", "--file", str(open_file), "--json").output)
    assert found["decision"]["rule"] == "all"
    with pytest.raises(NotFoundError) as caught:
        raise _problem(settings, "usb", "policy", "explain", "1-9")
    assert "1-1.4" in caught.value.hint
    with pytest.raises(BadInputError, match="no time"):
        raise _problem(settings, "usb", "policy", "explain", "1-1", "--at", "noon")


def test_rule_about_a_device_is_added(settings: Settings) -> None:
    """A rule about a device that is plugged in comes before all others, and its reason is its comment."""
    added = run(settings, "usb", "policy", "add-rule", "1-1.4", "--why", "the centre's own stick")
    assert added.exit_code == 0, added.output
    policy = read_policy(run(settings, "usb", "policy", "show").stdout)
    assert (policy.rule[0].verdict, policy.rule[0].comment) == ("allow", "the centre's own stick")
    assert "2 devices: 2 allowed." in run(settings, "usb", "policy", "dry-run").output
    again = run(settings, "usb", "policy", "add-rule", "1-1.4", "--by", "port", "--verdict", "reject", "--yes")
    assert "Version 2 is in force." in again.output
    assert "1 allowed, 1 rejected" in run(settings, "usb", "policy", "dry-run").output


def test_usbguard_rules_in_and_out(settings: Settings, tmp_path: Path) -> None:
    """USBGuard's rules become a policy file that can be applied, what is lost is told, and rules are written again."""
    rules, policy, back = tmp_path / "rules.conf", tmp_path / "policy.toml", tmp_path / "back.conf"
    rules.write_text(
        'allow with-interface match-all { 09:*:* } label "hubs"\nallow 0781:* if random\n', encoding="utf-8"
    )
    found = run(settings, "usb", "policy", "import-usbguard", str(rules), "--output", str(policy))
    assert found.exit_code == 0, found.output
    assert "line 2, line-2: left out." in found.output
    assert [rule.id for rule in read_policy(policy.read_text(encoding="utf-8")).rule] == ["hubs"]
    assert (
        run(settings, "usb", "policy", "export-usbguard", "--file", str(policy), "--output", str(back)).exit_code == 0
    )
    assert 'allow with-interface match-all { 09:*:* } label "hubs"' in back.read_text(encoding="utf-8")
    with pytest.raises(ConflictError, match="exists already"):
        raise _problem(settings, "usb", "policy", "import-usbguard", str(rules), "--output", str(policy))
    rules.write_text("alloww\n", encoding="utf-8")
    with pytest.raises(BadInputError, match="Line 1, character 1"):
        raise _problem(settings, "usb", "policy", "import-usbguard", str(rules))
