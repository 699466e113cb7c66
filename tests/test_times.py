"""Times as hospital systems write them."""

from __future__ import annotations

import contextlib
from datetime import date, datetime, timedelta, timezone

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from oncogate.base.times import NaiveTime, day_start, go_back, instant, read_time, read_zone, write_time

CHINA = timezone(timedelta(hours=8))
MORNING = datetime(2026, 3, 2, 9, 30, tzinfo=CHINA)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T09:30:00+08:00", "2026-03-02 09:30:00+08:00", "2026-03-02 09:30:00 +08:00", "2026-03-02t09:30:00+0800",
        "2026-03-02T01:30:00Z", "2026-03-02T01:30:00z", "2026-03-02T09:30+08:00", "2026/3/2 09:30:00+08:00",
        "2026年3月2日 09:30:00+08:00", "20260302093000+0800", "202603020930+0800", " 2026-03-02T09:30:00.0000000+08:00 ",
    ],
)  # fmt: skip
def test_one_moment_in_many_spellings(text):
    assert read_time(text) == MORNING


@pytest.mark.parametrize("text", ["2026-03-02", "2026/03/02", "2026/3/2", "2026年3月2日", "20260302"])
def test_a_day(text):
    found = read_time(text)
    assert found == date(2026, 3, 2)
    assert not isinstance(found, datetime)


@pytest.mark.parametrize("text", ["2026-03-02T09:30:00", "20260302093000", "2026-03-02 09:30"])
def test_a_time_of_day_without_a_zone_is_refused_unless_one_is_given(text):
    with pytest.raises(NaiveTime):
        read_time(text)
    assert read_time(text, CHINA) == MORNING


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-03",
        "10",
        "yesterday",
        "2026-13-01",
        "2026-02-30",
        "2026-03-02T25:00:00Z",
        "9:30",
        "YYYY-MM-DD",
    ],
)
def test_what_is_not_a_time(text):
    with pytest.raises(ValueError, match="time"):
        read_time(text)


@given(st.text(max_size=40))
def test_no_text_does_anything_but_read_or_raise_value_error(text):
    with contextlib.suppress(ValueError):
        read_time(text)


@given(st.datetimes(timezones=st.just(CHINA), min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))
def test_what_is_written_reads_back(moment):
    assert read_time(write_time(moment)) == moment


def test_a_day_is_its_first_instant_in_the_zone_of_the_decision():
    assert instant(date(2026, 3, 2), MORNING) == datetime(2026, 3, 2, tzinfo=CHINA)
    assert day_start(datetime(2026, 3, 1, 20, 0, tzinfo=timezone.utc), MORNING) == datetime(
        2026, 3, 2, tzinfo=CHINA
    )


@pytest.mark.parametrize(
    ("count", "unit", "expected"),
    [
        (21, "d", datetime(2026, 2, 9, 9, 30, tzinfo=CHINA)), (3, "mo", datetime(2025, 12, 2, 9, 30, tzinfo=CHINA)),
        (72, "h", datetime(2026, 2, 27, 9, 30, tzinfo=CHINA)), (1, "a", datetime(2025, 3, 2, 9, 30, tzinfo=CHINA)),
        (2, "wk", datetime(2026, 2, 16, 9, 30, tzinfo=CHINA)), (30, "min", datetime(2026, 3, 2, 9, 0, tzinfo=CHINA)),
    ],
)  # fmt: skip
def test_windows(count, unit, expected):
    assert go_back(MORNING, count, unit) == expected


@given(
    st.datetimes(timezones=st.just(timezone.utc)),
    st.integers(0, 10**10),
    st.sampled_from(["min", "h", "d", "wk"]),
)
def test_a_window_of_fixed_length_is_what_the_calendar_makes_of_it(at, count, unit):
    name = {"min": "minutes", "h": "hours", "d": "days", "wk": "weeks"}[unit]
    with contextlib.suppress(OverflowError, ValueError):
        assert go_back(at, count, unit) == at - relativedelta(**{name: count})


def test_a_month_back_from_the_end_of_a_longer_one():
    assert go_back(datetime(2026, 3, 31, tzinfo=CHINA), 1, "mo") == datetime(2026, 2, 28, tzinfo=CHINA)


def test_zones():
    assert MORNING.astimezone(read_zone("+08:00")).utcoffset() == timedelta(hours=8)
    assert read_time("2026-03-02 09:30", read_zone("Asia/Shanghai")) == MORNING
    for name in ("", "Mars/Olympus", "+25:00"):
        with pytest.raises(ValueError, match="time zone"):
            read_zone(name)


def test_a_time_of_before_there_were_zones_is_read_back():
    # Shanghai's local mean time was 8 h 5 min 43 s ahead
    found = read_time("1900-01-01T00:00:00", read_zone("Asia/Shanghai"))
    assert isinstance(found, datetime)
    assert write_time(found) == "1899-12-31T23:59:17+08:05"
    assert read_time(write_time(found)) == found
