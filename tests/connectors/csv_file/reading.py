"""What the tests of files share: a source over a folder, and its pages as plain values."""

from __future__ import annotations

from pathlib import Path

from connectors.csv_file import CsvSettings, CsvSource
from connectors.protocol import Page

Cells = list[str | None]


def opened(folder: Path, path: str = "customers.csv", **more: object) -> CsvSource:
    """Open a source over a file of the folder."""
    source = CsvSource(CsvSettings.model_validate({"kind": "csv", "path": path, **more}), folder)
    source.open()
    return source


def pages(source: CsvSource, size: int = 100) -> list[Page]:
    """Read all pages."""
    return list(source.pages(None, size))


def rows(source: CsvSource, size: int = 100) -> list[Cells]:
    """Read all records as lists, null as None."""
    return [
        [None if value != value else str(value) for value in row]  # noqa: PLR0124 - NaN is the null of text columns
        for page in pages(source, size)
        for row in page.records.to_numpy().tolist()
    ]


def flaws(source: CsvSource) -> list[tuple[str, str]]:
    """List the keys and codes of what could not be read."""
    return [(page.keys[place], flaw.code) for page in pages(source) for place, flaw in page.unreadable.items()]
