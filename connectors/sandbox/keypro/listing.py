"""Filters, orders and cuts lists as Keypro's list requests ask, and wraps their pages.

Source: https://support.keypro.fi/apidocs/get-list-of-customers-1. Inferred: lists are by id unless `orderby` says
otherwise, ties too; nulls come last, and first in a reversed order (as in the database that the page's spatial lookups
are those of); a field's name alone asks for equality, `__exact` does for texts as well; booleans are compared with
nothing but that and isnull; `not__` is the complement, nulls included; dates take the lookups of numbers; unknown
parameters, lookups and fields are 400; times without a zone are UTC.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from connectors.sandbox.keypro.field import Column, Kind
from connectors.sandbox.keypro.refusal import UNKNOWN_PARAMETER, invalid, no_such_order
from connectors.sandbox.keypro.setting import KeyproSettings
from connectors.sandbox.keypro.value import WrongValueError, read_flag, read_parameter, read_whole

PAGING = ("limit", "offset", "orderby", "srs")
Compare = Callable[[Any, Any], bool]

_EXACT = ""
_ISNULL = "isnull"
_TEXTS: Mapping[str, Compare] = {
    _EXACT: operator.eq,
    "exact": operator.eq,
    "startswith": str.startswith,
    "istartswith": lambda value, text: value.lower().startswith(text.lower()),
    "endswith": str.endswith,
    "iendswith": lambda value, text: value.lower().endswith(text.lower()),
    "contains": operator.contains,
    "icontains": lambda value, text: text.lower() in value.lower(),
}
_ORDERED: Mapping[str, Compare] = {
    _EXACT: operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_LOOKUPS: Mapping[Kind, Mapping[str, Compare]] = {
    "text": _TEXTS,
    "integer": _ORDERED,
    "number": _ORDERED,
    "date": _ORDERED,
    "moment": _ORDERED,
    "boolean": {_EXACT: operator.eq},
}
ENVELOPES: Mapping[str, tuple[str, str, str, str | None]] = {
    "documented": ("Next", "Prev", "Results", None),
    "lower": ("next", "previous", "results", "count"),
    "sibling": ("Next", "Previous", "Results", "Total"),
}
"""The keys of the next page, the previous one, the customers and, where there is one, their number."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on one field."""

    field: str
    lookup: str
    wanted: Any
    negated: bool
    compare: Compare

    def admits(self, value: Any) -> bool:
        """Say whether a value passes; null is nothing but null."""
        if self.lookup == _ISNULL:
            passes = (value is None) is self.wanted
        else:
            passes = value is not None and self.compare(value, self.wanted)
        return passes is not self.negated

    @property
    def names_value(self) -> bool:
        """Say whether just the customers with `wanted` in this field can pass."""
        return not self.negated and self.compare is operator.eq and self.lookup != _ISNULL


@dataclass(frozen=True, slots=True)
class Selection:
    """What decides about a whole list, whichever page of it is asked for; an order has a field and `descending`."""

    filters: tuple[Filter, ...]
    order: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Query:
    """One list request, with what its links repeat."""

    limit: int
    offset: int
    selection: Selection
    repeated: Mapping[str, str]


def read_query(given: Mapping[str, str], columns: Mapping[str, Column], settings: KeyproSettings) -> Query:
    """Read the parameters of a list of customers; raises ApiError."""
    errors: dict[str, list[str]] = {}
    limit = _read_count(given, "limit", settings.default_limit, 1, errors)
    offset = _read_count(given, "offset", 0, 0, errors)
    filters = {name: text for name, text in given.items() if name not in PAGING}
    order = {"orderby": given["orderby"]} if "orderby" in given else {}
    repeated = {name: given[name] for name in ("orderby", "srs") if name in given}
    if settings.filters_in_links:
        repeated |= filters
    selection = read_selection(filters | order, columns, errors)
    return Query(min(limit, settings.max_limit), offset, selection, repeated)


def _read_count(given: Mapping[str, str], name: str, default: int, least: int, errors: dict[str, list[str]]) -> int:
    if name not in given:
        return default
    try:
        count = read_whole(given[name])
    except WrongValueError as error:
        errors[name] = [str(error)]
        return default
    if count < least:
        errors[name] = [f"Ensure this value is greater than or equal to {least}."]
    return count


def read_selection(
    given: Mapping[str, str], columns: Mapping[str, Column], errors: dict[str, list[str]] | None = None
) -> Selection:
    """Read filters and order alone, every other parameter being unknown; raises ApiError, with `errors` in it."""
    errors = {} if errors is None else errors
    filters = []
    for parameter, text in given.items():
        try:
            if parameter != "orderby":
                filters.append(_read_filter(parameter, text, columns))
        except WrongValueError as error:
            errors[parameter] = [str(error)]
    order = []
    for part in given["orderby"].split(",") if "orderby" in given else ():
        key = part.removeprefix("-")
        if key in columns:
            order.append((columns[key].name, part != key))
        else:
            errors["orderby"] = [no_such_order(part)]
    if errors:
        raise invalid(errors)
    return Selection(tuple(filters), tuple(order))


def _read_filter(parameter: str, text: str, columns: Mapping[str, Column]) -> Filter:
    rest = parameter.removeprefix("not__")
    key, _, lookup = rest.partition("__")
    column = columns.get(key)
    if column is None or (rest.endswith("__") and not lookup):
        raise WrongValueError(UNKNOWN_PARAMETER)
    negated = rest != parameter
    if lookup == _ISNULL:
        return Filter(column.name, lookup, read_flag(text), negated, operator.eq)
    if lookup not in _LOOKUPS[column.kind]:
        raise WrongValueError(UNKNOWN_PARAMETER)
    wanted = read_parameter(column.kind, text)
    return Filter(column.name, lookup, wanted, negated, _LOOKUPS[column.kind][lookup])


def select(rows: Sequence[T], selection: Selection, read: Callable[[T, str], Any]) -> Sequence[T]:
    """Filter and order rows that come ordered by id; `read` gives a value by our name for it."""
    for condition in selection.filters:
        rows = [row for row in rows if condition.admits(read(row, condition.field))]
    for field, descending in reversed(selection.order):

        def place(row: T, field: str = field) -> tuple[bool, Any]:
            value = read(row, field)
            return (value is None, value)

        rows = sorted(rows, key=place, reverse=descending)
    return rows


def wrap(settings: KeyproSettings, query: Query, total: int, url: str, rows: Sequence[object]) -> object:
    """Make the answer around a page; its links are absolute and null at the ends."""
    if settings.envelope == "bare":
        return rows

    def page(offset: int) -> str:
        return f"{url}?{urlencode({'limit': query.limit, 'offset': offset, **query.repeated})}"

    after, before = query.offset + query.limit, max(0, query.offset - query.limit)
    next_key, previous_key, rows_key, total_key = ENVELOPES[settings.envelope]
    content: dict[str, object] = {
        next_key: page(after) if after < total else None,
        previous_key: page(before) if query.offset > 0 else None,
        rows_key: rows,
    }
    if total_key is not None:
        content[total_key] = total
    return content
