"""Decides which stretch of last updates a run reads, in the column's own kind; asks no clock and reads no record.

Times of a wall clock are found by their reading, so the bounds are widened where clocks go back: a reading that comes
twice stands for either moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from connectors.database.address import Dialect
from connectors.database.kind import Kind
from connectors.moment import local_start, moment_text, read_moment, read_timestamp
from connectors.protocol import ConfigurationError, WatermarkError

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a column writes its times."""

    kind: Kind
    zone: tzinfo | None  # of what is written without one
    dialect: Dialect

    @classmethod
    def of(cls, kind: Kind, time_zone: tzinfo | None, dialect: Dialect) -> Calendar:
        """Take the job's time zone, or UTC where the database keeps moments and says so."""
        return cls(kind, UTC if kind == "instant" else time_zone, dialect)

    @property
    def earliest(self) -> object:
        """The first value that is a time: infinities, years before Christ and zero dates stand below it."""
        match self.kind:
            case "day":
                return date.min
            case "instant" if self.dialect == "postgresql":
                return datetime.min.replace(tzinfo=UTC)
            case _:
                return datetime.min  # noqa: DTZ901 - a wall clock's

    def start(self, moment: datetime) -> object:
        """Give the value from which on every record of this moment or later is found."""
        local = local_start(moment, self.zone or UTC)
        return self._value(local)

    def end(self, moment: datetime) -> object:
        """Give the value before which every record from before this moment is found."""
        local = local_end(moment, self.zone or UTC)
        if self.kind == "day":  # a day counts as its first instant: today is before now, unless it just begins
            return local.date() if local.time() == datetime.min.time() else local.date() + _DAY
        return self._value(local)

    def _value(self, local: datetime) -> object:
        match self.kind:
            case "day":
                return local.date()
            case "instant" if self.dialect == "postgresql":
                return local.replace(tzinfo=UTC)
            case _:
                return local

    def cursor(self, value: object) -> str | None:
        """Give the latest moment of which it is certain that no record at or after this value is older; None if none.

        It may be read on from, whatever time zone changes lie before or behind.
        """
        moment = read_timestamp(value, self.zone)
        if moment is None:
            return None
        if moment.tzinfo is self.zone and self.zone is not None and self.kind != "dynamic":
            wall = moment.replace(tzinfo=None)
            while (too_late := local_start(moment, self.zone) - wall) > timedelta():
                moment = (moment.astimezone(UTC) - too_late).astimezone(self.zone)
        return moment_text(moment)


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch that a run reads: from `after` (None: from the first) up to, not including, `upper`."""

    after: datetime | None
    upper: datetime

    @classmethod
    def of(cls, after: str | None, now: datetime, lag: timedelta) -> Window:
        """Make the window; raises WatermarkError for a watermark that lies after the source's clock."""
        if after is None:
            return cls(None, now - lag)
        try:
            begin = read_moment(after)
        except ValueError:
            raise ConfigurationError("the watermark is no time of a source; run with --full") from None
        if begin > now:
            raise WatermarkError(
                f"the watermark ({after}) lies after the source's clock ({moment_text(now)}):"
                " nothing could be read from there on; run with --full"
            )
        return cls(begin, now - lag)

    @property
    def ceiling(self) -> str:
        """How far the source has been read once the window has; whole seconds, for writers that cut off the rest."""
        return moment_text(self.upper.replace(microsecond=0))


def local_end(moment: datetime, zone: tzinfo) -> datetime:
    """Give the wall clock of a zone before which every time before `moment` is found, without a zone.

    In the hours after clocks went back, times of the first pass read later than now: the hour is put on.
    """
    local = moment.astimezone(zone)
    earlier = (moment - _DAY).astimezone(zone)
    set_back = (earlier.utcoffset() or timedelta()) - (local.utcoffset() or timedelta())
    return local.replace(tzinfo=None) + max(set_back, timedelta())
