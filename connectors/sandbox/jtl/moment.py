"""Reads date-times as JSON has them, and writes them in the form of JTL-Wawi's samples; keeps nothing else.

Inferred: times without an offset are UTC, answers are in UTC, and what is finer than a microsecond is cut off.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,7}))?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


def write_moment(moment: datetime) -> str:
    """Write a time in UTC with seven decimals, so that times are in the order of their text."""
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{text[:26]}0{text[26:]}"


def read_moment(text: str, *, accepts_dates: bool = True) -> str:
    """Bring an ISO 8601 date-time, or a date alone, into the form of answers; raises ValueError."""
    match = _DATE_TIME.fullmatch(text)
    if match is None or (match[2] is None and not accepts_dates):
        raise ValueError("The value is no date-time.")
    date, minute, second, fraction, offset = match.groups()
    full = f"{date}T{minute or '00:00'}:{second or '00'}.{(fraction or '')[:6]:0<6}{offset or 'Z'}"
    try:
        return write_moment(datetime.fromisoformat(full))
    except (ValueError, OverflowError):
        raise ValueError("The value is no date-time.") from None
