"""Sifts records by their last update, and notes how far a file goes; a file has no order, so it is scanned whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from zoneinfo import ZoneInfo

from connectors.csv_file.parser import Rows
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
    """The last updates met in one reading of one file.

    The moment when the file was written is the source's clock. What is dated later is read, but moves no cursor: the
    cursor is the greatest moment up to that one, for an export may be older than its file, by hours if it was copied.
    """

    file: str
    column: str
    zone: ZoneInfo | None
    after: str | None
    written: str
    greatest: int | None = None
    ahead: int = 0

    def __post_init__(self) -> None:
        """Raise PermanentError where nothing could be found, rather than find nothing."""
        if self.after is not None and self.after > self.written:
            raise PermanentError(
                f"{self.file}: reading is to begin at {self.after}, but the file was last written at {self.written}; "
                "where it is the right file, run with --full"
            )

    def sift(self, lines: Sequence[int], rows: Rows, texts: Sequence[str], into: Batch) -> None:
        """Add the records that were not certainly updated before `after`; raises as `refuse_zoneless`."""
        times = read_times(texts, self.zone)
        if self.zone is None and not times.known.all():
            for position in (~times.known).nonzero()[0].tolist():
                refuse_zoneless(texts[position], f"{self.file}: line {lines[position]}")
        clock = microseconds(self.written)
        met = [each for each in (self.greatest, times.greatest(clock)) if each is not None]
        self.greatest = max(met, default=None)
        self.ahead += times.count_after(clock)
        left_out = [] if self.after is None else times.before(microseconds(self.after)).tolist()
        into.add(lines, rows, times.versions(clock), left_out)

    @property
    def cursor(self) -> str | None:
        """How far the file was read, once it was read to its end; never before where the reading began."""
        if self.greatest is None:
            return self.after
        return max(self.after or "", moment_of(self.greatest))

    @property
    def notice(self) -> str | None:
        """What the operator should know."""
        return f"{self.ahead} records are dated after the file was written" if self.ahead else None


def refuse_zoneless(text: str, place: str) -> None:
    """Raise ConfigurationError for a time that would be one if only its zone were known."""
    if read_timestamp(text, None) is None and read_timestamp(text, UTC) is not None:
        raise ConfigurationError(f"{place}: the time says no zone; set source.time_zone, such as Europe/Zurich")
