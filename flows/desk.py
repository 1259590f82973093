"""What every page of a run is processed with; decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from connectors.delivery.courier import Courier
from connectors.protocol import Row
from flows.entity import Entities
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run
from flows.lineup import parents_of
from flows.plan import Plan
from flows.seen import Seen

Steps = Callable[[str], None]


_RECALLED_AT_ONCE = 10_000  # references in one query


class Deferral(NamedTuple):
    """A customer that waits, by its source key, and for whom."""

    source_key: str
    parents: tuple[str, ...]


@dataclass(slots=True)
class Desk:
    """What every page of a run is processed with."""

    plan: Plan
    ledger: Ledger
    run: Run
    courier: Courier
    seen: Seen
    entities: Entities
    before_send: Callable[[], None]
    watermark: tuple[str, str] | None = None  # source and filter, where this run moves it
    tries_at_once: bool = False  # though a reject's pause is not over
    as_it_stands: bool = False  # the source counts as it is now, though an earlier run handled what looks newer
    on_step: Steps = lambda _: None
    met: set[str] = field(default_factory=set)  # other customers that the target was asked for, and holds
    waiting: dict[str, Deferral] = field(default_factory=dict)  # by reference

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
