"""A list of customers in memory that changes between two requests, answered as the vendor's page says."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connectors.valomnia.listing import Entry, Listing, Query

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def entry(number: int, updated: datetime | None, version: int = 0) -> Entry:
    """Show a customer; its place in the list's order within a second is its number."""
    shown = None if updated is None else updated.isoformat()
    return Entry.of({"id": number, "version": version, "lastUpdated": shown})


Place = Callable[[Query, int], float]


def kept(_: random.Random) -> Place:
    """Let equal customers always come in the same order."""
    return lambda _, number: number


def shuffled(dice: random.Random) -> Place:
    """Let equal customers come in another order each time."""
    return lambda _query, _number: dice.random()


def two_plans(dice: random.Random) -> Place:
    """Let equal customers come in one order for small offsets, and in another for greater ones."""
    orders = [[dice.random() for _ in range(1000)] for _ in range(2)]
    return lambda query, number: orders[query.offset >= 6][number]


ORDERS: dict[str, Callable[[random.Random], Place]] = {"kept": kept, "shuffled": shuffled, "two plans": two_plans}


@dataclass
class MovingList:
    """Customers by number, a clock that moves by hand, and what happens before each request."""

    size: int = 3
    nulls_first: bool = True
    place: Place = lambda _, number: number  # in the order within a second
    before: Callable[[], None] = lambda: None
    now: datetime = START
    customers: dict[int, tuple[datetime | None, int]] = field(default_factory=dict)
    queries: list[Query] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def put(self, number: int, updated: datetime | None) -> None:
        """Save a customer as updated at a certain time."""
        self.customers[number] = (updated, self.customers.get(number, (None, 0))[1] + 1)

    def touch(self, number: int) -> None:
        """Update a customer now."""
        self.put(number, self.now)

    def tick(self, seconds: float = 1.0) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def wait(self, seconds: float) -> None:
        """Let a walk wait."""
        self.waited.append(seconds)
        self.tick(seconds)

    def newest(self) -> dict[str, int]:
        """Give the version of each customer."""
        return {str(number): version for number, (_, version) in self.customers.items()}

    def ask(self, query: Query) -> Listing:
        """Answer as documented, after whatever happens before."""
        self.before()
        self.queries.append(query)
        rows = self.select(query)
        shown = rows[query.offset : query.offset + self.size]
        more = query.offset + self.size < len(rows)
        return Listing(tuple(shown), len(rows), self.size, more, self.now.replace(microsecond=0))

    def select(self, query: Query) -> list[Entry]:
        """Filter and sort; a database puts what has no date first, or last."""
        chosen = [
            (updated, number, version)
            for number, (updated, version) in self.customers.items()
            if (query.since is None or (updated is not None and updated >= query.since))
            and (query.before is None or (updated is not None and updated < query.before))
        ]
        extreme = datetime.min.replace(tzinfo=UTC) if self.nulls_first else datetime.max.replace(tzinfo=UTC)
        chosen.sort(key=lambda row: (row[0] or extreme, self.place(query, row[1])), reverse=query.order == "desc")
        return [entry(number, updated, version) for updated, number, version in chosen]
