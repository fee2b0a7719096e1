"""Running the command line against a box of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from appliance.cli import exambox

if TYPE_CHECKING:
    from appliance.config import Settings


def run(settings: Settings, *arguments: str, **environ: str) -> Result:
    """Run ``exambox`` with the settings' folders; an ApplianceError is in ``exception``."""
    env = {"EXAMBOX_PATHS__STATE": str(settings.state_dir), "EXAMBOX_PATHS__RUN": str(settings.run_dir), **environ}
    return CliRunner().invoke(exambox, list(arguments), env=env)
