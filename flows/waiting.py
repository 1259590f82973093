"""Settles, once all pages are read, the customers that wait for their parents; what cannot be settled stays deferred.

They are read again by their keys, and only once they can be sent: of each that waits no more is kept than its name,
its place and for whom it waits.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from connectors.protocol import Page, Row, Source, TransientError
from flows.decision import Decision, settlement_of
from flows.desk import Deferral, Desk
from flows.dispatch import defer, dispatch
from flows.ledger.record import Place, Settlement
from flows.lineup import Lineup, find_cycles, find_ready
from flows.preparation import Prepared, prepare, tell_apart
from flows.seen import Seen

_ASKED_AT_ONCE = 64


@dataclass(slots=True)
class Waiting:
    """The customers that a run has deferred; `places` says by source key where each was met."""

    desk: Desk
    source: Source
    notify: Callable[[str], None]
    places: dict[str, Place]
    _asked: set[str] = field(default_factory=set)
    _given_up: set[str] = field(default_factory=set)  # references of those that are no longer as they were met
    _done: dict[str, tuple[Place, Settlement]] = field(default_factory=dict)  # by the reading under way

    async def settle(self) -> None:
        """Send whoever can be sent, again and again, until nobody else can; then refuse those that wait in a circle."""
        while left := self._left():
            if ready := self._ready(left):
                await self._send_all(ready)
            elif not await self._ask_target(left):
                await self._refuse_circles(left)
                return

    async def learn(self) -> None:
        """Read for whom they wait, where other processes have met them."""
        async for page in self._read(sorted(self.places)):
            prepared = self._prepared(page)
            for position in self._unmistakable(prepared):
                if (candidate := prepared.candidates.get(position)) is not None:
                    self.desk.note_waiting(Row(candidate.reference, candidate.payload), prepared.page.keys[position])

    def _left(self) -> dict[str, Deferral]:
        return {
            reference: each
            for reference, each in self.desk.waiting.items()
            if each.source_key in self.places and reference not in self._given_up
        }

    def _ready(self, left: dict[str, Deferral]) -> dict[str, Deferral]:
        """Find those whose parents have arrived, or can be sent as well."""
        held = self.desk.held({parent for each in left.values() for parent in each.parents})
        ready = find_ready({reference: set(each.parents) - held for reference, each in left.items()})
        return {reference: left[reference] for reference in ready}

    async def _send_all(self, ready: dict[str, Deferral]) -> None:
        """Send these; who does not come back as ready as he was is left to the next run."""
        self._done.clear()
        for reference in ready:
            del self.desk.waiting[reference]  # who is deferred again notes it anew
        async for page in self._read([each.source_key for each in ready.values()]):
            await self._send(page)
        again = self.desk.waiting.keys() & ready.keys()
        for reference in ready.keys() - again:
            if ready[reference].source_key in self.places:
                self._given_up.add(reference)
                self.desk.waiting[reference] = ready[reference]
        if len(again) == len(ready):  # no progress: whatever the reason, it would go round and round
            self._given_up |= again

    async def _read(self, keys: Sequence[str]) -> AsyncIterator[Page]:
        """Read records by their keys; one that was told apart from its twins is found by the key that they share."""
        shared = {key.rpartition("#")[0] for key in keys if "#" in key} - {""}
        pages = self.source.read_keys(sorted({*keys, *shared}), self.desk.plan.job.page_size)
        met = Seen()
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            yield tell_apart(page, met)

    async def _send(self, page: Page) -> None:
        desk, prepared = self.desk, self._prepared(page)
        decision = self._decide(prepared)
        await desk.entities.fill(prepared, decision)
        lineup = Lineup(decision.rows, desk.plan.parent_fields, desk.held)
        self._settle(decision.settlements)
        for place in lineup.hopeless():
            defer(prepared, decision, place, desk)
        intents = [decision.intent(prepared, place) for place in (*lineup.ready, *lineup.left())]
        desk.ledger.intend(desk.run, [(reference, key, self._place(key).page) for reference, key in intents])
        desk.on_step("intended")
        async for settlements in dispatch(prepared, decision, lineup, desk):
            self._settle(settlements)

    def _prepared(self, page: Page) -> Prepared:
        recall = partial(self.desk.ledger.remembered, self.desk.run.scope)
        return prepare(0, page, self.desk.plan, recall, frozenset())

    def _decide(self, prepared: Prepared) -> Decision:
        """Take those that are as they were met; who has another reference now, or is filtered, is the next run's."""
        desk, decision = self.desk, Decision()
        references = [candidate.reference for candidate in prepared.candidates.values()]
        crossings = desk.ledger.crossings(desk.run.scope, references)
        for position in self._unmistakable(prepared):
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

    def _unmistakable(self, prepared: Prepared) -> list[int]:
        """List the positions of records that still wait here: of several versions of one the newest alone."""
        keys, versions = prepared.page.keys, prepared.page.versions
        newest: dict[str, int] = {}
        for position in prepared.kept:
            other = newest.get(keys[position])
            if other is None or versions is None or versions[position] >= versions[other]:
                newest[keys[position]] = position
        return [
            position
            for key, position in newest.items()
            if prepared.references.get(position) == self._awaited(key, versions[position] if versions else None)
        ]

    def _awaited(self, key: str, version: str | None) -> str | None:
        """Give the reference of a record that still waits, or of which an older version was sent in this reading."""
        if (place := self.places.get(key)) is not None:
            return place.reference
        _, done = self._done.get(key, (None, None))
        return done.reference if done is not None and (version or "") > (done.version or "") else None

    def _place(self, key: str) -> Place:
        return self.places[key] if key in self.places else self._done[key][0]

    def _settle(self, settlements: Iterable[Settlement]) -> None:
        """Write what became of customers into the lines of the pages in which they were met."""
        by_page: dict[tuple[int, int], list[Settlement]] = defaultdict(list)
        for item in settlements:
            key, place = item.source_key, self._place(item.source_key)
            _, before = self._done.pop(key, (None, None))
            if before is not None and (before.outcome, item.outcome) == ("created", "updated"):
                item = replace(item, outcome="created")  # noqa: PLW2901 - an older version of it was sent a page ago
            by_page[place.run, place.page].append(replace(item, position=place.position))
            if item.outcome == "deferred":
                self.places[key] = place
            else:
                self.places.pop(key, None)
                self._done[key] = (place, item)
        for (run, page), items in by_page.items():
            self.desk.ledger.settle(replace(self.desk.run, number=run), page, items)
            self.desk.on_step("recorded")

    async def _ask_target(self, left: dict[str, Deferral]) -> bool:
        """Look the missing parents up in the target, once in a run; tells whether it holds any."""
        wanted = sorted({parent for each in left.values() for parent in each.parents} - self._asked)
        found = False
        for start in range(0, len(wanted), _ASKED_AT_ONCE):
            chunk = wanted[start : start + _ASKED_AT_ONCE]
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._is_held(parent)) for parent in chunk]
            except BaseExceptionGroup as several:  # the first that failed has ended the others
                raise several.exceptions[0] from None
            answers = [task.result() for task in tasks]
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

    async def _refuse_circles(self, left: dict[str, Deferral]) -> None:
        circles = find_cycles({reference: each.parents for reference, each in left.items()})
        if not circles:
            return
        finding = self.desk.plan.system.finding("other_than", self.desk.plan.parent_fields[0])
        keys = [left[reference].source_key for reference in sorted(circles)]
        async for page in self._read(keys):
            prepared = self._prepared(page)
            self._settle(
                [
                    settlement_of(prepared, position, outcome="invalid", stage="reference", findings=(finding,))
                    for position in self._unmistakable(prepared)
                    if prepared.page.keys[position] in set(keys)
                ]
            )
