"""`exambox hub`: the central service of a centre: run it, let boxes join, assign exams, carry sticks."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from appliance import config, log
from appliance.clock import SystemClock, format_utc
from appliance.commands import supervision, trial_box
from appliance.commands.common import CommandGroup, database_of, person
from appliance.commands.greeting import Greeting
from appliance.commands.run import ensure_certificate, process_argv
from appliance.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.config import Settings
    from appliance.hub.publishing import Publisher
    from appliance.hub.standing import Standing

PROCESSES: Final = {"web": ("web",), "sync": ("sync", "run")}
ROLE: Final = "EXAMBOX_BOX__ROLE"
PORT: Final = 8490
"""Of a trial hub, so that a trial box beside it keeps its own."""
_MAX_STICK: Final = 64 * 1024 * 1024


@click.group("hub", cls=CommandGroup, invoke_without_command=True)
@click.pass_context
def hub_command(ctx: click.Context) -> None:
    """Run the central service of a centre (without a subcommand), and look after it."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(run_command)


@hub_command.command("run")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the dashboard [default: web.port, else 8490].")
@click.option("--lan", is_flag=True, help="Offer it on the network too, by HTTPS with a certificate made here.")
@click.pass_context
def run_command(ctx: click.Context, port: int | None = None, *, lan: bool = False) -> None:
    """Start a whole trial hub in the foreground, with embedded defaults and a folder of its own.

    Prints the address and a one-time password. Ctrl-C ends it; the next start goes on with what is there.
    """
    loaded = _loaded(ctx)
    settings = loaded.settings
    if not settings.box.trial:
        raise ConflictError(
            "This is a provisioned machine (it has a settings file); `hub run` is for trials.",
            hint="Start it with `systemctl start exambox.target` (docs/operator/hub.md).",
        )
    log.configure(settings.log, "run")
    wanted = settings.web.port if loaded.origin("web.port") != "default" else PORT
    with trial_box.box_lock(settings.state_dir):
        chosen = trial_box.choose_port(settings.web.host, wanted, asked=port)
        _run(settings, chosen, ctx.find_root().obj, lan=lan or settings.web.lan)


def _run(settings: Settings, port: int, config_file: Path | None, *, lan: bool) -> None:
    from appliance.hub.identity import init_hub  # noqa: PLC0415  loads cryptography

    clock = SystemClock()
    if lan:
        trial_box.check_https_port(settings)
        ensure_certificate(settings)
    db = database_of(settings)
    init_hub(settings, db, clock)
    environ = supervision.child_environment(
        EXAMBOX_BOX__ROLE="hub", EXAMBOX_WEB__PORT=str(port), EXAMBOX_WEB__LAN="true" if lan else "false"
    )
    supervisor = supervision.Supervisor(
        [supervision.Program(name, process_argv(words, config_file)) for name, words in PROCESSES.items()],
        clock=clock,
        start=lambda program: supervision.start_process(program, environ),
        tell=lambda line: click.secho(f"exambox: {line}", fg="yellow", err=True),
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.request_stop())
    supervisor.run(Greeting(settings, port, db, clock, lan=lan).tick)
    db.conn.close()
    click.echo("Stopped. What boxes told is kept; start again to go on.")


@hub_command.command("init")
@click.pass_context
def init_command(ctx: click.Context) -> None:
    """Make the hub's keys where they are missing (as root on a provisioned machine)."""
    from appliance.hub.identity import init_hub  # noqa: PLC0415  loads cryptography

    settings = _settings(ctx)
    keys = init_hub(settings, database_of(settings), SystemClock())
    click.echo(f"This is {keys.id}. Its keys are in {settings.keys_dir}.")


@hub_command.command("code")
@click.option("--room", required=True, help="The room whose box joins by it.")
@click.option("--hours", type=click.IntRange(1, 336), default=24, show_default=True, help="It is good for so long.")
@click.option("--address", default="", help="Where candidates' browsers reach the box [default: as the box says].")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def code_command(ctx: click.Context, room: str, hours: int, address: str, *, as_json: bool) -> None:
    """Make a one-time code for the box of a room and print it, this once."""
    from appliance.hub.codes import make_code  # noqa: PLC0415  loads cryptography
    from appliance.hub.identity import load_hub_keys  # noqa: PLC0415  as above

    settings, db = _hub(ctx)
    made = make_code(
        db, load_hub_keys(settings.keys_dir), room=room, address=address, hours=hours, clock=SystemClock(), who=person()
    )
    if as_json:
        click.echo(json.dumps({"code": str(made.code), "room": made.room, "expires_us": made.expires_us}))
        return
    click.echo(f"Code for {made.room}: {made.code}")
    click.echo(f"It is good once, until {format_utc(made.expires_us)}. At the box:")
    click.echo("`exambox sync enrol CODE --address ADDRESS`, or “Administration, Central service” on its dashboard.")


@hub_command.command("boxes")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def boxes_command(ctx: click.Context, *, as_json: bool) -> None:
    """List the boxes and how they stand, those with problems first."""
    from appliance.hub.overview import overview  # noqa: PLC0415  loads cryptography

    _, db = _hub(ctx)
    found = overview(db, None, now_us=SystemClock().wall_us())
    if as_json:
        click.echo(json.dumps([_as_json(one) for one in found], indent=1))
        return
    for one in found:
        words = ", ".join(one.troubles) or ("revoked" if one.level == "off" else "in order")
        seen = f"reported {format_utc(one.seen_us)}" if one.seen_us is not None else "never reported"
        click.echo(f"{one.box.room} ({one.box.id}): {words}; {seen}")
    if not found:
        click.echo("No box has joined yet. `exambox hub code --room NAME` makes a code for one.")


@hub_command.command("revoke")
@click.argument("box")
@click.option("--reason", required=True, help="Why, for those who read the log.")
@click.pass_context
def revoke_command(ctx: click.Context, box: str, reason: str) -> None:
    """Refuse BOX (its id, or the room's name) from now on; a new code lets it in again."""
    from appliance.hub.boxes import find_boxes, revoke_box  # noqa: PLC0415  only here

    _, db = _hub(ctx)
    found = find_boxes(db, box)
    if len(found) > 1:
        raise ConflictError(
            f"Several boxes stand in {box}: {', '.join(one.id for one in found)}.", hint="Give the box's id."
        )
    revoke_box(db, found[0].id, why=reason, clock=SystemClock(), who=person())
    click.echo(f"The box {found[0].id} of {found[0].room} is revoked.")


@hub_command.command("assign")
@click.argument("exam")
@click.argument("rooms", nargs=-1)
@click.pass_context
def assign_command(ctx: click.Context, exam: str, rooms: tuple[str, ...]) -> None:
    """Give EXAM (an exam's or sitting's id, or the LMS's examId) to just these ROOMS; without rooms to none."""
    from appliance.hub.assigning import assign  # noqa: PLC0415  only here
    from appliance.hub.boxes import find_boxes  # noqa: PLC0415  as above

    _, db = _hub(ctx)
    kind, name = _thing(db, exam)
    boxes = [one for room in rooms for one in find_boxes(db, room)]
    changed = assign(db, kind, name, [one.id for one in boxes], clock=SystemClock(), who=person())
    there = ", ".join(one.room for one in boxes) or "no room"
    click.echo(f"The {kind} {exam} goes to {there}." if changed else f"Nothing has changed: it goes to {there}.")


@hub_command.command("export")
@click.option("--box", required=True, help="The box (its id, or the room's name) the stick is for.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def export_command(ctx: click.Context, box: str, file: Path) -> None:
    """Write all that a box gets to FILE, signed and sealed to it: for a room without a network."""
    from appliance.hub.boxes import find_boxes  # noqa: PLC0415  only here
    from appliance.hub.identity import load_hub_keys  # noqa: PLC0415  loads cryptography
    from appliance.hub.sticks import export_changes  # noqa: PLC0415  as above

    settings, db = _hub(ctx)
    found = find_boxes(db, box)
    if len(found) > 1:
        raise ConflictError(f"Several boxes stand in {box}.", hint="Give the box's id.")
    keys = load_hub_keys(settings.keys_dir)
    data = export_changes(db, found[0].id, keys=keys, publisher=_publisher(settings), clock=SystemClock(), who=person())
    _write(file, data)
    click.echo(
        f"{file}: {len(data)} bytes for {found[0].room} ({found[0].id}). There: `exambox sync import {file.name}`."
    )


@hub_command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def import_command(ctx: click.Context, file: Path, *, as_json: bool) -> None:
    """Take in what a box wrote to FILE; reading it twice does no harm."""
    from appliance.hub.identity import load_hub_keys  # noqa: PLC0415  loads cryptography
    from appliance.hub.sticks import import_items  # noqa: PLC0415  as above

    settings, db = _hub(ctx)
    with file.open("rb") as stick:
        data = stick.read(_MAX_STICK + 1)
    taken = import_items(db, data, keys=load_hub_keys(settings.keys_dir), clock=SystemClock(), who=person())
    if as_json:
        told = {"box": taken.box, "stored": taken.stored, "known": taken.known, "refused": dict(taken.refused)}
        click.echo(json.dumps(told, indent=1))
    else:
        click.echo(f"{taken.box}: {taken.stored} new, {taken.known} known already, {len(taken.refused)} not taken.")
        for key, reason in taken.refused[:20]:
            click.echo(f"  {key}: {reason}")
    if taken.refused:
        ctx.exit(1)


def _loaded(ctx: click.Context) -> config.Loaded:
    """Return the settings in the role; on a trial machine it is taken, a provisioned one has to say so itself.

    Raises:
        ConflictError: this machine is set up as a box.
    """
    file = ctx.find_root().obj
    loaded = config.load_with_origins(file)
    if loaded.settings.is_hub:
        return loaded
    if not loaded.settings.box.trial:
        raise ConflictError(
            "This machine is set up as a room's box.",
            hint='A central service has `role = "hub"` under [box] in its settings (docs/operator/hub.md).',
        )
    return config.load_with_origins(file, {**os.environ, ROLE: "hub"})


def _settings(ctx: click.Context) -> Settings:
    return _loaded(ctx).settings


def _hub(ctx: click.Context) -> tuple[Settings, Database]:
    """Return settings and database of a hub that was started before.

    Raises:
        UnavailableError: it never was.
    """
    from appliance.hub.identity import hub_facts  # noqa: PLC0415  loads cryptography

    settings = _settings(ctx)
    db = database_of(settings)
    hub_facts(db)
    return settings, db


def _publisher(settings: Settings) -> Publisher:
    from appliance.hub.identity import load_hub_keys  # noqa: PLC0415  loads cryptography
    from appliance.hub.publishing import Publisher as Made  # noqa: PLC0415  as above
    from appliance.integrations.exchange_key import exchange_key  # noqa: PLC0415  as above

    return Made(
        load_hub_keys(settings.keys_dir),
        exchange_key(settings),
        address=settings.exams.public_address,
        clock=SystemClock(),
    )


def _thing(db: Database, text: str) -> tuple[Any, str]:
    """Return what is meant: a sitting by its id, an exam by ours or the LMS's.

    Raises:
        NotFoundError: there is none.
        ConflictError: several exams are called so.
    """
    if db.conn.execute("SELECT 1 FROM sitting WHERE id = ? AND removed_us IS NULL", (text,)).fetchone():
        return "sitting", text
    rows = db.conn.execute(
        "SELECT id FROM exam WHERE removed_us IS NULL AND (id = ?1 OR exam_id = ?1)", (text,)
    ).fetchall()
    if not rows:
        raise NotFoundError(f"There is no exam or sitting {text!r}.", hint="Look at “Exams and rooms”.")
    if len(rows) > 1:
        raise ConflictError(
            f"Several exams are called {text}: {', '.join(row[0] for row in rows)}.", hint="Give one of these ids."
        )
    return "exam", str(rows[0][0])


def _write(file: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    part = file.with_name(f".{file.name}.part")
    with part.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def _as_json(one: Standing) -> dict[str, Any]:
    box = one.box
    return {
        "box": box.id,
        "room": box.room,
        "level": one.level,
        "troubles": list(one.troubles),
        "seen_us": one.seen_us,
        "address": box.reached_at,
        "enrolled_us": box.enrolled_us,
        "valid_until_us": box.valid_until_us,
        "revoked_us": box.revoked_us,
    }
