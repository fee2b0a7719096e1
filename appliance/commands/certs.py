"""`exambox certs`: the certificate the dashboard shows on the network."""

from __future__ import annotations

import datetime as dt
import grp
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance import auditlog
from appliance.certificates.files import FORMS, ca_file
from appliance.certificates.hints import HINTS, SYSTEMS, grouped
from appliance.certificates.host import machine_names
from appliance.certificates.store import RENEW_DAYS, CertificateStore
from appliance.clock import SystemClock
from appliance.commands.common import database_of, person, settings_of
from appliance.errors import ConflictError

if TYPE_CHECKING:
    from appliance.certificates.store import CertificateFacts
    from appliance.config import Settings

_GROUP = "exambox"


@click.group("certs")
def certs_command() -> None:
    """Make, renew, show and replace the certificate for HTTPS on the network."""


def store_of(settings: Settings) -> CertificateStore:
    """Return the box's certificate files; on a provisioned box the group exambox may read the server's key."""
    if settings.box.trial or os.geteuid() != 0:
        return CertificateStore(settings.tls_dir)
    try:
        return CertificateStore(settings.tls_dir, grp.getgrnam(_GROUP).gr_gid)
    except KeyError:
        return CertificateStore(settings.tls_dir)


def now() -> dt.datetime:
    """Return the time with its zone."""
    return dt.datetime.now(dt.UTC)


@certs_command.command("create")
@click.option(
    "--name", "names", multiple=True, help="A further name or address the box is reached by; may be given again."
)
@click.option("--force", is_flag=True, help="Make a new authority; every device has to trust it anew.")
@click.pass_context
def create_command(ctx: click.Context, *, names: tuple[str, ...], force: bool) -> None:
    """Make the box's own authority and a certificate under it.

    It covers the machine's name, its name with .local, its addresses, web.names of the settings, and --name.
    """
    settings = settings_of(ctx)
    covered = machine_names([*settings.web.names, *names])
    facts = store_of(settings).create(settings.box.room, covered, now(), replace=force)
    _note(settings, "certificate.authority_made", facts)
    _show(facts)
    click.echo("Set web.lan = true to offer the dashboard on the network, and restart it.")


@certs_command.command("renew")
@click.option(
    "--if-due", is_flag=True, help=f"Only with less than {RENEW_DAYS} days left, or where names have changed."
)
@click.option(
    "--name", "names", multiple=True, help="A further name or address the box is reached by; may be given again."
)
@click.pass_context
def renew_command(ctx: click.Context, *, if_due: bool, names: tuple[str, ...]) -> None:
    """Make a new certificate under the box's authority; it is used at once, devices notice nothing."""
    settings = settings_of(ctx)
    store = store_of(settings)
    covered = machine_names([*settings.web.names, *names])
    if if_due and not store.is_due(covered, now()):
        click.echo("Nothing to do.")
        return
    facts = store.renew(covered, now())
    _note(settings, "certificate.renewed", facts)
    _show(facts)


@certs_command.command("show")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def show_command(ctx: click.Context, *, as_json: bool) -> None:
    """Show the certificate in use, and the fingerprint people compare."""
    facts = store_of(settings_of(ctx)).facts()
    if as_json:
        told = {
            "source": facts.source, "names": facts.names.words(), "subject": facts.subject, "issuer": facts.issuer,
            "not_before": facts.not_before.isoformat(), "not_after": facts.not_after.isoformat(),
            "days_left": facts.days_left(now()), "sha256": facts.sha256, "ca_sha256": facts.ca_sha256,
        }  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    _show(facts)


@certs_command.command("use")
@click.argument("certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("key", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def use_command(ctx: click.Context, certificate: Path, key: Path) -> None:
    """Use the centre's own certificate: PEM files, the chain after the certificate, the key without a passphrase.

    The box does not renew it; `exambox certs renew` goes back to the box's own.
    """
    settings = settings_of(ctx)
    facts = store_of(settings).use_own(certificate.read_bytes(), key.read_bytes(), now())
    _note(settings, "certificate.own_used", facts)
    _show(facts)


@certs_command.command("export-ca")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(list(FORMS)), default="pem", show_default=True, help="The file's form."
)
@click.pass_context
def export_command(ctx: click.Context, file: Path, form: str) -> None:
    """Write the authority's certificate, which devices are to trust, to a file; it is no secret."""
    data = ca_file(store_of(settings_of(ctx)).authority_certificate(), form)
    if file.exists():
        raise ConflictError(f"{file} exists already; nothing was replaced.", hint="Give another name.")
    file.write_bytes(data)
    click.echo(f"Written to {file}.")


@certs_command.command("install-hints")
@click.option("--os", "system", type=click.Choice(SYSTEMS), help="Only for this system.")
def hints_command(*, system: str | None) -> None:
    """Say how a device is made to trust the box."""
    for hint in HINTS:
        if system in {None, hint.system}:
            click.secho(f"{hint.title} ({FORMS[hint.file][0]})", bold=True)
            for number, step in enumerate(hint.steps, 1):
                click.echo(f"  {number}. {step}")


def _show(facts: CertificateFacts) -> None:
    words = {"box": "made by this box", "own": "the centre's own"}[facts.source]
    click.echo(f"Certificate   {words}, for {', '.join(facts.names.words())}")
    click.echo(
        f"Valid         {facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d} ({facts.days_left(now())} days left)"
    )
    click.echo(f"SHA-256       {grouped(facts.sha256)}")
    if facts.ca_sha256:
        click.echo(f"Authority     {grouped(facts.ca_sha256)}")
        click.echo("              Devices trust the authority; compare these groups when you install it.")


def _note(settings: Settings, action: str, facts: CertificateFacts) -> None:
    db = database_of(settings)
    auditlog.append(
        db, action, clock=SystemClock(), who=person(), detail={"sha256": facts.sha256, "names": facts.names.words()}
    )
    db.conn.close()
