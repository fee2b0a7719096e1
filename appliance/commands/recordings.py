"""`exambox recordings`: start, stop, list, verify and export recordings."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from zoneinfo import ZoneInfo

import click

from appliance import auditlog
from appliance.cameras.wishes import current_wish, start_recording, stop_recording
from appliance.clock import SystemClock
from appliance.commands.common import CommandGroup, database_of, person, settings_of
from appliance.commands.moments import parse_moment, say_length, say_moment
from appliance.commands.recording_keys import expected_device_key, key_source, signer
from appliance.commands.recording_text import bar, say_exported, say_report, say_summaries
from appliance.errors import NotFoundError
from appliance.vault.export import export_clip
from appliance.vault.findings import Level
from appliance.vault.part_rows import deleted_parts
from appliance.vault.recording import Recording, list_recordings
from appliance.vault.verify import verify_recording

if TYPE_CHECKING:
    from appliance.config import Settings
    from appliance.vault.findings import VerifyReport
    from appliance.vault.keysource import KeySource
    from appliance.vault.part_rows import DeletedPart

EXIT_FINDINGS = 10
EXIT_OPEN = 11
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_VAULT = click.option("--vault", type=_FOLDER, help="A copy of a vault instead of this box's own.")
_KEYS = click.option(
    "--key", "key_files", type=_FILE, multiple=True, help="A recipient's private key [default: ask the keyring]."
)


@click.group("recordings", cls=CommandGroup)
def recordings_command() -> None:
    """Start, stop, list, verify and export recordings."""


@recordings_command.command("list")
@_VAULT
@click.option("--gaps", is_flag=True, help="Show each gap with its reason.")
@click.option("--json", "as_json", is_flag=True, help="As JSON; times in microseconds of UTC.")
@click.pass_context
def list_command(ctx: click.Context, *, vault: Path | None, gaps: bool, as_json: bool) -> None:
    """List the recordings in the vault, the newest first; times are the room's."""
    settings = settings_of(ctx)
    found = list_recordings(vault or settings.vault_dir)
    if as_json:
        click.echo(json.dumps([asdict(item) for item in found], default=str, ensure_ascii=False, indent=1))
        return
    for line in say_summaries(found, ZoneInfo(settings.box.timezone), gaps=gaps):
        click.echo(line)


@recordings_command.command("start")
@click.option("--sitting", help="Its name: small letters, digits, hyphens [default: made from the time].")
@click.pass_context
def start_command(ctx: click.Context, *, sitting: str | None) -> None:
    """Record all cameras, from now until `stop`."""
    wish = start_recording(database_of(settings_of(ctx)), clock=SystemClock(), who=person(), sitting=sitting)
    click.echo(f"Recording is asked for: sitting {wish.sitting}.")


@recordings_command.command("stop")
@click.pass_context
def stop_command(ctx: click.Context) -> None:
    """End the recording that runs."""
    wish = stop_recording(database_of(settings_of(ctx)), clock=SystemClock(), who=person())
    click.echo(f"Recording of the sitting {wish.sitting} is ended.")


@recordings_command.command("verify")
@click.argument("sitting")
@click.argument("camera", required=False)
@click.option(
    "--level",
    type=click.Choice(get_args(Level)),
    help="presence, chain (needs no key) or full [default: chain; full with --key].",
)
@_KEYS
@click.option("--device-key", help="The key that must have signed: hex, or a file [default: this box's].")
@click.option("--ended", is_flag=True, help="The recording is over: an open last part is a finding.")
@_VAULT
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def verify_command(
    ctx: click.Context,
    sitting: str,
    camera: str | None,
    *,
    level: Level | None,
    key_files: tuple[Path, ...],
    device_key: str | None,
    ended: bool,
    vault: Path | None,
    as_json: bool,
) -> None:
    """Check that a sitting's recordings are whole and unaltered.

    Exit code 0: verified. 10: there are findings. 11: nothing wrong, but a recording is still open, so that
    its end cannot be verified yet.
    """
    settings = settings_of(ctx)
    wanted = level or ("full" if key_files else "chain")
    keys = key_source(settings, key_files) if wanted == "full" else None
    expected = expected_device_key(settings, device_key, own_vault=vault is None)
    gone, is_over = _known(settings, sitting) if vault is None else ([], False)
    reports = []
    for name in _cameras(vault or settings.vault_dir, sitting, camera):
        with bar(f"{sitting}/{name}") as progress:
            report = verify_recording(
                vault or settings.vault_dir,
                sitting,
                name,
                wanted,
                device_key=expected,
                keys=keys,
                ended=ended or is_over,
                deleted=[part for part in gone if part.camera == name],
                progress=progress,
            )
        reports.append(report)
    if vault is None:
        _log_verified(settings, reports)
    if as_json:
        click.echo(json.dumps([report.as_dict() for report in reports], ensure_ascii=False, indent=1))
    for line in () if as_json else say_report(reports, expected):
        click.echo(line)
    ctx.exit(_exit_code(reports))


@recordings_command.command("export")
@click.argument("sitting")
@click.argument("camera")
@click.option("--from", "from_text", default="+0s", show_default="its start", help="Where the clip begins.")
@click.option("--to", "to_text", default="-0s", show_default="its end", help="Where the clip ends.")
@click.option("--out", type=click.Path(path_type=Path), help="The file, or the folder [default: here].")
@_KEYS
@click.option("--unsigned", is_flag=True, help="Do not sign the manifest; it says so.")
@_VAULT
@click.pass_context
def export_command(
    ctx: click.Context,
    sitting: str,
    camera: str,
    *,
    from_text: str,
    to_text: str,
    out: Path | None,
    key_files: tuple[Path, ...],
    unsigned: bool,
    vault: Path | None,
) -> None:
    """Export a clip as MP4 with a signed manifest beside it.

    Times: 2026-11-21T09:30:00 or 09:30[:15] in the room's zone, -90s or -5m before the recording's end,
    +10m after its start.
    """
    settings = settings_of(ctx)
    zone = ZoneInfo(settings.box.timezone)
    recording = Recording(vault or settings.vault_dir, sitting, camera)
    start_us, end_us = recording.start_us, recording.end_us
    from_us, to_us = (parse_moment(text, zone=zone, start_us=start_us, end_us=end_us) for text in (from_text, to_text))
    keys: KeySource = key_source(settings, key_files)
    sign = None if unsigned else signer(settings, may_use_file=bool(key_files))
    with bar(f"{say_moment(from_us, zone)}, {say_length(to_us - from_us)}") as progress:
        result = export_clip(
            recording,
            from_us,
            to_us,
            _target(out, sitting, camera, say_moment(from_us, zone)),
            keys=keys,
            sign=sign,
            made_by=person(),
            progress=progress,
        )
    if vault is None:
        hashes = {one.file.name: one.sha256 for one in result.files}
        detail = {"sitting": sitting, "camera": camera, "from_us": from_us, "to_us": to_us, "sha256": hashes}
        auditlog.append(database_of(settings), "recording.exported", clock=SystemClock(), who=person(), detail=detail)
    for line in say_exported(result, zone):
        click.echo(line)


def _cameras(vault_dir: Path, sitting: str, camera: str | None) -> list[str]:
    if camera is not None:
        return [camera]
    found = sorted(item.camera for item in list_recordings(vault_dir) if item.sitting == sitting)
    if not found:
        raise NotFoundError(
            f"There is no recording of a sitting {sitting}.", hint="`exambox recordings list` shows what there is."
        )
    return found


def _known(settings: Settings, sitting: str) -> tuple[list[DeletedPart], bool]:
    """Return the sitting's deletion certificates, and whether the box knows that it is over."""
    if not settings.database.exists():
        return [], False
    db = database_of(settings)
    wish = current_wish(db)
    return [part for part in deleted_parts(db) if part.sitting == sitting], wish is None or wish.sitting != sitting


def _log_verified(settings: Settings, reports: list[VerifyReport]) -> None:
    if not settings.database.exists():
        return
    db = database_of(settings)
    for report in reports:
        detail = {
            "sitting": report.sitting,
            "camera": report.camera,
            "level": report.level,
            "verdict": report.verdict,
        }
        auditlog.append(db, "recording.verified", clock=SystemClock(), who=person(), detail=detail)


def _exit_code(reports: list[VerifyReport]) -> int:
    if any(not report.ok for report in reports):
        return EXIT_FINDINGS
    return EXIT_OPEN if any(report.open for report in reports) else 0


def _target(out: Path | None, sitting: str, camera: str, begins: str) -> Path:
    if out is not None and not out.is_dir():
        return out if out.suffix else out.with_suffix(".mp4")
    stamp = begins.replace("-", "").replace(":", "").replace(" ", "-")
    return (out or Path()) / f"{sitting}-{camera}-{stamp}.mp4"
