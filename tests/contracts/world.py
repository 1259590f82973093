"""What the contract of sources needs of a system: records under the test's control, and sources over them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from connectors.moment import moment_text, read_moment
from connectors.protocol import Source

BEGIN = datetime(2024, 5, 1, 12, tzinfo=UTC)  # long past for every server's clock


@dataclass(frozen=True, slots=True)
class Held:
    """One record: its last update, and its texts (None for null)."""

    at: datetime
    name: str
    city: str | None

    @property
    def moment(self) -> str:
        """Its last update as versions and cursors have it."""
        return moment_text(self.at)


class World(ABC):
    """Records that have a number (unique), a name (never null) and a city, and a last update where there is one.

    A world says under which names its sources show these columns. `held` is what its sources must show. `now` is never
    before a record's last update; a world whose system has a clock that can be set lets it follow.
    """

    columns: ClassVar[Mapping[str, str]] = {"no": "no", "name": "name", "city": "city"}
    tied: ClassVar[int] = 25  # so many records it can hold at one moment, more than fit its own pages where it has any
    examples: ClassVar[int] = 40  # histories that are tried
    tick: ClassVar[timedelta] = timedelta(microseconds=1)  # the smallest difference of last updates
    secrets: ClassVar[tuple[str, ...]] = ()
    names_records: ClassVar[bool] = True  # keys belong to records, not to places
    keyed: ClassVar[bool] = True  # a record's number is its key

    def __init__(self) -> None:
        self.now = BEGIN
        self.held: dict[str, Held] = {}

    def put(self, no: str, name: str = "N", city: str | None = None, *, at: datetime | None = None) -> None:
        """Add a record, or change it; its last update is `now` unless it is told."""
        self.held[no] = Held(at or self.now, name, city)
        self.write(no, self.held[no])

    def remove(self, no: str) -> None:
        """Delete a record."""
        del self.held[no]
        self.erase(no)

    def fill(self, count: int) -> None:
        """Add records, each last updated a tick after the one before; their numbers are in another order."""
        for number in range(count):
            self.advance(1)
            self.put(f"C-{number if number % 2 else 900 - number:03}", f"Name {number}", f"City {number}")

    def advance(self, ticks: int) -> None:
        """Let time pass."""
        self.now += ticks * self.tick

    def follow(self, cursor: str | None) -> None:
        """Let time pass up to a cursor: what is put from now on, the source has not promised to have read."""
        if cursor is not None:
            self.now = max(self.now, read_moment(cursor))

    def shown(self, text: str | None) -> object:
        """Say how sources show a text; None is null."""
        return text

    def key(self, no: str) -> str | None:
        """Say under which key sources show a record; None where the world does not know beforehand."""
        return no if self.keyed else None

    def clear(self) -> None:
        """Delete all records."""
        for no in list(self.held):
            self.remove(no)

    @abstractmethod
    def write(self, no: str, held: Held) -> None:
        """Have the system hold a record."""

    @abstractmethod
    def erase(self, no: str) -> None:
        """Have the system no longer hold a record."""

    @abstractmethod
    def make(self) -> Source:
        """Make a source over what is held now; it is not open yet."""


class ColumnWorld(World):
    """A world whose columns can change, and in which a record may lack its key."""

    @abstractmethod
    def drop_column(self, name: str) -> None:
        """Take a column away."""

    @abstractmethod
    def add_column(self, name: str) -> None:
        """Add a column of texts."""

    @abstractmethod
    def put_nameless(self) -> None:
        """Add a record whose key column says nothing."""
