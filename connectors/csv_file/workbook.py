"""Reads a sheet of an Excel workbook (.xlsx) as rows of text, one after the other; computes no formula."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from xml.etree.ElementTree import ParseError

from connectors.csv_file.archive import refuse_bomb
from connectors.csv_file.cell import cell_text
from connectors.csv_file.place import File, Mark
from connectors.csv_file.settings import CsvSettings
from connectors.csv_file.table import Beginning, Chunk, UnreadableRow
from connectors.protocol import BrokenSourceError, ConfigurationError, Refusal

# What openpyxl lets through of zipfile, ElementTree and its own classes where a workbook is not what it should be.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ParseError, KeyError, IndexError, ValueError, TypeError,
    AttributeError, OverflowError, NotImplementedError,
)  # fmt: skip # a table: it reads in rows

_UNCOMPUTED = "a formula that was never computed"
_ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", _UNCOMPUTED}

Row = tuple[int, list[str]]


class WorkbookTable:
    """One sheet: its first row that is not empty is the header, empty rows are no records, and a line is a row.

    A cell's text is that of `connectors.csv_file.cell`; a formula counts with the value that was saved with it. An
    error (`#REF!`), or a formula without a value, makes its row unreadable (`cell_error`).
    """

    def __init__(self, file: File, settings: CsvSettings) -> None:
        self._file = file
        self._sheet = settings.sheet

    def beginning(self) -> Beginning:
        """Read header and first record; raises as `Table` says."""
        with self._rows() as (rows, mark):
            _, header = next(rows, (0, []))
            line, record = next(rows, (0, None))
        if isinstance(header, UnreadableRow):
            raise ConfigurationError(f"{self._file.name}: the header cannot be read ({header.refusal.description})")
        if not header:
            raise ConfigurationError(f"{self._file.name}: the sheet is empty; its first row must be the header")
        return Beginning(header, record or None, line, mark)

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield up to `size` records at a time, with their rows' numbers; raises as `Table` says."""
        with self._rows() as (rows, _):
            _, header = next(rows, (0, []))
            width = len(header)
            while taken := list(islice(rows, size)):
                yield [number for number, _ in taken], [_filled(cells, width) for _, cells in taken]

    @contextmanager
    def _rows(self) -> Iterator[tuple[Iterator[Row], Mark]]:
        """Open the workbook, and give the rows that are not empty."""
        from openpyxl import load_workbook

        # it warns of what it leaves out, such as colours; and a filter that is there already is not added again
        warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")
        with self._file.open() as raw:
            refuse_bomb(raw, self._file)
            try:
                book = load_workbook(raw, read_only=True, data_only=True, keep_links=False)
            except _DAMAGE:
                raise ConfigurationError(f"{self._file.name}: is no workbook that can be read") from None
            sheet = self._chosen(book.worksheets)
            yield self._told(sheet_rows(sheet)), self._file.mark_of(raw)

    def _chosen(self, sheets: Sequence[Any]) -> Any:
        """Find the sheet by its name, or the first one that is shown."""
        for sheet in sheets:
            if sheet.title == self._sheet or (self._sheet is None and sheet.sheet_state == "visible"):
                return sheet
        names = ", ".join(repr(sheet.title) for sheet in sheets)
        found = f"there is no sheet {self._sheet!r}" if self._sheet else "no sheet is shown"
        raise ConfigurationError(f"{self._file.name}: {found} (source.sheet); it has: {names}")

    def _told(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Name the row where the file turns out to be damaged."""
        number = 0
        while True:
            try:
                number, cells = next(rows)
            except StopIteration:
                return
            except _DAMAGE:
                raise BrokenSourceError(f"{self._file.name}: cannot be read any further than row {number}") from None
            yield number, cells


def sheet_rows(sheet: Any) -> Iterator[Row]:
    """Give the rows of a sheet that are not empty, without the empty cells at their ends.

    openpyxl's own parser of sheets, below its iterator of rows: that makes an object of each cell, and does not tell a
    formula that was never computed from an empty cell.
    """
    from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

    class Parser(WorkSheetParser):
        def parse_cell(self, element: Any) -> dict[str, Any]:
            cell: dict[str, Any] = super().parse_cell(element)
            if cell["value"] is None and cell["data_type"] == "n" and element.find(FORMULA_TAG) is not None:
                cell |= {"data_type": "e", "value": _UNCOMPUTED}
            return cell

    dates = _Dates(sheet)
    with sheet._get_source() as source:  # noqa: SLF001 - see above; pyproject.toml holds openpyxl to versions that have it
        parser = Parser(source, sheet._shared_strings, **_reading(sheet.parent))  # noqa: SLF001 - the same
        for number, cells in parser.parse():
            row = _row(cells, dates)
            if row or isinstance(row, UnreadableRow):
                yield number, row


def _reading(book: Any) -> dict[str, Any]:
    return {
        "data_only": True,
        "epoch": book.epoch,
        "date_formats": book._date_formats,  # noqa: SLF001 - as above
        "timedelta_formats": book._timedelta_formats,  # noqa: SLF001 - as above
    }


def _row(cells: Sequence[Mapping[str, Any]], dates: _Dates) -> list[str]:
    """Place the texts of a row's cells; an error makes it one that cannot be read."""
    row: list[str] = []
    for cell in cells:
        value = cell["value"]
        if value is None:
            continue
        if cell["data_type"] == "e":
            return _unreadable(cell, value if value in _ERRORS else "an error")
        try:
            text = cell_text(dates.shown(cell) if cell["data_type"] == "d" else value)
        except ValueError as error:
            return _unreadable(cell, str(error))
        if text:
            row.extend([""] * (cell["column"] - 1 - len(row)))
            row.append(text)
    return row


def _unreadable(cell: Mapping[str, Any], why: str) -> UnreadableRow:
    return UnreadableRow(Refusal("cell_error", "", f"the cell in column {cell['column']}: {why}"))


def _filled(cells: list[str], width: int) -> list[str]:
    """Give a row the cells that it ends before: a sheet does not say that they are empty."""
    if 0 < len(cells) < width:
        cells.extend([""] * (width - len(cells)))
    return cells


class _Dates:
    """Knows by their formats which moments are shown as days."""

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._are_days: dict[int, bool] = {}

    def shown(self, cell: Mapping[str, Any]) -> object:
        """Give a moment as a day where only its day is shown, and it has no time."""
        value, style = cell["value"], cell["style_id"]
        if not isinstance(value, dt.datetime) or value.time() != dt.time():
            return value
        if style not in self._are_days:
            self._are_days[style] = self._is_day(style)
        return value.date() if self._are_days[style] else value

    def _is_day(self, style: int) -> bool:
        from openpyxl.cell.read_only import ReadOnlyCell
        from openpyxl.styles.numbers import is_datetime

        return is_datetime(ReadOnlyCell(self._sheet, 1, 1, None, "d", style).number_format) == "date"
