"""Divides a source by its keys: where ranges of about equal size end, as the database itself orders and compares them.

Reads keys alone, and of them just those at which a range ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, func, select

from connectors.database.kind import exact_cursor, keys_of_cursor
from connectors.database.record import Layout
from connectors.database.statement import after, no_nulls, up_to
from connectors.protocol import ConfigurationError, KeyRange

WHOLE = KeyRange(None, None)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The values between which the keys of a range stand: after one, up to and including the other."""

    after: tuple[object, ...] | None = field(default=None, repr=False)
    until: tuple[object, ...] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, keys: KeyRange, layout: Layout) -> Bounds:
        """Read the cursors of a range; raises ConfigurationError where they are no keys of this source."""
        return cls(_values(keys.after, layout), _values(keys.until, layout))

    @property
    def last(self) -> bool:
        """Whether the range goes to the end; records without a key belong to that one alone."""
        return self.until is None

    def where(self, keys: Sequence[ColumnElement[Any]]) -> list[ColumnElement[bool]]:
        """Say that a record's key, which has no null, stands in the range."""
        lower = [] if self.after is None else [after(keys, self.after)]
        return lower if self.until is None else [*lower, up_to(keys, self.until)]


def divide(
    connection: Connection, source: FromClause, layout: Layout, keys: KeyRange, parts: int
) -> Sequence[KeyRange]:
    """Cut a range of keys into at most so many; raises DBAPIError.

    It costs a count and one pass over the keys: of 1,000,000 in PostgreSQL 0.4 s by an index, 2 to 4 s without one.
    """
    columns = [source.c[name] for name in layout.key_names]
    inside = [*no_nulls(columns), *Bounds.of(keys, layout).where(columns)]
    count = connection.execute(select(func.count()).select_from(source).where(*inside)).scalar_one()
    parts = max(1, min(parts, count))
    wanted = [count * number // parts for number in range(1, parts)]
    if not wanted:
        return [keys]
    numbered = select(*columns, func.row_number().over(order_by=columns).label("rollcall_place")).where(*inside)
    places = numbered.subquery("places")
    *found, place = places.c
    ends = connection.execute(select(*found).where(place.in_(wanted)).order_by(place)).all()
    return _ranges(keys, [exact_cursor(values, layout.key_kinds) for values in ends])


def _ranges(whole: KeyRange, ends: Sequence[str | None]) -> list[KeyRange]:
    """Lay ranges between the ends; a key that no cursor can name ends none, and twice the same ends one."""
    cuts = list(dict.fromkeys(end for end in ends if end is not None and end != whole.until))
    return [KeyRange(*pair) for pair in zip([whole.after, *cuts], [*cuts, whole.until], strict=True)]


def _values(cursor: str | None, layout: Layout) -> tuple[object, ...] | None:
    if cursor is None:
        return None
    try:
        return keys_of_cursor(cursor, layout.key_kinds)
    except ValueError:
        raise ConfigurationError("the range's end is no key of this source; divide it again") from None
