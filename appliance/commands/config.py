"""`exambox config`: what the box was told, and by which file."""

from __future__ import annotations

import json

import click

from appliance import config
from appliance.commands.common import CommandGroup


@click.group("config", cls=CommandGroup)
def config_command() -> None:
    """Check and show the settings."""


@config_command.command("check")
@click.pass_context
def check_command(ctx: click.Context) -> None:
    """Read all settings; an error names file, key and reason."""
    loaded = config.load_with_origins(ctx.find_root().obj)
    for origin in loaded.read:
        click.echo(f"read {origin}")
    role = "central service" if loaded.settings.is_hub else "box"
    kind = f"a {'trial' if loaded.settings.box.trial else 'provisioned'} {role}"
    nothing = "" if loaded.read else "No settings file or variable: "
    click.echo(f"{nothing}The settings are right. This is {kind}; its state lies in {loaded.settings.state_dir}.")


@config_command.command("show")
@click.option("--json", "as_json", is_flag=True, help="All keys as one JSON object.")
@click.pass_context
def show_command(ctx: click.Context, *, as_json: bool) -> None:
    """Print every key with its value and where it comes from."""
    loaded = config.load_with_origins(ctx.find_root().obj)
    values = config.flatten(loaded.settings)
    if as_json:
        tree = {key: {"value": value, "origin": loaded.origin(key)} for key, value in values.items()}
        click.echo(json.dumps(tree, ensure_ascii=False, indent=1))
        return
    shown = {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    width, across = max(map(len, shown)), min(40, max(map(len, shown.values())))
    for key, text in shown.items():
        click.echo(f"{key:<{width}}  {text:<{across}}  {loaded.origin(key)}")
