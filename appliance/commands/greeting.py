"""What `exambox run` shows at the terminal once the dashboard answers: where it is, and how to get in."""

from __future__ import annotations

import http.client
import sys
from typing import TYPE_CHECKING

import click

from appliance.certificates.hints import grouped
from appliance.certificates.store import CertificateStore
from appliance.clock import SECOND_US
from appliance.web.account.first_run import ensure_first_password

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from appliance.clock import Clock
    from appliance.config import Settings

SLOW_START_US = 30 * SECOND_US


class Greeting:
    """Prints address and one-time password once the dashboard answers; says so if that takes long."""

    def __init__(
        self,
        settings: Settings,
        port: int,
        db: Database,
        clock: Clock,
        answers: Callable[[str, int], bool] | None = None,
        *,
        lan: bool = False,
    ) -> None:
        self._settings = settings
        self._port = port
        self._db = db
        self._lan = lan
        self._clock = clock
        self._answers = answers or web_answers
        self._began_us = clock.mono_us()
        self._greeted = False
        self._warned = False

    def tick(self) -> None:
        """Look once; costs nothing after the greeting."""
        if self._greeted:
            return
        if self._answers(self._settings.web.host, self._port):
            self._greeted = True
            lines = greeting_lines(self._settings, self._port, ensure_first_password(self._db, self._clock))
            if self._lan:
                lines[3:3] = lan_lines(self._settings)
            click.echo(framed(lines, plain=not _can_draw()))
        elif not self._warned and self._clock.mono_us() - self._began_us >= SLOW_START_US:
            self._warned = True
            click.secho(
                "exambox: the dashboard does not answer yet; its messages above say why.", fg="yellow", err=True
            )


def greeting_lines(settings: Settings, port: int, password: str | None) -> list[str]:
    """Return what the person at the terminal needs to know, a line each."""
    host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
    sign_in = (
        ["One-time password  " + password, "                   (makes the first account; good for 24 hours)"]
        if password
        else ["Sign in            with your account"]
    )
    if settings.is_hub:
        return [
            "Exambox is running: the central service of a centre, on trial.",
            "",
            f"Open               http://{host}:{port}/",
            *sign_in,
            f"What boxes told    {settings.database}",
            "Let a box join     exambox hub code --room NAME",
            "Stop               Ctrl-C",
        ]
    return [
        "Exambox is running: a trial box, its review key unlocks by itself.",
        "",
        f"Open               http://{host}:{port}/",
        *sign_in,
        f"Sealed recordings  {settings.vault_dir}",
        "Stop               Ctrl-C",
    ]


def lan_lines(settings: Settings) -> list[str]:
    """Return where the box is on the network, and what people compare when their browser warns, a line each."""
    facts = CertificateStore(settings.tls_dir).facts()
    port = settings.web.https_port
    names = [name for name in facts.names.dns if name.endswith(".local")] + [
        str(address) for address in facts.names.addresses if not address.is_loopback
    ]
    places = [f"https://{f'[{name}]' if ':' in name else name}:{port}/" for name in names[:3]]
    lines = [f"On the network     {place}" for place in places]
    if facts.ca_sha256:
        groups = grouped(facts.ca_sha256)
        lines += [f"Its authority      {groups[:39]}", f"                   {groups[40:]}"]
        lines += [f"Trust it           {place}certificate" for place in places[:1]]
    return lines


def framed(lines: list[str], *, plain: bool) -> str:
    """Return the lines in a frame; ``plain`` uses ASCII only."""
    across, down, corners = ("-", "|", "++++") if plain else ("─", "│", "┌┐└┘")
    width = max(len(line) for line in lines)
    edge = across * (width + 2)
    body = [f"{down} {line:<{width}} {down}" for line in lines]
    return "\n".join(["", corners[0] + edge + corners[1], *body, corners[2] + edge + corners[3], ""])


def _can_draw() -> bool:
    try:
        "┌─│┘".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def web_answers(host: str, port: int) -> bool:
    """Return whether a web server answers there with anything but its own failure."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
