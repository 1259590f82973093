"""Reads customers from Valomnia."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from connectors.protocol import Page
from connectors.valomnia.settings import ValomniaSourceSettings


class ValomniaSource:
    """The customers of one organisation as a source."""

    def __init__(self, settings: ValomniaSourceSettings) -> None:
        self._settings = settings

    @property
    def address(self) -> str:
        """Name the database and the table."""
        raise NotImplementedError

    @property
    def incremental(self) -> bool:
        """Whether there is a column of the last update."""
        return True

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
