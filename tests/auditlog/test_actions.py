"""The list of actions."""

from __future__ import annotations

import ast
from pathlib import Path

import appliance
from appliance.auditlog import ACTIONS
from appliance.auditlog.actions import words


def _actions_in(path: Path) -> set[str]:
    """Return the literal actions a module hands to `append`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
        if name in {"append", "_log", "log"} and isinstance(node, ast.Call) and len(node.args) > 1:
            second = node.args[1]
            if isinstance(second, ast.Constant) and isinstance(second.value, str):
                found.add(second.value)
    return found


def test_every_action_the_software_logs_is_listed() -> None:
    """Auditors find each action they can meet in one list, with words for people."""
    used = set().union(*(_actions_in(path) for path in Path(appliance.__file__).parent.rglob("*.py")))
    assert "vault.part_deleted" in used
    assert used - ACTIONS.keys() == set()
    assert words("camera.added") == "a camera was added"
    assert words("future.action") == "future.action"
