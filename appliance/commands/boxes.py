"""`exambox boxes`: which boxes announce themselves on this network."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict

import click

from appliance.certificates.hints import grouped
from appliance.errors import BadInputError
from appliance.web.lan.neighbours import Neighbours


@click.command("boxes")
@click.option("--seconds", type=click.FloatRange(0.5, 30), default=3.0, show_default=True, help="How long to listen.")
@click.option(
    "--interface", "interfaces", multiple=True, metavar="ADDRESS",
    help="Only the network of this address of this machine; may be given again [default: all].",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def boxes_command(*, seconds: float, interfaces: tuple[str, ...], as_json: bool) -> None:
    """List the boxes on this network: name, address, version, beginning of the authority's fingerprint.

    Boxes announce themselves by mDNS. Nothing they say is proved: the certificate proves it when you open one.
    """
    for text in interfaces:
        _check_address(text)
    with Neighbours(interfaces or None) as neighbours:
        found = neighbours.listen(seconds)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
        return
    for one in found:
        click.echo(f"{one.name:<32} {one.address:<44} {one.version:<10} {grouped(one.fingerprint)}".rstrip())
    if not found:
        click.echo("No box announces itself here. Boxes do when web.lan and web.announce are set.")


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError as problem:
        raise BadInputError(
            f"{text[:60]!r} is no IP address.", hint="Give an address of this machine, as `ip address` lists them."
        ) from problem
