"""Reads the last updates of many records at once, and says which lie before a moment; knows no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.moment import AMBIGUOUS, is_ambiguous, read_moment, read_timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_FIRST_OFFSETS = 0
_LAST_OFFSETS = (datetime(2037, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_AS_LOCAL = pa.timestamp("us")
_AS_MOMENT = pa.timestamp("us", "UTC")

Moments = NDArray[np.int64]  # microseconds since 1970


@dataclass(frozen=True, slots=True)
class Times:
    """The last updates of some records, each as the two moments that it may mean.

    They are the same one, but for local times that come twice, and for those that are skipped in spring, which are no
    more certain. Where `known` is false there is no usable time, and the moments mean nothing.
    """

    first: Moments
    last: Moments
    known: NDArray[np.bool_]

    def before(self, moment: int) -> NDArray[np.bool_]:
        """Say which records were certainly last updated before a moment."""
        return self.known & (self.last < moment)

    def greatest(self, limit: int) -> int | None:
        """Give the greatest moment up to a limit, as far as it is certain."""
        within = self.first[self.known & (self.first <= limit)]
        return int(within.max()) if len(within) else None

    def count_after(self, limit: int) -> int:
        """Count the records dated after a moment."""
        return int((self.known & (self.first > limit)).sum())

    def versions(self, limit: int = _LATEST) -> list[str | None]:
        """Write them as `connectors.moment.versions` does, but ambiguous after a moment.

        A time that has not come cannot be trusted: the correction of it would look older, and be left out.
        """
        texts: list[str | None] = _texts(self.first)
        uncertain = (self.first != self.last) | (self.first > limit)
        for position in np.flatnonzero(~self.known | uncertain).tolist():
            texts[position] = AMBIGUOUS if self.known[position] else None
        return texts


def read_times(texts: Sequence[str], zone: ZoneInfo | None) -> Times:
    """Read times as `connectors.moment.read_timestamp` does; at once where all have one common form."""
    common = _read_common(texts, zone)
    if common is not None:
        return common
    read = [_readings(text, zone) for text in texts]
    moments = np.array([each or (0, 0) for each in read], dtype=np.int64).reshape(-1, 2)
    return Times(moments[:, 0], moments[:, 1], np.array([each is not None for each in read], dtype=np.bool_))


def microseconds(moment: str) -> int:
    """Read a moment's text; raises ValueError for anything else."""
    return (read_moment(moment) - _EPOCH) // _MICROSECOND


def moment_of(microsecond: int) -> str:
    """Write one moment."""
    return str(_texts(np.array([microsecond], dtype=np.int64))[0])


def _texts(moments: Moments) -> list[str | None]:
    written: list[str | None] = np.datetime_as_string(moments.view("M8[us]"), unit="us", timezone="UTC").tolist()
    return written


def _read_common(texts: Sequence[str], zone: ZoneInfo | None) -> Times | None:
    """Let Arrow read them, 30 times as fast as one by one; None where it cannot or may differ from Python."""
    try:
        array = pa.array(texts, pa.string())
        try:
            first = last = array.cast(_AS_MOMENT)
        except pa.ArrowInvalid:
            if zone is None:
                return None
            local = array.cast(_AS_LOCAL)
            if not _within_arrows_zones(local):
                return None
            first = pc.assume_timezone(local, zone.key, ambiguous="earliest", nonexistent="raise")
            last = pc.assume_timezone(local, zone.key, ambiguous="latest", nonexistent="raise")
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None
    times = Times(_numbers(first), _numbers(last), np.ones(len(texts), dtype=np.bool_))
    within = len(texts) == 0 or (times.first.min() >= _EARLIEST and times.last.max() <= _LATEST)
    return times if within else None  # Arrow knows the year 0 and those after 9999


def _within_arrows_zones(local: pa.Array) -> bool:
    """Say whether Arrow knows the zone's offsets: after 2037 it knows no summer time any more (measured, Arrow 26)."""
    numbers = _numbers(local)
    return len(numbers) == 0 or bool(numbers.min() >= _FIRST_OFFSETS and numbers.max() < _LAST_OFFSETS)


def _numbers(array: pa.Array) -> Moments:
    numbers: Moments = array.cast(pa.int64()).to_numpy()
    return numbers


def _readings(text: str, zone: ZoneInfo | None) -> tuple[int, int] | None:
    moment = read_timestamp(text, zone)
    if moment is None:
        return None
    folds = (0, 1) if moment.tzinfo is zone and is_ambiguous(moment) else (moment.fold,)
    read = [(moment.replace(fold=fold) - _EPOCH) // _MICROSECOND for fold in folds]
    within = [min(max(each, _EARLIEST), _LATEST) for each in read]  # as `connectors.moment.moment_text` writes them
    return min(within), max(within)
