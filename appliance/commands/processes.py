"""The box's processes, each under the name of its unit; a service manager starts them."""

from __future__ import annotations

import click

from appliance import log
from appliance.commands.common import settings_of


@click.command("capture")
@click.pass_context
def capture_command(ctx: click.Context) -> None:
    """PROCESS: watch the cameras, seal what is wished, serve live pictures."""
    from appliance.capture.main import main  # noqa: PLC0415  each process loads only its own half of the box

    settings = settings_of(ctx)
    log.configure(settings.log, "capture")
    main(settings)


@click.command("keyring")
@click.pass_context
def keyring_command(ctx: click.Context) -> None:
    """PROCESS: hold the review key while it is unlocked."""
    from appliance.keyring.main import main  # noqa: PLC0415  as above

    settings = settings_of(ctx)
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
