"""Reads the files of a job one after the other as one table, and sees that they are whole and stay what they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.csv_file.archive import Form, form_of
from connectors.csv_file.parser import TextTable
from connectors.csv_file.place import File, Mark, Place
from connectors.csv_file.settings import CsvSettings
from connectors.csv_file.table import Beginning, Chunk, Rows, Table
from connectors.csv_file.workbook import WorkbookTable
from connectors.protocol import BrokenSourceError, ConfigurationError


@dataclass(frozen=True, slots=True)
class Member:
    """One of the files: its table, its state, and at which places its cells stand in the first one's order."""

    file: File
    table: Table
    beginning: Beginning
    places: tuple[int, ...] | None

    @property
    def mark(self) -> Mark:
        """The state that it was in when it was opened."""
        return self.beginning.mark


@dataclass(frozen=True, slots=True)
class Section:
    """Some records of one file, each with the line that it begins on."""

    member: Member
    lines: Sequence[int]
    rows: Rows


class Collection:
    """The files that the settings name; a single one as well."""

    def __init__(self, settings: CsvSettings, folder: Path) -> None:
        self._settings = settings
        self._place = Place(settings, folder)
        self.members: list[Member] = []

    @property
    def address(self) -> str:
        """Name what is read."""
        return self._place.address

    def open(self) -> list[Member]:
        """Read the beginning of each file; raises ConfigurationError where one does not go with the others."""
        self.members = []
        for file in self._place.files():
            table = _table(file, self._settings)
            try:
                beginning = table.beginning()
            except BrokenSourceError as error:  # nothing of it could be read
                raise ConfigurationError(str(error)) from None
            first = self.members[0] if self.members else None
            places = _places(beginning.header, file, first) if first else None
            self.members.append(Member(file, table, beginning, places))
        return self.members

    def refuse_change(self) -> None:
        """Raise BrokenSourceError where a file is not what it was when it was opened, or others are there now."""
        self._place.refuse_others()
        for member in self.members:
            member.file.refuse_change(member.mark)

    def sections(self, size: int) -> Iterator[Section]:
        """Yield up to `size` records at a time; none crosses from one file to the next.

        Raises BrokenSourceError where a file cannot be read, has changed, or ends before its end.
        """
        expected = self._settings.complete
        sections = self._all(size)
        yield from _counted(sections, expected, self._settings.path) if isinstance(expected, int) else sections

    def _all(self, size: int) -> Iterator[Section]:
        mark = self._settings.complete
        for member in self.members:
            self.refuse_change()
            chunks = member.table.chunks(size)
            for lines, rows in _ended(chunks, mark, member.file.name) if isinstance(mark, str) else chunks:
                yield Section(member, lines, _ordered(rows, member.places) if member.places else rows)
        self.refuse_change()


def _table(file: File, settings: CsvSettings) -> Table:
    form = form_of(file)
    if form is Form.WORKBOOK:
        return WorkbookTable(file, settings)
    if settings.sheet is not None:
        raise ConfigurationError(f"{file.name}: is no workbook, and has no sheet {settings.sheet!r} (source.sheet)")
    return TextTable(file, form, settings)


def _places(header: list[str], file: File, first: Member) -> tuple[int, ...] | None:
    """Say where the columns of the first file stand in another; None where they stand in the same order.

    Raises ConfigurationError where they are not the same columns. By position: without a header a file's first line
    would put a customer's values into the message.
    """
    known = first.beginning.header
    if header == known:
        return None
    missing = [str(place) for place, name in enumerate(known, 1) if name not in header]
    new = [str(place) for place, name in enumerate(header, 1) if name not in known]
    if missing or new or len(header) != len(known):
        lacks = f" lacks column {', '.join(missing)} of {first.file.name}" if missing else ""
        has = f" has columns of its own ({', '.join(new)}) that {first.file.name} lacks" if new else ""
        words = " and".join(filter(None, (lacks, has))) or f" names its columns otherwise than {first.file.name}"
        raise ConfigurationError(f"{file.name}:{words}; the files of one source have the same columns")
    return tuple(header.index(name) for name in known)


def _ordered(rows: Rows, places: tuple[int, ...]) -> Rows:
    """Put cells into the first file's order; a row with another count of cells is told as it is."""
    return [[cells[place] for place in places] if len(cells) == len(places) else cells for cells in rows]


def _ended(chunks: Iterator[Chunk], mark: str, file: str) -> Iterator[Chunk]:
    """Take away the line that marks the end of a file; the records before it wait until it is known to be there."""
    lines: Sequence[int] = []
    rows: Rows = []
    for following in chunks:
        if rows:
            yield lines, rows
        lines, rows = following
    if not rows or not rows[-1] or rows[-1][0] != mark:
        raise BrokenSourceError(f"{file}: does not end with the line that source.complete names; it may be cut off")
    if rows[:-1]:
        yield lines[:-1], rows[:-1]


def _counted(sections: Iterator[Section], expected: int, path: str) -> Iterator[Section]:
    """Keep a section in hand until it is known whether another follows: the last one comes if the count is right."""
    count = 0
    held: Section | None = None
    for section in sections:
        if held is not None:
            yield held
        held = section
        count += len(section.rows)
    if count != expected:
        raise BrokenSourceError(
            f"{Path(path).name}: {count:,} records, where source.complete says {expected:,}; it may be cut off"
        )
    if held is not None:
        yield held
