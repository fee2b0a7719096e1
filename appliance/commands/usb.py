"""`exambox usb`: forbidden USB devices. The policy is in `usb_policy.py`."""

from __future__ import annotations

import click

from appliance.commands.common import CommandGroup
from appliance.commands.usb_policy import policy_command
from appliance.commands.usb_room import register


@click.group("usb", cls=CommandGroup)
def usb_command() -> None:
    """Keep forbidden USB devices out: the policy, what is plugged in, and who let it in."""


register(usb_command)
usb_command.add_command(policy_command)
