"""Reads a SQLite file from a copy made in one go, for an open read would keep the file's writers out; makes no pages.

The copy is a TEMP table: SQLite keeps it in memory or in a nameless file of its own, never in the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    LargeBinary,
    Select,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError

from connectors.database.division import Bounds
from connectors.database.failure import Trouble, diagnose, in_mid_read
from connectors.database.record import Block, Layout, Role
from connectors.database.session import Clock, tolerate
from connectors.database.statement import any_null, at_or_after, bound, no_nulls
from connectors.database.window import Window
from connectors.moment import moment_text, read_timestamp

_COPY = "rollcall_copy"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Some records of the copy, and the time (as text) that tells which of them are dated later, where it matters."""

    role: Role
    where: str
    values: tuple[object, ...] = ()
    now: str | None = None


class Snapshot:
    """A copy of what a run reads, in its order: a window of last updates, or a range of keys."""

    def __init__(self, engine: Engine, source: FromClause, layout: Layout, bounds: Bounds, what: str) -> None:
        self._engine, self._source, self._layout = engine, source, layout
        self._bounds, self._what = bounds, what
        self._connection: Connection | None = None

    def take(self, window: Window | None, start: tuple[object, ...] | None) -> None:
        """Copy the stretch; raises UnavailableError where the file stays locked, BrokenSourceError where it changed."""
        connection = self._connection = self._engine.connect()
        compiled = self._selection(window, start).compile(dialect=self._engine.dialect)
        parameters = tuple(compiled.params[name] for name in compiled.positiontup or ())
        try:
            self._teach(connection)
            connection.exec_driver_sql(f"CREATE TEMP TABLE {_COPY} AS {compiled}", parameters)
        except DBAPIError as error:
            raise in_mid_read(error, self._what) from None

    def _teach(self, connection: Connection) -> None:
        """Let SQLite call our reading of times."""
        encoding = connection.exec_driver_sql("PRAGMA encoding").scalar_one()
        zone = self._layout.calendar.zone if self._layout.calendar else None
        raw: Any = connection.connection.driver_connection
        for name, read in (("rollcall_moment", _moment), ("rollcall_latest", _latest)):
            raw.create_function(name, 1, partial(_of_stored, read, encoding, zone), deterministic=True)

    def _selection(self, window: Window | None, start: tuple[object, ...] | None) -> Select[Any]:
        columns = [self._source.c[name] for name in self._layout.names]
        keys = [columns[position] for position in self._layout.keys]
        stamp = null() if self._layout.updated_at is None else _stored(columns[self._layout.updated_at])
        moment = null() if self._layout.updated_at is None else func.rollcall_moment(stamp)
        labelled = [each.label(f"c{position}") for position, each in enumerate(columns)]
        statement = select(moment.label("moment"), *labelled)
        statement = statement.order_by(*([] if self._layout.by_key else [literal_column("moment")]), *keys)
        if window is not None and window.after is not None:
            latest = func.rollcall_latest(stamp)
            late = latest >= bound(moment_text(window.after))
            statement = statement.where(or_(late, latest.is_(None), *[key.is_(None) for key in keys]))
        inside = [*self._bounds.where(keys), *([] if start is None else [at_or_after(keys, start)])]
        if inside and self._bounds.last:
            return statement.where(or_(and_(*inside), any_null(keys)))
        return statement.where(*no_nulls(keys), *inside) if inside else statement

    def blocks(
        self, window: Window | None, start: tuple[object, ...] | None, size: int, clock: Clock
    ) -> Iterator[Block]:
        """Give the copy out: what is in order first, then what stands outside it."""
        assert self._connection is not None
        keyed = " AND ".join(f"c{position} IS NOT NULL" for position in self._layout.keys)
        # of what was written since the window was set, only times that have not come even now are wrong
        now = None
        if self._layout.updated_at is not None:
            now = _end_of_millisecond(moment_text(clock(self._connection)))
        stretches = [_Stretch(Role.KEYLESS, f"NOT ({keyed})")]
        if window is None:
            same = " AND ".join(f"c{position} = ?" for position in self._layout.keys)
            others = keyed if start is None else f"{keyed} AND NOT ({same})"
            stretches = [_Stretch(Role.ORDERED, others, start or (), now), *stretches]
        else:
            stretches = [
                _Stretch(Role.ORDERED, f"moment < ? AND {keyed}", (moment_text(window.upper),)),
                _Stretch(Role.UNDATED, f"moment IS NULL AND {keyed}"),
                _Stretch(Role.FUTURE, f"moment > ? AND {keyed}", (now,)),
                *stretches,
            ]
        for stretch in stretches:
            yield from self._stretch(stretch, size)

    def interrupt(self) -> None:
        """Break off what another thread copies or reads."""
        if (connection := self._connection) is not None:
            raw: Any = connection.connection.driver_connection
            raw.interrupt()

    def close(self) -> None:
        """Drop the copy."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _stretch(self, stretch: _Stretch, size: int) -> Iterator[Block]:
        reached = 0
        while True:
            rows = self._page(stretch, reached, size + 1)
            if not rows:
                return
            last = len(rows) <= size
            kept = rows[:size]
            reached = kept[-1][0]
            _, later, *columns = zip(*kept, strict=True)
            yield Block(stretch.role, columns, last=last, later=later)
            if last:
                return

    def _page(self, stretch: _Stretch, reached: int, size: int) -> list[Any]:
        assert self._connection is not None
        columns = ", ".join(f"c{position}" for position in range(len(self._layout.names)))
        statement = (
            f"SELECT rowid, moment > ?, {columns} FROM temp.{_COPY}"  # noqa: S608 - names of our own
            f" WHERE {stretch.where} AND rowid > ? ORDER BY rowid LIMIT ?"
        )
        values = (stretch.now, *stretch.values, reached, size)
        try:
            return list(self._connection.exec_driver_sql(statement, values).fetchall())
        except DBAPIError as error:
            if diagnose(error) is not Trouble.VALUE:
                raise in_mid_read(error, self._what) from None
        tolerate(self._connection)
        return list(self._connection.exec_driver_sql(statement, values).fetchall())


def _stored(stamp: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give text as its bytes: text that is none would never reach a function of ours, and end the whole statement."""
    kind = func.typeof(stamp)
    text: ColumnElement[str] = literal_column("'text'")
    blob: ColumnElement[str] = literal_column("'blob'")
    return case((kind == text, cast(stamp, LargeBinary())), (kind == blob, null()), else_=stamp)


def _of_stored(
    read: Callable[[object, tzinfo | None], str | None], encoding: str, zone: tzinfo | None, value: object
) -> str | None:
    """Read a time of `_stored`."""
    if not isinstance(value, bytes):
        return read(value, zone)
    try:
        return read(value.decode(encoding), zone)
    except UnicodeDecodeError:
        return None


def _moment(value: object, zone: tzinfo | None) -> str | None:
    """Give the earliest moment that a time may stand for."""
    moment = read_timestamp(value, zone)
    return None if moment is None else moment_text(moment)


def _latest(value: object, zone: tzinfo | None) -> str | None:
    """Give the latest moment that a time may stand for, where clocks went back over it."""
    moment = read_timestamp(value, zone)
    if moment is None:
        return None
    first, second = moment_text(moment), moment_text(moment.replace(fold=1))
    return max(first, second) if moment.tzinfo is zone else first


def _end_of_millisecond(now: str) -> str:
    """Round up: SQLite's clock knows milliseconds, its writers may know more."""
    moment = datetime.fromisoformat(now)
    return moment_text(moment.replace(microsecond=moment.microsecond // 1000 * 1000 + 999))
