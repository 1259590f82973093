"""Sifts records by their last update, and notes how far a file goes; a file has no order, so it is scanned whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from zoneinfo import ZoneInfo

from connectors.csv_file.table import Rows
from connectors.csv_file.timing import microseconds, moment_of, read_times
from connectors.moment import read_timestamp
from connectors.protocol import ConfigurationError, PermanentError


@dataclass(slots=True)
class Batch:
    """Records that wait for their page, each with its line and version (None: no usable time)."""

    lines: list[int] = field(default_factory=list)
    rows: Rows = field(default_factory=list)
    versions: list[str | None] = field(default_factory=list)

    def add(self, lines: Sequence[int], rows: Rows, versions: Sequence[str | None], left_out: Sequence[bool]) -> None:
        """Add the records that are not left out."""
        if any(left_out):
            kept = [position for position, out in enumerate(left_out) if not out]
            lines, rows = [lines[position] for position in kept], [rows[position] for position in kept]
            versions = [versions[position] for position in kept]
        self.lines += lines
        self.rows += rows
        self.versions += versions

    def first(self, size: int) -> Batch:
        """Take out the first `size` records."""
        taken = Batch(self.lines[:size], self.rows[:size], self.versions[:size])
        del self.lines[:size], self.rows[:size], self.versions[:size]
        return taken


@dataclass(slots=True)
class Update:
    """The last updates met in one reading of `files` files.

    The moment when a file was written is its source's clock. What is dated later is read, but moves no cursor: how far
    a file goes is its greatest moment up to that one, for an export may be older than its file, by hours if it was
    copied. Several files go as far as the one that lags most, or nowhere where one of them does not say.
    """

    column: str
    zone: ZoneInfo | None
    after: str | None
    files: int
    ahead: int = 0
    _file: str = ""
    _clock: int = 0
    _ends: dict[str, int] = field(default_factory=dict)

    def refuse_older(self, file: str, written: str) -> None:
        """Raise PermanentError where the newest file is older than where the reading begins: nothing could be found."""
        if self.after is not None and self.after > written:
            raise PermanentError(
                f"{file}: reading is to begin at {self.after}, but the file was last written at {written}; "
                "where it is the right file, run with --full"
            )

    def begin(self, file: str, written: str) -> None:
        """Go over to a file, the first or the next one."""
        self._file, self._clock = file, microseconds(written)

    def sift(self, lines: Sequence[int], rows: Rows, texts: Sequence[str], into: Batch) -> None:
        """Add the records that were not certainly updated before `after`; raises as `refuse_zoneless`."""
        times = read_times(texts, self.zone)
        if self.zone is None and not times.known.all():
            for position in (~times.known).nonzero()[0].tolist():
                refuse_zoneless(texts[position], f"{self._file}: line {lines[position]}")
        greatest = times.greatest(self._clock)
        if greatest is not None:
            self._ends[self._file] = max(greatest, self._ends.get(self._file, greatest))
        self.ahead += times.count_after(self._clock)
        left_out = [] if self.after is None else times.before(microseconds(self.after)).tolist()
        into.add(lines, rows, times.versions(self._clock), left_out)

    @property
    def cursor(self) -> str | None:
        """How far was read, once everything was read to its end; never before where the reading began."""
        if len(self._ends) < self.files:
            return self.after
        return max(self.after or "", moment_of(min(self._ends.values())))

    @property
    def notice(self) -> str | None:
        """What the operator should know."""
        return f"{self.ahead} records are dated after the file was written" if self.ahead else None


def refuse_zoneless(text: str, place: str) -> None:
    """Raise ConfigurationError for a time that would be one if only its zone were known."""
    if read_timestamp(text, None) is None and read_timestamp(text, UTC) is not None:
        raise ConfigurationError(f"{place}: the time says no zone; set source.time_zone, such as Europe/Zurich")
