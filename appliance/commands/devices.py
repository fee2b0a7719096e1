"""`exambox devices`: the process that watches USB; what people do about USB is under `exambox usb`."""

from __future__ import annotations

import click

from appliance import log
from appliance.commands.common import CommandGroup, settings_of
from appliance.commands.processes import only_in_a_room


@click.group("devices", cls=CommandGroup)
def devices_command() -> None:
    """PROCESS: watch USB devices; `exambox usb` shows and decides what may be plugged in."""


@devices_command.command("run")
@click.pass_context
def run_process(ctx: click.Context) -> None:
    """PROCESS: judge what is plugged in, keep out what may not be (started by systemd)."""
    from appliance.devices.main import main  # noqa: PLC0415  each process loads only its own half of the box

    settings = settings_of(ctx)
    only_in_a_room(settings, "devices", "exam room")
    log.configure(settings.log, "devices")
    main(settings)
