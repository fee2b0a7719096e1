"""`exambox support-bundle`: facts about the box for whoever helps, without personal data."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance import auditlog
from appliance.clock import SystemClock
from appliance.commands.common import database_of, person, settings_of
from appliance.diagnosis import examine
from appliance.errors import ApplianceError, UnavailableError
from appliance.ipc.live import LiveClient
from appliance.support.bundle import Sources, collect, write_bundle

if TYPE_CHECKING:
    from appliance.config import Settings

_MAX_METRICS = 1 << 20
_SECONDS = 5


@click.command("support-bundle")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--show", is_flag=True, help="Also print what is in it.")
@click.pass_context
def support_bundle_command(ctx: click.Context, file: Path, *, show: bool) -> None:
    """Write a zip of facts for support into FILE: no recordings, keys, names or addresses.

    As root it also has the last events of the box's services. It works without the dashboard, and with a damaged
    database: then it leaves out whatever might hold a name.
    """
    settings, clock = settings_of(ctx), SystemClock()
    sources = Sources(
        settings=settings,
        clock=clock,
        checks=lambda: examine(ctx.find_root().obj),
        status=LiveClient(settings.live_socket).status,
        metrics=lambda: _metrics(settings),
    )
    files = collect(sources)
    write_bundle(file, files, clock)
    _enter(settings)
    if show:
        for one in files:
            click.echo(f"--- {one.name}\n{one.text}")
    size = file.stat().st_size
    click.echo(f"{file}: {len(files)} files, {size / 1000:.0f} kB. Look at it before you send it on: it is plain text.")


def _metrics(settings: Settings) -> str:
    """Return the dashboard's figures, asked on this machine.

    Raises:
        UnavailableError: it does not answer.
    """
    try:
        port = int(settings.web_port_file.read_text(encoding="ascii")[:6])
    except (OSError, ValueError):
        port = settings.web.port
    host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=_SECONDS) as answer:
            return str(answer.read(_MAX_METRICS).decode("utf-8", "replace"))
    except (OSError, ValueError) as problem:
        raise UnavailableError("The dashboard does not answer.") from problem


def _enter(settings: Settings) -> None:
    """Enter it in the log; a box whose log cannot be written gets its bundle all the same."""
    if not settings.database.exists():
        return
    try:
        db = database_of(settings)
        try:
            auditlog.append(db, "support.bundle_made", clock=SystemClock(), who=person())
        finally:
            db.conn.close()
    except ApplianceError as problem:
        click.echo(f"Not entered in the log: {problem.message}", err=True)
