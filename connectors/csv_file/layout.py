"""Makes pages out of parsed rows: columns, keys, and what could not be read; decides nothing about what is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.arrays import ArrowStringArray

from connectors.csv_file.delimiter import DELIMITERS
from connectors.csv_file.settings import CsvSettings
from connectors.csv_file.table import Rows, UnreadableRow
from connectors.protocol import ConfigurationError, Page, Refusal
from connectors.text_column import text_column


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one file, and which of them name a record and its last update."""

    columns: tuple[str, ...]
    key: str | None
    encoding: str

    @classmethod
    def of(cls, header: list[str], settings: CsvSettings, file: str) -> Layout:
        """Check a header; raises ConfigurationError naming the file and what is wrong with it."""
        if not _encodable(header):
            raise ConfigurationError(f"{file}: the header is no {settings.encoding} (source.encoding)")
        repeated = [str(position) for position, name in enumerate(header, 1) if header.count(name) > 1]
        if repeated:  # by position: a file without a header would put a customer's values into the message
            raise ConfigurationError(f"{file}: columns {', '.join(repeated)} of the header have one name")
        if any(not name.strip() for name in header):
            position = next(number for number, name in enumerate(header, 1) if not name.strip())
            raise ConfigurationError(f"{file}: column {position} of the header has no name")
        for setting, column in (("key", settings.key), ("updated_at", settings.updated_at)):
            if column is not None and column not in header:
                hint = _delimiter_hint(header)
                raise ConfigurationError(f"{file}: there is no column {column!r} (source.{setting}){hint}")
        return cls(tuple(header), settings.key, settings.encoding)

    def cells(self, rows: Rows, column: str) -> list[str]:
        """Take a column out of rows; "" where a row has another count of fields."""
        place, width = self.columns.index(column), len(self.columns)
        if set(map(len, rows)) == {width}:
            return [cells[place] for cells in rows]
        return [cells[place] if len(cells) == width else "" for cells in rows]

    def page(self, lines: Sequence[int], rows: Rows, cursor: str | None, file: str | None = None) -> Page:
        """Make a page; a row that cannot be read is blanked (in `rows` as well) and told as unreadable.

        `file` is where the lines are, if there are several.
        """
        unreadable = self._miscounted(rows)
        try:
            frame = self._frame(rows)
        except UnicodeEncodeError:  # surrogateescape left a lone surrogate where a byte could not be decoded
            unreadable |= self._undecodable(rows)
            frame = self._frame(rows)
        keys = self._keys(rows, lines, unreadable, f" of {file}" if file else "")
        return Page(
            records=frame, keys=keys, counted=len(rows), cursor=cursor, lines=lines, unreadable=unreadable, file=file
        )

    def _miscounted(self, rows: Rows) -> dict[int, Refusal]:
        """Blank the rows whose count of fields is not the header's, and say so."""
        width = len(self.columns)
        if set(map(len, rows)) == {width}:
            return {}
        wrong = {position: _refusal(cells, width) for position, cells in enumerate(rows) if len(cells) != width}
        for position in wrong:
            rows[position] = [""] * width
        return wrong

    def _undecodable(self, rows: Rows) -> dict[int, Refusal]:
        """Blank the rows with bytes that the encoding does not know, and say so."""
        wrong = [position for position, cells in enumerate(rows) if not _encodable(cells)]
        for position in wrong:
            rows[position] = [""] * len(self.columns)
        return {position: Refusal("undecodable", "", f"bytes that are no {self.encoding}") for position in wrong}

    def _keys(self, rows: Rows, lines: Sequence[int], unreadable: dict[int, Refusal], of_file: str) -> list[str]:
        """Name each record by its key column, or by its line where there is none or it is not to be trusted."""
        if self.key is None:
            return [str(line) for line in lines]
        place = self.columns.index(self.key)
        keys = [cells[place] for cells in rows]
        for position in [n for n, key in enumerate(keys) if not key or key.isspace() or "\0" in key]:
            keys[position] = f"line {lines[position]}{of_file}"
            unreadable.setdefault(position, Refusal("missing_key", self.key, "the key column has no usable value here"))
        return keys

    def _frame(self, rows: Rows) -> pd.DataFrame:
        columns = zip(*rows, strict=True)
        return pd.DataFrame({name: _text(cells) for name, cells in zip(self.columns, columns, strict=True)}, copy=False)


def _refusal(cells: list[str], width: int) -> Refusal:
    if isinstance(cells, UnreadableRow):
        return cells.refusal
    return Refusal("field_count", "", f"{len(cells)} fields where the header has {width}")


def _text(cells: Sequence[str]) -> ArrowStringArray:
    """Make a text column in which an empty cell, the only null that a CSV file can say, is null."""
    array = pa.array(cells, pa.large_string())
    return text_column(pc.if_else(pc.equal(array, ""), None, array))


def _encodable(cells: Sequence[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True


def _delimiter_hint(header: list[str]) -> str:
    others = [name for mark, name in DELIMITERS.items() if len(header) == 1 and mark in header[0]]
    return f"; the header looks divided by {others[0]}: set source.delimiter" if others else ""
