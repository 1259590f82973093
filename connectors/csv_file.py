"""Reads customers from a CSV file, page by page and as text; never types a value and never holds the whole file."""

from __future__ import annotations

import csv
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, TextIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.arrays import ArrowStringArray
from pydantic import BaseModel, ConfigDict, Field

from connectors.protocol import BrokenSourceError, ConfigurationError, Page, Refusal

_TEXT = pd.StringDtype(storage="pyarrow", na_value=float("nan"))
csv.field_size_limit(10 * 1024 * 1024)  # a cell of more than 128 KiB is that record's fault, not the file's
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


class CsvSettings(BaseModel):
    """A CSV file as a source: first line the header, every value text, an empty cell null."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Literal["csv"]
    path: Annotated[str, Field(min_length=1, description="the file, relative to the job file")]
    key: Annotated[str | None, Field(description="the column that names a record; without it each line is its own")] = (
        None
    )
    delimiter: Annotated[str, Field(min_length=1, max_length=1, description="one character; \\t for a tab")] = ","
    encoding: Annotated[str, Field(description="a Python codec name; UTF-8 with or without BOM by default")] = "utf-8"


@dataclass(frozen=True, slots=True)
class _Mark:
    """What tells one state of a file from another."""

    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> _Mark:
        status = path.stat()
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


class CsvSource:
    """A source over one CSV file (RFC 4180 quoting, multi-line fields; blank lines are no records).

    Every read begins at the top: a file has no last update to read on from. A record with too many or too few
    fields is unreadable (`field_count`), never shifted; so is one whose bytes the encoding does not know
    (`undecodable`) and one without a value in the key column (`missing_key`).
    """

    incremental = False
    overlap = timedelta()

    def __init__(self, settings: CsvSettings, folder: Path) -> None:
        self._settings = settings
        self._path = (folder / settings.path).resolve()
        self._columns: tuple[str, ...] = ()
        self._mark: _Mark | None = None

    @property
    def address(self) -> str:
        """The file's full path."""
        return f"csv:{self._path}"

    def open(self) -> tuple[str, ...]:
        """Read and check the header; raises ConfigurationError naming the file and what is wrong with it."""
        header, self._mark = self._header()
        repeated = [str(position) for position, name in enumerate(header, 1) if header.count(name) > 1]
        if repeated:  # by position: a file without a header would put a customer's values into the message
            raise ConfigurationError(f"{self._path.name}: columns {', '.join(repeated)} of the header have one name")
        if any(not name.strip() for name in header):
            position = next(number for number, name in enumerate(header, 1) if not name.strip())
            raise ConfigurationError(f"{self._path.name}: column {position} of the header has no name")
        key = self._settings.key
        if key is not None and key not in header:
            raise ConfigurationError(
                f"{self._path.name}: there is no column {key!r} (source.key){self._delimiter_hint(header)}"
            )
        self._columns = tuple(header)
        return self._columns

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read the file in pages of `size` records; `after` is the count of records to leave out.

        Raises BrokenSourceError naming the line where the file cannot be parsed, or when it changed meanwhile.
        """
        done = 0
        leave_out = int(after or 0)
        self._refuse_change()
        with self._reading() as file:
            for lines, rows in self._chunks(file, size):
                done += len(rows)
                if done <= leave_out:
                    continue
                fresh = slice(max(0, len(rows) - (done - leave_out)), None)
                self._refuse_change()
                yield self._page(lines[fresh], rows[fresh], str(done))
        self._refuse_change()

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Scan the file for the records with these keys."""
        wanted = set(keys)
        for page in self.pages(None, size):
            met = [position for position, key in enumerate(page.keys) if key in wanted]
            if met:
                yield _taken(page, met)

    def close(self) -> None:
        """Nothing stays open between reads."""

    def _reading(self) -> TextIO:
        try:
            if not stat.S_ISREG(self._path.stat().st_mode):
                raise ConfigurationError(f"{self._path.name}: not a regular file (source.path)")
            encoding = self._settings.encoding
            known_as_utf8 = encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
            return self._path.open(
                encoding="utf-8-sig" if known_as_utf8 else encoding, errors="surrogateescape", newline=""
            )
        except LookupError:
            raise ConfigurationError(f"source.encoding: {self._settings.encoding!r} is no known encoding") from None
        except OSError as error:
            raise ConfigurationError(f"{self._path}: cannot be read ({error.strerror}) (source.path)") from None

    def _header(self) -> tuple[list[str], _Mark]:
        with self._reading() as file:
            mark = _Mark.of(self._path)
            try:
                header = next(csv.reader(file, delimiter=self._settings.delimiter, strict=True), None)
            except (csv.Error, UnicodeError) as error:
                raise ConfigurationError(f"{self._path.name}: the header cannot be read ({error})") from None
        if header and not _encodable(header):
            raise ConfigurationError(f"{self._path.name}: the header is no {self._settings.encoding} (source.encoding)")
        if not header:
            raise ConfigurationError(f"{self._path.name}: is empty; its first line must be the header")
        return header, mark

    def _delimiter_hint(self, header: list[str]) -> str:
        others = [name for mark, name in _DELIMITERS.items() if len(header) == 1 and mark in header[0]]
        return f"; the header looks divided by {others[0]}: set source.delimiter" if others else ""

    def _chunks(self, file: TextIO, size: int) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
        """Yield up to `size` records at a time, with the line that each begins on."""
        reader = csv.reader(file, delimiter=self._settings.delimiter, strict=True)
        try:
            next(reader, None)
            while True:
                before = reader.line_num
                rows = list(islice(reader, size))
                if not rows:
                    return
                if reader.line_num - before == len(rows) and all(rows):
                    yield range(before + 1, before + 1 + len(rows)), rows
                elif any(rows):
                    yield _numbered(rows, before + 1)
        except (csv.Error, UnicodeError) as error:
            raise BrokenSourceError(
                f"{self._path.name}: the record that begins on line {self._broken_line()} cannot be read ({error})"
            ) from None

    def _broken_line(self) -> int:
        """Find where the record begins that the parser stumbled over, by reading once more record by record."""
        with self._reading() as file:
            reader = csv.reader(file, delimiter=self._settings.delimiter, strict=True)
            line = 1
            with suppress(csv.Error, UnicodeError):
                for _ in reader:
                    line = reader.line_num + 1
        return line

    def _refuse_change(self) -> None:
        """Raise where the file is not the one whose header was read: its columns may be others, or its end missing."""
        try:
            changed = _Mark.of(self._path) != self._mark
        except OSError:
            changed = True
        if changed:
            raise BrokenSourceError(f"{self._path.name}: the file changed while it was being read")

    def _page(self, lines: Sequence[int], rows: list[list[str]], cursor: str) -> Page:
        unreadable = self._miscounted(rows)
        try:
            frame = self._frame(rows)
        except UnicodeEncodeError:  # surrogateescape left a lone surrogate where a byte could not be decoded
            unreadable |= self._undecodable(rows)
            frame = self._frame(rows)
        keys = self._keys(rows, lines, unreadable)
        return Page(records=frame, keys=keys, counted=len(rows), cursor=cursor, lines=lines, unreadable=unreadable)

    def _miscounted(self, rows: list[list[str]]) -> dict[int, Refusal]:
        """Blank the rows whose count of fields is not the header's, and say so."""
        width = len(self._columns)
        if set(map(len, rows)) == {width}:
            return {}
        wrong = {position: len(cells) for position, cells in enumerate(rows) if len(cells) != width}
        for position in wrong:
            rows[position] = [""] * width
        return {
            position: Refusal("field_count", "", f"{count} fields where the header has {width}")
            for position, count in wrong.items()
        }

    def _undecodable(self, rows: list[list[str]]) -> dict[int, Refusal]:
        """Blank the rows with bytes that the encoding does not know, and say so."""
        wrong = [position for position, cells in enumerate(rows) if not _encodable(cells)]
        for position in wrong:
            rows[position] = [""] * len(self._columns)
        return {
            position: Refusal("undecodable", "", f"bytes that are no {self._settings.encoding}") for position in wrong
        }

    def _keys(self, rows: list[list[str]], lines: Sequence[int], unreadable: dict[int, Refusal]) -> list[str]:
        """Name each record by its key column, or by its line where there is none or it is not to be trusted."""
        column = self._settings.key
        if column is None:
            return [str(line) for line in lines]
        place = self._columns.index(column)
        keys = [cells[place] for cells in rows]
        for position in [n for n, key in enumerate(keys) if not key or key.isspace() or "\0" in key]:
            keys[position] = f"line {lines[position]}"
            unreadable.setdefault(position, Refusal("missing_key", column, "the key column has no usable value here"))
        return keys

    def _frame(self, rows: list[list[str]]) -> pd.DataFrame:
        columns = zip(*rows, strict=True)
        return pd.DataFrame(
            {name: _text(cells) for name, cells in zip(self._columns, columns, strict=True)}, copy=False
        )


def _text(cells: Sequence[str]) -> ArrowStringArray:
    """Make a text column in which an empty cell, the only null that a CSV file can say, is null."""
    array = pa.array(cells, pa.large_string())
    return ArrowStringArray(pc.if_else(pc.equal(array, ""), None, array), dtype=_TEXT)  # type: ignore[call-arg]  # the stubs lack it


def _encodable(cells: Sequence[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True


def _numbered(rows: list[list[str]], first: int) -> tuple[list[int], list[list[str]]]:
    """Give records that span lines or follow blank ones their lines, and leave the blank ones out."""
    lines, kept, line = [], [], first
    for cells in rows:
        if cells:
            lines.append(line)
            kept.append(cells)
        line += 1 + sum(len(_LINE_BREAK.findall(cell)) for cell in cells)
    return lines, kept


def _taken(page: Page, positions: list[int]) -> Page:
    """Keep only these records of a page."""
    return Page(
        records=page.records.iloc[positions].reset_index(drop=True),
        keys=[page.keys[position] for position in positions],
        counted=len(positions),
        cursor=None,
        lines=[page.lines[position] for position in positions] if page.lines else None,
        unreadable={new: page.unreadable[old] for new, old in enumerate(positions) if old in page.unreadable},
    )
