"""The pass of a reviewer whom an LMS sent: one session's recordings, for an hour or so, and nothing else of the box.

It is no session of the dashboard: there is no account behind it, and no view but those below `PLACE` looks at it. It is
a signed cookie that is sent to its own session's archive alone; what it opens is looked up anew at each request, so an
integration that is switched off, or a session that is gone, closes it at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

PLACE: Final = "/archive"
COOKIE: Final = "exambox_archive"
IDLE_US: Final = 60 * 60 * SECOND_US
LATEST_US: Final = 8 * 3600 * SECOND_US
RENEW_US: Final = 5 * 60 * SECOND_US
CODE_US: Final = 120 * SECOND_US
"""So long a code may be exchanged for a pass in a window of its own."""
_MAX: Final = 4096
_FIELDS: Final = 7


@dataclass(frozen=True, slots=True)
class ArchivePass:
    """Who may see which session; times are wall microseconds.

    Attributes:
        session: our id.
        person: as the log names them, with the integration they came by.
        language: as the LMS named it, may be empty.
        return_url: where they go afterwards, may be empty.
        framed: whether the page is shown in a frame of the LMS's.
    """

    session: str
    person: str
    language: str
    return_url: str
    made_us: int
    seen_us: int
    framed: bool

    def is_good(self, now_us: int) -> bool:
        """Whether it opens anything still."""
        return now_us < min(self.made_us + LATEST_US, self.seen_us + IDLE_US)


def give_pass(response: Response, held: ArchivePass) -> None:
    """Put a pass into the browser.

    In a frame of the LMS's page a cookie has to be for every site and be kept apart by the page around it (CHIPS):
    browsers take that by HTTPS alone.
    """
    partitioned = held.framed and request.is_secure
    response.set_cookie(
        _name(), _signer("pass").dumps(_row(held)), max_age=LATEST_US // SECOND_US, httponly=True,
        samesite="None" if partitioned else "Lax", secure=request.is_secure, path=f"{PLACE}/{held.session}",
        partitioned=partitioned,
    )  # fmt: skip


def take_pass(response: Response, held: ArchivePass) -> None:
    """Take a pass away."""
    partitioned = held.framed and request.is_secure
    response.delete_cookie(
        _name(), path=f"{PLACE}/{held.session}", httponly=True, secure=request.is_secure,
        samesite="None" if partitioned else "Lax", partitioned=partitioned,
    )  # fmt: skip


def sent_pass(session: str, now_us: int) -> ArchivePass | None:
    """Return the pass this request carries for a session, if it is good."""
    held = _read("pass", request.cookies.get(_name(), ""))
    return held if held is not None and held.session == session and held.is_good(now_us) else None


def code_of(held: ArchivePass) -> str:
    """Return a code that becomes the pass in a window of its own, within `CODE_US`."""
    return str(_signer("code").dumps(_row(held)))


def pass_of_code(code: str, session: str, now_us: int) -> ArchivePass | None:
    """Return the pass of a code for a session, if it is good."""
    held = _read("code", code)
    good = held is not None and held.session == session and now_us < held.made_us + CODE_US
    return held if good else None


def renewed(held: ArchivePass, now_us: int) -> ArchivePass | None:
    """Return the pass as it goes on, or None while that would say nothing new (pure)."""
    return replace(held, seen_us=now_us) if abs(now_us - held.seen_us) >= RENEW_US else None


def _name() -> str:
    """By HTTPS a browser takes it over HTTPS alone (RFC 6265bis, 4.1.3); for one path, so it is no __Host- cookie."""
    return f"__Secure-{COOKIE}" if request.is_secure else COOKIE


def _row(held: ArchivePass) -> list[str | int | bool]:
    return [
        held.session, held.person, held.language, held.return_url, held.made_us, held.seen_us, held.framed,
    ]  # fmt: skip


def _read(kind: str, text: str) -> ArchivePass | None:
    if not text or len(text) > _MAX:
        return None
    try:
        row = _signer(kind).loads(text)
    except BadSignature:
        return None
    return ArchivePass(*row) if isinstance(row, list) and len(row) == _FIELDS else None


def _signer(kind: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or b"", salt=f"archive {kind}")
