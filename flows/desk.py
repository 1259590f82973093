"""What every page of a run is processed with; decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from connectors.delivery import Courier
from flows.entity import Entities
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run
from flows.plan import Plan
from flows.seen import Seen

Steps = Callable[[str], None]


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

    def held(self, references: Collection[str]) -> set[str]:
        """Say which of these customers the target is known to hold."""
        crossings = self.ledger.crossings(self.run.scope, sorted(references))
        known = {
            reference
            for reference, crossing in crossings.items()
            if crossing.target_id is not None or crossing.row_hash is not None
        }
        return known | (self.met & set(references))
