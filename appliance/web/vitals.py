"""Signs of life for this machine alone: does the process live, is the box ready, and figures for Prometheus."""

from __future__ import annotations

import ipaddress
import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST

from appliance.errors import ApplianceError, NotFoundError
from appliance.web import metrics
from appliance.web.access import public
from appliance.web.asking import speaks
from appliance.web.certificate_facts import certificate_or_none
from appliance.web.services import address, database, services

if TYPE_CHECKING:
    from collections.abc import Callable

BLUEPRINT = Blueprint("vitals", __name__)
_OF_PROXIES = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
"""Who sends one of these asks for somebody else, who may be anywhere."""
_NOT_READY = 503


class Alive(msgspec.Struct):
    """The process lives."""

    ok: bool


class Readiness(msgspec.Struct):
    """Whether an exam could begin; each check says ``ok`` or what is missing."""

    ready: bool
    checks: dict[str, str]


@BLUEPRINT.get("/healthz")
@public
@speaks(answer=Alive)
def healthz() -> dict[str, Any]:
    """Answer supervisors on this machine: the process runs and its database answers."""
    _only_this_machine()
    database().conn.execute("SELECT 1 FROM account LIMIT 1").fetchone()
    return {"ok": True}


@BLUEPRINT.get("/readyz")
@public
@speaks(answer=Readiness, also=((_NOT_READY, Readiness),))
def readyz() -> tuple[dict[str, Any], int]:
    """Answer whether the box could record and show an exam now; what is missing is named."""
    _only_this_machine()
    checks: dict[str, Callable[[], str]] = {
        "database": _database, "capture": _capture, "cameras": _cameras, "keyring": _keyring,
        "certificate": _certificate,
    }  # fmt: skip
    found = {name: check() for name, check in checks.items()}
    ready = all(words == "ok" for words in found.values())
    return {"ready": ready, "checks": found}, 200 if ready else _NOT_READY


@BLUEPRINT.get("/metrics")
@public
def metrics_text() -> Response:
    """Give the figures of the box, in Prometheus's text format."""
    _only_this_machine()
    return Response(metrics.render(services()), content_type=CONTENT_TYPE_LATEST)


def _only_this_machine() -> None:
    passed_on = any(name in request.headers for name in _OF_PROXIES)
    if request.is_secure or passed_on or not _is_loopback(address()):
        raise NotFoundError("There is no such page.")


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _database() -> str:
    try:
        db = database()
        db.conn.execute("BEGIN IMMEDIATE")
        db.conn.execute("ROLLBACK")
    except (sqlite3.Error, ApplianceError) as problem:
        return f"the database cannot be written: {problem}"
    return "ok"


def _capture() -> str:
    try:
        status = services().live.status()
    except ApplianceError as problem:
        return problem.message
    if status.get("disk", {}).get("stopped"):
        return "recording is stopped: the disk is full"
    return "ok"


def _cameras() -> str:
    try:
        cameras = list(services().live.status().get("cameras", []))
    except ApplianceError:
        return "unknown without capture"
    silent = sum(camera.get("state") != "live" for camera in cameras)
    if not cameras:
        return "there is no camera"
    return f"{silent} of {len(cameras)} cameras deliver no picture" if silent else "ok"


def _keyring() -> str:
    try:
        services().keyring.status()
    except ApplianceError as problem:
        return problem.message
    return "ok"


def _certificate() -> str:
    box = services()
    if not box.settings.web.lan:
        return "ok"
    facts = certificate_or_none(box)
    if facts is None:
        return "there is no certificate"
    return "ok" if facts.days_left(metrics.now_of(box)) >= 0 else "the certificate has ended"
