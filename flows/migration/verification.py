"""Compares what the source has with what the target shows, customer by customer; sends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from connectors.delivery.comparison import Comparison
from connectors.protocol import Page, Row
from flows.decision import Decision
from flows.entity import Entities
from flows.failure import StopAskedError
from flows.job import Job
from flows.ledger.difference import Difference, note_differences
from flows.ledger.ledger import Ledger
from flows.ledger.record import DONE, Remembered
from flows.migration.part import stopping_with
from flows.migration.workplace import PartTask, Workplace, workplace
from flows.preparation import Prepared, prepare, tell_apart
from flows.seen import Seen
from flows.summary import Verification
from flows.watch import Watch


async def verify_part(job: Job, ledger: Ledger, task: PartTask, watch: Watch) -> Verification:
    """Compare one partition; differences are kept in the ledger.

    Raises as `workplace`, ConnectorError where source or target fail, and StopAskedError.
    """
    async with workplace(job, ledger, task) as place:
        await asyncio.to_thread(place.source.open)
        stopping = stopping_with(place.division, task.migration, watch)
        async with place.courier.target, stopping, place.budget.held(watch):
            found = await _Reading(place, watch).verify()
        return replace(found, requests=place.courier.requests)


@dataclass(slots=True)
class _Reading:
    """One partition on its way through the comparison."""

    place: Workplace
    watch: Watch
    met: Seen = field(default_factory=Seen)
    entities: Entities = field(init=False)

    def __post_init__(self) -> None:
        place = self.place
        self.entities = Entities(place.plan, place.courier, self._before_send, self.watch.on_notice)

    async def verify(self) -> Verification:
        total = Verification()
        pages = self.place.source.pages(None, self.place.plan.job.page_size)
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            total += await self._page(tell_apart(page, self.met))
        return total

    async def _page(self, page: Page) -> Verification:
        prepared = prepare(0, page, self.place.plan, _nothing, frozenset())
        decision, found = self._sent(prepared)
        await self.entities.fill(prepared, decision)
        found.unsent += len(decision.settlements)
        differences = await self._compare([replace(row, target_id=None) for row in decision.rows])
        known = {row.reference: row for row in decision.rows if row.target_id is not None}
        absent = [known[each.reference] for each in differences if each.kind == "missing" and each.reference in known]
        if absent:  # under its id perhaps: a target may find no reference that it writes otherwise
            asked = {row.reference for row in absent}
            differences = [each for each in differences if each.reference not in asked] + await self._compare(absent)
        for each in differences:
            setattr(found, each.kind, getattr(found, each.kind) + 1)
        found.same += len(decision.rows) - len(differences)
        if differences:
            note_differences(self.place.ledger, self.place.migration, differences)
        return found

    async def _compare(self, rows: Sequence[Row]) -> list[Difference]:
        """Look rows up by their ids where they have them, else by their references: so that twins show."""
        found: list[Difference | None] = []
        async with aclosing(self.place.courier.compare(rows, self._before_send)) as groups:
            async for group in groups:
                found += [_difference(rows[each.position].reference, each) for each in group]
        return [each for each in found if each is not None]

    def _sent(self, prepared: Prepared) -> tuple[Decision, Verification]:
        """Find those whom the ledger counts as sent, as they are in the source now."""
        ledger, scope = self.place.ledger, self.place.migration.scope
        known = ledger.remembered(scope, prepared.page.keys)
        crossings = ledger.crossings(scope, [each.reference for each in prepared.candidates.values()])
        decision, found = Decision(), Verification(counted=prepared.page.counted)
        for position, key in enumerate(prepared.page.keys):
            candidate, customer = prepared.candidates.get(position), known.get(key)
            crossing = crossings.get(candidate.reference) if candidate else None
            if customer is None or customer.outcome not in DONE or crossing is None or crossing.source_key != key:
                found.unsent += 1
            # none is one that a comparison disproved, or a request without an answer: the target knows
            elif candidate is None or crossing.row_hash not in (None, candidate.row_hash):
                found.changed += 1
            else:
                fields = self.place.plan.system.fields  # no target shows an image
                values = {name: value for name, value in candidate.payload.items() if fields[name].type != "file"}
                row = Row(candidate.reference, values, target_id=crossing.target_id)
                decision.add(position, row)
        return decision, found

    def _before_send(self) -> None:
        if self.watch.stop_asked:
            raise StopAskedError
        self.place.ledger.prove_lease()


def _difference(reference: str, compared: Comparison) -> Difference | None:
    held = compared.held
    if compared.unanswered:
        return Difference(reference, "unanswered")
    if held is None:
        return Difference(reference, "missing")
    if held.others:
        return Difference(reference, "ambiguous")
    refused = {each.field for each in held.refusals if each.field}  # taken in, and turned down since
    if held.differing or held.refusals:
        return Difference(reference, "differing", tuple(sorted({*held.differing, *refused})))
    return None


def _nothing(_: object) -> dict[str, Remembered]:
    """Recall nobody: everybody is mapped and compared."""
    return {}
