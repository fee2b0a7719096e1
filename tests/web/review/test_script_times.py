"""Typed and linked times, and the ruler's marks, over changes of summer time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    Script = Callable[..., Any]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
BERLIN = ZoneInfo("Europe/Berlin")
TYPED = """async ({typedTime}, {text, near, zone}) => {
  const {ReviewZone} = await import("/static/review/zone.js");
  return typedTime(text, near, new ReviewZone(zone));
}"""
MARKS = """async ({marks}, {from, to, width, zone}) => {
  const {ReviewZone} = await import("/static/review/zone.js");
  const shown = new ReviewZone(zone);
  return marks(from, to, width, shown).map(mark => [mark.us, shown.toField(mark.us), mark.step, mark.midnight]);
}"""


def us(text: str) -> int:
    """Return the moment of an ISO text in microseconds."""
    moment = datetime.fromisoformat(text)
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


NEAR = us("2026-11-21T09:30:00+01:00")


def typed(script: Script, text: str, near: int = NEAR, zone: str = "Europe/Berlin") -> Any:
    """Read a typed time; return microseconds or the words of the problem."""
    found = script("times.js", TYPED, {"text": text, "near": near, "zone": zone})
    return found.get("us", found.get("problem"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10:02", "2026-11-21T10:02:00+01:00"),
        (" 10:02:11 ", "2026-11-21T10:02:11+01:00"),
        ("10:02:11.5", "2026-11-21T10:02:11.500+01:00"),
        ("10:02:11,25", "2026-11-21T10:02:11.250+01:00"),
        ("2026-07-01 10:02", "2026-07-01T10:02:00+02:00"),
        ("2026-07-01T10:02", "2026-07-01T10:02:00+02:00"),
        ("21.11. 10:02", "2026-11-21T10:02:00+01:00"),
        ("21.10.2025 10:02", "2025-10-21T10:02:00+02:00"),
        ("10:02 UTC", "2026-11-21T10:02:00+00:00"),
        ("10:02Z", "2026-11-21T10:02:00+00:00"),
        ("+90", "2026-11-21T09:31:30+01:00"),
        ("-1:30", "2026-11-21T09:28:30+01:00"),
        ("+1:00:00", "2026-11-21T10:30:00+01:00"),
        ("+0.5", "2026-11-21T09:30:00.500+01:00"),
    ],
)
def test_a_typed_time_is_what_a_person_means(script: Script, text: str, meant: str) -> None:
    """Times of day, dates, UTC and steps from here are understood in the room's zone."""
    assert typed(script, text) == us(meant)


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "10:61", "10:02:61", "31.02. 10:00", "2026-13-01 10:00", "1e9:00", "<b>", "9" * 60]
)
def test_what_is_no_time_is_refused_with_words(script: Script, text: str) -> None:
    """Anything else gets an answer that says what would do."""
    found = typed(script, text)
    assert isinstance(found, str)
    assert found.endswith(".")


def test_a_time_the_clocks_jumped_over_does_not_exist(script: Script) -> None:
    """When clocks are put forward, the lost hour is not quietly taken for another."""
    assert "put forward" in typed(script, "2026-03-29 02:30")
    assert typed(script, "2026-03-29 03:30") == us("2026-03-29T03:30:00+02:00")


@pytest.mark.parametrize(
    ("near", "meant"),
    [
        ("2026-10-25T00:10:00+00:00", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T01:50:00+00:00", "2026-10-25T01:30:00+00:00"),
    ],
)
def test_a_time_that_exists_twice_is_the_nearer_one(script: Script, near: str, meant: str) -> None:
    """When clocks are put back, the one of two moments is meant that is nearer to where the clock stands."""
    assert typed(script, "02:30", us(near)) == us(meant)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  zone given
    zone=st.sampled_from(["Europe/Berlin", "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York"]),
)
def test_every_shown_time_can_be_typed_back(script: Script, moment: datetime, zone: str) -> None:
    """A time as the page shows it leads back to the same moment, in every zone and season."""
    whole = moment.replace(microsecond=0)
    text = whole.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
    assert typed(script, text, us(whole.isoformat()), zone) == us(whole.isoformat())


@pytest.mark.parametrize(
    ("fragment", "meant"),
    [
        ("#t=2026-11-21T09:02:11.500Z", us("2026-11-21T09:02:11.500+00:00")),
        ("#t=2026-11-21T10:02:11+01:00", us("2026-11-21T09:02:11+00:00")),
        ("#t=1795251731500000", 1795251731500000),
        ("#t=", None),
        ("#t=tomorrow", None),
        ("#t=" + "1" * 99, None),
        ("#t=2026-99-99T00:00:00Z", None),
        ("", None),
    ],
)
def test_a_link_opens_at_its_moment(script: Script, fragment: str, meant: int | None) -> None:
    """A link names a moment to the millisecond; one that names none is no fault."""
    assert script("times.js", "({linkedTime}, text) => linkedTime(text)", fragment) == meant


def test_links_lead_back(script: Script) -> None:
    """What the page puts into its address is what it reads from it."""
    assert (
        script("times.js", "({linkedTime, linkTo}, us) => linkedTime(linkTo(us))", 1795251731500000) == 1795251731500000
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  zone given
    span=st.integers(10, 30 * 86400),
    width=st.integers(280, 2500),
    zone=st.sampled_from(["Europe/Berlin", "UTC", "Asia/Kathmandu", "America/New_York"]),
)
def test_marks_stand_at_whole_local_times(script: Script, start: datetime, span: int, width: int, zone: str) -> None:
    """The ruler's marks lie inside, in order, with room for words, each at a whole reading of the room's clock."""
    begin = us(start.isoformat())
    found = script("times.js", MARKS, {"from": begin, "to": begin + span * 1_000_000, "width": width, "zone": zone})
    moments = [mark[0] for mark in found]
    assert moments == sorted(set(moments))
    assert all(begin <= moment <= begin + span * 1_000_000 for moment in moments)
    for _, text, step, midnight in found:
        local = datetime.fromisoformat(text)
        seconds = local.hour * 3600 + local.minute * 60 + local.second
        assert seconds % min(step // 1_000_000 or 1, 86400) == 0
        assert midnight == (seconds == 0 and local.microsecond == 0) or step < 1_000_000
    if len(found) > 1 and found[0][2] <= 3600_000_000:
        assert (moments[1] - moments[0]) / (span * 1_000_000) * width >= 80


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_of_changed_clocks_has_its_own_number_of_hours(script: Script, day: str, hours: int) -> None:
    """Hours stand on the ruler once each: 23 where clocks are put forward, 25 where they are put back."""
    begin = datetime.fromisoformat(day).replace(tzinfo=BERLIN)
    end = datetime.fromisoformat(day).replace(tzinfo=BERLIN) + timedelta(days=1)
    span = {"from": us(begin.astimezone(UTC).isoformat()), "to": us(end.astimezone(UTC).isoformat()) - 1}
    assert len(script("times.js", MARKS, {**span, "width": 2400, "zone": "Europe/Berlin"})) == hours
