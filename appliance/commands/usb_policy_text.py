"""How policies, trials and explanations are written on the screen (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from appliance.usb.dry_run import tally
from appliance.usb.engine import decide, explain
from appliance.usb.words import KINDS, VERDICTS, kind_of, name_of, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.usb.dry_run import Row
    from appliance.usb.engine import Circumstances, Step
    from appliance.usb.model import Decision, Device, Verdict
    from appliance.usb.policy import Policy

_PAD = 9


def said(verdict: Verdict) -> str:
    """Return ``blocked`` and the like."""
    return VERDICTS[verdict]


def decided(decision: Decision) -> str:
    """Return a verdict, with the interfaces where only some are let in."""
    if decision.interfaces is None:
        return said(decision.verdict)
    return f"{said(decision.verdict)}, interfaces {', '.join(map(str, decision.interfaces))} alone"


def rules(policy: Policy) -> str:
    """Return how many rules there are."""
    return f"{len(policy.rule)} rule{'' if len(policy.rule) == 1 else 's'}"


def row_lines(row: Row) -> list[str]:
    """Return a trial's lines: verdict and device, why, and what is otherwise than now or than expected."""
    device = row.trial.device
    words = row.trial.title or say(device)
    lines = [f"{said(row.decision.verdict):{_PAD}}{words} ({device.id})", f"{'':{_PAD}}{row.decision.why}"]
    if row.changes and row.before is not None:
        lines.append(f"{'':{_PAD}}Now: {decided(row.before)}. {row.before.why}")
    if row.surprises and row.trial.expected is not None:
        lines.append(f"{'':{_PAD}}Expected: {said(row.trial.expected)}.")
    return lines


def total(rows: Sequence[Row]) -> str:
    """Return how many devices there are, and what becomes of them."""
    if not rows:
        return "Nothing is plugged in. `--library` tries the policy against real devices that are described."
    counts = ", ".join(f"{number} {said(verdict)}" for verdict, number in tally(rows).items() if number)
    changed, surprising = sum(row.changes for row in rows), sum(row.surprises for row in rows)
    more = [f"{changed} otherwise than now"] if changed else []
    more += [f"{surprising} otherwise than expected"] if surprising else []
    return f"{len(rows)} device{'' if len(rows) == 1 else 's'}: {'; '.join([counts, *more])}."


def row_json(row: Row) -> dict[str, Any]:
    """Return a trial as JSON."""
    return {
        "port": row.trial.device.port,
        "title": row.trial.title,
        "device": msgspec.to_builtins(row.trial.device),
        "decision": msgspec.to_builtins(row.decision),
        "now": msgspec.to_builtins(row.before),
        "expected": row.trial.expected,
    }


def device_lines(device: Device) -> list[str]:
    """Return what a device says it is."""
    interfaces = dict.fromkeys(f"{one.number}: {one}" for one in device.interfaces)
    facts = [
        ("port", f"{device.port}, below {device.parent}" if device.parent else device.port),
        ("serial number", device.serial or "none"),
        ("interfaces", ", ".join(interfaces) or "none"),
        ("hash", device.hash or "none"),
    ]
    if not device.whole:
        facts.append(("descriptors", "not read to the end, or they contradict themselves"))
    return [
        f"{KINDS[kind_of(device)]}, {name_of(device)} ({device.id})",
        *(f"  {key}: {value}" for key, value in facts),
    ]


def step_line(step: Step) -> str:
    """Return one rule of an explanation."""
    name = step.rule or "otherwise"
    return f"{'>' if step.decides else ' '} {name:24} {step.why}"


def explanation_json(device: Device, policy: Policy, now: Circumstances) -> dict[str, Any]:
    """Return an explanation as JSON."""
    return {
        "device": msgspec.to_builtins(device),
        "decision": msgspec.to_builtins(decide(policy, device, now)),
        "steps": [msgspec.to_builtins(step) for step in explain(policy, device, now)],
    }
