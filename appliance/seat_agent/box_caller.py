"""Calls to the box over TLS that trusts one certificate alone: the anchor the code was bound to.

Whether a certificate is out of time is not asked: a workstation's clock may be years off, and the anchor is the box's
own. Its names are: an address the box's certificate does not name is refused.
"""

from __future__ import annotations

import http.client
import os
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from appliance import __version__
from appliance.certificates.pem import chain_of, pem_of
from appliance.errors import ApplianceError, BadInputError
from appliance.exchange.centre.messages import read_message, write_message
from appliance.exchange.centre.peer_token import new_jti, sign_request
from appliance.exchange.json_edge import JsonError, parse_object
from appliance.exchange.seat.messages import LARGE
from appliance.exchange.seat.routes import ANCHOR, METHOD
from appliance.exchange.token import authorization

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from appliance.clock import Clock

Answer = TypeVar("Answer", bound=Struct)
TIMEOUT_S: Final = 10.0
MAX_ADDRESS: Final = 200
_MAX_ANCHOR: Final = 64 * 1024
_ADDRESS: Final = re.compile(r"https://[^/\s?#@\\]+")
_FIRST_REFUSAL: Final = 400
_NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name."""
_TIME_REASONS: Final = frozenset({"expired", "future"})
_JTI_BYTES: Final = 16
_MAX_TEXT: Final = 300


class BoxCallError(ApplianceError):
    """The box could not be asked; ``reason`` is a stable word: ``unreachable``, ``certificate``, ``answer``."""

    code = "seat.call"
    exit_code = 6
    status = 502

    def __init__(self, message: str, *, reason: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class BoxRefusedError(BoxCallError):
    """The box answered, and refuses: ``reason`` is its word, ``at_us`` its time, ``wait_s`` when to come again."""

    code = "seat.call_refused"

    def __init__(self, status: int, body: bytes, wait_s: float) -> None:
        try:
            told = parse_object(body)
        except JsonError:
            told = {}
        words = str(told.get("detail") or f"status {status}")[:_MAX_TEXT]
        super().__init__(
            f"The box refuses: {words}", reason=str(told.get("reason") or "status")[:40],
            hint=str(told.get("hint", ""))[:_MAX_TEXT],
        )  # fmt: skip
        self.answer_status = status
        self.wait_s = wait_s
        at_us = told.get("at_us")
        self.at_us = at_us if isinstance(at_us, int) and not isinstance(at_us, bool) else None


@dataclass(frozen=True, slots=True)
class _Got:
    status: int
    body: bytes
    wait_s: float


def checked_address(address: str) -> str:
    """Return a box's address without a slash at the end.

    Raises:
        BadInputError: it is none.
    """
    address = address.strip().rstrip("/")
    if len(address) > MAX_ADDRESS or not _ADDRESS.fullmatch(address):
        raise BadInputError(
            "address: has to be https:// with host and port alone.", hint="For example https://hall-2.local:8443."
        )
    return address


def fetch_anchor(address: str) -> x509.Certificate:
    """Return what whoever answers says is the box's anchor: nothing of it is believed yet.

    Raises:
        BoxCallError: nobody answers, or no certificate.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # held against the code's print by the caller
    got = _send(address, context, "GET", ANCHOR, limit=_MAX_ANCHOR)
    try:
        if got.status < _FIRST_REFUSAL:
            return chain_of(got.body)[0]
    except BadInputError:
        pass
    raise BoxCallError(
        "What answers there is no box, or one that takes no seat agents.", reason="answer",
        hint="Give the box's address with its port for HTTPS, as its page “Seat agents” shows it.",
    )  # fmt: skip


def pinned(anchor: str) -> ssl.SSLContext:
    """Return TLS that trusts this anchor (PEM) and nothing else.

    Raises:
        ssl.SSLError: it is no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=anchor)
    context.verify_flags |= ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME)
    return context


def pem_text(certificate: x509.Certificate) -> str:
    """Return a certificate as text."""
    return pem_of(certificate).decode()


class BoxCaller:
    """Sends signed requests to one box; for one thread.

    Args:
        address: of the box.
        anchor: PEM.
        key: the agent's.
        clock: what tokens are dated by, corrected by what the box says.
    """

    def __init__(self, address: str, anchor: str, key: Ed25519PrivateKey, clock: Clock) -> None:
        self._address = address
        self._tls = pinned(anchor)
        self._key = key
        self._clock = clock
        self.ahead_us = 0
        """How far the box's clock is ahead of this machine's, as last told."""

    def call(
        self, path: str, message: Struct, answer: type[Answer], *, sender: str, audience: str, epoch: str
    ) -> Answer:
        """Send a message and return what the box answers; once more with its time where only the clock was wrong.

        Raises:
            BoxRefusedError: it refuses.
            BoxCallError: it cannot be reached, or what answers is no box.
        """
        body = write_message(message)
        for is_last in (False, True):
            now_us = self._clock.wall_us() + self.ahead_us
            token = sign_request(
                self._key, box=sender, epoch=epoch, audience=audience, method=METHOD, path=path, body=body,
                now_us=max(0, now_us), jti=new_jti(os.urandom(_JTI_BYTES)),
            )  # fmt: skip
            headers = {"Authorization": authorization(token), "Content-Type": "application/json"}
            got = _send(self._address, self._tls, METHOD, path, limit=LARGE.size, body=body, headers=headers)
            if got.status < _FIRST_REFUSAL:
                return _read(got, answer)
            refused = BoxRefusedError(got.status, got.body, got.wait_s)
            if is_last or refused.reason not in _TIME_REASONS or refused.at_us is None:
                raise refused
            self.learn_time(refused.at_us)
        raise AssertionError("every try returns or raises")

    def learn_time(self, at_us: int) -> None:
        """Keep how far the box's clock is ahead, as an answer that just came says."""
        self.ahead_us = at_us - self._clock.wall_us()


def _read(got: _Got, answer: type[Answer]) -> Answer:
    try:
        return read_message(answer, got.body, LARGE)
    except BadInputError as problem:
        raise BoxCallError(f"What the box answers is not understood: {problem.message}", reason="answer") from problem


def _send(
    address: str,
    tls: ssl.SSLContext,
    method: str,
    path: str,
    *,
    limit: int,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> _Got:
    there = urlsplit(address)
    connection = http.client.HTTPSConnection(there.hostname or "", there.port or 443, timeout=TIMEOUT_S, context=tls)
    try:
        connection.request(
            method, path, body or None, {"User-Agent": f"exambox-seat-agent/{__version__}", **(headers or {})}
        )
        answer = connection.getresponse()
        data = answer.read(limit + 1)
        if len(data) > limit:
            raise BoxCallError("The box's answer is too long.", reason="answer")
        return _Got(answer.status, data, _seconds(answer.headers.get("Retry-After")))
    except ssl.SSLCertVerificationError as problem:
        raise BoxCallError(
            f"The certificate of {there.netloc} is not the one of the box this workstation belongs to:"
            f" {problem.verify_message}",
            reason="certificate",
            hint="If the box got a new certificate, or is reached by another name now, enrol the workstation anew."
            " If not, somebody stands between.",
        ) from problem
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise BoxCallError(
            f"The box at {there.netloc} cannot be reached: {_why(problem)}", reason="unreachable",
            hint="Check the network, and that the box is offered there (`--lan`, `web.lan`).",
        ) from problem  # fmt: skip
    finally:
        connection.close()


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 6 else 0.0  # noqa: PLR2004  a day


def _why(problem: Any) -> str:
    return str(getattr(problem, "strerror", None) or problem or type(problem).__name__)[:_MAX_TEXT]
