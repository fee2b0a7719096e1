"""What a person types about a camera, read at the edge."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from appliance.cameras.credentials import split_address
from appliance.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PASSWORD_FILE = 4096
_PATTERN = re.compile(r"(?:pattern:?)?(\d+x\d+(?:@\d+)?)?")
_PICAMERA = re.compile(r"picamera:?(\d+)?")
_HINT = (
    "It is rtsp://HOST/PATH, a name under /dev/v4l/by-id (`exambox cameras discover`), picamera:0, "
    "the path of a video file, or pattern:1280x720@15."
)


def kind_and_address(text: str) -> tuple[str, str, str | None]:
    """Return a camera's kind, its address as stored, and the user name found in it.

    Raises:
        BadInputError: no kind of camera has such an address, or it holds a password.
    """
    if "://" in text:
        clean, found = split_address(text)
        if found and found.password:
            raise BadInputError(
                "The address holds a password; every user of this machine can read command lines.",
                hint="Leave it out and give --user; the password is asked for, or read with --password-file. "
                "Change it if others use this machine.",
            )
        return "rtsp", clean, found.user if found else None
    if text.startswith("/dev/"):
        return _device(text)
    if text and (pattern := _PATTERN.fullmatch(text)):
        return "pattern", pattern[1] or "1280x720@15", None
    if camera := _PICAMERA.fullmatch(text):
        return "picamera", camera[1] or "0", None
    if "/" in text or Path(text).is_file():
        return "file", str(Path(text).absolute()), None
    raise BadInputError(f"{text[:80]!r} is no camera's address.", hint=_HINT)


def _device(text: str) -> tuple[str, str, None]:
    if not text.startswith(("/dev/v4l/by-id/", "/dev/v4l/by-path/")):
        raise BadInputError(
            f"{text[:80]} may be another camera after the next start.",
            hint="Use its name under /dev/v4l/by-id; `exambox cameras discover` lists them.",
        )
    return "v4l2", text, None


def default_name(kind: str, address: str) -> str:
    """Return a name for a camera nobody named."""
    if kind == "rtsp":
        return f"Camera {urlsplit(address).hostname}"
    if kind in ("v4l2", "file"):
        return Path(address).name[:60]
    return {"picamera": f"Pi camera {address}", "pattern": "Test picture"}[kind]


def masks_from(texts: Sequence[str]) -> list[list[list[float]]]:
    """Return polygons of ``"0.1,0.2 0.4,0.2 0.4,0.9"``.

    Raises:
        BadInputError: fewer than three corners, or one that is not in 0..1.
    """
    return [_polygon(text) for text in texts]


def _polygon(text: str) -> list[list[float]]:
    problem = BadInputError(
        f"mask: {text[:80]!r} is no area.",
        hint='Give three or more corners as "x,y x,y x,y": 0,0 is the top left of the picture, 1,1 the bottom right.',
    )
    try:
        corners = [[float(number) for number in corner.split(",")] for corner in text.split()]
    except ValueError:
        raise problem from None
    fits = all(len(corner) == 2 and all(0 <= n <= 1 for n in corner) for corner in corners)  # noqa: PLR2004  x and y
    if not fits or not 3 <= len(corners) <= 64 or not all(math.isfinite(n) for c in corners for n in c):  # noqa: PLR2004  as the model
        raise problem
    return corners


def read_password(file: Path | None, user: str) -> str:
    """Return the first line of the file, or what the person types unseen.

    Raises:
        BadInputError: the file is not readable, or no text.
    """
    if file is None:
        typed: str = click.prompt(f"Password of {user} at the camera", hide_input=True, default="", show_default=False)
        return typed
    try:
        with file.open("rb") as source:
            return source.read(MAX_PASSWORD_FILE).decode("utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInputError(
            f"password file {file}: cannot be read.", hint="It is a text file; the password is its first line."
        ) from problem
