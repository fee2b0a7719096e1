"""The box's processes, each under the name of its unit; a service manager starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from appliance import log
from appliance.commands.common import settings_of
from appliance.errors import ApplianceError
from appliance.ipc.notify import Notifier

if TYPE_CHECKING:
    from appliance.config import Settings


class NotOfThisRoleError(ApplianceError):
    """The process has nothing to do in the machine's role; its unit takes the exit code for an orderly end."""

    code = "process.role"
    exit_code = 79
    status = 409


def only_in_a_room(settings: Settings, name: str, lacks: str) -> None:
    """End where the machine is a central service, so that one target starts machines of either role.

    The service manager hears first that the start went well: a process that ends before that has failed.

    Raises:
        NotOfThisRoleError: it is one.
    """
    if settings.is_hub:
        Notifier().ready(f"not needed: a central service has no {lacks}")
        raise NotOfThisRoleError(
            f"This machine is a central service, which has no {lacks}: {name} is not needed here.",
            hint='A room\'s box has `role = "box"` under [box] in its settings, or no role at all.',
        )


@click.command("capture")
@click.pass_context
def capture_command(ctx: click.Context) -> None:
    """PROCESS: watch the cameras, seal what is wished, serve live pictures."""
    from appliance.capture.main import main  # noqa: PLC0415  each process loads only its own half of the box

    settings = settings_of(ctx)
    only_in_a_room(settings, "capture", "cameras")
    log.configure(settings.log, "capture")
    main(settings)


@click.command("keyring")
@click.pass_context
def keyring_command(ctx: click.Context) -> None:
    """PROCESS: hold the review key while it is unlocked."""
    from appliance.keyring.main import main  # noqa: PLC0415  as above

    settings = settings_of(ctx)
    only_in_a_room(settings, "keyring", "review key")
    log.configure(settings.log, "keyring")
    main(settings)


@click.command("web")
@click.pass_context
def web_command(ctx: click.Context) -> None:
    """PROCESS: serve the dashboard."""
    from appliance.web.main import main  # noqa: PLC0415  as above

    settings = settings_of(ctx)
    log.configure(settings.log, "web")
    main(settings)
