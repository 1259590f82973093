"""Divides a table into parts that together leave no record out, and says of each in which order it is read.

A record stands in the window, before it, between its end and the source's clock (the next run reads it), or outside the
order: undated, dated after the clock, or without a key.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, or_, select

from connectors.database.kind import candidates, parts_of
from connectors.database.record import Layout, Role
from connectors.database.statement import any_null, as_text, bound, no_nulls, one_of
from connectors.database.window import Window


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the source: which records, in which order (positions of columns), and after which one."""

    role: Role
    where: tuple[ColumnElement[bool], ...]
    order: tuple[int, ...]
    start: tuple[object, ...] | None = None


def ordered_part(source: FromClause, layout: Layout, window: Window | None, start: tuple[object, ...] | None) -> Part:
    """Give the window, or all records that have a key where there is no last update."""
    keyed = no_nulls(_keys(source, layout))
    if window is None or layout.updated_at is None or layout.calendar is None:
        return Part(Role.ORDERED, tuple(keyed), layout.keys, start)
    stamp, calendar = source.c[layout.names[layout.updated_at]], layout.calendar
    lower = calendar.earliest if window.after is None else calendar.start(window.after)
    return Part(
        Role.ORDERED,
        (stamp >= bound(lower), stamp < bound(calendar.end(window.upper)), *keyed),
        layout.order,
    )


def outer_parts(source: FromClause, layout: Layout, now: datetime | None) -> list[Part]:
    """Give what stands outside the order; `now` is the source's clock, where it has a last update."""
    keys = _keys(source, layout)
    parts = [Part(Role.KEYLESS, (any_null(keys),), layout.keys)]
    if now is None or layout.updated_at is None or layout.calendar is None:
        return parts
    stamp, keyed = source.c[layout.names[layout.updated_at]], no_nulls(keys)
    undated = or_(stamp.is_(None), stamp < bound(layout.calendar.earliest))
    future = stamp >= bound(layout.calendar.end(now))
    return [
        Part(Role.UNDATED, (undated, *keyed), layout.keys),
        Part(Role.FUTURE, (future, *keyed), layout.order),
        *parts,
    ]


def by_key(source: FromClause, layout: Layout, wanted: Collection[str]) -> Select[Any] | None:
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
    return select(*[source.c[name] for name in layout.names]).where(one_of(columns, possible))


def _keys(source: FromClause, layout: Layout) -> list[ColumnElement[Any]]:
    return [source.c[name] for name in layout.key_names]
