"""One HTTP call outward: bounded in time and size, no redirects, TLS verified; what comes back is always a value.

Calls run side by side in one event loop in a thread of its own. A call's time is bounded as a whole, so that a
receiver that sends a byte now and then holds nothing up.
"""

from __future__ import annotations

import asyncio
import email.utils
import errno
import socket
import ssl
import threading
from collections.abc import Callable  # noqa: TC003  in the type of a table
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp

from appliance import __version__
from appliance.outbox.call_addresses import AddressRefusedError, GuardedResolver, check_url
from appliance.outbox.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from appliance.clock import Clock

READ_BYTES: Final = 64 * 1024
"""So much of an answer's body is read."""
_CONNECT_S: Final = 10.0
_CLOSE_S: Final = 5.0
_KEEP_CONNECTIONS_S: Final = 15.0
_MAX_RETRY_AFTER_S: Final = 24 * 3600.0
_REDIRECTS: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class CallRules:
    """How calls are made.

    Attributes:
        timeout_s: a whole call, from the name's resolution to the last byte.
        at_once: connections at most.
        loopback: whether this machine's own addresses may be called.
        ca_file: certificates to accept beside the system's; empty for none.
    """

    timeout_s: float = 20.0
    at_once: int = 8
    loopback: bool = False
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What to send: a POST with a JSON body, by default."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        at_us: UTC, when the call began.
        took_us: how long it took.
        status: of HTTP, where the answer was whole; None otherwise.
        text: the first 64 KiB of its body.
        reason: why there is no answer, or where it redirects to (`appliance.outbox.reasons`).
        retry_after_s: what it asked for.
    """

    at_us: int
    took_us: int
    status: int | None
    text: str = ""
    reason: str = ""
    retry_after_s: float = 0.0


class Caller:
    """Makes calls; safe to use from several threads.

    Args:
        rules: how.
        clock: dates the answers.

    Raises:
        OSError, ssl.SSLError: the certificates of ``ca_file`` cannot be read.
    """

    def __init__(self, rules: CallRules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._tls = ssl.create_default_context()
        if rules.ca_file:
            self._tls.load_verify_locations(rules.ca_file)
        self._loop = asyncio.new_event_loop()
        self._session: aiohttp.ClientSession | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="calls", daemon=True)
        self._thread.start()

    def call(self, call: Call) -> Future[Answer]:
        """Begin a call; the future always gets an answer."""
        return asyncio.run_coroutine_threadsafe(self._call(call), self._loop)

    def close(self) -> None:
        """End; calls that are on their way are cut."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_CLOSE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_S)
        if not self._thread.is_alive():
            self._loop.close()

    async def _close(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        """Return the session; it trusts no environment variables, and keeps no cookies."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._rules.at_once,
                ssl=self._tls,
                resolver=GuardedResolver(loopback=self._rules.loopback),
                keepalive_timeout=_KEEP_CONNECTIONS_S,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._rules.timeout_s, connect=_CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"User-Agent": f"exambox/{__version__}", "Accept-Encoding": "identity"},
            )
        return self._session

    async def _call(self, call: Call) -> Answer:
        at_us, began_us = self._clock.wall_us(), self._clock.mono_us()
        wrong = check_url(call.url, loopback=self._rules.loopback)
        if wrong:
            return Answer(at_us, 0, None, reason=reason("address", wrong))
        try:
            status, text, why, wait_s = await self._exchange(call)
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            status, text, why, wait_s = None, "", reason_of(problem), 0.0
        return Answer(at_us, self._clock.mono_us() - began_us, status, text, why, wait_s)

    async def _exchange(self, call: Call) -> tuple[int, str, str, float]:
        async with self._open_session().request(
            call.method, call.url, data=call.body, headers=dict(call.headers), allow_redirects=False
        ) as response:
            body = await _read(response)
            why = ""
            if response.status in _REDIRECTS and response.status != HTTPStatus.NOT_MODIFIED:
                why = reason("redirect", response.headers.get("Location", "")[:500])
            wait_s = retry_after_s(response.headers.get("Retry-After", ""), now_us=self._clock.wall_us())
            return response.status, body.decode("utf-8", "replace"), why, wait_s


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the beginning of a body; of a longer one the rest is not waited for, and its connection is not reused."""
    body = bytearray()
    while len(body) < READ_BYTES:
        piece = await response.content.read(READ_BYTES - len(body))
        if not piece:
            return bytes(body)
        body += piece
    response.close()
    return bytes(body)


def reason_of(problem: Exception) -> str:
    """Return why there is no answer (pure)."""
    return next((why(problem) for kinds, why in _WHY if isinstance(problem, kinds)), "") or reason(
        "not_http", _short(problem)
    )


def _certificate(problem: Exception) -> str:
    for inner in (getattr(problem, "certificate_error", None), getattr(problem, "os_error", None)):
        if isinstance(inner, Exception):
            return reason("certificate", str(getattr(inner, "verify_message", "")) or _short(inner))
    return reason("certificate", _short(problem))


def _unreachable(problem: Exception) -> str:
    inner = getattr(problem, "os_error", problem)
    if isinstance(inner, AddressRefusedError):
        return reason("address", str(inner))
    if isinstance(inner, socket.gaierror):
        return reason("dns")
    # Where a name has several addresses, only the words of each one's error are kept.
    if isinstance(inner, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in str(inner):
        return reason("refused")
    return reason("unreachable", _short(inner))


_WHY: Final[tuple[tuple[tuple[type[Exception], ...], Callable[[Exception], str]], ...]] = (
    ((TimeoutError,), lambda _: reason("timeout")),
    ((aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError), _certificate),
    ((aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, ConnectionResetError), lambda _: reason("cut")),
    ((aiohttp.InvalidURL,), lambda _: reason("address", "it is no address")),
    ((OSError,), _unreachable),
)


def _short(problem: Exception) -> str:
    text = getattr(problem, "strerror", None) or getattr(problem, "reason", None) or type(problem).__name__
    return str(text)[:200]


def retry_after_s(header: str, *, now_us: int) -> float:
    """Return the seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3), 0 where it says nothing usable."""
    text = header.strip()[:64]
    if text.isascii() and text.isdigit():
        return min(float(text), _MAX_RETRY_AFTER_S)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0.0
    if moment.tzinfo is None:
        return 0.0
    return min(max(moment.timestamp() - now_us / 1_000_000, 0.0), _MAX_RETRY_AFTER_S)
