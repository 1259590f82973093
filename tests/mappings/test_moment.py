"""Days and points in time."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.moment import as_date, as_datetime, is_date, is_datetime

NOON = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)


@given(st.dates())
def test_every_day_is_written_and_read(day: dt.date) -> None:
    """A day becomes text that is one, and as a point in time its midnight, which is the day again."""
    text = as_date(day)
    assert text == day.isoformat()
    assert is_date(day.isoformat())
    midnight = as_datetime(day)
    assert isinstance(midnight, str)
    assert is_datetime(midnight)
    assert as_date(midnight) == text


@given(st.datetimes(timezones=st.none() | st.just(dt.UTC) | st.just(dt.timezone(dt.timedelta(hours=-3, minutes=-30)))))
def test_every_point_in_time_is_written_and_read(moment: dt.datetime) -> None:
    """A point in time becomes text that is one, and stays it."""
    text = as_datetime(moment)
    assert isinstance(text, str)
    assert is_datetime(text)
    assert as_datetime(text) == text


@given(st.text(max_size=30))
def test_whatever_is_called_a_day_exists(text: str) -> None:
    """No text is taken for a day or a point in time that Python could not read."""
    if is_date(text):
        assert dt.date.fromisoformat(text).isoformat() == text
    if is_datetime(text):
        assert dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2024-02-29T00:00:00Z", "2024-02-29"),
        ("2024-02-29T00:00:00.000+02:00", "2024-02-29"),
        (dt.datetime(2024, 2, 29), "2024-02-29"),  # noqa: DTZ001 - a database's date may come without a zone
        ("2024-02-29T12:00:00", "2024-02-29T12:00:00"),
        (NOON, "2024-02-29T12:00:00+00:00"),
        ("29.02.2024", "29.02.2024"),
        (None, None),
        (7, 7),
    ],
)
def test_only_midnight_is_a_day(value: object, day: object) -> None:
    """No time of day is cut off silently; what cannot be a day stays, for the checks to name."""
    assert as_date(value) == day


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2024-02-29", "2024-02-29T00:00:00"),
        ("2024-02-29 12:00:00", "2024-02-29T12:00:00"),
        (NOON, "2024-02-29T12:00:00+00:00"),
        ("2024-02-30", "2024-02-30"),
        ("tomorrow", "tomorrow"),
        (7, 7),
    ],
)
def test_a_day_is_its_midnight(value: object, moment: object) -> None:
    """Days and SQL's spelling become points in time; other text stays."""
    assert as_datetime(value) == moment
