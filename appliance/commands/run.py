"""`exambox run`: a whole trial box in the foreground, for a first look and for development."""

from __future__ import annotations

import datetime as dt
import signal
import sys
from typing import TYPE_CHECKING

import click

from appliance import log
from appliance.certificates.host import machine_names
from appliance.certificates.store import CertificateStore
from appliance.clock import SystemClock
from appliance.commands import first_start, supervision, trial_box
from appliance.commands.common import database_of, settings_of
from appliance.commands.greeting import Greeting
from appliance.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from appliance.config import Settings

PROCESSES = {
    "keyring": ("keyring",),
    "capture": ("capture",),
    "web": ("web",),
    "sync": ("sync", "run"),
    "devices": ("devices", "run"),
}
"""Each process and the subcommand that is it."""


@click.command("run")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port of the dashboard [default: web.port, else a free one]."
)
@click.option(
    "--lan", is_flag=True, help="Offer the dashboard on the network too, by HTTPS with a certificate made here."
)
@click.pass_context
def run_command(ctx: click.Context, port: int | None, *, lan: bool) -> None:
    """Start a whole trial box in the foreground, with embedded defaults.

    Makes keys, adds the USB cameras it finds (a moving test picture where there is none), starts to
    record, and prints the dashboard's address and a one-time password. Ctrl-C ends it; the next
    start goes on with what is there.
    """
    settings = settings_of(ctx)
    if not settings.box.trial:
        raise ConflictError(
            "This is a provisioned box (it has a settings file); `run` is for trial boxes.",
            hint="Start it with `systemctl start exambox.target`.",
        )
    log.configure(settings.log, "run")
    trial_box.check_socket_paths(settings)
    with trial_box.box_lock(settings.state_dir):
        _run_box(
            settings,
            trial_box.choose_port(settings.web.host, settings.web.port, asked=port),
            ctx.find_root().obj,
            lan=lan,
        )


def _run_box(settings: Settings, port: int, config: Path | None, *, lan: bool) -> None:
    clock = SystemClock()
    if lan or settings.web.lan:
        trial_box.check_https_port(settings)
        ensure_certificate(settings)
    db = database_of(settings)
    for line in first_start.prepare(settings, db, clock):
        click.echo(line)
    environ = supervision.child_environment(
        EXAMBOX_WEB__PORT=str(port), EXAMBOX_WEB__LAN="true" if lan or settings.web.lan else "false"
    )
    supervisor = supervision.Supervisor(
        [supervision.Program(name, process_argv(words, config)) for name, words in PROCESSES.items()],
        clock=clock,
        start=lambda program: supervision.start_process(program, environ),
        tell=lambda line: click.secho(f"exambox: {line}", fg="yellow", err=True),
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.request_stop())
    supervisor.run(Greeting(settings, port, db, clock, lan=lan or settings.web.lan).tick)
    db.conn.close()
    click.echo("Stopped. Recordings are kept; start again to go on.")


def ensure_certificate(settings: Settings) -> None:
    """Have a certificate that covers this machine: made on the first start, renewed when it is time."""
    store = CertificateStore(settings.tls_dir)
    names, now = machine_names(settings.web.names), dt.datetime.now(dt.UTC)
    if not store.exists():
        store.create(settings.box.room, names, now)
    elif store.is_due(names, now):
        store.renew(names, now)


def process_argv(words: Sequence[str], config: Path | None) -> tuple[str, ...]:
    """Return the command line of one process, by this same interpreter and settings file."""
    chosen = ("--config", str(config.absolute())) if config else ()
    return (sys.executable, "-m", "appliance.cli", *chosen, *words)
