"""Judges a device by a policy: the first rule that matches wins (pure).

Before the rules of every policy come four of the box's own, which no policy can take away:

1. ``root-hub``: a controller's own hub is never judged; without it nothing could be plugged in at all.
2. ``let-in``: a named person let this device (hash) in at this port.
3. ``confirmed``: somebody confirmed this device (hash) as belonging to the room, so that no policy locks IT out.
4. ``half-read``: a device whose descriptors could not be read to the end, or contradict themselves, is let in by no
   answer that did not name it: an allowing rule counts only where it asks for this very hash, and no implicit
   ``allow`` counts. Rules that keep it out count as for any other.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from appliance.usb import matching
from appliance.usb.model import Decision, Mode, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.usb.model import Device
    from appliance.usb.policy import Policy, Rule

_ACTS: Final[dict[Verdict, str]] = {"allow": "lets it in", "block": "blocks it", "reject": "rejects it"}
_NOT_WHOLE: Final = "its descriptors could not be read to the end, or contradict themselves"


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision depends on beside device and policy.

    ``at`` is local time of the room. ``confirmed`` are hashes; ``let_in`` are pairs of hash and port.
    """

    mode: Mode
    at: datetime
    confirmed: frozenset[str] = frozenset()
    let_in: frozenset[tuple[str, str]] = frozenset()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A rule in an explanation.

    ``rule`` is its id, empty for the answer where none matches; ``matched`` whether it is about this device, now;
    ``decides`` whether it is the one that decided; ``verdict`` what it says, or None where it never says one.
    ``why``: one plain English sentence.
    """

    rule: str
    verdict: Verdict | None
    matched: bool
    decides: bool
    why: str


def decide(policy: Policy, device: Device, circumstances: Circumstances) -> Decision:
    """Return what the policy says of the device. Never raises."""
    return next(decision for _, decision in _steps(policy, device, circumstances) if decision is not None)


def explain(policy: Policy, device: Device, circumstances: Circumstances) -> tuple[Step, ...]:
    """Return every rule in its order, and why it did or did not match; the first that matched decided."""
    steps, decided = [], False
    for step, decision in _steps(policy, device, circumstances):
        if decision is not None and not decided:
            step, decided = msgspec.structs.replace(step, decides=True, why=decision.why), True  # noqa: PLW2901  the same step
        steps.append(step)
    return tuple(steps)


def _steps(policy: Policy, device: Device, now: Circumstances) -> Iterator[tuple[Step, Decision | None]]:
    """Yield each step with its decision, None where it makes none; the last always makes one."""
    if device.is_root_hub:
        yield _let("root-hub", "It is a controller's own hub, which is never judged.")
    else:
        yield _not("root-hub", "It is no controller's own hub.")
    if device.hash and (device.hash, device.port) in now.let_in:
        yield _let("let-in", "Somebody let this device in at this port.")
    else:
        yield _not("let-in", "Nobody let this device in at this port.")
    if device.hash and device.hash in now.confirmed:
        yield _let("confirmed", "Somebody confirmed that it belongs to the room.")
    else:
        yield _not("confirmed", "Nobody confirmed that it belongs to the room.")
    if not device.whole:
        why = f"Only a rule that names its hash can let it in: {_NOT_WHOLE}."
        yield _step("half-read", None, why, matched=True), None
    for rule in policy.rule:
        yield _judged(rule, device, now)
    yield _otherwise(policy.otherwise.of(now.mode), device, now.mode)


def _let(rule: str, why: str) -> tuple[Step, Decision | None]:
    return _step(rule, "allow", why, matched=True), Decision(verdict="allow", rule=rule, why=why)


def _not(rule: str, why: str, verdict: Verdict = "allow") -> tuple[Step, Decision | None]:
    return _step(rule, verdict, why, matched=False), None


def _judged(rule: Rule, device: Device, now: Circumstances) -> tuple[Step, Decision | None]:
    reason = matching.counts_now(rule.when, now.mode, now.at)
    if not reason:
        reason = matching.why_not(rule.match, device)
    if not reason and (excepted := next((one for one in rule.unless if not matching.why_not(one, device)), None)):
        reason = f"{matching.why(excepted, device)}, which the rule leaves out"
    if reason:
        return _not(rule.id, f"Does not match: {reason}.", rule.verdict)
    if rule.verdict == "allow" and not device.whole and not rule.match.hash:
        return _not(rule.id, f"Does not count: it does not name this hash, and {_NOT_WHOLE}.")
    decision = _decision(rule, device)
    return _step(rule.id, decision.verdict, decision.why, matched=True), decision


def _decision(rule: Rule, device: Device) -> Decision:
    because = matching.why(rule.match, device)
    sentence = f"Rule “{rule.id}” {_ACTS[rule.verdict]}: {because}."
    if not rule.let_in:
        return Decision(verdict=rule.verdict, rule=rule.id, why=sentence)
    numbers, others = _narrowed(rule, device)
    if not numbers:
        why = f"Rule “{rule.id}” blocks it: {because}, but none of its interfaces may be let in."
        return Decision(verdict="block", rule=rule.id, why=why)
    if not others:
        return Decision(verdict="allow", rule=rule.id, why=sentence)
    why = f"Rule “{rule.id}” lets in only some interfaces ({', '.join(map(str, numbers))}): {because}."
    return Decision(verdict="allow", rule=rule.id, why=why, interfaces=numbers)


def _narrowed(rule: Rule, device: Device) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the interface numbers that are let in, and the others.

    A number counts by all its alternate settings and in all configurations: what has it can become any of them.
    """
    numbers = sorted({one.number for one in device.interfaces})
    others = {one.number for one in device.interfaces if not matching.like_any(one, rule.let_in)}
    return tuple(number for number in numbers if number not in others), tuple(sorted(others))


def _otherwise(verdict: Verdict, device: Device, mode: Mode) -> tuple[Step, Decision]:
    why = f"No rule matches, and then the policy {_ACTS[verdict]} in mode {mode}."
    if verdict == "allow" and not device.whole:
        verdict, why = "block", f"No rule names its hash, and {_NOT_WHOLE}."
    step = _step("", verdict, f"Where no rule matches, the policy {_ACTS[verdict]} in mode {mode}.", matched=True)
    return step, Decision(verdict=verdict, why=why)


def _step(rule: str, verdict: Verdict | None, why: str, *, matched: bool) -> Step:
    return Step(rule=rule, verdict=verdict, matched=matched, decides=False, why=why)
