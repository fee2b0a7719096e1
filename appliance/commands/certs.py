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
from appliance.certificates.names import names_of
from appliance.certificates.pem import MAX_FILE_BYTES
from appliance.certificates.store import RENEW_DAYS, CertificateStore
from appliance.clock import SystemClock, clock_is_trusted
from appliance.commands.common import CommandGroup, database_of, person, settings_of
from appliance.errors import ApplianceError, BadInputError, ConflictError

if TYPE_CHECKING:
    from appliance.certificates.names import Names
    from appliance.certificates.store import CertificateFacts
    from appliance.config import Settings

GROUP = "exambox-web"
"""Who serves with the key, and nobody else, may read it."""
_NAME_HELP = "A further name or address the box is reached by, this once; for good: web.names. May be given again."


@click.group("certs", cls=CommandGroup)
def certs_command() -> None:
    """Make, renew, show and replace the certificate for HTTPS on the network.

    The first time: `exambox certs create`. Then each device is made to trust the box: its page /certificate, or
    `exambox certs install-hints`, says how, and `exambox certs show` has the fingerprint to compare.
    """


def store_of(settings: Settings) -> CertificateStore:
    """Return the box's certificate files; on a provisioned box the dashboard's group may read the server's key."""
    if settings.box.trial or os.geteuid() != 0:
        return CertificateStore(settings.tls_dir)
    try:
        return CertificateStore(settings.tls_dir, grp.getgrnam(GROUP).gr_gid)
    except KeyError:
        return CertificateStore(settings.tls_dir)


def now() -> dt.datetime:
    """Return the time with its zone."""
    return dt.datetime.now(dt.UTC)


@certs_command.command("create")
@click.option("--name", "names", multiple=True, metavar="NAME", help=_NAME_HELP)
@click.option("--force", is_flag=True, help="Make a new authority; every device has to trust it anew.")
@click.pass_context
def create_command(ctx: click.Context, *, names: tuple[str, ...], force: bool) -> None:
    """Make the box's own authority and a certificate under it.

    The certificate covers the machine's name, that name with .local, its addresses, web.names of the settings, and
    --name. The authority may speak for these, for .local and the like, and for private networks, for nobody else.
    """
    settings = settings_of(ctx)
    if not clock_is_trusted():
        click.secho(f"This machine's clock is not synchronised; it says {now():%Y-%m-%d %H:%M} UTC.", fg="yellow")
    covered = machine_names([*settings.web.names, *names])
    facts = store_of(settings).create(settings.box.room, covered, now(), replace=force)
    _note(settings, "certificate.authority_made", facts)
    _show(facts)
    if not settings.web.lan:
        click.echo("Now set web.lan = true to offer the dashboard on the network, and restart it.")


@certs_command.command("renew")
@click.option(
    "--if-due",
    is_flag=True,
    help=f"Only with less than {RENEW_DAYS} days left, or where names or addresses have changed.",
)
@click.option("--name", "names", multiple=True, metavar="NAME", help=_NAME_HELP)
@click.pass_context
def renew_command(ctx: click.Context, *, if_due: bool, names: tuple[str, ...]) -> None:
    """Make a new certificate under the box's authority; it is used at once, devices notice nothing.

    Names the authority may not speak for are left out and said. A certificate of the centre's own is replaced by the
    box's, but not with --if-due.
    """
    settings = settings_of(ctx)
    store = store_of(settings)
    covered = machine_names([*settings.web.names, *names])
    refused = store.refused(covered)
    if not if_due:
        _refuse_wished(refused, names_of([*settings.web.names, *names]))
    elif not store.is_due(covered, now()):
        click.echo("Nothing to do.")
        return
    facts = store.renew(covered, now())
    _note(settings, "certificate.renewed", facts)
    _show(facts)
    if refused.words():
        click.secho(f"Left out, as the authority may not speak for them: {', '.join(refused.words())}", fg="yellow")
        click.echo("`exambox certs create --force` makes an authority that may; every device has to trust it anew.")


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

    The box does not renew it: repeat this with the next one, in time. `exambox certs renew` goes back to the box's
    own. Names of a wildcard certificate have to stand in web.names.
    """
    settings = settings_of(ctx)
    facts = store_of(settings).use_own(_read(certificate), _read(key), now())
    _note(settings, "certificate.own_used", facts)
    _show(facts)
    if not facts.names.words() and not settings.web.names:
        click.secho("It is for a wildcard: set the box's own name in web.names, or it answers to none.", fg="yellow")


@certs_command.command("export-ca")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(list(FORMS)), default="pem", show_default=True, help="The file's form."
)
@click.pass_context
def export_command(ctx: click.Context, file: Path, form: str) -> None:
    """Write the authority's certificate, which devices are to trust, to a file; it is no secret."""
    data = ca_file(store_of(settings_of(ctx)).authority_certificate(), form)
    try:
        with file.open("xb") as new:
            new.write(data)
    except FileExistsError as problem:
        raise ConflictError(f"{file} exists already; nothing was replaced.", hint="Give another name.") from problem
    except OSError as problem:
        raise ApplianceError(
            f"{file} cannot be written: {problem.strerror}.", hint="Give a file in a folder you may write."
        ) from problem
    click.echo(f"Written to {file}.")


@certs_command.command("install-hints")
@click.option("--os", "system", type=click.Choice(SYSTEMS), help="Only for this system.")
def hints_command(*, system: str | None) -> None:
    """Say how a device is made to trust the box, step by step, and how many are at once."""
    for hint in HINTS:
        if system in {None, hint.system}:
            click.secho(f"{hint.title} ({FORMS[hint.file][0]})", bold=True)
            for number, step in enumerate(hint.steps, 1):
                click.echo(f"  {number}. {step}")
            for line in hint.staff:
                click.echo(f"  -  {line}")
            click.echo()
    click.echo("The files: https://BOX:8443/certificate, or `exambox certs export-ca`. Compare the fingerprint first.")


def _read(path: Path) -> bytes:
    """Return a file of at most a little more than is ever accepted."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as problem:
        raise BadInputError(f"{path} cannot be read: {problem.strerror}.", hint="Check its permissions.") from problem


def _refuse_wished(refused: Names, wished: Names) -> None:
    """Refuse names a person asked for; a machine's own that do not fit are only said."""
    asked = [word for word in wished.words() if word in refused.words()]
    if asked:
        raise ConflictError(
            f"The box's authority may not speak for {', '.join(asked)}.",
            hint="`exambox certs create --force` makes a new authority; every device has to trust it anew.",
        )


def _show(facts: CertificateFacts) -> None:
    words = {"box": "made by this box", "own": "the centre's own"}[facts.source]
    click.echo(f"Certificate   {words}, for {', '.join(facts.names.words()) or 'a wildcard'}")
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
