"""The calls of seat agents (`exchange.seat`), as HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from flask import Blueprint, Response

from appliance.certificates.anchor import anchor_of
from appliance.certificates.pem import pem_of
from appliance.certificates.store import CertificateStore
from appliance.errors import ApplianceError, ConflictError
from appliance.exchange.centre.messages import read_message, write_message
from appliance.exchange.seat.messages import (
    LARGE,
    SMALL,
    EnrolAnswer,
    EnrolRequest,
    ReportAnswer,
    ReportRequest,
    SignedText,
    Watched,
)
from appliance.exchange.seat.routes import ANCHOR, ENROL, METHOD, REPORT
from appliance.exchange.token import TokenError
from appliance.sittings.seat_reports import take_report, watches_windows
from appliance.usb.agents.enrolling import SeatEnrolError, enrol
from appliance.usb.agents.store import AgentRefusedError, get_agent, note_heard
from appliance.usb.signed import signed_policy
from appliance.vault.key_files import USB_PUBLIC_FILE
from appliance.web.access import public
from appliance.web.api.answers import refused
from appliance.web.api.state import api
from appliance.web.seat_api.callers import calling_agent, check_joining, joining_body
from appliance.web.seat_api.state import seats
from appliance.web.services import address, database, services

if TYPE_CHECKING:
    from msgspec import Struct
    from sqlite_utils import Database

    from appliance.usb.agents.store import SeatAgent

BLUEPRINT = Blueprint("seat_api", __name__)
_WITH_WORDS: Final = (TokenError, AgentRefusedError, SeatEnrolError)
"""Errors whose reason is a stable word."""


@BLUEPRINT.get(ANCHOR)
@public
def anchor() -> Response:
    """Send the certificate that codes are bound to; who gets it holds it against the code's print."""
    found = anchor_of(CertificateStore(services().settings.tls_dir))
    return Response(pem_of(found), content_type="application/x-pem-file")


@BLUEPRINT.route(ENROL, methods=[METHOD], provide_automatic_options=False)
@public
def join() -> Response:
    """Let a workstation join by its one-time code."""
    body = joining_body()
    asked = read_message(EnrolRequest, body, SMALL)
    public_key = bytes.fromhex(asked.public)
    check_joining(asked.agent, public_key, body)
    usb_public, clock, where = usb_public_key(), services().clock, address()

    def act(db: Database) -> SeatAgent:
        return enrol(
            db, asked.code, agent=asked.agent, name=asked.name, public_key=public_key, clock=clock, where=where
        )

    agent = api().committer.run(act)
    return _said(
        EnrolAnswer(
            agent=agent.id,
            box=seats().box,
            room=services().settings.box.room,
            seat=agent.seat,
            usb_public=usb_public.hex(),
            expires_us=agent.expires_us,
            at_us=clock.wall_us(),
            policy=_newer_policy(0),
        )
    )


@BLUEPRINT.route(REPORT, methods=[METHOD], provide_automatic_options=False)
@public
def report() -> Response:
    """Take what an agent reports: durable before the answer."""
    agent, body = calling_agent()
    said = read_message(ReportRequest, body, LARGE)
    clock, repeat_us = services().clock, services().settings.usb.repeat_seconds * 1_000_000
    now = clock.wall_us()
    heard = seats().heard.note(agent.id, now)

    def act(db: Database) -> int:
        if heard:
            note_heard(db, heard)
        return take_report(db, agent.id, said, clock=clock, repeat_us=repeat_us)

    acknowledged = api().committer.run(act)
    seat = get_agent(database(), agent.id).seat
    return _said(
        ReportAnswer(
            acknowledged=acknowledged,
            at_us=clock.wall_us(),
            policy=_newer_policy(said.policy_version),
            seat=seat,
            watched=Watched(windows=watches_windows(database(), seat, now_us=now)),
        )
    )


@BLUEPRINT.errorhandler(ApplianceError)
def _refused(problem: ApplianceError) -> Response:
    """Say why, with a stable word where there is one, and the box's time, by which an agent sets its own."""
    response = refused(problem)
    body = {**msgspec.json.decode(response.get_data()), "at_us": services().clock.wall_us()}
    if isinstance(problem, _WITH_WORDS):
        body["reason"] = problem.reason
    response.set_data(msgspec.json.encode(body))
    return response


def usb_public_key() -> bytes:
    """Return the public half of the key that signs policies, raw.

    Raises:
        ConflictError: the box has none.
    """
    try:
        return (services().settings.keys_dir / USB_PUBLIC_FILE).read_bytes()[:32]
    except OSError as problem:
        raise ConflictError(
            "This box has no key for USB policies yet.", hint="Make it with `exambox keys init` on the box."
        ) from problem


def _newer_policy(version: int) -> SignedText | None:
    """Return the newest signed policy where it is newer than the one an agent has."""
    signed = signed_policy(database())
    if signed is None or signed.version <= version:
        return None
    return SignedText(version=signed.version, body=signed.body, signature=signed.signature.hex())


def _said(message: Struct) -> Response:
    return Response(write_message(message), content_type="application/json")
