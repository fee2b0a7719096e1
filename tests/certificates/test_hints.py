"""Steps for each system, in the right order for the device at hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.certificates.files import FORMS
from appliance.certificates.hints import HINTS, SYSTEMS, grouped, likely_systems

SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15"
CHROME = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "systems"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130 Safari/537.36 Edg/130.0", ("windows",)),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) Safari/604", ("ios",)),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) FxiOS/130", ("ios",)),
        (SAFARI, ("ios", "macos")),
        (CHROME, ("macos",)),
        ("Mozilla/5.0 (Linux; Android 14; Pixel) Chrome/130", ("android",)),
        ("Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0", ("android",)),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/130", ("linux",)),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko Firefox/130.0", ("firefox",)),
        ("Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko Firefox/130.0", ("firefox", "windows")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14; rv:130.0) Firefox/130.0", ("firefox", "macos")),
        ("", ("windows",)),
    ],
)
def test_the_likely_system_comes_first(agent: str, systems: tuple[str, ...]) -> None:
    """The steps of the device in one's hand are the first; an iPad that says it is a Mac gets both."""
    assert likely_systems(agent) == systems


@given(st.text())
def test_any_browser_gets_some_steps(agent: str) -> None:
    """Whatever a browser calls itself."""
    assert set(likely_systems(agent)) <= set(SYSTEMS)
    assert likely_systems(agent)


def test_every_system_has_steps_and_a_file() -> None:
    """Each system is explained once, takes a form that exists, and its commands name the file it is given."""
    assert tuple(hint.system for hint in HINTS) == SYSTEMS
    for hint in HINTS:
        name = FORMS[hint.file][0]
        assert len(hint.steps) >= 3
        assert all(step.endswith((".", ")")) for step in hint.steps)
        for line in (line for line in hint.staff if "exambox-ca" in line):
            assert name in line or "exambox-ca.pem" in line, line


def test_fingerprints_are_read_in_groups() -> None:
    """Four signs at a time, capital; nothing stays nothing."""
    assert grouped("0123abcd45") == "0123 ABCD 45"
    assert grouped("") == ""
