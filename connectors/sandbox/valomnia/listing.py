"""Filters, sorts and cuts lists as Valomnia's list requests ask, and links to the neighbouring pages.

Inferred: the default order is by `dateCreated`, ascending (the sample's `next`), ties by id; paging values that are no
whole numbers, negative ones and a `max` of 0 are `invalid_param_type`; an unknown sort field or order is
`invalid_param`; text compares case and all, and `*` counts at the ends only.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from connectors.sandbox.valomnia.refusal import invalid_datetime, invalid_param, invalid_type
from connectors.sandbox.valomnia.value import read_boolean

PAGING = ("max", "offset", "sort", "order")
DEFAULT_MAX = 100
DATES = ("dateCreated", "lastUpdated")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
DATE_FILTERS = tuple(f"{field}_{suffix}" for field in DATES for suffix in _COMPARISONS)
_ISO_SECOND = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query:
    """One list request: which part of which order of what is left by the filters."""

    max: int
    offset: int
    sort: str
    order: str
    filters: tuple[tuple[str, str], ...]

    @property
    def selection(self) -> tuple[object, ...]:
        """What decides about the whole list, whichever page of it is asked for."""
        return self.sort, self.order, self.filters


def read_query(
    given: Mapping[str, str], *, filters: Iterable[str], sorts: Iterable[str], page_limit: int | None
) -> Query:
    """Read the parameters of a list request; `filters` and `sorts` are those that the resource has. Raises ApiError."""
    known = set(filters)
    unknown = [name for name in given if name not in PAGING and name not in known]
    if unknown:
        raise invalid_param(unknown)
    sort, order = given.get("sort", "dateCreated"), given.get("order", "asc")
    if sort not in set(sorts):
        raise invalid_param(["sort"])
    if order not in ("asc", "desc"):
        raise invalid_param(["order"])
    wanted = _read_count(given, "max", DEFAULT_MAX, least=1)
    return Query(
        max=wanted if page_limit is None else min(wanted, page_limit),
        offset=_read_count(given, "offset", 0, least=0),
        sort=sort,
        order=order,
        filters=tuple((name, value) for name, value in given.items() if name not in PAGING),
    )


def _read_count(given: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise invalid_type(name)
    return int(text)


def select(rows: Sequence[T], query: Query, read: Callable[[T, str], Any]) -> Sequence[T]:
    """Filter and sort rows that come ordered by id; `read` gives a value by its name in answers. Raises ApiError."""
    for test_name, text in query.filters:
        field, test = _make_test(test_name, text)
        rows = [row for row in rows if test(read(row, field))]

    def place(row: T) -> tuple[bool, Any]:
        value = read(row, query.sort)
        return (value is not None, value)

    return sorted(rows, key=place, reverse=query.order == "desc")


def _make_test(name: str, text: str) -> tuple[str, Callable[[Any], bool]]:
    if name in DATE_FILTERS:
        field, _, suffix = name.rpartition("_")
        compare = _COMPARISONS[suffix]
        _check_date(text)
        # Times to the second with Z are in the order of their text.
        return field, lambda value: value is not None and compare(value, text)
    if name == "isActive":
        wanted = read_boolean(name, text)
        return name, lambda value: value is wanted
    return name, _wildcard(text)


def _check_date(text: str) -> None:
    if not _ISO_SECOND.fullmatch(text):
        raise invalid_datetime(text)
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise invalid_datetime(text) from None


def _wildcard(pattern: str) -> Callable[[Any], bool]:
    if len(pattern) > 1 and pattern.startswith("*") and pattern.endswith("*"):
        return lambda value: value is not None and pattern[1:-1] in value
    if pattern.startswith("*"):
        return lambda value: value is not None and value.endswith(pattern[1:])
    if pattern.endswith("*"):
        return lambda value: value is not None and value.startswith(pattern[:-1])
    return lambda value: value == pattern


def make_paging(query: Query, total: int, path: str, *, filters_in_next: bool) -> dict[str, object]:
    """Make the `paging` object; its links carry max, offset, sort and order in the order of the vendor's sample."""

    def page(offset: int) -> str:
        paging = {"max": query.max, "offset": offset, "sort": query.sort, "order": query.order}
        filters = dict(query.filters) if filters_in_next else {}
        return f"{path}?{urlencode({**paging, **filters})}"

    after, before = query.offset + query.max, max(0, query.offset - query.max)
    return {
        "total": total,
        "max": query.max,
        "offset": query.offset,
        "previous": page(before) if query.offset > 0 else None,
        "next": page(after) if after < total else None,
    }
