"""Builds the SELECTs of a source: SQLAlchemy quotes identifiers and binds values, a query stands as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    FromClause,
    Select,
    String,
    and_,
    bindparam,
    cast,
    column,
    literal_column,
    or_,
    quoted_name,
    select,
    table,
    text,
)
from sqlalchemy.types import NULLTYPE, TypeEngine

from connectors.database.address import Dialect
from connectors.database.settings import DatabaseSettings
from connectors.protocol import ConfigurationError

_UNTYPED: TypeEngine[Any] = NULLTYPE
_NOTHING = literal_column("1") == literal_column("0")


def relation(settings: DatabaseSettings, names: Iterable[str], dialect: Dialect) -> FromClause:
    """Give the table or the query that is read, with these columns."""
    columns: list[ColumnClause[Any]] = [column(quoted_name(name, quote=True)) for name in names]
    if settings.table is not None:
        schema, _, name = settings.table.rpartition(".")
        return table(
            quoted_name(name, quote=True), *columns, schema=quoted_name(schema, quote=True) if schema else None
        )
    query = bare_query(settings.query or "", dialect)
    # text() would take `:name` for a parameter; a colon behind a backslash is just a colon to it
    return text(query.replace(":", r"\:")).columns(*columns).subquery("source")


@cache
def _token(dialect: Dialect) -> re.Pattern[str]:
    string = r"'(?:[^'\\]|\\.|'')*'" if dialect == "mysql" else r"'(?:[^']|'')*'"
    dashes, hashes = (r"--(?=\s|$)[^\n]*", r"|#[^\n]*") if dialect == "mysql" else (r"--[^\n]*", "")
    quoted = r'"(?:[^"]|"")*"|`[^`]*`|\$(\w*)\$.*?\$\1\$'
    return re.compile(rf"(?:{string}|{quoted})|(?P<no>{dashes}{hashes}|/\*.*?\*/|[\s;]+)|.", re.DOTALL)


def bare_query(query: str, dialect: Dialect) -> str:
    """Cut the comments and semicolons off a query's end, so that it can stand in parentheses.

    Raises ConfigurationError for several statements: a driver that sends no parameters would run them all.
    """
    tokens = list(_token(dialect).finditer(query))
    end = max((match.end() for match in tokens if match["no"] is None), default=0)
    between = [match["no"] for match in tokens if match["no"] is not None and match.end() < end]
    if any(";" in text and not text.startswith(("--", "#", "/*")) for text in between):
        raise ConfigurationError("source.query: write one SELECT, without a semicolon in it")
    return query[:end]


def shape(source: FromClause) -> Select[Any]:
    """Select all columns of no record."""
    return select(literal_column("*")).select_from(source).where(_NOTHING)


def bound(value: object) -> ColumnElement[object]:
    """Bind a value as the driver understands it: SQLAlchemy's own type for it would add a cast (`::INTEGER`)."""
    return bindparam(None, value, type_=_UNTYPED, unique=True)


def at_or_after(columns: Sequence[ColumnElement[object]], values: Sequence[object]) -> ColumnElement[bool]:
    """Say that a record stands at a place of the order or after it, so that an index on the columns serves it."""
    if len(columns) == 1:
        return columns[0] >= bound(values[0])
    return and_(columns[0] >= bound(values[0]), _from(columns, values))


def _from(columns: Sequence[ColumnElement[object]], values: Sequence[object]) -> ColumnElement[bool]:
    if len(columns) == 1:
        return columns[0] >= bound(values[0])
    rest = and_(columns[0] == bound(values[0]), _from(columns[1:], values[1:]))
    return or_(columns[0] > bound(values[0]), rest)


def after(columns: Sequence[ColumnElement[object]], values: Sequence[object]) -> ColumnElement[bool]:
    """Say that a record stands after a place of the order."""
    first, value = columns[0], bound(values[0])
    if len(columns) == 1:
        return first > value
    return and_(first >= value, or_(first > value, after(columns[1:], values[1:])))


def up_to(columns: Sequence[ColumnElement[object]], values: Sequence[object]) -> ColumnElement[bool]:
    """Say that a record stands at a place of the order or before it."""
    first, value = columns[0], bound(values[0])
    if len(columns) == 1:
        return first <= value
    return and_(first <= value, or_(first < value, up_to(columns[1:], values[1:])))


def no_nulls(columns: Iterable[ColumnElement[object]]) -> list[ColumnElement[bool]]:
    """Say that no column is null."""
    return [each.is_not(None) for each in columns]


def any_null(columns: Iterable[ColumnElement[object]]) -> ColumnElement[bool]:
    """Say that a column is null."""
    return or_(*[each.is_(None) for each in columns])


def one_of(
    columns: Sequence[ColumnElement[object]], wanted: Iterable[Sequence[Sequence[object]]]
) -> ColumnElement[bool]:
    """Say that the columns hold one of the wanted keys: for each a list of possible values a column."""
    if len(columns) == 1:
        return columns[0].in_([bound(value) for possible in wanted for value in possible[0]])
    return or_(
        *[
            and_(
                *[each.in_([bound(value) for value in values]) for each, values in zip(columns, possible, strict=True)]
            )
            for possible in wanted
        ]
    )


def as_text(element: ColumnElement[object]) -> ColumnElement[object]:
    """Cast a column to text."""
    text_type: TypeEngine[Any] = String()
    return cast(element, text_type)
