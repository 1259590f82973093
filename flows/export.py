"""Writes rejects to a CSV file that a spreadsheet opens safely."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from flows.document import JobError
from flows.ledger.history import RejectEntry

COLUMNS = (
    "run_id", "job", "reference", "source_key", "file", "line", "outcome", "stage", "code", "field", "description",
    "http_status", "tries", "due_at",
)  # fmt: skip # a table: it reads in rows

# A spreadsheet takes a cell that begins so for a formula, or strips it to one.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def reject_lines(entries: Iterable[RejectEntry]) -> Iterator[dict[str, object]]:
    """Give one line per finding, under the names in COLUMNS."""
    for entry in entries:
        for finding in entry.findings:
            yield {
                "run_id": entry.run_id,
                "job": entry.job,
                "reference": entry.reference,
                "source_key": entry.source_key,
                "file": entry.file,
                "line": entry.line,
                "outcome": entry.outcome,
                "stage": entry.stage,
                "code": finding.code,
                "field": finding.field,
                "description": finding.description,
                "http_status": entry.http_status,
                "tries": entry.tries,
                "due_at": entry.due_at,
            }


def write_rejects(path: Path, entries: Iterable[RejectEntry]) -> int:
    """Write the rejects as `write_lines` does."""
    return write_lines(path, COLUMNS, reject_lines(entries))


def write_lines(path: Path, columns: Sequence[str], lines: Iterable[Mapping[str, object]]) -> int:
    """Write a CSV file, whole or not at all (mode 0600); returns the number of lines without the header.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it. Raises JobError where the file
    cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="", encoding="utf-8"
        ) as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            for line in lines:
                writer.writerow({name: _harmless(value) for name, value in line.items()})
                count += 1
        draft.replace(path)
    except OSError as error:
        raise JobError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        draft.unlink(missing_ok=True)
    return count


def _harmless(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
