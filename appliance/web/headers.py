"""Every security header of the dashboard, in one place."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Final

from flask import g, request

from appliance.certificates.store import CertificateStore
from appliance.clock import SECOND_US
from appliance.errors import ApplianceError
from appliance.web import hosts
from appliance.web.services import services

if TYPE_CHECKING:
    from flask import Response

DIRECTIVES: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "media-src": "'self' blob:",  # MediaSource plays from a blob: address
    "connect-src": "'self'",
    "object-src": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    # No text becomes markup or code, whatever a script of ours might do wrong: there is no policy that makes it.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
CONTENT_SECURITY_POLICY = "; ".join(f"{name} {value}" for name, value in DIRECTIVES.items())
YEAR_S: Final = 365 * 24 * 3600
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=(), usb=()",
}


def show_frame_of(*sources: str) -> None:
    """Let the page of this answer show frames of these sources (an origin, or ``'self'``), and no other page.

    Windows such a page opens stay connected with it, as frames are: the exam may stand in one of its own.
    """
    _change("frame-src", sources)
    g.opener_policy = "same-origin-allow-popups"


def be_framed_by(*sources: str) -> None:
    """Let pages of these sources (an origin, or ``'self'``) show this answer in a frame."""
    _change("frame-ancestors", sources)


def send_forms_to(*sources: str) -> None:
    """Let forms of this answer go to these sources too; a form that is sent on there (307) counts as well."""
    _change("form-action", ("'self'", *sources))


def _change(directive: str, sources: tuple[str, ...]) -> None:
    if sources:
        g.policy = {**g.get("policy", {}), directive: " ".join(sources)}


def add_headers(response: Response) -> Response:
    """Put the headers on a response. Nothing but the static files may be kept by the browser."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    changed = g.get("policy")
    if changed:
        policy = {**DIRECTIVES, **changed}
        response.headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
        response.headers["Cross-Origin-Opener-Policy"] = g.get("opener_policy", "same-origin")
        if "frame-ancestors" in changed:  # the older header can name nobody; browsers with the newer one ignore it
            del response.headers["X-Frame-Options"]
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure and hosts.host_of(request.headers.get("Host", "")) not in {None, *hosts.LOOPBACK_NAMES}:
        response.headers["Strict-Transport-Security"] = f"max-age={_pinned_s()}; includeSubDomains"
    return response


def _pinned_s() -> int:
    """How long browsers insist on HTTPS (RFC 6797): a year, but no longer than the certificate in use is good.

    A browser that insists lets nobody past a bad certificate: one that has ended must not shut a room out for good.
    """
    box = services()
    store = CertificateStore(box.settings.tls_dir)
    try:
        changed = store.certificate_file.stat().st_mtime_ns
    except OSError:
        return 0
    return max(0, min(YEAR_S, _ends_s(store, changed) - box.clock.wall_us() // SECOND_US))


@functools.lru_cache(maxsize=4)
def _ends_s(store: CertificateStore, _changed: int) -> int:
    try:
        return int(store.facts().not_after.astimezone(dt.UTC).timestamp())
    except ApplianceError:
        return 0
