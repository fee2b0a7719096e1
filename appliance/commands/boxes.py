"""`exambox boxes`: which boxes announce themselves on this network."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from appliance.web.lan.neighbours import Neighbours


@click.command("boxes")
@click.option("--seconds", type=click.FloatRange(0.5, 30), default=3, show_default=True, help="How long to listen.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def boxes_command(*, seconds: float, as_json: bool) -> None:
    """List the boxes on this network: name, address, version. Nothing they say is proved."""
    with Neighbours() as neighbours:
        found = neighbours.listen(seconds)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
        return
    for one in found:
        click.echo(f"{one.name:<32} {one.address:<44} {one.version}")
    if not found:
        click.echo("No box announces itself here. Boxes do when web.lan and web.announce are set.")
