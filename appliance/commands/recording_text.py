"""What `exambox recordings` prints."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

import click

from appliance.clock import SECOND_US
from appliance.commands.moments import say_bytes, say_length, say_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from appliance.vault.export import ExportedFile, ExportResult
    from appliance.vault.facts import Gap
    from appliance.vault.findings import VerifyReport
    from appliance.vault.recording import RecordingSummary

_BAR_STEPS = 1000
_HEADINGS = ("SITTING", "CAMERA", "START", "END", "LENGTH", "PARTS", "SIZE", "STATE", "GAPS")


@contextlib.contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error, where somebody looks at it; yields what to call with done and total."""
    with click.progressbar(length=_BAR_STEPS, label=label, file=sys.stderr, width=30) as shown:

        def progress(done: int, total: int) -> None:
            shown.update(max(0, done * _BAR_STEPS // max(1, total) - shown.pos))

        yield progress


def say_summaries(found: Sequence[RecordingSummary], zone: ZoneInfo, *, gaps: bool) -> Iterator[str]:
    """Yield the list of recordings as a table, with what is damaged and, if asked for, each gap below its line."""
    if not found:
        yield "There are no recordings."
        return
    rows = [_row(item, zone) for item in found]
    widths = [max(len(row[column]) for row in [_HEADINGS, *rows]) for column in range(len(_HEADINGS))]
    yield _line(_HEADINGS, widths)
    for item, row in zip(found, rows, strict=True):
        yield _line(row, widths)
        if gaps:
            yield from (f"    {_gap(gap, zone)}" for gap in item.gaps)
        yield from (f"    damaged: {part.path.name}: {_printable(part.reason)}" for part in item.damaged)
    yield f"Times are {zone.key}."


def _printable(text: str) -> str:
    """Return text that came from a file so that it cannot steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(item: RecordingSummary, zone: ZoneInfo) -> tuple[str, ...]:
    length = (item.end_us or 0) - (item.start_us or 0)
    return (
        item.sitting,
        item.camera,
        say_moment(item.start_us, zone),
        say_moment(item.end_us, zone),
        say_length(length) if item.start_us is not None else "-",
        str(item.parts),
        say_bytes(item.bytes),
        item.state if not item.damaged or item.state == "damaged" else f"{item.state}, damage",
        str(len(item.gaps)),
    )


def _gap(gap: Gap, zone: ZoneInfo) -> str:
    seconds = (gap.end_us - gap.start_us) / SECOND_US
    return f"gap {say_moment(gap.start_us, zone)} for {seconds:.1f} s: {gap.words}"


def say_report(reports: Sequence[VerifyReport], device_key: bytes | None) -> Iterator[str]:
    """Yield the outcome of a verification for a person."""
    for report in reports:
        counts = report.counts
        yield f"{report.sitting}/{report.camera}: {report.verdict}"
        if report.level != "presence":
            yield (
                f"  {counts.parts} parts, {counts.segments} segments, {counts.gaps} gaps stated, "
                f"{counts.checkpoints} checkpoints, {say_bytes(counts.bytes)}"
            )
        if counts.deleted:
            yield f"  {counts.deleted} parts were deleted under their retention rule, with certificates"
        for finding in report.findings:
            yield f"  part {finding.part}: {finding.code}: {_printable(finding.message)}"
        if report.left_out:
            yield f"  and {report.left_out} more findings"
    if device_key is None:
        yield "The signatures were checked against the device key that the parts name themselves."
        yield "To know that it is the room's, give the key it was handed out with: --device-key."


def say_exported(result: ExportResult, zone: ZoneInfo) -> Iterator[str]:
    """Yield what was exported, and the commands that check it."""
    if len(result.files) > 1:
        yield f"The camera's stream changed inside the range, so there are {len(result.files)} files."
    for one in result.files:
        yield f"{one.file}"
        length = say_length(one.end_us - one.start_us)
        yield f"  from {say_moment(one.start_us, zone)} for {length}, {one.frames} pictures"
        yield from (f"  {_gap(gap, zone)}" for gap in one.gaps)
        yield "  sha256 " + one.sha256
        if one.signature is None:
            yield "  NOT SIGNED: its manifest says so"
        yield "Check it with:"
        yield from (f"  {command}" for command in _how(one))


def _how(one: ExportedFile) -> list[str]:
    commands: list[str] = json.loads(one.manifest.read_bytes())["how"]
    return commands
