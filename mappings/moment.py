"""Days and points in time as ISO 8601 text: what is one, and how typed values become one. Reads no clock."""

from __future__ import annotations

import datetime as dt
import re

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-5][0-9])?")
MIDNIGHT = "T00:00:00"


def is_date(text: str) -> bool:
    """Say whether a text is a day that exists: YYYY-MM-DD."""
    return DAY.fullmatch(text) is not None and _is_read(dt.date, text)


def is_datetime(text: str) -> bool:
    """Say whether a text is a day, `T` and a time, with or without seconds, fractions and zone."""
    day, _, time = text.partition("T")
    formed = DAY.fullmatch(day) is not None and TIME.fullmatch(time) is not None
    return formed and _is_read(dt.datetime, text)


def as_date(value: object) -> object:
    """Write a day as text; of a point in time only midnight is a day. What is neither stays."""
    match value:
        case dt.datetime():
            return value.isoformat()[:10] if value.time() == dt.time() else value.isoformat()
        case dt.date():
            return value.isoformat()
        case str() if is_datetime(value) and _is_midnight(value):
            return value[:10]
        case _:
            return value


def as_datetime(value: object) -> object:
    """Write a point in time as text; a day is its midnight, without a zone. What is neither stays."""
    match value:
        case dt.datetime():
            return value.isoformat()
        case dt.date():
            return value.isoformat() + MIDNIGHT
        case str() if is_date(value):
            return value + MIDNIGHT
        case str() if is_datetime(value.replace(" ", "T", 1)):  # as SQL writes it
            return value.replace(" ", "T", 1)
        case _:
            return value


def _is_midnight(text: str) -> bool:
    return re.fullmatch(r"T00:00(:00(\.0+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?", text[10:]) is not None


def _is_read(kind: type[dt.date], text: str) -> bool:
    try:
        kind.fromisoformat(text)
    except ValueError:
        return False
    return True
