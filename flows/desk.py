"""What every page of a run is processed with; decides nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Protocol

from connectors.delivery.trip import Delivery
from connectors.protocol import Held, Row
from flows.entity import Filling
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run
from flows.lineup import parents_of
from flows.plan import Plan
from flows.seen import Claims
from flows.shortened import Shortened

Steps = Callable[[str], None]


_RECALLED_AT_ONCE = 10_000  # references in one query


class Deferral(NamedTuple):
    """A customer that waits, by its source key, and for whom."""

    source_key: str
    parents: tuple[str, ...]


class Destination(Protocol):
    """Where rows go, as far as a run knows it: signed in to at its beginning, left at its end."""

    @property
    def address(self) -> str:
        """Name the kind and place, without secrets."""

    async def __aenter__(self) -> Any:
        """Connect."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Let go."""


class Post(Protocol):
    """Delivers rows and tells what became of each: a courier does, and in a dry run somebody who sends nothing."""

    @property
    def target(self) -> Destination:
        """Name where the rows go."""

    @property
    def requests(self) -> int:
        """Count the requests so far."""

    @property
    def retries(self) -> int:
        """Count those that were made again."""

    def deliver(self, rows: Sequence[Row], before_send: Callable[[], None]) -> AsyncGenerator[list[Delivery], None]:
        """Deliver rows, and give what became of them group by group."""

    async def look_up(self, row: Row, before_send: Callable[[], None]) -> Held | None:
        """Find one customer by its reference; None where it is not held."""


@dataclass(slots=True)
class Desk:
    """What every page of a run is processed with."""

    plan: Plan
    ledger: Ledger
    run: Run
    courier: Post
    seen: Claims
    entities: Filling
    before_send: Callable[[], None]
    watermark: tuple[str, str] | None = None  # source and filter, where this run moves it
    tries_at_once: bool = False  # though a reject's pause is not over
    as_it_stands: bool = False  # the source counts as it is now, though an earlier run handled what looks newer
    on_step: Steps = lambda _: None
    met: set[str] = field(default_factory=set)  # other customers that the target was asked for, and holds
    waiting: dict[str, Deferral] = field(default_factory=dict)  # by reference
    shortened: Shortened = field(default_factory=Shortened)

    def held(self, references: Collection[str]) -> set[str]:
        """Say which of these customers the target is known to hold."""
        known = self.met & set(references)
        asked = sorted(set(references) - known)
        for start in range(0, len(asked), _RECALLED_AT_ONCE):
            crossings = self.ledger.crossings(self.run.scope, asked[start : start + _RECALLED_AT_ONCE])
            known |= {
                reference
                for reference, crossing in crossings.items()
                if crossing.target_id is not None or crossing.row_hash is not None
            }
        return known

    def note_waiting(self, row: Row, source_key: str) -> None:
        """Keep for whom a deferred customer waits; about 400 bytes."""
        self.waiting[row.reference] = Deferral(source_key, tuple(parents_of(row, self.plan.parent_fields)))
