"""What a person types about a camera, read at the edge."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import click

from appliance.cameras.credentials import split_address
from appliance.errors import BadInputError

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
