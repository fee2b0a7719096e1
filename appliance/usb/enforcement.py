"""What the kernel is to be told of a device, from what was decided and how it stands. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from appliance.usb.devices_rows import DeviceState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.usb.model import Decision

Step = Literal["nothing", "take_in", "take_in_partly", "take_out", "drop"]


class Plan(msgspec.Struct, frozen=True):
    """What to tell the kernel, and how the device stands once it was told; ``interfaces`` for ``take_in_partly``."""

    step: Step
    state: DeviceState
    interfaces: tuple[int, ...] = ()

    @property
    def opens(self) -> bool:
        """Whether it lets drivers at the device: that may take seconds, and nothing is in danger until it is done."""
        return self.step in {"take_in", "take_in_partly"}


def plan(
    decision: Decision,
    *,
    enforces: bool,
    is_in: bool,
    interfaces: Mapping[int, bool] | None = None,
    guarded: bool = False,
) -> Plan:
    """Return what to tell the kernel of one device.

    Args:
        decision: of the policy.
        enforces: whether the mode keeps devices out.
        is_in: whether the device is authorised now.
        interfaces: of one that is in, the numbers of its interfaces and whether each is authorised.
        guarded: whether the system's own disk or network hangs on it: then it is never taken out.
    """
    if enforces and decision.verdict != "allow":
        return _keep_out(decision, is_in=is_in, guarded=guarded)
    now = dict(interfaces or {})
    if enforces and decision.interfaces is not None and not guarded:
        done = is_in and bool(now) and all((number in decision.interfaces) == stands for number, stands in now.items())
        return Plan("nothing" if done else "take_in_partly", "partly", decision.interfaces)
    return Plan("nothing" if is_in and all(now.values()) else "take_in", "in" if enforces else "noted")


def _keep_out(decision: Decision, *, is_in: bool, guarded: bool) -> Plan:
    if guarded and is_in:
        return Plan("nothing", "in")
    if decision.verdict == "reject":
        return Plan("drop", "rejected")
    return Plan("take_out" if is_in else "nothing", "out")
