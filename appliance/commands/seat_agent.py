"""`exambox seat-agent`: what runs on a candidate's workstation, and belongs to the box of the room."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance import log
from appliance.clock import SECOND_US, SystemClock, boot_id, format_utc
from appliance.commands.common import CommandGroup
from appliance.commands.moments import say_length
from appliance.config import LogSettings
from appliance.errors import UnavailableError
from appliance.seat_agent.enrolling import enrol, leave
from appliance.seat_agent.home import home
from appliance.usb.sysfs import SYSFS, UsbBus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appliance.seat_agent.home import Home

_FRESH_US = 20 * SECOND_US
_MAX_STATUS = 64 * 1024
_state_option = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="The agent's folder [default: /var/lib/exambox-seat-agent, or the user's own].",
)
_sysfs_option = click.option("--sysfs", type=click.Path(path_type=Path), hidden=True, default=SYSFS)
"""Where USB is looked at: another place is a test's."""


@click.group("seat-agent", cls=CommandGroup)
def seat_agent_command() -> None:
    """The agent on a candidate's workstation: join the box of the room, run, say how it is, leave.

    It needs none of the box's settings: all it knows it gets from the box.
    """


@seat_agent_command.command("enrol")
@click.argument("address")
@click.argument("code", required=False)
@click.option("--name", default="", help="What the workstation is called [default: its host name].")
@_sysfs_option
@_state_option
def enrol_command(address: str, code: str | None, *, name: str, sysfs: Path, state: Path | None) -> None:
    """Join the box at ADDRESS (https://host:port) by the one-time CODE it showed (asked for if it is left out).

    The USB devices that are plugged in now are taken as the workstation's own and stay usable in every exam: unplug
    what does not belong to it first.
    """
    there = home(state)
    made = enrol(there, address, code or click.prompt("Code"), clock=SystemClock(), name=name, bus=UsbBus(sysfs))
    at = f", at seat {made.seat}" if made.seat else ""
    click.echo(
        f"This workstation belongs to {made.room or made.box} now{at}, until {format_utc(made.expires_us)[:10]}."
    )
    if made.own:
        click.echo(f"Its own USB devices ({len(made.own)}):")
        for words in sorted(made.own.values()):
            click.echo(f"  {words}")
        click.echo("If one of them does not belong here: unplug it, and enrol again with a new code.")
    click.echo("Start it: `systemctl restart exambox-seat-agent`, or to try it `exambox seat-agent run`.")


@seat_agent_command.command("run")
@click.option("--watch-only", is_flag=True, help="Keep no device out: judge and report only.")
@click.option(
    "--sweep", type=click.FloatRange(0.1, 60), default=3.0, show_default=True, help="Seconds between looks at USB."
)
@_sysfs_option
@_state_option
def run_command(*, watch_only: bool, sweep: float, sysfs: Path, state: Path | None) -> None:
    """PROCESS: watch USB and the active window, report to the box (started by systemd)."""
    from appliance.seat_agent.main import Options, main  # noqa: PLC0415  the other commands need nothing of it

    log.configure(LogSettings(), "seat-agent")
    main(home(state), Options(may_enforce=not watch_only, sysfs=sysfs, sweep_s=sweep))


@seat_agent_command.command("window")
@_state_option
def window_command(state: Path | None) -> None:
    """PROCESS of the candidate's desktop session: tell the agent which application is active."""
    from appliance.seat_agent.home import SYSTEM_RUN  # noqa: PLC0415  as above
    from appliance.seat_agent.windows.watching import Sender, desktop_of, watch_desktop  # noqa: PLC0415  as above

    log.configure(LogSettings(), "seat-window")
    desktop = desktop_of(os.environ)
    if desktop is None:
        raise UnavailableError(
            "No desktop that can be watched: neither DISPLAY nor SWAYSOCK is set.",
            hint="It runs in the candidate's session, on X11 or sway.",
        )
    socket = SYSTEM_RUN / "window.sock" if state is None else home(state).window_socket
    watch_desktop(Sender(socket, SystemClock()).take, desktop, threading.Event())


@seat_agent_command.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_state_option
def status_command(*, as_json: bool, state: Path | None) -> None:
    """Show whether it runs, what the box knows, and what is watched and kept out."""
    there = home(state)
    said = _said(there)
    if as_json:
        click.echo(json.dumps(said, ensure_ascii=False, indent=1))
        return
    if said is None:
        one = there.enrolment()
        click.secho("The agent does not run.", fg="yellow", err=True)
        click.echo(f"  belongs to {one.room or one.box} ({one.address}), seat {one.seat or 'not said'}")
        click.echo("  Start it with `systemctl start exambox-seat-agent`.")
        raise SystemExit(6)
    _tell(said)


@seat_agent_command.command("leave")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_sysfs_option
@_state_option
def leave_command(*, yes: bool, sysfs: Path, state: Path | None) -> None:
    """Belong to no box any more: USB is opened, key and what was not delivered are removed. Stop the agent first."""
    there = home(state)
    one = there.enrolment()
    if _said(there) is not None:
        raise UnavailableError("The agent runs.", hint="Stop it first: `systemctl stop exambox-seat-agent`.")
    if not yes:
        click.confirm(f"Leave {one.room or one.box}? What was not delivered is lost", abort=True)
    leave(there, bus=UsbBus(sysfs))
    click.echo("This workstation belongs to no box any more. Revoke it there too: “Administration, Seat agents”.")


def _said(there: Home) -> dict[str, Any] | None:
    """Return what a running agent says of itself, None where none runs."""
    try:
        with there.status.open("rb") as file:
            said: dict[str, Any] = msgspec.json.decode(file.read(_MAX_STATUS), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return None
    age_us = SystemClock().mono_us() - int(said.get("mono_us", 0))
    return said if said.get("boot") == boot_id() and 0 <= age_us <= _FRESH_US else None


def _tell(said: Mapping[str, Any]) -> None:
    click.secho(f"Seat agent {said['agent']} of {said['room'] or said['box']}", bold=True)
    lines: dict[str, Callable[[], str]] = {
        "seat": lambda: said["seat"] or "not said: name it on the box's page “Seat agents”",
        "box": lambda: _box(said),
        "policy": lambda: f"version {said['policy_version']}, {said['mode']}" if said["policy_version"] else "none yet",
        "USB": lambda: (
            f"{said['devices']} plugged in, {said['out']} kept out" + ("" if said["enforced"] else "; not enforced")
        ),
        "window": lambda: _window(said),
        "to tell": lambda: f"{said['waiting']} waiting",
    }
    for name, words in lines.items():
        click.echo(f"  {name}: {words()}")
    for detail in dict(said["troubles"]).values():
        click.secho(f"  trouble: {detail}", fg="yellow")
    if said["problem"]:
        click.secho(f"  {said['problem']}", fg="red")
        click.echo(f"  {said['hint']}")


def _box(said: Mapping[str, Any]) -> str:
    if said["answered_us"] is None:
        return f"{said['address']} has not answered since the start"
    return f"{said['address']} answered {say_length(max(0, SystemClock().wall_us() - said['answered_us']))} ago"


def _window(said: Mapping[str, Any]) -> str:
    if not said["windows_wanted"]:
        return "not watched: nobody writes an exam here that asks for it"
    return (
        f"watched ({said['windows']})" if said["windows"] else "to be watched, and not seen: no helper in the session"
    )
