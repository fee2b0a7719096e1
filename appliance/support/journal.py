"""The last lines of the box's own units, without anything that was not written by us.

Of a line stay: its time, level, event (a fixed sentence of the code), module and numbers. Every other value, and
every line that is not of this form, is left out: an error's words may name somebody. Of an exception stay its kind and
where in the code it was.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from appliance.diagnosis.computer import UNITS

if TYPE_CHECKING:
    from appliance.diagnosis.machine import Machine

LINES: Final = 500
_PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S*)')
_FRAME = re.compile(r'File "[^"\n]*?((?:appliance|site-packages)/[\w./-]+)", line (\d+), in ([\w<>]+)')
_KIND = re.compile(r"(?:^|\n|\\n)((?:\w+\.)*\w+(?:Error|Exception|Interrupt|Warning))\b")
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,9})?")
_EVENT = re.compile(r"[A-Za-z0-9 ,;:.'()/_-]{1,160}")
_WORDS = frozenset({"event", "level", "module", "process"})


def journal_facts(machine: Machine) -> dict[str, Any]:
    """Return the last lines, or that they cannot be read by this user."""
    said = machine.ask(["journalctl", "--quiet", "--no-pager", "--output=json", f"--lines={LINES}",
                        *(f"--unit={unit}.service" for unit in UNITS)])  # fmt: skip
    if not said:
        return {
            "readable": False,
            "why": "No journal, or this user may not read it: `exambox support-bundle` as root includes it.",
            "lines": [],
        }
    return {"readable": True, "lines": [line for line in map(parse_line, said.splitlines()) if line]}


def parse_line(raw: str) -> dict[str, Any] | None:
    """Return what may be told of one line of ``journalctl --output=json``; None where it is none (pure)."""
    try:
        entry = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    message = entry.get("MESSAGE")
    facts: dict[str, Any] = {"at_us": _whole(entry.get("__REALTIME_TIMESTAMP"))}
    unit = str(entry.get("_SYSTEMD_UNIT") or entry.get("UNIT") or "").removesuffix(".service")
    facts["unit"] = unit if unit in UNITS else "other"
    facts["priority"] = _whole(entry.get("PRIORITY"))
    facts.update(message_facts(message if isinstance(message, str) else ""))
    return facts


def message_facts(message: str) -> dict[str, Any]:
    """Return what may be told of a message (pure)."""
    found: dict[str, Any] = {}
    pairs = dict(_PAIR.findall(message)) if message.startswith("event=") else {}
    left_out = sorted(key for key, value in pairs.items() if key not in _WORDS and not _NUMBER.fullmatch(value))
    for key, value in pairs.items():
        text = value.strip('"')
        if key in _WORDS and _EVENT.fullmatch(text):
            found[key] = text
        elif _NUMBER.fullmatch(value):
            found[key] = float(value) if "." in value else int(value)
    if not pairs:
        found["event"] = f"(a line of {len(message)} characters, left out)"
    if left_out:
        found["left_out"] = left_out
    frames = [f"{file}:{line} {function}" for file, line, function in _FRAME.findall(message)]
    if frames:
        found["trace"] = frames[-20:]
    kinds = _KIND.findall(message)
    if kinds:
        found["exceptions"] = kinds[-5:]
    return found


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
