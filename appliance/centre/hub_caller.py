"""Calls to the central service: signed requests; an answer is believed only if the hub signed it for just this."""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import aiohttp
from msgspec import Struct

from appliance import __version__
from appliance.errors import ApplianceError, BadInputError
from appliance.exchange.centre.messages import LARGE, read_message, write_message
from appliance.exchange.centre.peer_token import ANSWER_HEADER, check_answer, new_jti, sign_request
from appliance.exchange.json_edge import JsonError, parse_object
from appliance.exchange.token import TokenError, authorization
from appliance.outbox.call_addresses import GuardedResolver, check_url
from appliance.outbox.calling import reason_of, retry_after_s
from appliance.outbox.reasons import reason

if TYPE_CHECKING:
    from appliance.centre.keys import CentreKeys
    from appliance.centre.measuring import ClockMeter
    from appliance.clock import Clock
    from appliance.exchange.centre.routes import Call

Answer = TypeVar("Answer", bound=Struct)
MAX_ANSWER: Final = LARGE.size
_CONNECT_S: Final = 10.0
_KEEP_S: Final = 15.0
"""A connection that was idle for longer is not used again: a hub closes it after 20 s, and a box that waited so long
after trouble would find it closed with its very next call."""
_FIRST_REFUSAL: Final = 400
_JTI_BYTES: Final = 16
_MAX_DETAIL: Final = 300
TIME_REASONS: Final = frozenset({"expired", "future"})
_UNAUTHORISED: Final = frozenset({401, 403})
_MOST_TRIES: Final = 4


class HubCallError(ApplianceError):
    """The centre could not be asked; ``reason`` is in the form of `outbox.reasons`, ``retry_after_s`` what it asked."""

    code = "centre.call"
    status = 502

    def __init__(self, message: str, *, reason: str, retry_after_s: float = 0.0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.retry_after_s = retry_after_s


class HubRefusedError(HubCallError):
    """The centre answered, and refuses: its own ``answer_code`` and ``answer_status``.

    ``ahead_us`` is how far its time, as it signed it, was ahead of the time the request was signed with.
    """

    code = "centre.refused"

    def __init__(self, status: int, body: bytes, *, retry_after: float = 0.0, ahead_us: int = 0) -> None:
        self.answer_status = status
        self.ahead_us = ahead_us
        try:
            told = parse_object(body)
        except JsonError:
            told = {}
        self.answer_code = str(told.get("code", ""))[:80]
        self.answer_reason = str(told.get("reason", ""))[:80]
        detail = str(told.get("detail") or told.get("title") or f"status {status}")[:_MAX_DETAIL]
        word = "unauthorised" if status in _UNAUTHORISED else "status"
        super().__init__(
            f"The central service refuses: {detail}",
            reason=reason(word, f"{status} {detail}"),
            retry_after_s=retry_after,
            hint=str(told.get("hint", ""))[:_MAX_DETAIL],
        )


@dataclass(frozen=True, slots=True)
class HubFacts:
    """Whom is called: its address, who certifies it (PEM, or empty), its id and raw public key."""

    address: str
    ca: str
    hub: str
    public: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Received:
    """What came back, nothing of it believed yet; ``at`` is when it was sent and read, on the monotonic clock."""

    status: int
    body: bytes
    token: str
    retry_after_s: float
    at: tuple[int, int]


@dataclass(frozen=True, slots=True)
class TransportRules:
    """How calls are made: a whole call's time, whether this machine may be called, who certifies addresses.

    ``verify`` is False for the one call of an enrolment whose answer brings the authority, signed.
    """

    timeout_s: float = 20.0
    loopback: bool = False
    ca: str = ""
    ca_file: str = ""
    verify: bool = True


class Transport:
    """HTTP without redirects, cookies or environment; bounded in time and size. For one thread.

    Raises:
        ssl.SSLError, OSError: certificates that are to be trusted cannot be read.
    """

    def __init__(self, rules: TransportRules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._tls = _tls(rules)
        self._runner = asyncio.Runner()
        self._session: aiohttp.ClientSession | None = None

    def send(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Received:
        """Send a request and return what came back whole.

        Raises:
            HubCallError: nothing did.
        """
        wrong = check_url(url, loopback=self._rules.loopback)
        if wrong:
            raise HubCallError(f"The central service is not called: {wrong}.", reason=reason("address", wrong))
        try:
            return self._runner.run(self._send(method, url, body, headers))
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            why = reason_of(problem)
            raise HubCallError(
                "The central service could not be reached.", reason=why, hint="Check its address and the network."
            ) from problem

    def close(self) -> None:
        """End."""
        if self._session is not None:
            self._runner.run(self._session.close())
        self._runner.close()

    async def _send(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Received:
        sent_us = self._clock.mono_us()
        async with self._opened().request(method, url, data=body, headers=headers, allow_redirects=False) as response:
            return Received(
                response.status,
                await _all(response),
                response.headers.get(ANSWER_HEADER, ""),
                retry_after_s(response.headers.get("Retry-After", ""), now_us=self._clock.wall_us()),
                (sent_us, self._clock.mono_us()),
            )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=2,
                    ssl=self._tls,
                    resolver=GuardedResolver(loopback=self._rules.loopback),
                    keepalive_timeout=_KEEP_S,
                ),
                timeout=aiohttp.ClientTimeout(total=self._rules.timeout_s, connect=_CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"User-Agent": f"exambox/{__version__}", "Accept-Encoding": "identity"},
            )
        return self._session


class HubCaller:
    """Speaks to one hub in the box's name. For one thread.

    Args:
        transport: how.
        hub: whom.
        box: who speaks.
        keys: what requests are signed with.
        meter: is told the time of every signed answer, and tells the time requests are signed with.
    """

    def __init__(self, transport: Transport, hub: HubFacts, *, box: str, keys: CentreKeys, meter: ClockMeter) -> None:
        self._transport = transport
        self._hub = hub
        self._box = box
        self._keys = keys
        self._meter = meter

    def call(self, call: Call, answer: type[Answer], body: Struct | bytes, *, epoch: str, **names: str | int) -> Answer:
        """Ask, and return what the hub signed.

        A request that is refused for its time alone is sent again with the time the refusal told, whatever was
        measured before: the hub's clock may have been set.

        Raises:
            HubRefusedError: the hub refuses.
            HubCallError: it cannot be reached, or what answers is not the hub.
        """
        path = call.at(**names)
        data = body if isinstance(body, bytes) else write_message(body)
        ahead_us = 0
        for left in range(_MOST_TRIES - 1, -1, -1):
            before_us = self._meter.time().now_us
            try:
                raw = self._once(call.method, path, data, epoch, now_us=before_us + ahead_us)
            except HubRefusedError as problem:
                if problem.answer_reason in TIME_REASONS and left:
                    ahead_us += problem.ahead_us + before_us - self._meter.time().now_us
                    continue
                raise
            try:
                return read_message(answer, raw, LARGE)
            except BadInputError as problem:
                raise HubCallError(
                    f"The central service's answer cannot be read: {problem.message}",
                    reason=reason("not_http", problem.message),
                ) from problem
        raise AssertionError("every try returns or raises")

    def close(self) -> None:
        """End."""
        self._transport.close()

    def _once(self, method: str, path: str, body: bytes, epoch: str, *, now_us: int) -> bytes:
        jti = new_jti(os.urandom(_JTI_BYTES))
        token = sign_request(
            self._keys.sign_private,
            box=self._box,
            epoch=epoch,
            audience=self._hub.hub,
            method=method,
            path=path,
            body=body,
            now_us=now_us,
            jti=jti,
        )
        got = self._transport.send(method, self._hub.address + path, body, request_headers(token))
        if not got.token:
            raise unsigned(got)
        try:
            told = check_answer(
                got.token, self._hub.public, hub=self._hub.hub, to=jti, status=got.status, body=got.body
            )
        except TokenError as problem:
            raise HubCallError(
                f"What answers at {self._hub.address} is not the central service of this box: {problem.message}",
                reason=reason("not_hub", problem.message),
                hint="Check the address; if the central service was set up anew, enrol the box again.",
            ) from problem
        self._meter.add(sent_us=got.at[0], received_us=got.at[1], hub_us=told.at_us)
        if got.status >= _FIRST_REFUSAL:
            ahead_us = told.at_us - now_us
            raise HubRefusedError(got.status, got.body, retry_after=got.retry_after_s, ahead_us=ahead_us)
        return got.body


def unsigned(got: Received) -> HubCallError:
    """Return why an answer that nobody signed is not believed: something stands before the hub, or it is not there."""
    return HubCallError(
        f"What answers (status {got.status}) did not sign its answer: it is not the central service.",
        reason=reason("status", str(got.status)) if got.status >= _FIRST_REFUSAL else reason("not_hub", "unsigned"),
        retry_after_s=got.retry_after_s,
        hint="Check the address. A proxy before the central service has to pass its headers on.",
    )


def request_headers(token: str) -> dict[str, str]:
    """Return the headers of a request."""
    return {"Authorization": authorization(token), "Content-Type": "application/json"}


async def _all(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MAX_ANSWER:
            response.close()
            raise ValueError("the answer is too large")
    return bytes(body)


def _tls(rules: TransportRules) -> ssl.SSLContext:
    if not rules.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    made: dict[str, Any] = {"cadata": rules.ca} if rules.ca else {}
    context = ssl.create_default_context(**made)
    if rules.ca_file:
        context.load_verify_locations(rules.ca_file)
    return context
