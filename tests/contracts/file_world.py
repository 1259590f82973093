"""Worlds in a CSV file, and in memory."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

from openpyxl import Workbook

from connectors.csv_file import CsvSettings, CsvSource
from connectors.protocol import Refusal, Source
from tests.contracts.world import ColumnWorld, Held
from tests.flows.fake import FakeSource


class FakeWorld(ColumnWorld):
    """The fake that the flows are tested with: no better than the real ones."""

    def __init__(self, *, incremental: bool) -> None:
        super().__init__()
        self._incremental = incremental
        self._names = ["no", "name", "city"]
        self._nameless = False

    def write(self, no: str, held: Held) -> None:
        """Nothing to do: each source takes what is held when it is made."""

    def erase(self, no: str) -> None:
        """Nothing to do, as above."""

    def drop_column(self, name: str) -> None:
        """Leave a column out."""
        self._names.remove(name)

    def add_column(self, name: str) -> None:
        """Add one that holds nothing."""
        self._names.insert(1, name)

    def put_nameless(self) -> None:
        """Tell of one record that its key is missing."""
        self._nameless = True

    def make(self) -> Source:
        """Make a fake over all records."""
        records: list[tuple[str, str, dict[str, str | None]]] = [
            (no, held.moment, {"no": no, "name": held.name, "city": held.city}) for no, held in self.held.items()
        ]
        unreadable = {}
        if self._nameless:
            records.append(("no key 1", records[-1][1], {}))
            unreadable["no key 1"] = Refusal("missing_key", "no", "the key column has no usable value here")
        return FakeSource(records, tuple(self._names), incremental=self._incremental, unreadable=unreadable)


class CsvWorld(ColumnWorld):
    """A file that is written anew for each source, its records in no order; it was last written `now`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__()
        self._folder = folder
        self._settings = CsvSettings.model_validate({"kind": "csv", "path": "customers.csv"} | settings)
        self._names = ["changed", "no", "city", "name"]
        self._nameless = False

        self.keyed = self.names_records = "key" in settings  # type: ignore[misc]  # otherwise a key is a line

    def shown(self, text: str | None) -> object:
        """Show an empty cell, the only null that a file can say."""
        return text or None

    def write(self, no: str, held: Held) -> None:
        """Nothing to do: the file is written when a source is made."""

    def erase(self, no: str) -> None:
        """Nothing to do, as above."""

    def drop_column(self, name: str) -> None:
        """Leave a column out."""
        self._names.remove(name)

    def add_column(self, name: str) -> None:
        """Add one that holds nothing."""
        self._names.insert(1, name)

    def put_nameless(self) -> None:
        """Add a line without its key."""
        self._nameless = True

    def make(self) -> Source:
        """Write the file, and make a source over it."""
        self.write_file(self._folder / "customers.csv", self.lines())
        return self.source()

    def lines(self) -> list[list[str | None]]:
        """List header and records as the columns have them."""
        lines: list[dict[str, str | None]] = [
            {"no": no, "name": held.name, "city": held.city, "changed": held.at.isoformat()}
            for no, held in self.held.items()
        ]
        if self._nameless:
            lines.append({"no": None, "name": "nameless", "city": None, "changed": self.now.isoformat()})
        return [[*self._names], *([line.get(name) for name in self._names] for line in lines)]

    def write_file(self, path: Path, lines: list[list[str | None]], order: int = 1) -> None:
        """Write a file; its columns stand in their order, or in the reverse one."""
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(line[::order] for line in lines)
        self.date(path)

    def date(self, path: Path) -> None:
        """Let a file have been written now."""
        written = int(self.now.timestamp() * 1_000_000) * 1000
        os.utime(path, ns=(written, written))

    def source(self) -> Source:
        """Make a source over what was written."""
        return CsvSource(self._settings, self._folder)


class FilesWorld(CsvWorld):
    """The same in three files, one of them packed, with their columns in different orders; one may be empty."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, path="customers-*", **settings)

    def make(self) -> Source:
        """Deal the records out to the files."""
        header, *lines = self.lines()
        for number in range(3):
            path = self._folder / f"customers-{number}"
            self.write_file(path, [header, *lines[number::3]], 1 if number % 2 else -1)
            if number == 1:
                path.write_bytes(gzip.compress(path.read_bytes()))
                self.date(path)
        return self.source()


class WorkbookWorld(CsvWorld):
    """The same in a sheet of a workbook, which has line breaks of one kind."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, sheet="Customers", **settings)

    def shown(self, text: str | None) -> object:
        """Show an empty cell, and the line break that XML has."""
        return text.replace("\r\n", "\n") if text else None

    def write_file(self, path: Path, lines: list[list[str | None]], order: int = 1) -> None:
        """Write a workbook, with a sheet before the one that is read."""
        book = Workbook(write_only=True)
        book.create_sheet("Read me").append(["nothing", "here"])
        sheet = book.create_sheet("Customers")
        for line in lines:
            sheet.append(line[::order])
        book.save(path)
        self.date(path)
