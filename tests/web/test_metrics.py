"""Figures for Prometheus: in its format, with few labels, and with nobody's name in them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from appliance.certificates.names import names_of
from appliance.certificates.store import CertificateStore
from appliance.clock import SECOND_US
from appliance.web.metrics import CAMERA_STATES, MAX_CAMERAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from prometheus_client.metrics_core import Metric

    from appliance.clock import ManualClock
    from appliance.config import Settings
    from tests.web.conftest import Browser, StandInCapture, StandInKeyring

FULL = {
    "ok": True, "sitting": "exam-1", "clock": {"trusted": True},
    "disk": {"total": 1000, "free": 400, "state": "ok"},
    "cameras": [
        {"camera": "front", "state": "live", "last_segment_age_ms": 1500, "segments": 7, "gaps": 1, "dropped": 0,
         "viewers": 2, "restarts": 0, "name": "Where Ada sits"},
        {"camera": "back", "state": "lost", "last_segment_age_ms": None, "segments": 3, "gaps": 0, "dropped": 4,
         "viewers": 0, "restarts": 1},
    ],
}  # fmt: skip


@pytest.fixture
def figures(app: Flask) -> Callable[[], dict[str, Metric]]:
    """Ask for the figures and parse them as Prometheus does."""

    def ask() -> dict[str, Metric]:
        answer = app.test_client().get("/metrics")
        assert answer.status_code == 200
        assert answer.content_type.startswith("text/plain; version=")
        return {family.name: family for family in text_string_to_metric_families(answer.text)}

    return ask


def values(family: Metric) -> dict[tuple[str, ...], float]:
    """Return values by labels."""
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def test_the_state_of_the_room_is_told(
    figures: Callable[[], dict[str, Metric]], capture: StandInCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cameras by state and each camera's figures, disk, clock, recording, keyring; what only grows is a counter."""
    monkeypatch.setattr(capture, "status", lambda: FULL)
    found = figures()
    assert values(found["exambox_cameras"]) == {(state,): float(state in {"live", "lost"}) for state in CAMERA_STATES}
    assert values(found["exambox_camera_segments"]) == {("front",): 7, ("back",): 3}
    assert found["exambox_camera_segments"].type == "counter"
    assert values(found["exambox_camera_last_segment_age_seconds"]) == {("front",): 1.5}
    assert values(found["exambox_disk_free_bytes"]) == {(): 400}
    for name in ("capture_up", "recording", "clock_trusted", "keyring_up"):
        assert values(found[f"exambox_{name}"]) == {(): 1}, name
    assert all(family.documentation for family in found.values())


def test_missing_processes_are_told_and_no_error(
    figures: Callable[[], dict[str, Metric]], capture: StandInCapture, keyring: StandInKeyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A dead capture or keyring is a figure of its own, and the others are still there."""
    from appliance.errors import UnavailableError

    def refuse() -> None:
        raise UnavailableError("gone")

    capture.running = False
    monkeypatch.setattr(keyring, "status", refuse)
    found = figures()
    assert values(found["exambox_capture_up"]) == {(): 0}
    assert values(found["exambox_keyring_up"]) == {(): 0}
    assert "exambox_cameras" not in found
    assert "exambox_web_sessions" in found


def test_labels_are_few_and_nobody_is_named(
    figures: Callable[[], dict[str, Metric]], person: Callable[[str], Browser], browser: Browser,
    capture: StandInCapture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Paths, names, addresses and sittings are in no label, whatever was asked; camera names neither."""
    monkeypatch.setattr(capture, "status", lambda: FULL)
    person("administrator")
    browser.get("/no/such/page/Ada-Lovelace")
    browser.sign_in("Ada Lovelace", "wrong")
    text = browser.client.get("/metrics").text
    labels = {key for family in figures().values() for sample in family.samples for key in sample.labels}
    assert labels == {"version", "state", "camera", "endpoint", "status", "le"}
    for word in ("Ada", "Administrator", "127.0.0.1", "exam-1", "/no/such"):
        assert word not in text


def test_cameras_beyond_any_boxs_number_get_no_figures(
    figures: Callable[[], dict[str, Metric]], capture: StandInCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A label never grows without end."""
    many: dict[str, Any] = {"cameras": [{"camera": f"c{n}", "state": "live", "segments": 1} for n in range(500)]}
    monkeypatch.setattr(capture, "status", lambda: many)
    assert len(values(figures()["exambox_camera_segments"])) == MAX_CAMERAS


def test_requests_are_counted_by_page_and_answer(figures: Callable[[], dict[str, Metric]], browser: Browser) -> None:
    """An answer more is one more; addresses that do not exist are one page; times add up to as many."""
    browser.get("/certificate")
    before = values(figures()["exambox_http_requests"])
    browser.get("/certificate")
    browser.get("/nowhere-1")
    browser.get("/nowhere-2")
    found = figures()
    after = values(found["exambox_http_requests"])
    assert after["lan.certificate", "200"] == before["lan.certificate", "200"] + 1
    assert after["none", "404"] == before.get(("none", "404"), 0) + 2
    count = next(
        sample.value for sample in found["exambox_http_request_seconds"].samples if sample.name.endswith("_count")
    )
    assert count == sum(after.values())


def test_people_are_counted_only(figures: Callable[[], dict[str, Metric]], person: Callable[[str], Browser]) -> None:
    """How many sessions there are, and how many sign-ins were refused in the last hour."""
    person("invigilator").sign_in("Invigilator", "wrong-password-1A!")
    found = figures()
    assert values(found["exambox_web_sessions"]) == {(): 1}
    assert values(found["exambox_sign_in_failures_last_hour"])[()] >= 1


def test_the_certificates_remaining_time_is_a_figure(
    figures: Callable[[], dict[str, Metric]], settings: Settings, clock: ManualClock
) -> None:
    """Nothing without one; seconds, negative when it has ended."""
    assert "exambox_certificate_remaining_seconds" not in figures()
    now = dt.datetime.fromtimestamp(clock.wall_us() / SECOND_US, dt.UTC)
    CertificateStore(settings.tls_dir).create("Room", names_of(["localhost"]), now)
    assert values(figures()["exambox_certificate_remaining_seconds"])[()] == pytest.approx(397 * 86400, abs=2)
    clock.advance(400 * 86400)
    assert values(figures()["exambox_certificate_remaining_seconds"])[()] < 0
