"""Reads customers from CSV files and workbooks, page by page and as text; never types a value, never holds a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from connectors.csv_file.collection import Collection, Member
from connectors.csv_file.layout import Layout
from connectors.csv_file.settings import CsvSettings
from connectors.csv_file.update import Batch, Update, refuse_zoneless
from connectors.protocol import Page, Refusal


class CsvSource:
    """A source over CSV files (RFC 4180 quoting, multi-line fields; blank lines are no records) and workbooks.

    Every read scans the files from their tops, in the order of their names. A record with too many or too few fields is
    unreadable (`field_count`), never shifted; so is one whose bytes the encoding does not know (`undecodable`), one
    without a value in the key column (`missing_key`), one with an error in a workbook's cell (`cell_error`), and one
    whose last update is no time (`cursor_missing`; it keeps its key).

    With `updated_at` records of earlier times are left out, in the order of the file all the same: only the end of the
    last file, and so only the last page, says how far it was read.
    """

    def __init__(self, settings: CsvSettings, folder: Path) -> None:
        self._settings = settings
        self._files = Collection(settings, folder)
        self._layout = Layout((), None, settings.encoding)

    @property
    def address(self) -> str:
        """The file's full path; of several, their pattern and which they are."""
        return self._files.address

    @property
    def incremental(self) -> bool:
        """Whether there is a column of the last update."""
        return self._settings.updated_at is not None

    @property
    def overlap(self) -> timedelta:
        """How far back to look again."""
        return self._settings.overlap if self.incremental else timedelta()

    def open(self) -> tuple[str, ...]:
        """Read and check the headers; raises ConfigurationError naming the file and what is wrong with it."""
        members = self._files.open()
        layouts = [Layout.of(each.beginning.header, self._settings, each.file.name) for each in members]
        self._layout = layouts[0]
        column = self._settings.updated_at
        if column is not None and self._settings.time_zone is None:
            for member, layout in zip(members, layouts, strict=True):
                beginning = member.beginning
                if beginning.record is not None:
                    text = layout.cells([beginning.record], column)[0]
                    refuse_zoneless(text, f"{member.file.name}: line {beginning.line}")
        return self._layout.columns

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read the files in pages of `size` records; `after` is the count of records to leave out, or a moment.

        No page has records of two files. Raises BrokenSourceError naming the line where a file cannot be parsed, or
        when it changed meanwhile; ConfigurationError for a time without a zone, and PermanentError for a moment after
        the newest file was written.
        """
        if self._settings.updated_at is None:
            return self._counted_pages(int(after or 0), size)
        return self._updated_pages(self._settings.updated_at, after, size)

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Scan the files for the records with these keys."""
        wanted = set(keys)
        for page in self.pages(None, size):
            met = [position for position, key in enumerate(page.keys) if key in wanted]
            if met:
                yield replace(page.take(met), notice=None)

    def close(self) -> None:
        """Nothing stays open between reads."""

    def _counted_pages(self, leave_out: int, size: int) -> Iterator[Page]:
        done = 0
        for section in self._files.sections(size):
            lines, rows = section.lines, section.rows
            done += len(rows)
            if done <= leave_out:
                continue
            fresh = slice(max(0, len(rows) - (done - leave_out)), None)
            self._files.refuse_change()
            yield self._layout.page(lines[fresh], rows[fresh], str(done), self._told(section.member))

    def _updated_pages(self, column: str, after: str | None, size: int) -> Iterator[Page]:
        """Keep a page in hand until it is known whether another follows: the last one is told by its cursor."""
        members = self._files.members
        update = Update(column, self._settings.time_zone, after, len(members))
        newest = max(members, key=lambda member: member.mark.written)
        update.refuse_older(newest.file.name, newest.mark.written)
        held: Page | None = None
        for page in self._sifted_pages(update, size):
            if held is not None:
                self._files.refuse_change()
                yield held
            held = page
        if held is not None:
            yield replace(held, cursor=update.cursor, notice=update.notice)

    def _sifted_pages(self, update: Update, size: int) -> Iterator[Page]:
        waiting = Batch()
        member: Member | None = None
        for section in self._files.sections(size):
            if section.member is not member:
                if member is not None and waiting.rows:
                    yield self._versioned(waiting.first(size), update.column, member)
                member = section.member
                update.begin(member.file.name, member.mark.written)
            update.sift(section.lines, section.rows, self._layout.cells(section.rows, update.column), waiting)
            while len(waiting.rows) >= size:
                yield self._versioned(waiting.first(size), update.column, member)
        if member is not None and waiting.rows:
            yield self._versioned(waiting, update.column, member)

    def _versioned(self, batch: Batch, column: str, member: Member) -> Page:
        page = self._layout.page(batch.lines, batch.rows, None, self._told(member))
        timeless = Refusal("cursor_missing", column, "the column of the last update has no usable time here")
        unreadable = {position: timeless for position, version in enumerate(batch.versions) if version is None}
        versions = [version or "" for version in batch.versions]
        return replace(page, versions=versions, unreadable={**unreadable, **page.unreadable})

    def _told(self, member: Member) -> str | None:
        """Name the file that lines are in, where there may be several."""
        return member.file.name if self._settings.is_pattern else None
