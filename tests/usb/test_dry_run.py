"""Trials of a policy, and what a person should look at before one is put in force."""

from __future__ import annotations

import pytest

from appliance.usb.dry_run import Trial, advice, dry_run, tally
from appliance.usb.library import Described, library
from appliance.usb.policies import default_policy
from appliance.usb.policy import Interfaces, Match, Otherwise, Policy, Rule, When
from tests.usb import made

STICK = Match(interfaces=Interfaces(any=("08:*:*",)))


@pytest.mark.parametrize("one", library(), ids=lambda one: one.id)
def test_default_exam_policy_on_real_devices(one: Described) -> None:
    """The default exam policy says of each real device of the library what was written down for it."""
    (row,) = dry_run(default_policy(), [Trial(device=one.device, expected=one.expected)], made.now())
    assert not row.surprises, row.decision.why


def test_rows_tell_what_would_change() -> None:
    """A row says whether a device would be treated otherwise than now, and a narrower letting in is otherwise too."""
    stick, hub = Trial(device=made.device("08:06:50")), Trial(device=made.device("09:00:00"))
    both = Trial(device=made.device("0e:01:00", "03:00:00"))
    everything = Policy(rule=(Rule(id="all", verdict="allow"),))
    rows = dry_run(default_policy(), [stick, hub, both], made.now(), in_force=everything)
    assert [row.changes for row in rows] == [True, False, True]
    assert [row.decision.verdict for row in rows] == ["block", "allow", "allow"]
    assert tally(rows) == {"allow": 2, "block": 1, "reject": 0}
    assert not any(row.changes for row in dry_run(everything, [stick], made.now()))


def test_row_tells_another_verdict_than_expected() -> None:
    """A row says whether the verdict is another than was expected; without an expectation it is none."""
    trials = [Trial(device=made.device("08:06:50"), expected=one) for one in ("allow", "block", None)]
    assert [row.surprises for row in dry_run(default_policy(), trials, made.now())] == [True, False, False]


def test_default_exam_policy_needs_no_advice() -> None:
    """Of the default exam policy there is nothing to warn of."""
    assert advice(default_policy()) == ()


def test_advice_names_what_is_probably_not_meant() -> None:
    """An open answer, a rule that is never reached and one that lets devices in by a part of them are named."""
    open_ = Policy(otherwise=Otherwise(armed="allow"))
    assert [one.kind for one in advice(open_)] == ["open"]
    hidden = Policy(
        rule=(
            Rule(id="part", verdict="allow", match=STICK),
            Rule(id="night", verdict="block", when=When(from_="22:00", to="06:00")),
            Rule(id="all", verdict="block"),
            Rule(id="late", verdict="allow", match=STICK),
        )
    )
    assert [(one.kind, one.rule) for one in advice(hidden)] == [("by-part", "part"), ("unreachable", "late")]


@pytest.mark.parametrize(
    "match",
    [
        Match(interfaces=Interfaces(only=("08:*:*",))),
        Match(interfaces=Interfaces(any=("08:*:*",), none=("03:*:*",))),
        Match(device=("0781:*",), interfaces=Interfaces(any=("08:*:*",))),
    ],
)
def test_narrow_rules_need_no_advice(match: Match) -> None:
    """A rule that lets in whole devices, or named ones, is not warned of."""
    assert advice(Policy(rule=(Rule(id="r", verdict="allow", match=match),))) == ()
