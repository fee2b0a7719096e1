"""The `exambox` command: thin; each group is loaded only when it is asked for."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from appliance import __version__
from appliance.errors import ApplianceError

# name -> (module in appliance.commands, one line of help shown without loading it)
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "Start the whole box in the foreground, with embedded defaults."),
    "cameras": ("cameras", "Add, list, test, edit and remove cameras."),
    "recordings": ("recordings", "Start, stop, list, verify and export recordings."),
    "rosters": ("rosters", "Check rosters and seating plans; write templates."),
    "usb": ("usb", "Keep forbidden USB devices out: policy, modes, ports."),
    "keys": ("keys", "Create, show, lock, unlock and rotate keys; manage recipients."),
    "holds": ("holds", "Place and release legal holds."),
    "log": ("log", "Show and verify who did what."),
    "integrations": ("integrations", "Connect learning management systems (LMS)."),
    "users": ("users", "Accounts of the dashboard."),
    "certs": ("certs", "The certificate for HTTPS on the network."),
    "hub": ("hub", "Run the central service of a centre; its boxes, codes and sticks."),
    "sync": ("sync", "Deliveries to the LMS: how they stand, try now, give up."),
    "boxes": ("boxes", "List the boxes that announce themselves on the network."),
    "seat-agent": ("seat_agent", "The agent on a candidate's workstation."),
    "config": ("config", "Check and show the settings."),
    "doctor": ("doctor", "Check what a support person would ask for."),
    "support-bundle": ("support_bundle", "Write facts for support into a file, without personal data."),
    "capture": ("processes", "PROCESS cameras to vault (started by systemd)."),
    "keyring": ("processes", "PROCESS holds the review key (started by systemd)."),
    "web": ("processes", "PROCESS the dashboard (started by systemd)."),
    "devices": ("devices", "PROCESS watches USB devices (started by systemd)."),
}


class LazyGroup(click.Group):
    """Imports a subcommand's module only when that subcommand is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the subcommands in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one subcommand; its module offers it under its own name with ``_command`` appended."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"appliance.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="exambox")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file [default: $EXAMBOX_CONFIG, else /etc/exambox/config.toml].",
)
@click.pass_context
def exambox(ctx: click.Context, config: Path | None) -> None:
    """The box that stands in an exam room."""
    ctx.obj = config


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; errors become one plain message and a documented exit code."""
    try:
        return exambox.main(args=arguments, prog_name="exambox", standalone_mode=False)
    except ApplianceError as problem:
        click.secho(f"exambox: {problem.message}", fg="red", err=True)
        if problem.hint:
            click.echo(f"  {problem.hint}", err=True)
        sys.exit(problem.exit_code)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)


if __name__ == "__main__":
    sys.exit(main())
