"""Figures for Prometheus: gathered when they are asked for, with few and bounded labels, without names of people.

Naming follows Prometheus's practices: base units, `_total` for what only grows.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Final

from flask import g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from appliance import __version__
from appliance.clock import SECOND_US
from appliance.database import connect
from appliance.errors import ApplianceError
from appliance.web.certificate_facts import certificate_or_none

if TYPE_CHECKING:
    from flask import Flask, Response

    from appliance.web.services import Services

CAMERA_STATES: Final = ("starting", "live", "lost", "stopped")
MAX_CAMERAS: Final = 64
"""More cameras than a box can have get no figures of their own: a label is never unbounded."""
_KEY = "exambox-requests"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Requests:
    """Counts answered requests by endpoint and status, and times them; streams count when they begin."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._count = Counter(
            "exambox_http_requests", "Answered requests.", ["endpoint", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "exambox_http_request_seconds", "Time to an answer's beginning.", buckets=_BUCKETS, registry=self.registry
        )

    def note(self, endpoint: str, status: int, seconds: float) -> None:
        """Count one."""
        self._count.labels(endpoint, str(status)).inc()
        self._seconds.observe(seconds)


def install(app: Flask) -> None:
    """Count every request of an application from now on."""
    counted = app.extensions[_KEY] = Requests()

    def begin() -> None:
        g.began = time.monotonic()

    def end(response: Response) -> Response:
        seconds = time.monotonic() - g.get("began", time.monotonic())
        counted.note(request.endpoint or "none", response.status_code, seconds)
        return response

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.after_request(end)


def now_of(box: Services) -> dt.datetime:
    """Return the box's wall clock with its zone, UTC."""
    return dt.datetime.fromtimestamp(box.clock.wall_us() / SECOND_US, dt.UTC)


def render(box: Services) -> bytes:
    """Return all figures as text."""
    from flask import current_app  # noqa: PLC0415  only inside a request

    registry = CollectorRegistry()
    _gauge(registry, "exambox_build_info", "The software's version.", version=__version__).set(1)
    _of_capture(registry, box)
    _of_keyring(registry, box)
    _of_database(registry, box)
    _of_certificate(registry, box)
    _gauge(registry, "exambox_live_places_used", "Live pictures that are being watched.").set(box.slots.taken)
    return generate_latest(registry) + generate_latest(current_app.extensions[_KEY].registry)


def _of_capture(registry: CollectorRegistry, box: Services) -> None:
    up = _gauge(registry, "exambox_capture_up", "Whether the capture process answers.")
    try:
        status = box.live.status()
    except ApplianceError:
        up.set(0)
        return
    up.set(1)
    cameras: list[dict[str, Any]] = list(status.get("cameras", []))[:MAX_CAMERAS]
    states = Gauge("exambox_cameras", "Cameras by state.", ["state"], registry=registry)
    for state in CAMERA_STATES:
        states.labels(state).set(sum(camera.get("state") == state for camera in cameras))
    for key, name, words in (
        ("last_segment_age_ms", "exambox_camera_last_segment_age_seconds", "Age of the last sealed segment."),
        ("segments", "exambox_camera_segments_total", "Sealed segments since capture started."),
        ("gaps", "exambox_camera_gaps_total", "Stated gaps since capture started."),
        ("dropped", "exambox_camera_dropped_total", "Pictures dropped since capture started."),
        ("viewers", "exambox_camera_viewers", "Who watches."),
    ):
        gauge = Gauge(name, words, ["camera"], registry=registry)
        for camera in cameras:
            value = camera.get(key)
            if isinstance(value, int):
                gauge.labels(str(camera.get("camera", ""))).set(value / 1000 if key.endswith("_ms") else value)
    disk = status.get("disk", {})
    for key in ("total", "free"):
        if isinstance(disk.get(key), int):
            _gauge(registry, f"exambox_disk_{key}_bytes", f"The vault's disk: {key}.").set(disk[key])
    _gauge(registry, "exambox_recording", "Whether a sitting is being recorded.").set(bool(status.get("sitting")))
    _gauge(registry, "exambox_clock_trusted", "Whether the wall clock is synchronised.").set(
        bool(status.get("clock", {}).get("trusted"))
    )


def _of_keyring(registry: CollectorRegistry, box: Services) -> None:
    up = _gauge(registry, "exambox_keyring_up", "Whether the keyring process answers.")
    try:
        status = box.keyring.status()
    except ApplianceError:
        up.set(0)
        return
    up.set(1)
    _gauge(registry, "exambox_review_key_locked", "Whether the review key is locked.").set(bool(status["locked"]))


def _of_database(registry: CollectorRegistry, box: Services) -> None:
    db = connect(box.settings.database)
    try:
        sessions = db.conn.execute("SELECT count(*) FROM web_session").fetchone()[0]
        failures = db.conn.execute(
            "SELECT count(*) FROM sign_in_failure WHERE at_us > ?", (box.clock.wall_us() - 3600 * SECOND_US,)
        ).fetchone()[0]
    finally:
        db.conn.close()
    _gauge(registry, "exambox_web_sessions", "Open sessions.").set(sessions)
    _gauge(registry, "exambox_sign_in_failures_last_hour", "Refused sign-ins of the last hour.").set(failures)


def _of_certificate(registry: CollectorRegistry, box: Services) -> None:
    facts = certificate_or_none(box)
    if facts is not None:
        left = (facts.not_after - now_of(box)).total_seconds()
        _gauge(registry, "exambox_certificate_expires_seconds", "Time until the certificate ends.").set(left)


def _gauge(registry: CollectorRegistry, name: str, words: str, **labels: str) -> Any:
    gauge = Gauge(name, words, list(labels), registry=registry)
    return gauge.labels(**labels) if labels else gauge
