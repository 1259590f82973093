"""Judges the times that an API shows by its server's own clock, as its answers tell it; reads no clock of ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.moment import read_timestamp
from connectors.protocol import WatermarkError

_TOLERANCE = timedelta(minutes=1)  # several servers behind one address have as many clocks


def read_update(value: object) -> datetime | None:
    """Read when a customer was last updated, in UTC; None where that is no time, or names no zone."""
    moment = read_timestamp(value, None)
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:  # the first or last day of the calendar, in another zone
        return None


def is_ahead(updated: datetime | None, answered: datetime | None) -> bool:
    """Say whether a last update lies after the server's own time, in whole seconds as HTTP tells it: it is not true."""
    return updated is not None and answered is not None and updated.replace(microsecond=0) > answered


def expect_past(connector: str, start: datetime | None, answered: datetime | None) -> None:
    """Raise WatermarkError where a reading would begin more than a minute after the server's own time."""
    if start is not None and answered is not None and start > answered + _TOLERANCE:
        raise WatermarkError(f"{connector}: list: the watermark lies after the server's own time; run with --full")
