"""What a file of customers is read as, whether it is text or a workbook: a header, and rows of text by the hundred."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.csv_file.place import Mark
from connectors.protocol import Refusal

Rows = list[list[str]]
Chunk = tuple[Sequence[int], Rows]  # the line that each row begins on, and the rows


class UnreadableRow(list[str]):
    """A row without cells, and why they could not be read."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Beginning:
    """Header and first record (None where there is none to be read), the line it ends on, and the very file's mark."""

    header: list[str]
    record: list[str] | None
    line: int
    mark: Mark


class Table(Protocol):
    """One file, read from its top each time; blank lines are no records."""

    def beginning(self) -> Beginning:
        """Read the beginning; raises ConfigurationError where there is no header, or the file is not to be read.

        Raises BrokenSourceError where it cannot be read so far.
        """

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield up to `size` records at a time; raises BrokenSourceError where they cannot be read any further.

        Must follow `beginning`, which tells how the file is to be read.
        """
