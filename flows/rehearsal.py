"""Rehearses a run: the same pipeline goes as far as to the target's door, over a ledger that is only sketched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Self

from connectors.delivery.trip import Delivery
from connectors.protocol import Answer, Held, Row
from flows.job import Job
from flows.ledger.knowledge import Clock
from flows.ledger.sketch import Sketch
from flows.plan import Plan
from flows.state import find_ledger

_AT_ONCE = 100
_UNKNOWN_ID = "given by the target"


class Unsent:
    """Stands where a courier and its target would: every row counts as taken, and no request is made, to nobody.

    Who has an id of the target's in the ledger counts as updated, everybody else as created.
    """

    requests = 0
    retries = 0

    def __init__(self, address: str) -> None:
        self.address = address

    @property
    def target(self) -> Self:
        """Be the target as well: there is nothing to sign in to."""
        return self

    async def __aenter__(self) -> Self:
        """Connect to nothing."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of nothing."""

    async def deliver(
        self, rows: Sequence[Row], before_send: Callable[[], None]
    ) -> AsyncGenerator[list[Delivery], None]:
        """Take every row for accepted; raises what `before_send` raises."""
        for start in range(0, len(rows), _AT_ONCE):
            before_send()
            group = range(start, min(start + _AT_ONCE, len(rows)))
            yield [Delivery(position, _taken(rows[position]), tries=0) for position in group]
            await asyncio.sleep(0)  # so that a signal is heard

    async def look_up(self, row: Row, before_send: Callable[[], None]) -> Held | None:  # noqa: ARG002 - it asks nobody
        """Know of nobody whom the ledger does not know."""
        return None


def _taken(row: Row) -> Answer:
    return Answer(None, target_id=row.target_id or _UNKNOWN_ID, created=row.target_id is None)


def open_rehearsal(job: Job, environment: Mapping[str, str], clock: Clock, given: str | None = None) -> Sketch:
    """Open a sketch over the job's ledger, or over none; makes nothing. Raises JobError where it cannot be read."""
    place = find_ledger(job, given, environment)
    return Sketch.over(place.url, place.environment, clock)


def limits_of(plan: Plan) -> Iterator[str]:
    """Say what a dry run of this job cannot know."""
    yield "dry run: nothing is sent and nothing is written; what the target itself would refuse is not known"
    if plan.entity_fields:
        fields = ", ".join(sorted(plan.entity_fields))
        yield f"the target is not asked for its entries: those that {fields} name are taken for granted"
    if plan.parent_fields:
        yield "the target is not asked for parents: who waits for one that the ledger does not know counts as deferred"
