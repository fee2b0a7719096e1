"""Joining a central service by a one-time code, and leaving it.

The code holds a print of the hub's key: the hub that answers has to sign with that key, so that nobody between can pass
for it. Where the hub's address is certified by an authority of its own, that comes with the signed answer and is the
only one believed from then on.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from appliance import __version__
from appliance.centre.hub_caller import (
    TIME_REASONS,
    HubCaller,
    HubCallError,
    HubFacts,
    HubRefusedError,
    Received,
    Transport,
    TransportRules,
    request_headers,
    unsigned,
)
from appliance.centre.keys import CentreKeys, make_centre_keys
from appliance.centre.machine import machine_of
from appliance.centre.store import Centre, centre_of, keep_centre
from appliance.certificates.own_address import reachable_address
from appliance.clock import SECOND_US
from appliance.errors import BadInputError, ConflictError
from appliance.exchange.centre.enrol_code import EnrolCode, EnrolCodeError, check_hub, parse_code
from appliance.exchange.centre.messages import SMALL, EnrolAnswer, EnrolRequest, read_message, write_message
from appliance.exchange.centre.peer_jws import read_unverified, time_claim_us
from appliance.exchange.centre.peer_token import ENROL_AUDIENCE, check_answer, new_jti, sign_request
from appliance.exchange.centre.routes import ENROL
from appliance.exchange.token import TokenError
from appliance.outbox.epochs import remember_box
from appliance.outbox.reasons import reason
from appliance.vault.keys import load_box_id

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.centre.measuring import ClockMeter
    from appliance.clock import Clock
    from appliance.config import Settings

KEY_DAYS: Final = 730
"""So long a key is good from its enrolment on, unless another time is said."""
_ADDRESS: Final = re.compile(r"https?://[^/\s?#@\\]+")
_MAX_ADDRESS: Final = 200
_FIRST_REFUSAL: Final = 400
_JTI_BYTES: Final = 16
_DAY_US: Final = 24 * 3600 * SECOND_US


def transport_rules(settings: Settings, *, ca: str = "", verify: bool = True) -> TransportRules:
    """Return how this box calls its central service."""
    sync = settings.sync
    return TransportRules(
        timeout_s=sync.timeout_seconds,
        loopback=settings.box.trial if sync.loopback is None else sync.loopback,
        ca=ca,
        ca_file=sync.ca_file,
        verify=verify,
    )


def hub_caller(
    settings: Settings, centre: Centre, *, box: str, keys: CentreKeys, clock: Clock, meter: ClockMeter
) -> HubCaller:
    """Return what speaks to the central service the box belongs to.

    Raises:
        ssl.SSLError, OSError: a certificate cannot be read.
    """
    transport = Transport(transport_rules(settings, ca=centre.ca), clock)
    facts = HubFacts(centre.address, centre.ca, centre.hub, centre.public)
    return HubCaller(transport, facts, box=box, keys=keys, meter=meter)


def enrol(
    db: Database,
    settings: Settings,
    code: str,
    *,
    address: str,
    clock: Clock,
    who: str,
    ca: str = "",
    days: int = KEY_DAYS,
    where: str = "",
) -> Centre:
    """Join the central service that made a code; return it. Doing it again with a new code renews the key's time.

    Args:
        db: the box's database.
        settings: of the box.
        code: as the centre shows it.
        address: of the central service, ``https://host:port``.
        clock: dates it.
        who: who enrols the box.
        ca: certificates (PEM) of who certifies the address; empty: the system's, else those the hub's answer brings.
        days: the box's key is good for so long.
        where: from where it is done.

    Raises:
        BadInputError: the code, the address or the certificate does not have its form (EnrolCodeError: also where the
            hub that answers is not the one that made the code).
        ConflictError: the box belongs to another central service.
        HubRefusedError: the hub does not take the code.
        HubCallError: the hub cannot be reached.
        MissingKeyError: the box's keys cannot be read or made by this user.
    """
    parsed, address = parse_code(code), checked_address(address)
    if settings.is_hub:
        raise ConflictError("This is a central service itself.", hint="Enrol the boxes of the rooms here.")
    if not 1 <= days <= 3650:  # noqa: PLR2004  ten years
        raise BadInputError("days: has to be 1 to 3650.")
    _refuse_another(centre_of(db), parsed)
    keys = make_centre_keys(settings.keys_dir)
    box = load_box_id(settings.keys_dir)
    epoch = remember_box(db, box, clock).epoch
    asked = EnrolRequest(
        code=parsed.secret,
        box=box,
        name=settings.box.room,
        public=keys.public.hex(),
        seal_public=keys.seal_public.hex(),
        epoch=epoch,
        machine=machine_of(settings),
        version=__version__,
        key_expires_us=clock.wall_us() + days * _DAY_US,
        address=reachable_address(settings),
    )
    told, verified = _ask(settings, asked, parsed, keys, address=address, ca=ca, clock=clock)
    return keep_centre(
        db,
        told,
        address=address,
        ca=ca or ("" if verified else told.ca),
        key_print=keys.print,
        clock=clock,
        who=who,
        where=where,
    )


def checked_address(address: str) -> str:
    """Return the address of a central service without a slash at the end.

    Raises:
        BadInputError: it is none.
    """
    address = address.strip().rstrip("/")
    if len(address) > _MAX_ADDRESS or not _ADDRESS.fullmatch(address):
        raise BadInputError(
            "address: has to be https:// with host and port alone.", hint="For example https://hub.example.org:8443."
        )
    return address


def _refuse_another(before: Centre | None, code: EnrolCode) -> None:
    """Refuse the code of another central service than the box belongs to, before it is used up."""
    if before is None:
        return
    try:
        check_hub(code, before.public)
    except EnrolCodeError as problem:
        raise ConflictError(
            f"This box belongs to {before.name or before.hub}, which did not make this code.",
            hint="`exambox sync leave` first, if it shall belong to another central service.",
        ) from problem


def _ask(
    settings: Settings,
    asked: EnrolRequest,
    code: EnrolCode,
    keys: CentreKeys,
    *,
    address: str,
    ca: str,
    clock: Clock,
) -> tuple[EnrolAnswer, bool]:
    """Return what the hub answered, and whether its address was certified by somebody known before."""
    try:
        return _once(settings, asked, code, keys, address=address, ca=ca, clock=clock), True
    except HubCallError as problem:
        if ca or not problem.reason.startswith("certificate"):
            raise
        first = problem
    told = _once(settings, asked, code, keys, address=address, ca="", clock=clock, verify=False)
    if not told.ca:
        raise HubCallError(
            first.message,
            reason=first.reason,
            hint="Give the certificate of the central service's authority with --ca FILE.",
        )
    return told, False


def _once(
    settings: Settings,
    asked: EnrolRequest,
    code: EnrolCode,
    keys: CentreKeys,
    *,
    address: str,
    ca: str,
    clock: Clock,
    verify: bool = True,
) -> EnrolAnswer:
    """Ask, a second time with the hub's time where only the box's clock was wrong.

    That time is not believed for anything else: who answers shows only with the answer that they are the hub.
    """
    body, path = write_message(asked), ENROL.at()
    transport = Transport(transport_rules(settings, ca=ca, verify=verify), clock)
    ahead_us = 0
    try:
        for is_last in (False, True):
            jti = new_jti(os.urandom(_JTI_BYTES))
            token = sign_request(
                keys.sign_private,
                box=asked.box,
                epoch=asked.epoch,
                audience=ENROL_AUDIENCE,
                method=ENROL.method,
                path=path,
                body=body,
                now_us=clock.wall_us() + ahead_us,
                jti=jti,
            )
            got = transport.send(ENROL.method, address + path, body, request_headers(token))
            if not got.token:
                raise unsigned(got)
            if got.status < _FIRST_REFUSAL:
                return _believed(got, code, jti)
            refused = HubRefusedError(got.status, got.body, retry_after=got.retry_after_s)
            if is_last or refused.answer_reason not in TIME_REASONS:
                raise refused
            ahead_us = time_claim_us(read_unverified(got.token).claims, "iat") - clock.wall_us()
    finally:
        transport.close()
    raise AssertionError("every try returns or raises")


def _believed(got: Received, code: EnrolCode, jti: str) -> EnrolAnswer:
    """Return an answer that the hub of the code signed.

    Raises:
        EnrolCodeError: another hub answered.
        HubCallError: what answered is none.
    """
    try:
        told = read_message(EnrolAnswer, got.body, SMALL)
    except BadInputError as problem:
        raise HubCallError(
            f"What answers is no central service: {problem.message}", reason=reason("not_hub", problem.message)
        ) from problem
    public = bytes.fromhex(told.public)
    check_hub(code, public)
    try:
        check_answer(got.token, public, hub=told.hub, to=jti, status=got.status, body=got.body)
    except (TokenError, ValueError) as problem:
        raise HubCallError(
            f"The answer is not signed by the central service: {problem}", reason=reason("not_hub", str(problem))
        ) from problem
    return told
