"""Cuts the text of a CSV file into records and tells on which line each begins; knows no columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, TextIO

from connectors.csv_file.archive import Form, unpacked
from connectors.csv_file.delimiter import find_delimiter
from connectors.csv_file.place import File, Mark
from connectors.csv_file.settings import CsvSettings
from connectors.csv_file.stream import Stream
from connectors.csv_file.table import Beginning, Chunk, Rows
from connectors.protocol import BrokenSourceError, ConfigurationError

if TYPE_CHECKING:
    from _csv import Reader  # what csv.reader makes; csv itself has no name for it

csv.field_size_limit(10 * 1024 * 1024)  # a cell of more than 128 KiB is that record's fault, not the file's
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_SAMPLE_LINES = 200  # as records may span lines
_SAMPLE_SIZE = 256 * 1024


class TextTable:
    """RFC 4180 with a delimiter of choice, in a file or an archive."""

    def __init__(self, file: File, form: Form, settings: CsvSettings) -> None:
        self._file = file
        self._form = form
        self._encoding = settings.encoding
        self._delimiter = settings.delimiter
        self._ends_its_lines = isinstance(settings.complete, int)  # half a last record counts as one

    def beginning(self) -> Beginning:
        """Read header and first record, and find the delimiter where none is set; raises as `Table` says."""
        with self._opened() as (text, _, mark):
            try:
                first = _first_lines(text) if self._delimiter is None else []
                self._delimiter = self._delimiter or find_delimiter(first, self._file.name)
                reader = self._reader(chain(first, text))
                header = next(reader, None)
            except (csv.Error, UnicodeError) as error:
                raise ConfigurationError(f"{self._file.name}: the header cannot be read ({error})") from None
            if not header:
                raise ConfigurationError(f"{self._file.name}: is empty; its first line must be the header")
            record = None
            with suppress(csv.Error, UnicodeError, BrokenSourceError):  # told by line when the record's turn comes
                record = next((cells for cells in reader if cells), None)
        return Beginning(header, record, reader.line_num, mark)

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield up to `size` records at a time, with the line that each begins on; raises as `Table` says.

        The error names the line on which the record begins that cannot be parsed.
        """
        with self._opened() as (text, stream, _):
            reader = self._reader(text)
            try:
                next(reader, None)
                while True:
                    before = reader.line_num
                    rows = list(islice(reader, size))
                    if not rows:
                        break
                    if reader.line_num - before == len(rows) and all(rows):
                        yield range(before + 1, before + 1 + len(rows)), rows
                    elif any(rows):
                        yield _numbered(rows, before + 1)
            except (csv.Error, UnicodeError) as error:
                line = self._broken_line()
                raise BrokenSourceError(
                    f"{self._file.name}: the record that begins on line {line} cannot be read ({error})"
                ) from None
            if self._ends_its_lines and not stream.ends_with_line_break:
                raise BrokenSourceError(f"{self._file.name}: its last line has no line break; it may be cut off")

    def _reader(self, lines: Iterator[str]) -> Reader:
        return csv.reader(lines, delimiter=self._delimiter or ",", strict=True)

    @contextmanager
    def _opened(self) -> Iterator[tuple[TextIO, Stream, Mark]]:
        """Open the file as text at its beginning."""
        known_as_utf8 = self._encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
        encoding = "utf-8-sig" if known_as_utf8 else self._encoding
        with unpacked(self._file, self._form) as (stream, mark):
            try:
                text = io.TextIOWrapper(
                    io.BufferedReader(stream), encoding=encoding, errors="surrogateescape", newline=""
                )
            except LookupError:
                raise ConfigurationError(f"source.encoding: {self._encoding!r} is no known encoding") from None
            yield text, stream, mark

    def _broken_line(self) -> int:
        """Find where the record begins that the parser stumbled over, by reading once more record by record."""
        with self._opened() as (text, _, _):
            reader = self._reader(text)
            line = 1
            with suppress(csv.Error, UnicodeError):
                for _ in reader:
                    line = reader.line_num + 1
        return line


def _first_lines(text: TextIO) -> list[str]:
    """Read as many lines as show how the file is divided; one that cannot be decoded ends them."""
    lines: list[str] = []
    size = 0
    with suppress(UnicodeError):
        for line in islice(text, _SAMPLE_LINES):
            lines.append(line)
            size += len(line)
            if size > _SAMPLE_SIZE:
                break
    return lines


def _numbered(rows: Rows, first: int) -> tuple[list[int], Rows]:
    """Give records that span lines or follow blank ones their lines, and leave the blank ones out."""
    lines, kept, line = [], [], first
    for cells in rows:
        if cells:
            lines.append(line)
            kept.append(cells)
        line += 1 + sum(len(_LINE_BREAK.findall(cell)) for cell in cells)
    return lines, kept
