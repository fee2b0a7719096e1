"""What the box's own addresses begin with, for messages that leave it."""

from __future__ import annotations

import functools
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from appliance.certificates.store import CertificateStore
from appliance.errors import ApplianceError

if TYPE_CHECKING:
    from appliance.config import Settings

_MAX_PORT_TEXT: Final = 6
_LOCAL: Final = frozenset({"localhost", "localhost.localdomain"})


def own_address(settings: Settings) -> str:
    """Return ``https://host:port`` or ``http://host:port``, without a slash at the end.

    It is, in this order: ``exams.public_address``; where the box is on its network, the first name of ``web.names``
    its certificate covers, else the certificate's first name or address that is not the machine's alone; else where
    the dashboard is offered on this machine.
    """
    if settings.exams.public_address:
        return settings.exams.public_address
    if settings.web.lan and (host := _host_on_the_network(settings)):
        return f"https://{_bracketed(host)}:{settings.web.https_port}"
    return f"http://{_bracketed(settings.web.host)}:{_port(settings)}"


def reachable_address(settings: Settings) -> str:
    """Return `own_address` where somebody beside this machine can open it, or the box is on trial; else nothing."""
    if settings.exams.public_address or settings.web.lan or settings.box.trial:
        return own_address(settings)
    return ""


def _host_on_the_network(settings: Settings) -> str:
    store = CertificateStore(settings.tls_dir)
    try:
        changed = store.certificate_file.stat().st_mtime_ns
    except OSError:
        return ""
    covered = _covered(store, changed)
    wished = [name.lower() for name in settings.web.names if name.lower() in covered]
    return next(iter([*wished, *covered]), "")


@functools.lru_cache(maxsize=4)
def _covered(store: CertificateStore, _changed: int) -> tuple[str, ...]:
    """Return what the certificate names beyond this machine; read again when its file has changed."""
    try:
        words = store.facts().names.words()
    except ApplianceError:
        return ()
    return tuple(word.lower() for word in words if word.lower() not in _LOCAL and not _is_loopback(word))


def _is_loopback(word: str) -> bool:
    try:
        return ip_address(word).is_loopback
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _port(settings: Settings) -> int:
    """Return the dashboard's port; `exambox run` takes another one when its own is taken, and says so in a file."""
    try:
        return int(settings.web_port_file.read_text(encoding="ascii")[:_MAX_PORT_TEXT])
    except (OSError, ValueError):
        return settings.web.port
