"""What a policy would do: held against what is plugged in, or against described devices. Nothing is stored (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.usb.engine import decide
from appliance.usb.model import Decision, Device, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from appliance.usb.engine import Circumstances
    from appliance.usb.policy import Policy, Rule


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A device to hold a policy against: ``title`` names it, ``expected`` is the verdict it should get, if any."""

    device: Device
    title: str = ""
    expected: Verdict | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a trial. ``before`` is what the policy in force says, where that was asked for."""

    trial: Trial
    decision: Decision
    before: Decision | None = None

    @property
    def changes(self) -> bool:
        """Whether the device would be treated otherwise than by the policy in force."""
        if self.before is None:
            return False
        return (self.decision.verdict, self.decision.interfaces) != (self.before.verdict, self.before.interfaces)

    @property
    def surprises(self) -> bool:
        """Whether the verdict is another than was expected."""
        return self.trial.expected is not None and self.trial.expected != self.decision.verdict


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a policy that is correct and probably not meant; ``kind`` is a stable word for it."""

    kind: str
    what: str
    rule: str = ""


def dry_run(
    policy: Policy, trials: Iterable[Trial], circumstances: Circumstances, *, in_force: Policy | None = None
) -> tuple[Row, ...]:
    """Return a row for each trial: what the policy says of it, and what the one ``in_force`` says."""
    return tuple(
        Row(
            trial=trial,
            decision=decide(policy, trial.device, circumstances),
            before=decide(in_force, trial.device, circumstances) if in_force is not None else None,
        )
        for trial in trials
    )


def advice(policy: Policy) -> tuple[Advice, ...]:
    """Return what a person should look at before a policy is put in force."""
    found = []
    if policy.otherwise.armed == "allow" or policy.otherwise.export == "allow":
        what = "While the box is armed, every device is let in that no rule keeps out."
        found.append(Advice(kind="open", what=what))
    everything = next((n for n, rule in enumerate(policy.rule) if _is_about_everything(rule)), None)
    for n, rule in enumerate(policy.rule):
        if everything is not None and n > everything:
            what = f"It is never reached: rule {policy.rule[everything].id} is about every device at any time."
            found.append(Advice(kind="unreachable", rule=rule.id, what=what))
        elif _lets_in_by_part(rule):
            what = "It lets in whatever has such an interface beside others: “only”, or “let_in”, is narrower."
            found.append(Advice(kind="by-part", rule=rule.id, what=what))
    return tuple(found)


def _is_about_everything(rule: Rule) -> bool:
    return (
        rule.match.is_empty
        and not rule.unless
        and not rule.when.mode
        and not rule.when.from_
        and not rule.when.weekdays
    )


def _lets_in_by_part(rule: Rule) -> bool:
    """Whether an allowing rule names a device only by some of its interfaces."""
    asked, match = rule.match.interfaces, rule.match
    named = match.device or match.serial or match.hash or match.port or match.parent or match.parent_hash
    narrow = asked.only or asked.exactly or asked.none or rule.let_in
    return rule.verdict == "allow" and bool(asked.any or asked.all) and not named and not narrow


def tally(rows: Sequence[Row]) -> dict[Verdict, int]:
    """Return how many devices get which verdict."""
    counts: dict[Verdict, int] = {"allow": 0, "block": 0, "reject": 0}
    for row in rows:
        counts[row.decision.verdict] += 1
    return counts
