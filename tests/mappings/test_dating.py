"""Days and points in time: written in a named format, each is read back as the same."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.converter import ConversionError
from mappings.dating import DAYS, date, datetime
from mappings.moment import is_date, is_datetime

EXCEL_DAYS = st.dates(dt.date(1900, 3, 1))
MOMENTS = st.datetimes(dt.datetime(1970, 1, 1))  # noqa: DTZ001 - the naive ones are meant


@pytest.mark.parametrize("name", DAYS)
@given(day=st.dates(dt.date(1000, 1, 1)))
def test_every_named_format_is_read_back(name: str, day: dt.date) -> None:
    """By its name and by its pattern."""
    text = day.strftime(DAYS[name])
    assert date(text, name) == date(f" {text} ", DAYS[name]) == day.isoformat()


@given(EXCEL_DAYS)
def test_a_day_of_a_spreadsheet_is_read_back(day: dt.date) -> None:
    """As text and as numbers, from 1 March 1900 on."""
    serial = (day - dt.date(1899, 12, 30)).days
    assert {date(value, "excel") for value in (str(serial), serial, float(serial), Decimal(serial))} == {
        day.isoformat()
    }
    with pytest.raises(ConversionError):
        date(f"{serial}.5", "excel")


def test_a_spreadsheets_day_is_that_of_the_spreadsheet() -> None:
    """Known pairs of Excel itself (support.microsoft.com, DATEVALUE); what it counts wrongly is refused."""
    assert date("40777", "excel") == "2011-08-22"
    assert date("61", "excel") == "1900-03-01"
    for wrong in ("60", "1", "0", "-1", "2958466", "1e5", "NaN"):
        with pytest.raises(ConversionError):
            date(wrong, "excel")


@given(MOMENTS)
def test_points_in_time_are_read_back(moment: dt.datetime) -> None:
    """In patterns with and without a zone, as ISO 8601 and SQL write them, and as seconds."""
    moment = moment.replace(microsecond=0)
    aware = moment.replace(tzinfo=dt.UTC)
    assert datetime(moment.strftime("%Y-%m-%d %H:%M:%S")) == datetime(moment.isoformat(), "iso") == moment.isoformat()
    assert datetime(moment.strftime("%d.%m.%Y %H:%M:%S"), "%d.%m.%Y %H:%M:%S") == moment.isoformat()
    assert datetime(moment.strftime("%Y%m%d%H%M%S+0000"), "%Y%m%d%H%M%S%z") == aware.isoformat()
    assert datetime(str(int(aware.timestamp())), "unix") == aware.isoformat()
    assert datetime(pd.Timestamp(aware), "german %d%m%Y%H%M") == aware.isoformat()


@given(st.text(max_size=12) | st.text("0123456789.-:T Z+", max_size=20))
def test_whatever_the_text_it_is_a_day_or_refused(text: str) -> None:
    """What comes out is one that exists."""
    for convert, argument, fits in (
        (date, (*DAYS, "excel"), is_date),
        (datetime, ("iso", "excel", "unix"), is_datetime),
    ):
        try:
            assert fits(convert(text, argument))
        except ConversionError:
            continue


@pytest.mark.parametrize(
    ("converter", "argument", "reason"),
    [
        (date, "germann", "did you mean german"),
        (date, "%d.%m.", "needs %d, %m and %Y"),
        (datetime, "%d.%m.%Y", "needs %d, %m, %H, %M and %Y"),
        (datetime, "%d.%m.%Y %I:%M %p", "differ from machine to machine"),
        (datetime, "unx", "did you mean unix"),
        (date, 7, "date"),
    ],
)
def test_a_wrong_format_is_refused_before_any_record(converter: object, argument: object, reason: str) -> None:
    """It is a mistake of the job."""
    with pytest.raises(ValueError, match=reason):
        converter.bind(argument)  # type: ignore[attr-defined]  # both are converters


@pytest.mark.parametrize("value", [b"1", [1], float("nan"), float("inf"), None])
def test_what_is_no_number_of_a_day_is_refused(value: object) -> None:
    """Nothing but a refusal comes of it."""
    for convert in (date, datetime):
        with pytest.raises(ConversionError):
            convert(value, "excel")
