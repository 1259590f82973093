"""Reads customers from a CSV file, page by page and as text; never types a value and never holds the whole file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from connectors.csv_file.layout import Layout
from connectors.csv_file.parser import Parser
from connectors.csv_file.place import Mark, Place
from connectors.csv_file.settings import CsvSettings
from connectors.csv_file.update import Batch, Update, refuse_zoneless
from connectors.protocol import Page, Refusal


class CsvSource:
    """A source over one CSV file (RFC 4180 quoting, multi-line fields; blank lines are no records).

    Every read scans the file from its top. A record with too many or too few fields is unreadable (`field_count`),
    never shifted; so is one whose bytes the encoding does not know (`undecodable`), one without a value in the key
    column (`missing_key`), and one whose last update is no time (`cursor_missing`; it keeps its key).

    With `updated_at` records of earlier times are left out, in the order of the file all the same: only the end of the
    file, and so only the last page, says how far it was read.
    """

    def __init__(self, settings: CsvSettings, folder: Path) -> None:
        self._settings = settings
        self._place = Place(settings, folder)
        self._parser = Parser(self._place, settings.delimiter)
        self._layout = Layout((), None, settings.encoding)
        self._mark: Mark | None = None

    @property
    def address(self) -> str:
        """The file's full path."""
        return f"csv:{self._place.path}"

    @property
    def incremental(self) -> bool:
        """Whether there is a column of the last update."""
        return self._settings.updated_at is not None

    @property
    def overlap(self) -> timedelta:
        """How far back to look again."""
        return self._settings.overlap if self.incremental else timedelta()

    def open(self) -> tuple[str, ...]:
        """Read and check the header; raises ConfigurationError naming the file and what is wrong with it."""
        header, record, line, self._mark = self._parser.beginning()
        self._layout = Layout.of(header, self._settings, self._place.name)
        column = self._settings.updated_at
        if column is not None and record is not None and self._settings.time_zone is None:
            refuse_zoneless(self._layout.cells([record], column)[0], f"{self._place.name}: line {line}")
        return self._layout.columns

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read the file in pages of `size` records; `after` is the count of records to leave out, or a moment.

        Raises BrokenSourceError naming the line where the file cannot be parsed, or when it changed meanwhile;
        ConfigurationError for a time without a zone, and PermanentError for a moment after the file was written.
        """
        if self._settings.updated_at is None:
            return self._counted_pages(int(after or 0), size)
        return self._updated_pages(self._settings.updated_at, after, size)

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Scan the file for the records with these keys."""
        wanted = set(keys)
        for page in self.pages(None, size):
            met = [position for position, key in enumerate(page.keys) if key in wanted]
            if met:
                yield replace(page.take(met), notice=None)

    def close(self) -> None:
        """Nothing stays open between reads."""

    def _counted_pages(self, leave_out: int, size: int) -> Iterator[Page]:
        done = 0
        for lines, rows in self._parser.chunks(size, self._mark):
            done += len(rows)
            if done <= leave_out:
                continue
            fresh = slice(max(0, len(rows) - (done - leave_out)), None)
            self._place.refuse_change(self._mark)
            yield self._layout.page(lines[fresh], rows[fresh], str(done))

    def _updated_pages(self, column: str, after: str | None, size: int) -> Iterator[Page]:
        """Keep a page in hand until it is known whether another follows: the last one is told by its cursor."""
        written = self._mark.written if self._mark else ""
        update = Update(self._place.name, column, self._settings.time_zone, after, written)
        waiting = Batch()
        for lines, rows in self._parser.chunks(size, self._mark):
            update.sift(lines, rows, self._layout.cells(rows, column), waiting)
            while len(waiting.rows) > size:
                self._place.refuse_change(self._mark)
                yield self._versioned(waiting.first(size), column)
        if waiting.rows:
            page = self._versioned(waiting, column)
            yield replace(page, cursor=update.cursor, notice=update.notice)

    def _versioned(self, batch: Batch, column: str) -> Page:
        page = self._layout.page(batch.lines, batch.rows, None)
        timeless = Refusal("cursor_missing", column, "the column of the last update has no usable time here")
        unreadable = {position: timeless for position, version in enumerate(batch.versions) if version is None}
        versions = [version or "" for version in batch.versions]
        return replace(page, versions=versions, unreadable={**unreadable, **page.unreadable})
