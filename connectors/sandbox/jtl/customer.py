"""JTL-Wawi's rules for writing a customer. Keeps nothing and knows no HTTP.

Inferred: an update changes what it names, in nested objects too; lists of other addresses are replaced as a whole; a
customer, and each of its addresses, has after every update what a create requires; every update moves LastChange; an
absent Number becomes `C` and a running number, and once there it cannot be cleared; numbers differ by case.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any

from connectors.sandbox.jtl.book import Customer, CustomerBook
from connectors.sandbox.jtl.moment import write_moment
from connectors.sandbox.jtl.refusal import invalid, number_taken
from connectors.sandbox.jtl.seed import Seeds
from connectors.sandbox.jtl.setting import JtlSettings
from connectors.sandbox.jtl.shape import Part, Parts, Shape, customer_shape

_FIRST_NUMBER = 10001


class CustomerDesk:
    """Makes customers and their next versions out of JSON objects, against the tenant's seeds and the book."""

    def __init__(self, settings: JtlSettings, seeds: Seeds, book: CustomerBook) -> None:
        self._settings = settings
        self._book = book
        self._shape = customer_shape(seeds, accepts_dates=settings.accepts_dates)
        self._address_ids = count(1)
        self._running = count(_FIRST_NUMBER)

    def create(self, given: Mapping[str, Any], now: datetime) -> Customer:
        """Make a new customer; null is as if the property were not there. Raises ApiError."""
        content = self._fill(given, None, now)
        return Customer(content | {"Id": self._book.next_id()})

    def update(self, current: Customer, given: Mapping[str, Any], now: datetime) -> Customer:
        """Make the next version of a customer; what is not there stays. Raises ApiError."""
        return Customer(self._fill(given, current, now))

    def _fill(self, given: Mapping[str, Any], current: Customer | None, now: datetime) -> dict[str, Any]:
        start: Mapping[str, Any]
        if current is not None:
            start = current.content
        else:
            given = {name: value for name, value in given.items() if value is not None}
            start = self._shape.blank if "Number" in given else {**self._shape.blank, "Number": self._next_number()}
        entry = _Entry(self._settings, self._address_ids)
        content = entry.fill(self._shape, given, start, "")
        taken = "Number" not in entry.wrong and self._takes(content["Number"], current)
        if taken and self._settings.duplicate_number == "400":
            entry.wrong["Number"] = "The value is in use."
        if entry.wrong:
            raise invalid(entry.wrong)
        if taken:
            raise number_taken()
        if not self._settings.takes_last_change or given.get("LastChange") is None:
            content["LastChange"] = write_moment(now)
        return content

    def _takes(self, number: str, current: Customer | None) -> bool:
        if self._settings.duplicate_number == "allow":
            return False
        return self._book.takes(number, None if current is None else current.id)

    def _next_number(self) -> str:
        return next(number for number in (f"C{n}" for n in self._running) if not self._book.takes(number, None))


class _Entry:
    """One write: fills objects from what is given, and notes in `wrong` what cannot be taken."""

    def __init__(self, settings: JtlSettings, address_ids: count[int]) -> None:
        self._settings = settings
        self._address_ids = address_ids
        self.wrong: dict[str, str] = {}

    def fill(self, shape: Shape, given: object, start: Mapping[str, Any], place: str) -> dict[str, Any]:
        """Give `start` with the given properties in it; `place` goes before the names of what is wrong."""
        content = dict(start)
        if not isinstance(given, Mapping):
            self.wrong[place.removesuffix(".")] = "The value is no object."
            return content
        for name, value in given.items():
            if name in shape.properties:
                content[name] = self._take(shape, name, value, content[name], f"{place}{name}")
            elif self._settings.unknown_properties == "refuse":
                self.wrong[f"{place}{name}"] = "There is no such property."
        for name in shape.required:
            if content[name] is None:
                self.wrong.setdefault(f"{place}{name}", "The value is required.")
        return content

    def _take(self, shape: Shape, name: str, value: object, current: Any, place: str) -> object:
        if value is None:
            return shape.blank[name] if self._settings.null_clears else current
        match shape.properties[name]:
            case Parts(part):
                return self._list(part, value, place)
            case Part(part):
                start = current if current is not None else self._start(part)
                return self.fill(part, value, start, f"{place}.")
            case read:
                try:
                    return read(value)
                except ValueError as error:
                    self.wrong[place] = str(error)
                    return None

    def _list(self, shape: Shape, value: object, place: str) -> list[dict[str, Any]]:
        if not isinstance(value, list):
            self.wrong[place] = "The value is no list."
            return []
        return [self.fill(shape, item, self._start(shape), f"{place}[{n}].") for n, item in enumerate(value)]

    def _start(self, shape: Shape) -> Mapping[str, Any]:
        return {**shape.blank, "Id": next(self._address_ids)} if shape.has_id else shape.blank
