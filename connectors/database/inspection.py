"""Checks a table or query against the job before it is read: columns, key, last update. Reads no customer whole."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, select

from connectors.database.address import Dialect
from connectors.database.kind import Kind, kind_of
from connectors.database.record import Layout
from connectors.database.session import tolerate
from connectors.database.settings import DatabaseSettings
from connectors.database.statement import relation, shape
from connectors.database.window import Calendar
from connectors.moment import read_timestamp
from connectors.protocol import ConfigurationError

_SAMPLE = 100  # values of a SQLite column, which has no type
_REPEATED_IN_SQLITE = re.compile(r"(?P<name>.+):\d+")  # how it renames the second `id` of a subquery


def columns_of(connection: Connection, settings: DatabaseSettings, dialect: Dialect, what: str) -> dict[str, Kind]:
    """Ask for the columns, in their order; raises ConfigurationError where two have one name, DBAPIError."""
    with connection.execute(shape(relation(settings, (), dialect))) as result:
        described: Any = result.cursor
        flags = _flags(described)
        shown = described.description
        found = [(str(name), kind_of(dialect, code, next(flags, 0))) for name, code, *_ in shown]
    names = [name for name, _ in found]
    repeated = {name for name in names if names.count(name) > 1}
    if dialect == "sqlite":
        matches = [_REPEATED_IN_SQLITE.fullmatch(name) for name in names]
        repeated |= {match["name"] for match in matches if match and match["name"] in names}
    if repeated:  # SQLite calls a column without a name by its expression, in which a literal may stand
        plain = [repr(name) for name in sorted(repeated) if name.isidentifier()]
        called = f"are called {', '.join(plain)}" if plain else "have one name"
        raise ConfigurationError(f"{what}: two columns {called}; give them names with AS")
    return dict(found)


def lay_out(
    columns: Mapping[str, Kind], wanted: Collection[str], settings: DatabaseSettings, dialect: Dialect, what: str
) -> Layout:
    """Choose the columns to read; raises ConfigurationError where key or last update are not there or of no use."""
    keys = (settings.key,) if isinstance(settings.key, str) else settings.key
    for name in keys:
        _refuse_absence(name, columns, "source.key", what)
        if columns[name] == "unordered":
            raise ConfigurationError(
                f"{what}: column {name!r} is of a kind (a float, an ENUM, an array, json...) that cannot name records"
                " for certain (source.key); make text of it in a source.query, with CAST"
            )
    if settings.updated_at is not None:
        _refuse_absence(settings.updated_at, columns, "source.updated_at", what)
        _refuse_kind(columns[settings.updated_at], settings, what)
    needed = {*wanted, *keys, settings.updated_at}
    names = tuple(name for name in columns if name in needed)
    updated_at = settings.updated_at
    return Layout(
        names=names,
        kinds=tuple(columns[name] for name in names),
        keys=tuple(names.index(name) for name in keys),
        updated_at=None if updated_at is None else names.index(updated_at),
        calendar=None if updated_at is None else Calendar.of(columns[updated_at], settings.time_zone, dialect),
    )


def refuse_texts_without_zone(connection: Connection, layout: Layout, settings: DatabaseSettings, what: str) -> None:
    """Look at some values of a SQLite column of last updates; raises ConfigurationError where they have no order."""
    if layout.updated_at is None or layout.calendar is None or layout.calendar.kind != "dynamic":
        return
    source = relation(settings, layout.names, "sqlite")
    column = source.c[layout.names[layout.updated_at]]
    tolerate(connection)
    values = connection.execute(select(column).where(column.is_not(None)).limit(_SAMPLE)).scalars().all()
    if any(read_timestamp(value, layout.calendar.zone) is not None for value in values):
        return
    if any(isinstance(value, int | float) for value in values):
        raise _no_time(settings, what)
    if any(read_timestamp(value, UTC) is not None for value in values):
        raise _no_zone(settings, what)


def _flags(cursor: Any) -> Iterator[int]:
    """Give what PyMySQL knows of each column beyond its type; it has no public place for it."""
    return (field.flags for field in getattr(getattr(cursor, "_result", None), "fields", None) or ())


def _refuse_absence(name: str, columns: Collection[str], setting: str, what: str) -> None:
    if name not in columns:
        near = difflib.get_close_matches(name, columns, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"{what}: there is no column {name!r} ({setting}){hint}")


def _refuse_kind(kind: Kind, settings: DatabaseSettings, what: str) -> None:
    if kind not in {"instant", "local", "day", "dynamic"}:
        raise _no_time(settings, what)
    if kind in {"local", "day"} and settings.time_zone is None:
        raise _no_zone(settings, what)


def _no_time(settings: DatabaseSettings, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what}: column {settings.updated_at!r} is no date or time (source.updated_at); convert it in a source.query"
    )


def _no_zone(settings: DatabaseSettings, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what}: column {settings.updated_at!r} has times without a zone: set source.time_zone, such as Europe/Zurich"
    )
