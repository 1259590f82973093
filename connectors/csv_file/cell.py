"""Writes the value of a workbook's cell as text, in the one way that `mappings.value.canonical_text` does."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

_EXACT_FLOAT_INTEGERS = 2**53  # beyond this a float no longer holds every integer


def cell_text(value: object) -> str:
    """Write it; "" for an empty cell. Raises ValueError for what is no finite number, and no value of a cell.

    Numbers have neither an exponent nor a trailing `.0`, dates and times are ISO 8601, booleans `true` and `false`.
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() | int():
            return str(value).lower()
        case float():
            return _number_text(value)
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return _duration_text(value)
        case _:
            raise ValueError(f"a cell with a {type(value).__name__}")


def _number_text(value: float) -> str:
    if value.is_integer() and abs(value) < _EXACT_FLOAT_INTEGERS:
        return str(int(value))
    number = Decimal(repr(value))
    if not number.is_finite():
        raise ValueError("no finite number")
    return format(number, "f")


def _duration_text(value: dt.timedelta) -> str:
    """Write hours, minutes and seconds, as a workbook shows a span of time."""
    seconds = round(abs(value).total_seconds())
    sign = "-" if value < dt.timedelta() else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
