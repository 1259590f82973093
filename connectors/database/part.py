"""Divides a table into parts that together leave no record out, and says of each in which order it is read.

A record stands in the window, before it, between its end and the source's clock (the next run reads it), or outside the
order: undated, dated after the clock, or without a key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, or_, select

from connectors.database.division import Bounds
from connectors.database.kind import candidates, parts_of
from connectors.database.record import Layout, Role
from connectors.database.statement import any_null, as_text, bound, no_nulls, one_of
from connectors.database.window import Calendar, Window


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the source: which records, in which order (positions of columns), and after which one."""

    role: Role
    where: tuple[ColumnElement[bool], ...]
    order: tuple[int, ...]
    start: tuple[object, ...] | None = None


def parts_by_key(
    source: FromClause, layout: Layout, bounds: Bounds, start: tuple[object, ...] | None
) -> Iterator[Part]:
    """Give a range of keys in their order, and behind the last range what has no key."""
    keys = _keys(source, layout)
    yield Part(Role.ORDERED, (*no_nulls(keys), *bounds.where(keys)), layout.keys, start)
    if bounds.last:
        yield _keyless(keys, layout)


def window_part(source: FromClause, layout: Layout, window: Window) -> Part:
    """Give the window."""
    stamp, calendar = _stamp(source, layout)
    lower = calendar.earliest if window.after is None else calendar.start(window.after)
    return Part(
        Role.ORDERED,
        (stamp >= bound(lower), stamp < bound(calendar.end(window.upper)), *no_nulls(_keys(source, layout))),
        layout.order,
    )


def outer_parts(source: FromClause, layout: Layout, now: datetime) -> list[Part]:
    """Give what stands outside the order of last updates; `now` is the source's clock."""
    keys = _keys(source, layout)
    stamp, calendar = _stamp(source, layout)
    undated = or_(stamp.is_(None), stamp < bound(calendar.earliest))
    return [
        Part(Role.UNDATED, (undated, *no_nulls(keys)), layout.keys),
        Part(Role.FUTURE, (is_later(source, layout, now), *no_nulls(keys)), layout.order),
        _keyless(keys, layout),
    ]


def is_later(source: FromClause, layout: Layout, now: datetime) -> ColumnElement[bool]:
    """Say that a record is dated after the source's clock."""
    stamp, calendar = _stamp(source, layout)
    return stamp >= bound(calendar.end(now))


def by_key(source: FromClause, layout: Layout, bounds: Bounds, wanted: Collection[str]) -> Select[Any] | None:
    """Select the records with these keys (and others that a collation takes for them); None for no usable key."""
    columns = [
        as_text(column) if kind == "other" else column
        for column, kind in zip(_keys(source, layout), layout.key_kinds, strict=True)
    ]
    possible = []
    for text in wanted:
        parts = parts_of(text, len(columns))
        try:
            values = [candidates(kind, part) for kind, part in zip(layout.key_kinds, parts or (), strict=True)]
        except ValueError:  # no record of this column can have it
            continue
        possible.append(values)
    if not possible:
        return None
    inside = bounds.where(_keys(source, layout))
    return select(*[source.c[name] for name in layout.names]).where(one_of(columns, possible), *inside)


def _keyless(keys: list[ColumnElement[Any]], layout: Layout) -> Part:
    return Part(Role.KEYLESS, (any_null(keys),), layout.keys)


def _stamp(source: FromClause, layout: Layout) -> tuple[ColumnElement[Any], Calendar]:
    """Give the column of the last update, which there is."""
    assert layout.updated_at is not None
    assert layout.calendar is not None
    return source.c[layout.names[layout.updated_at]], layout.calendar


def _keys(source: FromClause, layout: Layout) -> list[ColumnElement[Any]]:
    return [source.c[name] for name in layout.key_names]
