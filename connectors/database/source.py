"""Reads customers from a database, incrementally where it has a column of the last update; never writes to it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, FromClause, Select
from sqlalchemy.exc import DBAPIError

from connectors.database.address import Address
from connectors.database.division import WHOLE, Bounds, divide
from connectors.database.failure import at_opening
from connectors.database.inspection import columns_of, lay_out, refuse_texts_without_zone
from connectors.database.kind import key_texts, keys_of_cursor
from connectors.database.part import by_key, outer_parts, parts_by_key, window_part
from connectors.database.reading import Reader
from connectors.database.record import Binder, Block, Layout, Role
from connectors.database.session import Clock, Patience, ask_clock, make_engine
from connectors.database.settings import DatabaseSettings
from connectors.database.snapshot import Snapshot
from connectors.database.statement import relation
from connectors.database.window import Window
from connectors.moment import moment_text
from connectors.protocol import ConfigurationError, KeyRange, Page, UnavailableError

_MOST_KEYS = 500  # in one statement
_ENDING_SECONDS = 20

Start: TypeAlias = tuple[object, ...] | None


class DatabaseSource:
    """A table or a query as a source.

    With `updated_at` it reads windows [after, the database's own time minus lag) in the order of (updated_at, key);
    after them, in every run, the records that stand outside that order. Without, it reads all in the order of the key,
    and so does a part of it.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        folder: Path,
        columns: Collection[str],
        *,
        clock: Clock | None = None,
        patience: Patience | None = None,
        keys: KeyRange | None = None,
    ) -> None:
        self._settings, self._wanted = settings, frozenset(columns)
        self._address = Address.of(settings, folder)
        self._keys = keys  # of a part
        self._bounds = Bounds()
        self._make = partial(DatabaseSource, settings, folder, columns, clock=clock, patience=patience)
        self._ending = threading.Event()
        self._patience = patience or Patience(sleep=self._ending.wait)
        self._turn = threading.Lock()  # held while something is read, not between pages
        self._clock: Clock = clock or (lambda connection: ask_clock(connection, self._address.dialect))
        self._engine: Engine | None = None
        self._layout: Layout | None = None
        self._source: FromClause
        self._reader: Reader
        self._snapshot: Snapshot | None = None

    @property
    def address(self) -> str:
        """Name the database and the table."""
        return self._address.name

    @property
    def incremental(self) -> bool:
        """Whether there is a column of the last update, by which the whole is read."""
        return self._settings.updated_at is not None and self._keys is None

    @property
    def overlap(self) -> timedelta:
        """How far back to look again."""
        return self._settings.overlap

    def open(self) -> tuple[str, ...]:
        """Connect, check the columns that the job names, and return all."""
        self._ending.clear()
        settings, dialect, what = self._settings, self._address.dialect, self._what
        try:
            engine = self._engine = self._engine or make_engine(self._address, self._patience)
            with engine.connect() as connection:
                columns = columns_of(connection, settings, dialect, what)
                layout = lay_out(columns, self._wanted, settings, dialect, what)
                refuse_texts_without_zone(connection, layout, settings, what)
        except DBAPIError as error:
            raise at_opening(error, what, self._named) from None
        except (TypeError, ValueError):  # of a driver; its words may show the value
            raise ConfigurationError(f"{what}: source.url has a parameter that its driver does not take") from None
        if self._keys is not None:
            layout = replace(layout, by_key=True)
            self._bounds = Bounds.of(self._keys, layout)
        self._source = relation(settings, layout.names, dialect)
        self._reader = Reader(engine, self._source, layout, self._patience, what)
        self._layout = layout
        return tuple(columns)

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read the window after the cursor, then what stands outside the source's order."""
        layout = self._opened()
        window = start = None
        if self.incremental:
            with self._turn:
                now = self._reader.run(self._clock)
            window = Window.of(after, now, self._settings.lag)
        elif after is not None:
            start = _start(after, layout)
        binder = Binder(layout, window.ceiling if window else None)
        reading = self._from_file if self._address.dialect == "sqlite" else self._from_server
        blocks = reading(window, start, size)
        while (block := self._next(blocks)) is not None:
            yield binder.page(block)

    def _next(self, blocks: Iterator[Block]) -> Block | None:
        with self._turn:
            if self._ending.is_set():
                raise UnavailableError(f"{self._what}: the reading was ended")
            return next(blocks, None)

    def _from_file(self, window: Window | None, start: Start, size: int) -> Iterator[Block]:
        assert self._engine is not None
        snapshot = self._snapshot = Snapshot(self._engine, self._source, self._opened(), self._bounds, self._what)
        try:
            snapshot.take(window, start)
            yield from snapshot.blocks(window, start, size, self._clock)
        finally:
            snapshot.close()

    def _from_server(self, window: Window | None, start: Start, size: int) -> Iterator[Block]:
        reader, source, layout = self._reader, self._source, self._opened()
        try:
            if window is None:
                clock = None if layout.updated_at is None else self._clock
                for part in parts_by_key(source, layout, self._bounds, start):
                    yield from reader.blocks(part, size, clock if part.role is Role.ORDERED else None)
                return
            yield from reader.blocks(window_part(source, layout, window), size)
            # of what was written since the window was set, only times that have not come even now are wrong
            for part in outer_parts(source, layout, reader.run(self._clock)):
                yield from reader.blocks(part, size)
        finally:
            reader.close()

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Read single records by their keys, in chunks; keys that left the source, or never were any, are absent."""
        layout = self._opened()
        with self._turn:
            now = moment_text(self._reader.run(self._clock)) if layout.updated_at is not None else None
        chunk = min(size, _MOST_KEYS)
        for begin in range(0, len(keys), chunk):
            wanted = set(keys[begin : begin + chunk])
            statement = by_key(self._source, layout, self._bounds, wanted)
            if statement is None:
                continue
            with self._turn:
                found = self._reader.run(partial(_all, statement))
            names = key_texts([[row[position] for row in found] for position in layout.keys])
            rows = [row for row, name in zip(found, names, strict=True) if name in wanted]
            for first in range(0, len(rows), size):
                block = Block(Role.SINGLE, list(zip(*rows[first : first + size], strict=True)), last=True)
                yield Binder(layout, now).page(block)

    def divide(self, parts: int) -> Sequence[KeyRange]:
        """Find ranges of keys that hold about as many records each."""
        layout, keys = self._opened(), self._keys or WHOLE
        with self._turn:
            return self._reader.run(lambda connection: divide(connection, self._source, layout, keys, parts))

    def part(self, keys: KeyRange) -> DatabaseSource:
        """Make a source of the records in a range of keys."""
        return self._make(keys=keys)

    def close(self) -> None:
        """Disconnect; where another thread is reading, end what it waits for first."""
        self._ending.set()
        if not self._turn.acquire(blocking=False):
            self._interrupt()
            if not self._turn.acquire(timeout=_ENDING_SECONDS):
                return  # what still hangs there has a deadline of its own
        try:
            if self._snapshot is not None:
                self._snapshot.close()
            if self._layout is not None:
                self._reader.close()
        finally:
            self._turn.release()

    def _interrupt(self) -> None:
        """Break off the statement that is running, if there is one."""
        if self._snapshot is not None:
            self._snapshot.interrupt()
        if self._layout is not None:
            self._reader.interrupt()

    @property
    def _what(self) -> str:
        kind = self._address.name.partition(":")[0]
        return f"{kind} table {self._settings.table!r}" if self._settings.table else f"{kind} query"

    @property
    def _named(self) -> set[str]:
        """The columns that the job names."""
        key = self._settings.key
        return {*self._wanted, *([key] if isinstance(key, str) else key), self._settings.updated_at or ""}

    def _opened(self) -> Layout:
        if self._layout is None:
            self.open()
        assert self._layout is not None
        return self._layout


def _all(statement: Select[Any], connection: Connection) -> list[Sequence[Any]]:
    return list(connection.execute(statement))


def _start(after: str, layout: Layout) -> Start:
    """Read the cursor of a source without last updates: a key."""
    try:
        return keys_of_cursor(after, layout.key_kinds)
    except ValueError:
        raise ConfigurationError("the cursor is no key of this source; run with --full") from None
