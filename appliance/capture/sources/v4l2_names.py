"""Names of USB cameras that stay the same; apart from reading them, so that listing needs no FFmpeg."""

from __future__ import annotations

from pathlib import Path

LINKS = Path("/dev/v4l")


def discover(links: Path = LINKS) -> list[str]:
    """Return the stable names of the capture devices plugged in, ``by-id`` first; empty if there are none."""
    found = [path for kind in ("by-id", "by-path") for path in sorted((links / kind).glob("*"))]
    # index1 and above of a USB camera carry its metadata, not pictures.
    return [str(path) for path in found if path.name.endswith("-video-index0")]


def distinct(names: list[str]) -> list[str]:
    """Return one name a device: of two links to the same one the first, which says which camera it is."""
    seen: set[Path] = set()
    result = []
    for name in names:
        device = Path(name).resolve()
        if device not in seen:
            seen.add(device)
            result.append(name)
    return result
