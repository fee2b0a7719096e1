"""Figures for Prometheus: gathered when they are asked for, with few and bounded labels, without names of people.

Naming follows Prometheus's practices: base units, `_total` for what only grows.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Final

from flask import g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from appliance import __version__
from appliance.clock import SECOND_US
from appliance.database import connect
from appliance.errors import ApplianceError
from appliance.web.certificate_facts import certificate_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask, Response
    from prometheus_client.metrics_core import Metric

    from appliance.web.services import Services

CAMERA_STATES: Final = ("starting", "live", "lost", "stopped")
MAX_CAMERAS: Final = 64
"""More cameras than a box can have get no figures of their own: a label is never unbounded."""
_OF_CAMERAS: Final = (
    (
        "last_segment_age_ms",
        "exambox_camera_last_segment_age_seconds",
        "Age of the last sealed one.",
        GaugeMetricFamily,
    ),
    ("segments", "exambox_camera_segments", "Sealed segments since capture started.", CounterMetricFamily),
    ("gaps", "exambox_camera_gaps", "Stated gaps since capture started.", CounterMetricFamily),
    ("dropped", "exambox_camera_dropped", "Pictures dropped since capture started.", CounterMetricFamily),
    ("restarts", "exambox_camera_restarts", "Restarts of its process since capture started.", CounterMetricFamily),
    ("viewers", "exambox_camera_viewers", "How many watch.", GaugeMetricFamily),
)
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
    registry.register(_Gathered(box))
    return generate_latest(registry) + generate_latest(current_app.extensions[_KEY].registry)


class _Gathered(Collector):
    """The figures of one moment."""

    def __init__(self, box: Services) -> None:
        self._box = box

    def describe(self) -> Iterator[Metric]:
        """Nothing before it is asked: the figures are gathered once."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Gather."""
        box = self._box
        build = GaugeMetricFamily("exambox_build_info", "The software's version.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        yield from _of_capture(box)
        yield from _of_keyring(box)
        yield from _of_database(box)
        yield from _of_certificate(box)
        yield _gauge("exambox_live_places_used", "Live pictures that are being watched.", box.slots.taken)


def _of_capture(box: Services) -> Iterator[Metric]:
    try:
        status = box.live.status()
    except ApplianceError:
        yield _gauge("exambox_capture_up", "Whether the capture process answers.", 0)
        return
    yield _gauge("exambox_capture_up", "Whether the capture process answers.", 1)
    cameras: list[dict[str, Any]] = list(status.get("cameras", []))[:MAX_CAMERAS]
    watching = box.fan.watchers()  # capture knows of one connection a camera, however many look
    cameras = [{**camera, "viewers": watching.get(str(camera.get("camera")), 0)} for camera in cameras]
    states = GaugeMetricFamily("exambox_cameras", "Cameras by state.", labels=["state"])
    for state in CAMERA_STATES:
        states.add_metric([state], sum(camera.get("state") == state for camera in cameras))
    yield states
    for key, name, words, family in _OF_CAMERAS:
        metric = family(name, words, labels=["camera"])
        for camera in cameras:
            value = camera.get(key)
            if isinstance(value, int):
                metric.add_metric([str(camera.get("camera", ""))], value / 1000 if key.endswith("_ms") else value)
        yield metric
    disk = status.get("disk", {})
    for key in ("total", "free"):
        if isinstance(disk.get(key), int):
            yield _gauge(f"exambox_disk_{key}_bytes", f"The vault's disk: {key}.", disk[key])
    yield _gauge("exambox_recording", "Whether a sitting is being recorded.", bool(status.get("sitting")))
    trusted = bool(status.get("clock", {}).get("trusted"))
    yield _gauge("exambox_clock_trusted", "Whether the wall clock is synchronised.", trusted)


def _of_keyring(box: Services) -> Iterator[Metric]:
    try:
        status = box.keyring.status()
    except ApplianceError:
        yield _gauge("exambox_keyring_up", "Whether the keyring process answers.", 0)
        return
    yield _gauge("exambox_keyring_up", "Whether the keyring process answers.", 1)
    yield _gauge("exambox_review_key_locked", "Whether the review key is locked.", bool(status["locked"]))


def _of_database(box: Services) -> Iterator[Metric]:
    db = connect(box.settings.database)
    try:
        sessions = db.conn.execute("SELECT count(*) FROM web_session").fetchone()[0]
        failures = db.conn.execute(
            "SELECT count(*) FROM sign_in_failure WHERE at_us > ?", (box.clock.wall_us() - 3600 * SECOND_US,)
        ).fetchone()[0]
    finally:
        db.conn.close()
    yield _gauge("exambox_web_sessions", "Sessions that have neither ended nor been cleared away yet.", sessions)
    yield _gauge("exambox_sign_in_failures_last_hour", "Refused sign-ins of the last hour.", failures)


def _of_certificate(box: Services) -> Iterator[Metric]:
    facts = certificate_or_none(box)
    if facts is not None:
        left = (facts.not_after - now_of(box)).total_seconds()
        yield _gauge("exambox_certificate_remaining_seconds", "Time until the certificate ends; negative after.", left)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)
