"""Reads customers from a database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from connectors.database.settings import DatabaseSettings
from connectors.protocol import Page


class DatabaseSource:
    """A table or a query as a source."""

    def __init__(self, settings: DatabaseSettings, folder: Path, columns: Collection[str]) -> None:
        self._settings, self._folder, self._wanted = settings, folder, columns

    @property
    def address(self) -> str:
        """Name the database and the table."""
        raise NotImplementedError

    @property
    def incremental(self) -> bool:
        """Whether there is a column of the last update."""
        return self._settings.updated_at is not None

    @property
    def overlap(self) -> timedelta:
        """How far back to look again."""
        return self._settings.overlap

    def open(self) -> tuple[str, ...]:
        """Connect and return the columns."""
        raise NotImplementedError

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read pages."""
        raise NotImplementedError

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Read single records."""
        raise NotImplementedError

    def close(self) -> None:
        """Disconnect."""
