"""The protocol between boxes and their central service (`exchange.centre`), as HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from flask import Blueprint, Response, g

from appliance import __version__
from appliance.certificates.pem import pem_of
from appliance.certificates.store import CertificateStore
from appliance.errors import ApplianceError, BadInputError, NotFoundError
from appliance.exchange.centre.messages import (
    LARGE,
    SMALL,
    EnrolRequest,
    MediaOffer,
    PullRequest,
    PushRequest,
    Report,
    read_message,
    write_message,
)
from appliance.exchange.centre.openapi import protocol_document
from appliance.exchange.centre.peer_token import ANSWER_HEADER, sign_answer
from appliance.exchange.centre.routes import BASE, ENROL, OFFER, PULL, PUSH, REPORT, SEGMENT, Call
from appliance.exchange.token import TokenError
from appliance.hub.boxes import BoxRefusedError
from appliance.hub.enrolling import EnrolRefusedError, enrol
from appliance.hub.feed import position_of, pull
from appliance.hub.media import MAX_SEGMENT, SegmentError, take_offer, take_segment
from appliance.hub.receiving import push
from appliance.web.access import View, public
from appliance.web.api.answers import refused, told
from appliance.web.api.state import api
from appliance.web.hub.peers import body_bytes, box_body, calling_box, joining_box, look_at_token
from appliance.web.hub.state import hub
from appliance.web.services import address, services

if TYPE_CHECKING:
    from collections.abc import Callable

    from msgspec import Struct
    from sqlite_utils import Database

    from appliance.exchange.centre.messages import PushAnswer

BLUEPRINT = Blueprint("centre", __name__)
DOCUMENT: Final = f"{BASE}/openapi.json"
_JSON: Final = "application/json"
_WITH_WORDS: Final = (TokenError, BoxRefusedError, EnrolRefusedError, SegmentError)
"""Errors whose reason is a stable word."""
_MAX_NUMBER: Final = 2**53 - 1


def _takes(call: Call) -> Callable[[View], View]:
    """Register a view as one call of the protocol, at its very address: nothing is redirected."""

    def register(view: View) -> View:
        BLUEPRINT.add_url_rule(
            call.path.replace("{", "<").replace("}", ">"),
            view_func=public(view),
            methods=[call.method],
            strict_slashes=False,
            merge_slashes=False,
            provide_automatic_options=False,
        )
        return view

    return register


@_takes(ENROL)
def enrol_box() -> Response:
    """Let a box join by its one-time code."""
    body = body_bytes(SMALL.size)
    asked = read_message(EnrolRequest, body, SMALL)
    joining_box(bytes.fromhex(asked.public), asked.box, body)
    state, clock = hub(), services().clock
    with api().connections.one() as db:
        answer = enrol(
            db,
            asked,
            keys=state.keys,
            centre=services().settings.box.room,
            clock=clock,
            ca=_authority(),
            where=address(),
        )
    return _said(answer)


@_takes(REPORT)
def report() -> Response:
    """Take what a box says of itself; nothing waits for the disk."""
    body = body_bytes(SMALL.size)
    with api().connections.one() as db:
        peer = calling_box(db, body)
        said = read_message(Report, body, SMALL)
        if said.box != peer.box.id or said.epoch != peer.token.epoch:
            raise TokenError("The request is of another box than its token.", reason="sender")
        hub().tend(db)
    return _said(hub().reports.take(said))


@_takes(PULL)
def pull_changes() -> Response:
    """Tell a box what has changed since its cursor."""
    body = body_bytes(SMALL.size)
    state = hub()
    with api().connections.one() as db:
        box = calling_box(db, body).box.id
        asked = read_message(PullRequest, body, SMALL)
        state.publisher.publish(db)
        answer = pull(db, box, asked, hub=state.facts)
        state.reports.note_pull(box, position_of(asked.cursor, box, hub=state.facts))
    return _said(answer)


@_takes(PUSH)
def push_items() -> Response:
    """Take what happened on a box: durable before the answer."""
    body = box_body(LARGE.size)
    with api().connections.one() as db:
        peer = calling_box(db, body)
    asked = read_message(PushRequest, body, LARGE)
    clock = services().clock

    def act(db: Database) -> PushAnswer:
        return push(db, peer.box.id, asked.items, clock=clock, epoch=peer.token.epoch)

    return _said(api().committer.run(act))


@_takes(OFFER)
def offer_media() -> Response:
    """Learn which segments a box has of what it was asked for, and say which are missing."""
    body = box_body(LARGE.size)
    with api().connections.one() as db:
        box = calling_box(db, body).box.id
        offered = read_message(MediaOffer, body, LARGE)
        return _said(take_offer(db, box, offered, clock=services().clock))


@_takes(SEGMENT)
def put_segment(request: str, part: str, seq: str) -> Response:
    """Keep one sealed segment."""
    body = box_body(MAX_SEGMENT)
    with api().connections.one() as db:
        box = calling_box(db, body).box.id
        answer = take_segment(
            db,
            box,
            request,
            body,
            part=_number(part),
            seq=_number(seq),
            folder=hub().media_folder,
            clock=services().clock,
        )
    return _said(answer)


@BLUEPRINT.get(DOCUMENT)
@public
def document() -> Response:
    """Describe the protocol, so that another central service, or another box, can speak it."""
    return told(protocol_document(version=__version__))


BLUEPRINT.before_request(look_at_token)


@BLUEPRINT.errorhandler(ApplianceError)
def _refused(problem: ApplianceError) -> Response:
    """Say why, with a stable word as the ``reason`` where there is one: the box acts on it."""
    response = refused(problem)
    if isinstance(problem, _WITH_WORDS):
        body = {**msgspec.json.decode(response.get_data()), "reason": problem.reason}
        response.set_data(msgspec.json.encode(body))
    return response


@BLUEPRINT.after_request
def _sign(response: Response) -> Response:
    """Sign what is answered to a token that could be read, refusals too: a box learns the time from them."""
    jti = g.get("peer_jti")
    if jti is not None:
        state = hub()
        response.headers[ANSWER_HEADER] = sign_answer(
            state.keys.sign_private,
            hub=state.keys.id,
            to=jti,
            status=response.status_code,
            body=response.get_data(),
            now_us=services().clock.wall_us(),
        )
    return response


def _authority() -> str:
    """Return the authority (PEM) that certifies this hub's address, where that is the hub's own; else nothing.

    It goes with the signed answer, so that a box may believe it.
    """
    store = CertificateStore(services().settings.tls_dir)
    try:
        return pem_of(store.authority_certificate()).decode() if store.facts().source == "box" else ""
    except (NotFoundError, BadInputError):
        return ""


def _said(message: Struct) -> Response:
    return Response(write_message(message), content_type=_JSON)


def _number(text: str) -> int:
    """Return a part's or segment's number of an address.

    Raises:
        NotFoundError: it is none.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(_MAX_NUMBER)):
        raise NotFoundError("There is no such segment.", hint="Part and number are counted from 0.")
    return int(text)
