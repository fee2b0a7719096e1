"""Date-times are read as clients write them and written as receivers read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.moment import Moment, parse_moment, with_offset, zulu

MARCH_27_US = 1_522_108_800_000_000


@pytest.mark.parametrize(
    ("sent", "us", "text"),
    [
        ("2018-03-27T00:00:00Z", MARCH_27_US, "2018-03-27T00:00:00Z"),
        ("2018-03-27T00:00:00+00:00", MARCH_27_US, "2018-03-27T00:00:00+00:00"),
        ("2018-03-27T00:00:00+0000", MARCH_27_US, "2018-03-27T00:00:00+00:00"),
        ("2018-03-27T02:00:00+02", MARCH_27_US, "2018-03-27T02:00:00+02:00"),
        ("2018-03-26T18:30:00-0530", MARCH_27_US, "2018-03-26T18:30:00-05:30"),
        ("2018-03-27T00:00:00.123456+0000", MARCH_27_US + 123_456, "2018-03-27T00:00:00.123456+00:00"),
        ("2018-03-27T00:00:00.5Z", MARCH_27_US + 500_000, "2018-03-27T00:00:00.5Z"),
        ("2018-03-27T00:00:00,123456789Z", MARCH_27_US + 123_456, "2018-03-27T00:00:00.123456789Z"),
        ("2018-03-27t00:00z", MARCH_27_US, "2018-03-27T00:00:00Z"),
        ("2018-03-27 00:00:00Z", MARCH_27_US, "2018-03-27T00:00:00Z"),
        ("1970-01-01T00:00:00+14:00", -14 * 3_600_000_000, "1970-01-01T00:00:00+14:00"),
    ],
)
def test_what_clients_write_is_read(sent: str, us: int, text: str) -> None:
    """Offsets with and without colon, fractions and missing seconds give the instant and a text of RFC 3339."""
    assert parse_moment(sent) == Moment(us, text)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("2018-03-27", "has to be a date and time"),
        ("", "has to be a date and time"),
        ("27.03.2018 10:00", "has to be a date and time"),
        ("20180327T000000Z", "has to be a date and time"),
        ("2018-W13-2T00:00:00Z", "has to be a date and time"),
        ("1522108800", "has to be a date and time"),
        ("2018-03-27T00:00:00ZZ", "has to be a date and time"),
        ("2018-03-27T00:00.5Z", "has to be a date and time"),
        ("٢٠١٨-03-27T00:00:00Z", "has to be a date and time"),
        ("2018-03-27T00:00:00Z\n", "has to be a date and time"),
        ("2018-03-27T00:00:00", "has no offset"),
        ("2018-02-29T00:00:00Z", "no date and time of the calendar"),
        ("2018-03-27T24:00:00Z", "no date and time of the calendar"),
        ("2018-03-27T00:00:61Z", "no date and time of the calendar"),
        ("2018-03-27T00:00:00+24:00", "no date and time of the calendar"),
        ("2018-03-27T00:00:00+01:60", "no date and time of the calendar"),
        ("0000-01-01T00:00:00Z", "no date and time of the calendar"),
        ("1969-12-31T23:59:59Z", "the years 1970 to 9998"),
        ("9999-12-31T23:59:59Z", "the years 1970 to 9998"),
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(sent: str, reason: str) -> None:
    """Dates alone, times without offset, other forms and days that do not exist are refused with the reason."""
    with pytest.raises(ValueError, match=reason):
        parse_moment(sent)


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(9997, 1, 1)),  # noqa: DTZ001  the zone is drawn beside it
    st.integers(-23 * 60, 23 * 60),
)
def test_every_instant_is_read_as_a_library_writes_it(local: datetime, minutes: int) -> None:
    """What ``isoformat`` writes in any zone is the same instant, and its text is read as the same moment again."""
    instant = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    moment = parse_moment(instant.isoformat())
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment.us) == instant
    assert parse_moment(moment.text) == moment


@given(st.text(max_size=30))
def test_any_text_is_read_or_a_value_error(text: str) -> None:
    """No text raises anything else."""
    try:
        moment = parse_moment(text)
    except ValueError:
        return
    assert parse_moment(moment.text) == moment


def test_instants_are_written_in_whole_seconds_of_utc() -> None:
    """Both forms that receivers read have date, time and offset, also before 1970 and below a second."""
    assert zulu(MARCH_27_US + 999_999) == "2018-03-27T00:00:00Z"
    assert with_offset(MARCH_27_US + 999_999) == "2018-03-27T00:00:00+00:00"
    assert zulu(-1) == "1969-12-31T23:59:59Z"
