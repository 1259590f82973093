"""Finds which character divides a file into columns, by a small rule that has one answer; reads no file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

from connectors.protocol import ConfigurationError

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_RECORDS = 20


def find_delimiter(lines: Sequence[str], file: str) -> str:
    """Find it in the first lines: header, and up to 20 records.

    Of the four that divide the header, those count with which all the records have as many fields as it, or all four
    where there is none. It is the one that makes the most columns. Raises ConfigurationError where two make equally
    many. A header that none divides is that of a file with one column, which a comma divides as well as any.
    """
    divided = {mark: widths for mark in DELIMITERS if (widths := _widths(lines, mark)) and widths[0] > 1}
    agreeing = {mark: widths for mark, widths in divided.items() if len(set(widths)) == 1} or divided
    most = max((widths[0] for widths in agreeing.values()), default=0)
    found = [mark for mark, widths in agreeing.items() if widths[0] == most]
    if len(found) > 1:
        names = " or ".join(DELIMITERS[mark] for mark in found)
        raise ConfigurationError(f"{file}: may be divided by {names}; set source.delimiter")
    return found[0] if found else ","


def _widths(lines: Sequence[str], mark: str) -> list[int]:
    """Count the fields of header and records, up to one that cannot be read."""
    reader = csv.reader(lines, delimiter=mark, strict=True)
    widths: list[int] = []
    with suppress(csv.Error):
        for cells in islice((cells for cells in reader if cells), _RECORDS + 1):
            widths.append(len(cells))  # noqa: PERF401 - what came before an error counts
    return widths
