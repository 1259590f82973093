"""Reads what a list request asks for, filters, and puts a page into its envelope (PagedListOfCustomer).

Inferred: the order is by Id; a filter that is empty is none; `searchKeyWord` looks for a part of the text in any case;
`lastChangeFrom` and `lastChangeTo` include their own moment and never find a customer without LastChange; a page beyond
the end is empty, and its neighbours are told as on any other; page 1 of nothing is the last of 0 pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.sandbox.jtl.book import Customer
from connectors.sandbox.jtl.moment import read_moment
from connectors.sandbox.jtl.refusal import invalid
from connectors.sandbox.jtl.setting import JtlSettings

_PAGING = ("pageNumber", "pageSize")
_IDS = ("groupId", "categoryId")
_TEXTS = ("searchKeyWord", "number")
_DATES = ("lastChangeFrom", "lastChangeTo")
_SEARCHED = ("Company", "FirstName", "LastName", "Street", "PostalCode", "City", "EmailAddress")
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Query:
    """One list request: which page of what the filters leave."""

    page_number: int
    page_size: int
    filters: Mapping[str, Any]

    @property
    def selection(self) -> tuple[object, ...]:
        """What decides about the whole list, whichever page of it is asked for."""
        return tuple(self.filters.items())


def read_query(given: Mapping[str, str], settings: JtlSettings) -> Query:
    """Read the parameters of a list request; raises ApiError that names all that are wrong."""
    dates = _DATES if settings.last_change_filter else ()
    wrong = {}
    values: dict[str, Any] = {}
    for name, text in given.items():
        try:
            values[name] = _read(name, text, dates)
        except KeyError:
            if settings.unknown_parameters == "refuse":
                wrong[name] = "There is no such parameter."
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise invalid(wrong)
    return Query(
        page_number=values.get("pageNumber", 1),
        page_size=min(values.get("pageSize", settings.page_size), settings.page_size_limit),
        filters={name: value for name, value in values.items() if name not in _PAGING and value != ""},
    )


def _read(name: str, text: str, dates: Sequence[str]) -> int | str:
    """Read one parameter; raises KeyError for one that lists do not have, ValueError for a wrong value."""
    if name in _TEXTS:
        return text
    if name in dates:
        return read_moment(text)
    if name not in (*_PAGING, *_IDS):
        raise KeyError(name)
    if not re.fullmatch("[0-9]{1,10}", text) or int(text) > _LARGEST:
        raise ValueError("The value is no 32-bit integer.")
    if name in _PAGING and int(text) < 1:
        raise ValueError("The value must be 1 or more.")
    return int(text)


def select(customers: Iterable[Customer], query: Query) -> Sequence[Customer]:
    """Filter customers that come in the order of their ids."""
    return [customer for customer in customers if _passes(customer, query.filters)]


def _passes(customer: Customer, filters: Mapping[str, Any]) -> bool:
    content = customer.content
    for name, wanted in filters.items():
        match name:
            case "number":
                passes = customer.number == wanted
            case "groupId":
                passes = content["CustomerGroupId"] == wanted
            case "categoryId":
                passes = content["CustomerCategoryId"] == wanted
            case "lastChangeFrom":
                passes = content["LastChange"] is not None and content["LastChange"] >= wanted
            case "lastChangeTo":
                passes = content["LastChange"] is not None and content["LastChange"] <= wanted
            case _:
                passes = _mentions(customer, wanted.casefold())
        if not passes:
            return False
    return True


def _mentions(customer: Customer, word: str) -> bool:
    address = customer.content["BillingAddress"]
    texts = (customer.number, *(address[name] or "" for name in _SEARCHED))
    return any(word in text.casefold() for text in texts)


def envelope(query: Query, selected: Sequence[Customer]) -> dict[str, object]:
    """Make the answer to a list request."""
    number, size, total = query.page_number, query.page_size, len(selected)
    pages = -(-total // size)
    return {
        "TotalItems": total,
        "PageNumber": number,
        "PageSize": size,
        "Items": [customer.content for customer in selected[(number - 1) * size : number * size]],
        "TotalPages": pages,
        "NextPageNumber": min(number + 1, pages),
        "PreviousPageNumber": max(number - 1, 1),
        "HasPreviousPage": number > 1,
        "HasNextPage": number < pages,
    }
