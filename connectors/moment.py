"""Reads the times of a source and writes them in one form whose order as text is their order in time; reads no clock.

The form is UTC with microseconds, `2026-11-21T08:15:00.000000Z`; digits beyond are cut, never rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator

from connectors.quantity import duration_seconds

AMBIGUOUS = (
    ""  # of a local time that comes twice in the night when clocks go back: certain enough to read, not to order
)

_EARLIEST = "0001-01-01T00:00:00.000000Z"
_LATEST = "9999-12-31T23:59:59.999999Z"


def _time_zone(value: object) -> object:
    """Read an IANA name; raises ValueError, without the value."""
    if isinstance(value, str) and value.strip():
        try:
            return ZoneInfo(value.strip())
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise ValueError("is no time zone; write one such as Europe/Zurich or UTC")


def _duration(value: object) -> timedelta:
    seconds = duration_seconds(value)
    if seconds < 0 or seconds > timedelta(days=366).total_seconds():
        raise ValueError("write a duration between 0s and a year, such as 10m")
    return timedelta(seconds=seconds)


TimeZone = Annotated[ZoneInfo, BeforeValidator(_time_zone)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


def moment_text(moment: datetime) -> str:
    """Write a moment that knows its zone."""
    try:
        return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    except OverflowError:  # the first or last day of the calendar, seen from another zone
        return _EARLIEST if moment.year == 1 else _LATEST


def read_moment(text: str) -> datetime:
    """Read what `moment_text` wrote; raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment_text(moment) != text:
        raise ValueError("not a moment in our form")
    return moment


def earlier(moment: str, by: timedelta) -> str:
    """Give the moment that lies so much before another, both as text."""
    try:
        return moment_text(read_moment(moment) - by)
    except OverflowError:
        return _EARLIEST


def read_timestamp(value: object, zone: tzinfo | None) -> datetime | None:
    """Read one time of a source (datetime, date or ISO 8601 text); None where it is none, or has no zone at all.

    A time without a zone is in `zone`; a day counts as its first instant.
    """
    match value:
        case datetime():
            moment = value
        case date():
            moment = datetime.combine(value, time())
        case str():
            try:
                moment = datetime.fromisoformat(value.strip())
            except ValueError:
                return None
        case _:
            return None
    if moment.tzinfo is not None:
        return moment
    return None if zone is None else moment.replace(tzinfo=zone)


def is_ambiguous(moment: datetime) -> bool:
    """Say whether a local time comes twice: clocks went back over it, and nobody can say which of the two is meant."""
    return moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset()


def versions(values: Iterable[object], zone: tzinfo | None) -> list[str | None]:
    """Write the times of records as their versions: AMBIGUOUS where the order is uncertain, None where unreadable."""
    return [_version(value, zone) for value in values]


def _version(value: object, zone: tzinfo | None) -> str | None:
    moment = read_timestamp(value, zone)
    if moment is None:
        return None
    return AMBIGUOUS if moment.tzinfo is zone and is_ambiguous(moment) else moment_text(moment)


def local_start(moment: datetime, zone: tzinfo) -> datetime:
    """Give the wall clock of a zone from which on every time at or after `moment` is found, without a zone.

    Where clocks go back within a day, times of the second pass read earlier than those of the first: the hour is
    taken off.
    """
    local = moment.astimezone(zone)
    later = (moment + timedelta(days=1)).astimezone(zone)
    set_back = (local.utcoffset() or timedelta()) - (later.utcoffset() or timedelta())
    return local.replace(tzinfo=None) - max(set_back, timedelta())
