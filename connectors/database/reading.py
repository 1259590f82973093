"""Reads stretches of a table from a server through its cursor, and mends lost connections; makes no pages.

A read is taken up again where it stood, by its order, never by counting: `Part.order` has no nulls, so that each record
has its place. Only what has no place (a null in the key) is counted off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Engine, FromClause, Select, select
from sqlalchemy.exc import DBAPIError

from connectors.database.failure import Trouble, diagnose, in_mid_read
from connectors.database.part import Part, is_later
from connectors.database.record import Block, Layout, Role
from connectors.database.session import Clock, Patience, abandon, tolerate
from connectors.database.statement import at_or_after
from connectors.protocol import UnavailableError

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_CANCEL_SECONDS = 5
_REMEMBERED = 1000  # records before the place of resumption, which a collation may take for its equals

T = TypeVar("T")
Record = Sequence[Any]


class Reader:
    """Reads from one server, with at most one connection at a time."""

    def __init__(self, engine: Engine, source: FromClause, layout: Layout, patience: Patience, what: str) -> None:
        self._engine, self._source, self._layout = engine, source, layout
        self._patience, self._what = patience, what
        self._idle: Connection | None = None  # for the next piece of reading: a login may cost more than a short one
        self._connection: Connection | None = None
        self._result: CursorResult[Any] | None = None
        self._raw: Any = None  # the driver's own connection, which SQLAlchemy lets go of when it is lost
        self._opened = 0.0
        self._troubled_since: float | None = None
        self._pause = _FIRST_PAUSE_SECONDS
        self._tolerant = False

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do a short piece of reading, and again where the connection was lost; raises as `blocks`."""
        while True:
            try:
                connection = self._connect()
                try:
                    done = work(connection)
                except BaseException:
                    abandon(connection, None, None)
                    raise
                self._keep(connection)
            except DBAPIError as error:
                self._mend(error)
            else:
                self._go_on()
                return done

    def blocks(self, part: Part, size: int, clock: Clock | None = None) -> Iterator[Block]:
        """Read a stretch in blocks of `size`; with a clock they tell which records are dated after it.

        Each statement asks the clock as it begins: what is written from then on is not among what it reads.

        Raises UnavailableError where a lost server does not come back, BrokenSourceError where the source has changed.
        """
        place = _Place(self._layout, part, clock)
        ended = False
        while not ended:
            try:
                rows, ended = self._take(place, size)
            except DBAPIError as error:
                self.close()
                self._mend(error)
                continue
            self._go_on()
            if ended:
                self._finish()
            if rows:
                place.move_on(rows)
                self._close_if_old()
                columns = list(zip(*rows, strict=True))
                count = len(self._layout.names)
                yield Block(part.role, columns[:count], last=ended, later=columns[count] if clock else ())
            self._close_if_old()

    def close(self) -> None:
        """Let go of the connections."""
        connection, result = self._connection, self._result
        self._connection = self._result = None
        if connection is not None:
            abandon(connection, self._raw, result)
        if self._idle is not None:
            idle, self._idle = self._idle, None
            abandon(idle, None, None)

    def _keep(self, connection: Connection) -> None:
        """End the transaction, and keep the connection for what is read next."""
        connection.rollback()
        self._idle = connection

    def _finish(self) -> None:
        """Keep the connection whose result was read to its end."""
        connection, result = self._connection, self._result
        self._connection = self._result = None
        if connection is None or result is None:
            return
        try:
            result.close()
            self._keep(connection)
        except DBAPIError:  # everything was read before it was lost
            abandon(connection, self._raw, None)

    def interrupt(self) -> None:
        """Break off what another thread reads; psycopg alone knows how to ask a server for that."""
        if (cancel := getattr(self._raw, "cancel_safe", None)) is not None:
            with suppress(Exception):  # whatever comes of it, the connection is given up
                cancel(timeout=_CANCEL_SECONDS)

    def _close_if_old(self) -> None:
        if self._result is not None and self._patience.monotonic() - self._opened > self._patience.stream_seconds:
            self.close()

    def _take(self, place: _Place, size: int) -> tuple[list[Record], bool]:
        """Fetch a page and one record more, which tells whether it is the last; that one is kept for the next."""
        if self._result is None:
            self._result = self._execute(place, size)
            place.rewind()
        rows, place.carried = place.carried, []
        while len(rows) <= size:
            fetched = self._result.fetchmany(size + 1 - len(rows))
            if not fetched:
                return rows, True
            rows += place.fresh(fetched)
        place.carried = rows[size:]
        return rows[:size], False

    def _execute(self, place: _Place, size: int) -> CursorResult[Any]:
        self._connection = self._connect()
        self._raw = self._connection.connection.driver_connection
        self._opened = self._patience.monotonic()
        # a page in one piece: SQLAlchemy's own buffer begins with five rows
        statement = place.statement(self._source, self._connection).execution_options(yield_per=size + 1)
        return self._connection.execute(statement)

    def _connect(self) -> Connection:
        if self._idle is not None:
            connection, self._idle = self._idle, None
        else:
            connection = self._engine.connect()
        if self._tolerant:
            tolerate(connection)
        return connection

    def _go_on(self) -> None:
        self._troubled_since = None
        self._pause = _FIRST_PAUSE_SECONDS

    def _mend(self, error: DBAPIError) -> None:
        """Wait for a server that was lost, or prepare for odd values; raises where nothing can be done."""
        trouble = diagnose(error)
        if trouble is Trouble.VALUE and not self._tolerant:
            self._tolerant = True
            return
        if trouble is not Trouble.LOST:
            raise in_mid_read(error, self._what) from None
        now = self._patience.monotonic()
        self._troubled_since = now if self._troubled_since is None else self._troubled_since
        if now - self._troubled_since >= self._patience.give_up_seconds:
            raise UnavailableError(
                f"{self._what}: the database was lost and did not come back for {now - self._troubled_since:.0f} s"
            ) from None
        if self._patience.sleep(self._pause):
            raise UnavailableError(f"{self._what}: the wait for the lost database was ended") from None
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)


class _Place:
    """How far a stretch was given out: where to take it up again, and which records not to give twice."""

    def __init__(self, layout: Layout, part: Part, clock: Clock | None) -> None:
        self._layout, self._part, self._clock = layout, part, clock
        self._values = part.start
        self._recent: deque[list[Record]] = deque()
        self._start = part.start
        self._given = 0
        self._to_count_off = 0
        self._to_compare = 0
        self._known: set[tuple[Any, ...]] = set()
        self.carried: list[Record] = []

    def statement(self, source: FromClause, connection: Connection) -> Select[Any]:
        """Select what is still to be given, inclusive of the last record given."""
        columns = [source.c[name] for name in self._layout.names]
        order = [columns[position] for position in self._part.order]
        statement = select(*columns).where(*self._part.where).order_by(*order)
        if self._values is not None and self._part.role is not Role.KEYLESS:
            statement = statement.where(at_or_after(order, self._values))
        if self._clock is not None:
            statement = statement.add_columns(is_later(source, self._layout, self._clock(connection)))
        return statement

    def rewind(self) -> None:
        """Begin to leave out what a fresh result repeats."""
        self.carried = []
        self._to_count_off = self._given if self._part.role is Role.KEYLESS else 0
        self._known = {self._identity(row) for rows in self._recent for row in rows}
        if self._start is not None and not self._recent:
            self._known = {self._start}
        self._to_compare = 2 * _REMEMBERED if self._known else 0

    def fresh(self, rows: Sequence[Record]) -> list[Record]:
        """Leave out the records that were given before; those stand at the beginning."""
        if self._to_count_off:
            left_out = min(self._to_count_off, len(rows))
            self._to_count_off -= left_out
            return list(rows[left_out:])
        if self._to_compare <= 0:
            return list(rows)
        self._to_compare -= len(rows)
        return [row for row in rows if not self._was_given(row)]

    def _was_given(self, row: Record) -> bool:
        """Say whether the record was given before; a second one just like it was not."""
        identity = self._identity(row)
        given = identity in self._known
        self._known.discard(identity)
        return given

    def move_on(self, rows: list[Record]) -> None:
        """Note that these were given."""
        self._given += len(rows)
        self._values = tuple(rows[-1][position] for position in self._part.order)
        self._recent.append(rows)
        while len(self._recent) > 1 and sum(map(len, self._recent)) - len(self._recent[0]) >= _REMEMBERED:
            self._recent.popleft()

    def _identity(self, row: Record) -> tuple[Any, ...]:
        return tuple(row[position] for position in self._layout.order)
