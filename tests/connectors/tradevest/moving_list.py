"""A list of customers in memory that changes between two requests, under cursors of several kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from connectors.tradevest.listing import CursorRefusedError, Entry, Listing

Kind = Literal["place", "newest first", "count"]
"""What a cursor stands for: a place in the order of creation (oldest or newest first), or so many customers."""


def customer_id(number: int) -> str:
    """Give the id of a customer."""
    return str(UUID(int=number + 1))


def entry(number: int, version: int = 1) -> Entry:
    """Show a customer."""
    return Entry.of({"customerId": customer_id(number), "labels": [f"version {version}"]})


@dataclass
class MovingList:
    """Customers by number of creation with their versions, and what happens before each request.

    Cursors of an earlier `era` are refused.
    """

    size: int = 3
    kind: Kind = "place"
    before: Callable[[], None] = lambda: None
    customers: dict[int, int] = field(default_factory=dict)
    created: int = 0
    era: int = 0
    asked: list[str | None] = field(default_factory=list)

    def create(self, count: int = 1) -> None:
        """Add customers."""
        for _ in range(count):
            self.customers[self.created] = 1
            self.created += 1

    def change(self, number: int) -> None:
        """Change one of those there are."""
        if number in self.customers:
            self.customers[number] += 1

    def delete(self, number: int) -> None:
        """Delete one, if it is there."""
        self.customers.pop(number, None)

    def ask(self, cursor: str | None) -> Listing:
        """Answer as documented, after whatever happens before."""
        self.before()
        self.asked.append(cursor)
        era, _, text = (cursor or f"{self.era}:").partition(":")
        if era != str(self.era):
            raise CursorRefusedError("refused")
        numbers = sorted(self.customers, reverse=self.kind == "newest first")
        match self.kind:
            case "place":
                rest = [number for number in numbers if not text or number > int(text)]
            case "newest first":
                rest = [number for number in numbers if not text or number < int(text)]
            case "count":
                rest = numbers[int(text or 0) :]
        shown = rest[: self.size]
        mark = int(text or 0) + len(shown) if self.kind == "count" else shown[-1] if shown else 0
        following = f"{self.era}:{mark}" if len(rest) > self.size else None
        return Listing(tuple(entry(number, self.customers[number]) for number in shown), following)
