"""A list of customers in memory that changes between two requests, answered by page number and page size."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from connectors.jtl.listing import Entry, Part, Window
from connectors.jtl.paging import Met

Order = Callable[[int, int], object]
"""The place of a customer in the list, by its number and its version (which grows with each change of any customer)."""

ORDERS: dict[str, Order] = {
    "by id": lambda number, _: number,
    "by change": lambda number, version: (version, number),
    "newest first": lambda number, version: (-version, number),
    "by name": lambda number, version: (hash((number, version)) % 97, number),
}


@dataclass
class MovingList:
    """Customers by number with their versions, the most that a page holds, and what happens before each request."""

    largest: int = 7
    order: Order = ORDERS["by id"]
    before: Callable[[], None] = lambda: None
    customers: dict[int, int] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    serial: int = 0

    @classmethod
    def of(cls, count: int, largest: int = 7, order: str = "by id") -> MovingList:
        """Fill a list."""
        book = cls(largest, ORDERS[order])
        for number in range(count):
            book.touch(number)
        return book

    def touch(self, number: int) -> None:
        """Create a customer, or change it."""
        self.serial += 1
        self.customers[number] = self.serial

    def add(self) -> None:
        """Create a customer with the next number."""
        self.touch(max(self.customers, default=-1) + 1)

    def happen(self, event: tuple[str, int]) -> None:
        """Let one thing happen to the customers."""
        kind, figure = event
        known = sorted(self.customers)
        match kind:
            case "touch" if known:
                self.touch(known[figure % len(known)])
            case "delete" if known:
                del self.customers[known[figure % len(known)]]
            case "delete some":
                for number in known[figure % 5 : figure % 11]:
                    del self.customers[number]
            case "insert":
                self.add()
            case _:
                pass

    def listed(self) -> list[int]:
        """Give the numbers in the list's order."""
        return sorted(self.customers, key=lambda number: self.order(number, self.customers[number]))  # type: ignore[arg-type,return-value]  # an order's places can be compared

    def ask(self, part: Part) -> Window:
        """Answer as documented, with pages that may be smaller than asked for, after whatever happens before."""
        self.before()
        self.parts.append(part)
        size = min(part.size, self.largest)
        start = (part.number - 1) * size
        listed = self.listed()
        shown = tuple(entry(number, self.customers[number]) for number in listed[start : start + size])
        return Window(shown, start, size, len(listed))

    def shuffle(self, dice: random.Random) -> None:
        """Let customers come in another order at each request."""
        self.order = lambda _number, _version: dice.random()


def entry(number: int, version: int = 0) -> Entry:
    """Show a customer."""
    return Entry.of({"Id": number, "EbayUsername": str(version)})


def given_by(read: Iterator[Sequence[Met]]) -> list[tuple[int, int]]:
    """Name customers and versions."""
    return [(int(each.entry.key), int(str(each.entry.record["EbayUsername"]))) for part in read for each in part]
