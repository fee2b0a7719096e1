"""Cameras as tables, sentences and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from appliance.cameras.states import state_of
from appliance.clock import format_utc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from appliance.cameras.model import Camera
    from appliance.cameras.states import State
    from appliance.capture.probe import ProbeResult


def table(cameras: Sequence[Camera], known: Mapping[str, State]) -> str:
    """Return the cameras as lines of aligned columns."""
    rows = [("ID", "NAME", "ROLE", "STATE", "SINCE", "KEPT", "ADDRESS")]
    for camera in cameras:
        now = state_of(camera, known)
        word = f"{now.state} ({now.reason})" if now.reason else now.state
        word = f"{word}, recording" if now.recording else word
        since = format_utc(now.since_us)[:19] + "Z" if now.since_us else "-"
        rows.append((camera.id, camera.name, camera.role, word, since, f"{camera.retention_hours} h", camera.address))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def as_json(
    cameras: Sequence[Camera], known: Mapping[str, State], has_password: Mapping[str, bool]
) -> list[dict[str, Any]]:
    """Return the cameras with their states; never a password, only whether there is one."""
    result = []
    for camera in cameras:
        now = state_of(camera, known)
        facts = {"state": now.state, "reason": now.reason, "since_us": now.since_us, "recording": now.recording}
        result.append({**msgspec.to_builtins(camera), **facts, "password": has_password[camera.id]})
    return result


def probe_words(result: ProbeResult, snapshot: Path | None) -> str:
    """Return what trying a camera showed, as one or two lines."""
    info = result.info
    name = {"h264": "H.264", "hevc": "H.265"}[info.codec]
    sound = f"sound {info.audio[0].upper()} {info.audio[1]} Hz" if info.audio else "no sound recorded"
    masked = ", masked" if info.masked else ""
    rate = f" {info.fps:.3g} pictures/s" if info.fps else ""
    words = f"It works: {name} {info.width}x{info.height}{rate}, {sound}{masked} ({result.seconds:.1f} s)."
    if info.codec == "hevc":
        words += "\nNot every browser shows H.265; it is recorded all the same."
    return f"{words}\nA picture is in {snapshot}." if snapshot else words


def probe_json(result: ProbeResult) -> dict[str, Any]:
    """Return what trying a camera showed, without the picture."""
    info: dict[str, Any] = msgspec.to_builtins(result.info)
    return {"ok": True, **info, "seconds_milli": round(result.seconds * 1000), "jpeg_bytes": len(result.jpeg)}
