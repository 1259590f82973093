"""A list of customers in memory that changes between two requests, answered as the vendor's page says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connectors.keypro.listing import Part, Query

START = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


@dataclass
class MovingList:
    """Customers by id, a clock that moves by hand, and what happens before and after each request.

    `size` is the server's own limit; `links` tells whether it says that more comes.
    """

    size: int = 3
    links: bool = True
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    now: datetime = START
    customers: dict[int, tuple[datetime, int]] = field(default_factory=dict)
    queries: list[Query] = field(default_factory=list)
    created: int = 0

    def create(self) -> None:
        """Add a customer now; ids are not used again."""
        self.created += 1
        self.customers[self.created] = (self.now, 1)

    def touch(self, number: int) -> None:
        """Change a customer now."""
        self.customers[number] = (self.now, self.customers[number][1] + 1)

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def newest(self) -> dict[str, int]:
        """Give the version of each customer."""
        return {str(number): version for number, (_, version) in self.customers.items()}

    def ask(self, query: Query) -> Part:
        """Answer as documented; the answer tells the time at which it is sent."""
        self.before()
        self.queries.append(query)
        rows = [
            {"id": number, "version": version, "dateModified": updated.isoformat()}
            for number, (updated, version) in sorted(self.customers.items())
            if (query.behind is None or number > int(query.behind)) and (query.since is None or updated >= query.since)
        ]
        shown = rows[: min(self.size, query.limit)]
        self.after()
        return Part(tuple(shown), self.links and len(shown) < len(rows), self.now.replace(microsecond=0))
