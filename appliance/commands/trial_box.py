"""What a trial box takes from the machine it runs on: a port, names for its sockets, one state folder for itself."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from typing import TYPE_CHECKING

import click

from appliance.errors import ApplianceError, ConfigError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.config import Settings

MAX_SOCKET_PATH = 107  # sun_path in <sys/un.h> holds 108 bytes with the closing zero


def choose_port(host: str, wanted: int, *, asked: int | None) -> int:
    """Return a free port: the one asked for, else the usual one, else any (which is said).

    Raises:
        ConflictError: the port asked for is taken or not allowed for this user.
    """
    if asked:
        if _is_free(host, asked) is None:
            raise ConflictError(
                f"Port {asked} on {host} is taken, or not allowed for this user.",
                hint="Give another one with --port, or leave --port out: a free one is chosen.",
            )
        return asked
    port = _is_free(host, 0 if asked == 0 else wanted)
    if port is None:
        port = _is_free(host, 0)
        click.echo(f"Port {wanted} is taken by another program; using port {port}.")
    if port is None:
        raise ConflictError(f"There is no free port on {host}.", hint="Check that the loopback network is up.")
    return port


def check_https_port(settings: Settings) -> None:
    """Refuse an HTTPS port that is taken: devices look for it, so no other is chosen.

    Raises:
        ConflictError: it is, or its address is none of this machine's.
    """
    port, host = settings.web.https_port, settings.web.lan_address or "0.0.0.0"  # noqa: S104  tried, not served
    if _is_free(host, port) is None:
        raise ConflictError(
            f"Port {port} is taken, or {host} is no address of this machine.",
            hint="Choose another port with EXAMBOX_WEB__HTTPS_PORT=…, and see EXAMBOX_WEB__LAN_ADDRESS.",
        )


def _is_free(host: str, port: int) -> int | None:
    """Return the port (a free one for 0) if a server could listen there now, else None."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def check_socket_paths(settings: Settings) -> None:
    """Refuse a run folder whose sockets the kernel could not name.

    Raises:
        ConfigError: the path is too long.
    """
    for path in (settings.live_socket, settings.keyring_socket):
        if len(os.fsencode(path)) > MAX_SOCKET_PATH:
            raise ConfigError(
                f"paths.run: {path} is longer than the {MAX_SOCKET_PATH} bytes a socket's name may have.",
                hint="Set a shorter folder, for example EXAMBOX_PATHS__RUN=/tmp/exambox.",
            )


@contextlib.contextmanager
def box_lock(state_dir: Path) -> Iterator[None]:
    """Hold the state folder, made if it is missing and open to this user only, for one box.

    The lock is the kernel's: it ends with this process, however that ends.

    Raises:
        ConflictError: another box runs on this folder.
        ApplianceError: the folder cannot be made or written.
    """
    path = state_dir / "box.lock"
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = path.open("a+", encoding="ascii")
    except OSError as problem:
        raise ApplianceError(
            f"The state folder {state_dir} cannot be used: {problem.strerror}.",
            hint="Make it writable for this user, or choose another with EXAMBOX_PATHS__STATE=…",
        ) from problem
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            handle.seek(0)
            owner = handle.read(20).strip()
            raise ConflictError(
                f"Another box runs on {state_dir} (process {owner or 'unknown'}).",
                hint="Use that one, stop it, or choose another folder with EXAMBOX_PATHS__STATE=…",
            ) from problem
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
