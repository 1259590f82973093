"""The built-in converters that read days and points in time in the forms that a job names; they read no clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from mappings.converter import converter
from mappings.moment import as_datetime, is_datetime
from mappings.name import nearest
from mappings.value import ConversionError, canonical_text

DAYS: Mapping[str, str] = {
    "iso": "%Y-%m-%d",
    "compact": "%Y%m%d",
    "german": "%d.%m.%Y",
    "british": "%d/%m/%Y",
    "american": "%m/%d/%Y",
    "dutch": "%d-%m-%Y",
}
"""The formats that have a name."""

# Spreadsheets count days from here; before 1 March 1900 they are one day off, and are refused (support.microsoft.com,
# "Differences between the 1900 and the 1904 date system").
SPREADSHEET_START = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's days have no zone
FIRST_SAFE_SERIAL = 61
LAST_SERIAL = 2_958_465  # 9999-12-31
LAST_SECOND = 253_402_300_799  # the same day's

# Their result depends on the machine's locale or time zone.
LOCAL_DIRECTIVES = re.compile(r"%[aAbBcpxXZ]")
# Without a mark between them strptime reads figures of any length: 2024111 would be a day.
TIGHT = re.compile(r"%[a-zA-Z]%")
_WIDTHS = {"%Y": 4, "%f": 6, "%z": 0}
ZONE = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")


def _independent(pattern: str, needed: str) -> str:
    if LOCAL_DIRECTIVES.search(pattern):
        raise ValueError("the format has names of days, months or zones, which differ from machine to machine")
    if not set(needed.split()) <= set(re.findall("%.", pattern)) or not re.search("%[Yy]", pattern):
        raise ValueError(f"the format needs {', '.join(needed.split())} and %Y")
    return pattern


def _day_format(pattern: str) -> str:
    if pattern in DAYS or pattern == "excel":
        return pattern
    if "%" not in pattern:
        raise ValueError(f"no format has this name{nearest(pattern, {*DAYS, 'excel'})}")
    return _independent(pattern, "%d %m")


def _moment_format(pattern: str) -> str:
    if pattern in ("iso", "excel", "unix"):
        return pattern
    if "%" not in pattern:
        raise ValueError(f"no format has this name{nearest(pattern, ('iso', 'excel', 'unix'))}")
    return _independent(pattern, "%d %m %H %M")


DateFormat = Annotated[str, AfterValidator(_day_format)]
MomentFormat = Annotated[str, AfterValidator(_moment_format)]
Formats: TypeAlias = str | tuple[str, ...]


@converter
def date(value: object, formats: DateFormat | tuple[DateFormat, ...] = ()) -> str:
    """Write a day as ISO 8601 (2024-02-29), read in that form or in the formats that the job names.

    A format is a pattern of `%d`, `%m` and `%Y` or `%y`, a name in `DAYS`, or `excel` for the day's number in a sheet.

    Examples::

        "2024-02-29" -> "2024-02-29"
        "29.02.2024", "%d.%m.%Y" -> "2024-02-29"
        "29.2.2024", "german" -> "2024-02-29"
        "02/03/2024", "british" -> "2024-03-02"
        "02/03/2024", "american" -> "2024-02-03"
        "20240229", "compact" -> "2024-02-29"
        "45351", "excel" -> "2024-02-29"
        "02/03/24", ["%d.%m.%Y", "%m/%d/%y"] -> "2024-02-03"
        "45351", ["german", "excel"] -> "2024-02-29"
        "0001-01-01" -> "0001-01-01"
        "2024111", "compact" -> ! "is not a date in the form that is asked for"
        "60", "excel" -> ! "is not a date in the form that is asked for"
        "2023-02-29" -> ! "is not a date in the form that is asked for"
        "01/02/03" -> ! "is not a date in the form that is asked for"
        "20240229" -> ! "is not a date in the form that is asked for"
    """
    if isinstance(value, dt.date):  # covers datetimes and pandas' timestamps
        return value.isoformat()[:10]
    for name in _listed(formats) or ("iso",):
        if name == "excel":
            moment = _from_sheet(value)
            if moment is not None and moment.time() == dt.time():
                return moment.isoformat()[:10]
            continue
        found = _parsed(str(value).strip(), DAYS.get(name, name))
        if found is not None and (formats or str(value).strip() == found.isoformat()[:10]):
            return found.isoformat()[:10]
    raise ConversionError("is not a date in the form that is asked for")


@converter
def datetime(value: object, formats: MomentFormat | tuple[MomentFormat, ...] = ()) -> str:
    """Write a point in time as ISO 8601, read in that form or in the formats that the job names.

    A format is a pattern of `%d`, `%m`, `%Y` or `%y`, `%H` and `%M`, and if need be `%S`, `%f` and `%z`, or `iso`,
    `excel` for a number in a sheet, `unix` for the seconds since 1970. One without a zone stays without.

    Examples::

        "2024-02-29 14:30:00" -> "2024-02-29T14:30:00"
        "2024-02-29T14:30:00Z" -> "2024-02-29T14:30:00Z"
        "2024-02-29" -> "2024-02-29T00:00:00"
        "29.02.2024 14:30", "%d.%m.%Y %H:%M" -> "2024-02-29T14:30:00"
        "29.02.2024 14:30 +0100", "%d.%m.%Y %H:%M %z" -> "2024-02-29T14:30:00+01:00"
        "20240229T143000Z", "%Y%m%dT%H%M%S%z" -> "2024-02-29T14:30:00+00:00"
        "45351.5", "excel" -> "2024-02-29T12:00:00"
        "1709217000", "unix" -> "2024-02-29T14:30:00+00:00"
        "29.02.2024 14:30" -> ! "is not a point in time in the form that is asked for"
        "2023-02-29 14:30", "iso" -> ! "is not a point in time in the form that is asked for"
    """
    for name in _listed(formats) or ("iso",):
        if (found := _moment(value, name)) is not None:
            return found
    raise ConversionError("is not a point in time in the form that is asked for")


def _listed(formats: Formats) -> tuple[str, ...]:
    return (formats,) if isinstance(formats, str) else formats


def _moment(value: object, name: str) -> str | None:
    if name == "iso" or isinstance(value, dt.date):
        written = as_datetime(value.strip() if isinstance(value, str) else value)
        return written if isinstance(written, str) and is_datetime(written) else None
    match name:
        case "excel":
            found = _from_sheet(value)
        case "unix":
            seconds = _number(value)
            fits = seconds is not None and 0 <= seconds <= LAST_SECOND
            found = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(seconds=float(seconds or 0)) if fits else None
        case _:
            found = _parsed(str(value).strip(), name)
    return found.isoformat() if found is not None else None


def _parsed(text: str, pattern: str) -> dt.datetime | None:
    if TIGHT.search(pattern) and len(ZONE.sub("", text) if "%z" in pattern else text) != _width(pattern):
        return None
    try:
        return dt.datetime.strptime(text, pattern)  # noqa: DTZ007 - what the source says without a zone has none
    except ValueError:
        return None


def _width(pattern: str) -> int:
    """Say how many characters a text of this pattern has, each figure with its zeros."""
    directives = re.findall("%.", pattern)
    return len(pattern) - 2 * len(directives) + sum(_WIDTHS.get(each, 2) for each in directives)


def _from_sheet(value: object) -> dt.datetime | None:
    """Read a spreadsheet's number of a day, with its fraction as the time to the second."""
    serial = _number(value)
    if serial is None or not FIRST_SAFE_SERIAL <= serial < LAST_SERIAL + 1:
        return None
    return SPREADSHEET_START + dt.timedelta(seconds=round(serial * 86_400))


def _number(value: object) -> Decimal | None:
    text = canonical_text(value).strip()
    return Decimal(text) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,20})?", text) else None
