"""`exambox usb status`, `arm`, `stand-down`, `confirm`, `let-in`, `export`, `ports`: what a person does about USB."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
import msgspec

from appliance.clock import SECOND_US, SystemClock
from appliance.commands.common import CommandGroup, database_of, person, settings_of
from appliance.commands.moments import say_moment
from appliance.commands.usb_room_text import device_line, event_line, order_line, seen_line, state_lines
from appliance.errors import ConflictError, NotFoundError, UnavailableError
from appliance.ipc.beat import read_beat
from appliance.usb import orders
from appliance.usb.devices_rows import present, present_at
from appliance.usb.events import events_of
from appliance.usb.ports import forget_port, name_port, place_of, ports
from appliance.usb.seen import confirm, proposed, seen, withdraw
from appliance.usb.state import state_of
from appliance.usb.words import say

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.usb.model import Device
    from appliance.usb.state import State

_MINUTE_US = 60 * SECOND_US
_DEFAULT_MINUTES = 10
_SHOWN_EVENTS = 10


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def status_command(ctx: click.Context, *, as_json: bool) -> None:
    """Show the mode and why, what is plugged in and what became of it, and what happened last."""
    settings = settings_of(ctx)
    db, runs = database_of(settings), is_running(settings)
    state = state_of(db)
    if as_json:
        told: dict[str, Any] = {"running": runs, "state": state, "devices": present(db)}
        told |= {"orders": orders.standing(db), "events": events_of(db, limit=_SHOWN_EVENTS)}
        click.echo(json.dumps(msgspec.to_builtins(told), ensure_ascii=False, indent=1))
        return
    if not runs:
        click.secho("The devices process does not run: what follows is what it said last.", fg="yellow", err=True)
    if state is None:
        click.echo("USB has not been watched yet.")
        return
    _tell(db, state, ZoneInfo(settings.box.timezone))


def _tell(db: Database, state: State, zone: ZoneInfo) -> None:
    here, standing, last, named = present(db), orders.standing(db), events_of(db, limit=_SHOWN_EVENTS), ports(db)
    for line in state_lines(state, zone):
        click.secho(line, bold=line.startswith("Mode"), fg="red" if line.startswith("Stood down") else None)
    for one in here:
        click.echo(device_line(one, place_of(named, one.device.port, state.peers)))
    if not here:
        click.echo("Nothing is plugged in.")
    for order in standing:
        click.echo(order_line(order, zone))
    if last:
        click.echo("Last:")
    for event in last:
        click.echo(event_line(event, zone))
    if state.unconfirmed:
        click.echo("`exambox usb confirm` lists the devices that were there at the first start.")


@click.command("arm")
@click.option("--reason", default="", help="Why; it enters the log.")
@click.pass_context
def arm_command(ctx: click.Context, *, reason: str) -> None:
    """Arm USB now and until it is stood down; what was stood down before is armed again."""
    orders.arm(database_of(settings_of(ctx)), who=person(), why=reason, clock=SystemClock())
    click.echo("USB is armed until `exambox usb stand-down`.")


@click.command("stand-down")
@click.option("--reason", required=True, help="Why; it enters the log.")
@click.option("--minutes", type=click.IntRange(1, 24 * 60), help="For so long [default: until this sitting closes].")
@click.pass_context
def stand_down_command(ctx: click.Context, *, reason: str, minutes: int | None) -> None:
    """Open USB, also while a sitting runs. Where none runs it stays open until somebody arms it."""
    db, clock = database_of(settings_of(ctx)), SystemClock()
    state = state_of(db)
    until_us = None if minutes is None else clock.wall_us() + minutes * _MINUTE_US
    sitting = "" if state is None else state.sitting
    orders.stand_down(db, who=person(), why=reason, clock=clock, sitting=sitting, until_us=until_us)
    click.echo("USB is stood down. `exambox usb arm` ends that.")


@click.command("let-in")
@click.argument("port")
@click.option("--reason", required=True, help="Why; it enters the log.")
@click.option("--minutes", type=click.IntRange(1, 12 * 60), help="For so long [default: until this sitting closes].")
@click.pass_context
def let_in_command(ctx: click.Context, port: str, *, reason: str, minutes: int | None) -> None:
    """Let the device at PORT (as `exambox usb status` names it) in, at that port alone."""
    db, clock = database_of(settings_of(ctx)), SystemClock()
    state, device = state_of(db), _device_at(db, port)
    until_us = None if minutes is None else clock.wall_us() + minutes * _MINUTE_US
    sitting = "" if state is None else state.sitting
    words = say(device)
    orders.let_in(db, device, words=words, who=person(), why=reason, clock=clock, sitting=sitting, until_us=until_us)
    click.echo(f"Let in at {port}: {words}")


@click.command("export")
@click.argument("port")
@click.option("--reason", required=True, help="What for; it enters the log.")
@click.option("--minutes", type=click.IntRange(1, 30), default=_DEFAULT_MINUTES, show_default=True, help="For so long.")
@click.pass_context
def export_command(ctx: click.Context, port: str, *, reason: str, minutes: int) -> None:
    """Let the stick at PORT in for some minutes, and nothing else, to take files away."""
    settings = settings_of(ctx)
    db, clock = database_of(settings), SystemClock()
    device = _device_at(db, port)
    until_us = clock.wall_us() + minutes * _MINUTE_US
    orders.export(db, device, words=say(device), who=person(), why=reason, until_us=until_us, clock=clock)
    click.echo(f"Let in at {port} until {say_moment(until_us, ZoneInfo(settings.box.timezone))}: {say(device)}")


@click.command("end")
@click.argument("order", type=int)
@click.pass_context
def end_command(ctx: click.Context, order: int) -> None:
    """End an order: its number is in `exambox usb status`."""
    orders.end_order(database_of(settings_of(ctx)), order, who=person(), clock=SystemClock())
    click.echo(f"Order {order} has ended.")


@click.command("confirm")
@click.argument("port", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All devices that were there at the first start.")
@click.option("--withdraw", "gone", is_flag=True, help="Take the devices at these ports off the list instead.")
@click.pass_context
def confirm_command(ctx: click.Context, port: tuple[str, ...], *, everything: bool, gone: bool) -> None:
    """List the devices that were there at the first start, or confirm those at PORT as belonging here."""
    settings = settings_of(ctx)
    db, clock = database_of(settings), SystemClock()
    if not port and not everything:
        listed = seen(db)
        for one in listed:
            click.echo(seen_line(one, ZoneInfo(settings.box.timezone)))
        click.echo("`exambox usb confirm --all`, or with their ports." if proposed(db) else _all_said(bool(listed)))
        return
    if everything and gone:
        raise ConflictError("All devices at once are not taken off the list.", hint="Name their ports.")
    hashes = [one.hash for one in proposed(db)] if everything else [_hash_at(db, one) for one in port]
    act = withdraw if gone else confirm
    count = act(db, hashes, who=person(), clock=clock)
    click.echo(f"{count} taken off the list." if gone else f"{count} confirmed.")


@click.group("ports", cls=CommandGroup)
def ports_command() -> None:
    """What ports are called, and which seat they belong to."""


@ports_command.command("list")
@click.pass_context
def ports_list_command(ctx: click.Context) -> None:
    """List the ports that have a name or a seat."""
    known = ports(database_of(settings_of(ctx)))
    for one in known:
        click.echo(f"{one.port:12} {one.label or '-':30} {f'seat {one.seat}' if one.seat else ''}".rstrip())
    if not known:
        click.echo("No port has a name. `exambox usb ports name 1-1.4 --label 'front left' --seat A1`")


@ports_command.command("name")
@click.argument("port")
@click.option("--label", default="", help="What people call it.")
@click.option("--seat", default="", help="The seat's label in the room's plans; of a hub: for all that hangs on it.")
@click.pass_context
def ports_name_command(ctx: click.Context, port: str, *, label: str, seat: str) -> None:
    """Give PORT (or the hub there) a name, a seat, or both."""
    name_port(database_of(settings_of(ctx)), port, label=label, seat=seat, who=person(), clock=SystemClock())
    click.echo(f"{port} is named.")


@ports_command.command("forget")
@click.argument("port")
@click.pass_context
def ports_forget_command(ctx: click.Context, port: str) -> None:
    """Remove PORT's name and seat."""
    forget_port(database_of(settings_of(ctx)), port, who=person(), clock=SystemClock())
    click.echo(f"{port} has no name any more.")


def register(group: click.Group) -> None:
    """Add these commands to `exambox usb`."""
    for one in (
        status_command, arm_command, stand_down_command, confirm_command, let_in_command, export_command, end_command,
        ports_command,
    ):  # fmt: skip
        group.add_command(one)


def is_running(settings: Settings) -> bool:
    """Return whether the devices process runs, as far as this user can see."""
    try:
        read_beat(settings.devices_beat, SystemClock(), name="devices")
    except UnavailableError:
        return False
    except PermissionError:
        return True  # closed to this user; that it is there is all they may know
    return True


def _device_at(db: Database, port: str) -> Device:
    found = present_at(db, port)
    if found is None:
        raise NotFoundError(f"Nothing is plugged in at {port}.", hint="`exambox usb status` shows what is, and where.")
    return found.device


def _hash_at(db: Database, port: str) -> str:
    """Return the hash of what is plugged in at a port, else of what was there at the first start."""
    found = present_at(db, port)
    if found is not None:
        return found.device.hash
    listed = next((one.hash for one in seen(db) if one.device.port == port), None)
    return listed or _device_at(db, port).hash


def _all_said(listed: bool) -> str:  # noqa: FBT001  one word of a sentence
    return "All are confirmed." if listed else "Nothing was plugged in at the first start."
