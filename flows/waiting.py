"""Settles, once all pages are read, the customers that wait for their parents; what cannot be settled stays deferred.

They are read again by their keys instead of being kept, so that memory does not grow with those that wait.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from connectors.protocol import Page, Row, Source, TransientError
from flows.decision import Decision, settlement_of
from flows.desk import Desk
from flows.dispatch import deferral, dispatch
from flows.ledger.record import Place, Settlement
from flows.lineup import Lineup, find_cycles, parents_of
from flows.preparation import Prepared, prepare

_ASKED_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Stuck:
    """A customer that still waits, and for whom."""

    settlement: Settlement
    parents: frozenset[str]


@dataclass(slots=True)
class Waiting:
    """The customers that a run has deferred; `places` says by source key where each was met."""

    desk: Desk
    source: Source
    notify: Callable[[str], None]
    places: dict[str, Place]
    _stuck: dict[str, Stuck] = field(default_factory=dict)  # by reference
    _asked: set[str] = field(default_factory=set)

    async def settle(self) -> None:
        """Send whoever can be sent, again and again, until nobody else can; then refuse those that wait in a circle."""
        while self.places:
            before = len(self.places)
            await self._go_round()
            if len(self.places) == before and not await self._ask_target():
                self._refuse_circles()
                return

    async def _go_round(self) -> None:
        self._stuck.clear()
        pages = self.source.read_keys(sorted(self.places), self.desk.plan.job.page_size)
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            await self._send(page)

    async def _send(self, page: Page) -> None:
        desk = self.desk
        prepared = prepare(0, page, desk.plan, partial(desk.ledger.remembered, desk.run.scope), frozenset())
        decision = self._decide(prepared)
        await desk.entities.fill(prepared, decision)
        lineup = Lineup(decision.rows, desk.plan.parent_fields, desk.held)
        self._settle(decision.settlements)
        for place in lineup.hopeless():
            self._note_stuck(deferral(prepared, decision, place), decision.rows[place])
        rows = {row.reference: row for row in decision.rows}
        intents = [decision.intent(prepared, place) for place in (*lineup.ready, *lineup.left())]
        desk.ledger.intend(desk.run, [(reference, key, self.places[key].page) for reference, key in intents])
        desk.on_step("intended")
        async for settlements in dispatch(prepared, decision, lineup, desk):
            for item in settlements:
                if item.outcome == "deferred":
                    self._note_stuck(item, rows[item.reference or ""])
            self._settle(settlements)

    def _decide(self, prepared: Prepared) -> Decision:
        """Take those that are as they were met; who has another reference now, or is filtered, is the next run's."""
        desk, keys = self.desk, prepared.page.keys
        decision = Decision()
        references = [candidate.reference for candidate in prepared.candidates.values()]
        crossings = desk.ledger.crossings(desk.run.scope, references)
        for position in prepared.kept:
            place = self.places.get(keys[position])
            if place is None or prepared.references.get(position) != place.reference:
                continue
            if found := prepared.findings.get(position):
                stage, findings = found
                verdict = settlement_of(prepared, position, outcome="invalid", stage=stage, findings=findings)
                decision.settlements.append(verdict)
            elif (candidate := prepared.candidates.get(position)) is not None:
                crossing = crossings.get(candidate.reference)
                row = Row(
                    candidate.reference,
                    candidate.payload,
                    target_id=crossing.target_id if crossing else None,
                    doubtful=candidate.reference in desk.run.unanswered,
                )
                decision.add(position, row)
        return decision

    def _note_stuck(self, settlement: Settlement, row: Row) -> None:
        self._stuck[row.reference] = Stuck(settlement, parents_of(row, self.desk.plan.parent_fields))

    def _settle(self, settlements: Iterable[Settlement]) -> None:
        """Write what became of customers into the lines of the pages in which they were met."""
        by_page: dict[int, list[Settlement]] = defaultdict(list)
        for item in settlements:
            place = self.places[item.source_key]
            by_page[place.page].append(replace(item, position=place.position))
            if item.outcome != "deferred":
                del self.places[item.source_key]
        for page, items in by_page.items():
            self.desk.ledger.settle(self.desk.run, page, items)
            self.desk.on_step("recorded")

    async def _ask_target(self) -> bool:
        """Look the missing parents up in the target, once in a run; tells whether it holds any."""
        wanted = sorted(frozenset().union(*(each.parents for each in self._stuck.values())) - self._asked)
        found = False
        for start in range(0, len(wanted), _ASKED_AT_ONCE):
            chunk = wanted[start : start + _ASKED_AT_ONCE]
            answers = await asyncio.gather(*(self._is_held(parent) for parent in chunk))
            self.desk.met.update(parent for parent, held in zip(chunk, answers, strict=True) if held)
            self._asked.update(chunk)
            found |= any(answers)
        return found

    async def _is_held(self, parent: str) -> bool:
        try:
            return await self.desk.courier.look_up(Row(parent), self.desk.before_send) is not None
        except TransientError:  # of this one: its children stay deferred
            self.notify("a parent could not be looked up; its customers are tried again by the next run")
            return False

    def _refuse_circles(self) -> None:
        system, fields = self.desk.plan.system, self.desk.plan.parent_fields
        circles = find_cycles({reference: each.parents for reference, each in self._stuck.items()})
        finding = system.finding("other_than", fields[0]) if fields else None
        if circles and finding is not None:
            refused = [self._stuck[reference].settlement for reference in sorted(circles)]
            self._settle(replace(item, outcome="invalid", findings=(finding,)) for item in refused)
