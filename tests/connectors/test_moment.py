"""Times of sources become moments whose order as text is their order in time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from connectors.moment import (
    AMBIGUOUS,
    Duration,
    TimeZone,
    earlier,
    is_ambiguous,
    local_start,
    moment_text,
    read_moment,
    read_timestamp,
    versions,
)

ZURICH = ZoneInfo("Europe/Zurich")
ZONES = st.sampled_from([UTC, ZURICH, ZoneInfo("Australia/Lord_Howe"), timezone(timedelta(hours=-9, minutes=-30))])
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001 - bounds


@given(MOMENTS, MOMENTS)
def test_the_order_of_texts_is_the_order_in_time(one: datetime, other: datetime) -> None:
    """Whatever zones two moments were written in, to the microsecond."""
    in_time = (one.astimezone(UTC) > other.astimezone(UTC)) - (one.astimezone(UTC) < other.astimezone(UTC))
    as_text = (moment_text(one) > moment_text(other)) - (moment_text(one) < moment_text(other))
    assert in_time == as_text


@given(MOMENTS)
def test_a_moment_is_read_back(moment: datetime) -> None:
    """Nothing is lost on the way through the ledger."""
    assert read_moment(moment_text(moment)) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-21", "2026-11-21T08:00:00Z", "2026-11-21T09:00:00.000000+01:00"]
)
def test_another_form_is_no_moment(text: str) -> None:
    """A watermark that we did not write is not believed."""
    with pytest.raises(ValueError, match=r"."):
        read_moment(text)


def test_the_overlap_goes_back_no_further_than_the_calendar() -> None:
    """An overlap before the first day reads from the first day on."""
    assert earlier("2026-11-21T00:05:00.000000Z", timedelta(minutes=10)) == "2026-11-20T23:55:00.000000Z"
    assert earlier("0001-01-01T00:05:00.000000Z", timedelta(minutes=10)) == "0001-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("value", "version"),
    [
        ("2026-07-01 10:00:00", "2026-07-01T08:00:00.000000Z"),
        ("2026-07-01T10:00:00Z", "2026-07-01T10:00:00.000000Z"),
        ("2026-07-01T10:00:00+00:00", "2026-07-01T10:00:00.000000Z"),
        ("2026-07-01T10:00:00-05:30", "2026-07-01T15:30:00.000000Z"),
        (" 2026-07-01T10:00:00.1234569Z ", "2026-07-01T10:00:00.123456Z"),
        (datetime(2026, 7, 1, 10, tzinfo=UTC), "2026-07-01T10:00:00.000000Z"),
        (datetime(2026, 7, 1, 10), "2026-07-01T08:00:00.000000Z"),  # noqa: DTZ001 - naive on purpose
        (date(2026, 7, 1), "2026-06-30T22:00:00.000000Z"),
        ("2026-10-25 02:30:00", AMBIGUOUS),
        ("2026-10-25 03:00:00", "2026-10-25T02:00:00.000000Z"),
        ("9999-12-31 23:59:59", "9999-12-31T22:59:59.000000Z"),
        ("9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59.999999Z"),
        ("01/02/2026", None),
        ("", None),
        (None, None),
        (20260701, None),
    ],
)
def test_times_of_a_source_in_its_zone(value: object, version: str | None) -> None:
    """E09, E10: digits are cut and never rounded up; what comes twice is not ordered; what is no time is none."""
    assert versions([value], ZURICH) == [version]


def test_a_time_without_a_zone_needs_one() -> None:
    """We do not guess."""
    assert read_timestamp("2026-07-01 10:00:00", None) is None
    assert read_timestamp("2026-07-01 10:00:00Z", None) == datetime(2026, 7, 1, 10, tzinfo=UTC)


@given(MOMENTS, st.timedeltas(timedelta(), timedelta(days=3)), ZONES)
def test_no_wall_clock_from_a_moment_on_reads_before_its_start(
    moment: datetime, after: timedelta, zone: object
) -> None:
    """E10: in the night when clocks go back, what is stamped later may read earlier; the start allows for it."""
    assert isinstance(zone, (ZoneInfo, timezone))
    later = (moment.astimezone(UTC) + after).astimezone(zone)
    assert later.replace(tzinfo=None) >= local_start(moment, zone)


def test_the_hour_that_comes_twice_is_ambiguous() -> None:
    """And no other is, the one that clocks leave out included."""
    found = [hour for hour in range(24) if is_ambiguous(datetime(2026, 10, 25, hour, 30, tzinfo=ZURICH))]
    assert found == [2]


def test_job_files_name_zones_and_durations() -> None:
    """With a sentence, and without the value, where they are none."""
    assert TypeAdapter(TimeZone).validate_python("Europe/Zurich") == ZURICH
    assert TypeAdapter(Duration).validate_python("10m") == timedelta(minutes=10)
    assert TypeAdapter(Duration).validate_python("0s") == timedelta()
    for wrong in ("Mars/Olympus", "../etc/passwd", "", 3):
        with pytest.raises(ValidationError, match="is no time zone"):
            TypeAdapter(TimeZone).validate_python(wrong)
    for negative in ("-1s", "9999h"):
        with pytest.raises(ValidationError, match="duration"):
            TypeAdapter(Duration).validate_python(negative)
