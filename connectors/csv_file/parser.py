"""Cuts the text of a CSV file into records and tells on which line each begins; knows no columns."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

from connectors.csv_file.place import Mark, Place
from connectors.protocol import BrokenSourceError, ConfigurationError

csv.field_size_limit(10 * 1024 * 1024)  # a cell of more than 128 KiB is that record's fault, not the file's
_LINE_BREAK = re.compile(r"\r\n|\r|\n")

Rows = list[list[str]]


class Parser:
    """RFC 4180 with a delimiter of choice; blank lines are no records."""

    def __init__(self, place: Place, delimiter: str) -> None:
        self._place = place
        self._delimiter = delimiter

    def beginning(self) -> tuple[list[str], list[str] | None, int, Mark]:
        """Read header and first record, the line this ends on, and the mark of the very file that they stand in.

        Raises ConfigurationError where there is no header; the record is None where there is none to be read.
        """
        with self._place.open_text() as file:
            mark = Mark.of(os.fstat(file.fileno()))
            reader = csv.reader(file, delimiter=self._delimiter, strict=True)
            try:
                header = next(reader, None)
            except (csv.Error, UnicodeError) as error:
                raise ConfigurationError(f"{self._place.name}: the header cannot be read ({error})") from None
            except OSError as error:
                raise ConfigurationError(f"{self._place.name}: cannot be read ({error.strerror})") from None
            if not header:
                raise ConfigurationError(f"{self._place.name}: is empty; its first line must be the header")
            record = None
            with suppress(csv.Error, UnicodeError):  # told by line when the record's turn comes
                record = next((cells for cells in reader if cells), None)
        return header, record, reader.line_num, mark

    def chunks(self, size: int, mark: Mark | None) -> Iterator[tuple[Sequence[int], Rows]]:
        """Yield up to `size` records at a time, with the line that each begins on.

        Raises BrokenSourceError naming the line where the file cannot be parsed, or where it is not the one of `mark`.
        """
        with self._place.open_text() as file:
            self._place.refuse_change(mark)
            reader = csv.reader(file, delimiter=self._delimiter, strict=True)
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
                raise BrokenSourceError(
                    f"{self._place.name}: the record that begins on line {self._broken_line()} cannot be read ({error})"
                ) from None
            except OSError as error:  # a disk or a network that fails; the file itself may be whole
                raise BrokenSourceError(f"{self._place.name}: cannot be read any further ({error.strerror})") from None
        self._place.refuse_change(mark)

    def _broken_line(self) -> int:
        """Find where the record begins that the parser stumbled over, by reading once more record by record."""
        with self._place.open_text() as file:
            reader = csv.reader(file, delimiter=self._delimiter, strict=True)
            line = 1
            with suppress(csv.Error, UnicodeError):
                for _ in reader:
                    line = reader.line_num + 1
        return line


def _numbered(rows: Rows, first: int) -> tuple[list[int], Rows]:
    """Give records that span lines or follow blank ones their lines, and leave the blank ones out."""
    lines, kept, line = [], [], first
    for cells in rows:
        if cells:
            lines.append(line)
            kept.append(cells)
        line += 1 + sum(len(_LINE_BREAK.findall(cell)) for cell in cells)
    return lines, kept
