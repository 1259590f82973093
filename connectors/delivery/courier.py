"""Sends or looks up many rows through one target; the only place where anything is tried again.

It never refuses a customer for what is the target's failure, and leaves no task behind.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeVar

from connectors.delivery.comparison import Comparison, Inspection
from connectors.delivery.directory import Directory
from connectors.delivery.gate import Clock, Gate, Sleep
from connectors.delivery.parcel import Parcel
from connectors.delivery.passage import Passage
from connectors.delivery.trip import Advance, Delivery, Trip
from connectors.protocol import Entity, Held, IdTarget, Roll, Row, Target, ThrottledError, TransientError
from connectors.retry import Budget, Retry

__all__ = ["Comparison", "Courier", "Delivery"]

T = TypeVar("T")
R = TypeVar("R")


class Courier:
    """Delivers rows through a target, at the pace of a gate.

    A customer whose send failed is tried again, up to the policy's number, then looked up. `requests` (sends, retries
    and look-ups; signing in is no customer's) and `retries` count over all deliveries.
    """

    def __init__(
        self,
        target: Target,
        gate: Gate,
        *,
        retry: Retry | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.target = target
        self.gate = gate
        self.retry = retry or Retry()
        self.budget = Budget()
        self.clock = clock
        self.sleep = sleep
        self.chance = chance
        self.requests = 0
        self.retries = 0
        self._before_send: Callable[[], None] = lambda: None
        if hasattr(target, "roll") and not isinstance(target, IdTarget):  # it would be taken for one that upserts
            raise TypeError(f"{type(target).__name__} has ids of its own, and lacks a part of IdTarget")
        self.directory = Directory(self._ask_roll, clock) if isinstance(target, IdTarget) else None

    def note_send(self) -> None:
        """Count the first send of a row."""
        self.requests += 1
        self.budget.note_request(self.clock())

    def note_retry(self) -> None:
        """Count another send of a row."""
        self.requests += 1
        self.retries += 1

    def note_look_up(self) -> None:
        """Count a look-up."""
        self.requests += 1

    async def deliver(
        self, rows: Sequence[Row], before_send: Callable[[], None]
    ) -> AsyncGenerator[list[Delivery], None]:
        """Send rows and yield their answers, in groups of at most 100 and at least every quarter of a second.

        A group is the smaller, the more is in flight: what is not yielded yet stays at 100 up to 34 in flight.

        Each row gets exactly one Delivery, in no order. `before_send` is called before every request; where it raises,
        or the target fails for good (PermanentError), nothing new is started, what is in flight ends and is yielded,
        and then the error is raised. Rows without a Delivery are simply not done.
        """
        parcels = await self._parcels(rows, before_send)
        trip: Trip[Delivery] = Trip(self.gate, parcels, before_send, clock=self.clock, sleep=self.sleep)
        async with aclosing(_results(trip, Passage(self, trip))) as groups:
            async for group in groups:
                yield group

    async def compare(
        self, rows: Sequence[Row], before_send: Callable[[], None]
    ) -> AsyncGenerator[list[Comparison], None]:
        """Look rows up and yield in what the target differs from each, in groups as `deliver` does; it writes nothing.

        Each row gets exactly one Comparison, in no order, and is asked for as patiently as by `look_up`; one without an
        answer holds up no other. Raises as `deliver`. Each row costs a request: a list would show ids, and no values.
        A row that has its `target_id` may be asked for by it alone, and `others` then tells of no twins.
        """
        parcels = [Parcel(position, row) for position, row in enumerate(rows)]
        trip: Trip[Comparison] = Trip(self.gate, parcels, before_send, clock=self.clock, sleep=self.sleep, proof=object)
        async with aclosing(_results(trip, Inspection(self, trip))) as groups:
            async for group in groups:
                yield group

    async def look_up(self, row: Row, before_send: Callable[[], None]) -> Held | None:
        """Find one customer by its reference, with the same patience as a delivery; None where it is not held.

        Raises TransientError after the last try, and whatever `before_send` or a target that fails for good raises.
        """
        return await self._ask(partial(self.target.look_up, row), before_send, row.reference)

    async def entities(self, kind: str, before_send: Callable[[], None]) -> Sequence[Entity] | None:
        """List what customers may name, with the same patience; raises as `look_up`."""
        return await self._ask(partial(self.target.entities, kind), before_send, f"list of {kind}")

    async def _parcels(self, rows: Sequence[Row], before_send: Callable[[], None]) -> list[Parcel]:
        """Find out of as many rows as is cheap where they stand in a target that has ids of its own."""
        directory = self.directory
        if directory is None:
            return [Parcel(position, row) for position, row in enumerate(rows)]
        self._before_send = before_send
        await directory.consult([row.reference for row in rows if row.target_id is None and not row.doubtful])
        return [Parcel.located_by(directory, position, row) for position, row in enumerate(rows)]

    async def _ask_roll(self, cursor: str | None) -> Roll:
        assert isinstance(self.target, IdTarget)
        return await self._ask(partial(self.target.roll, cursor), self._before_send, "list")

    async def _ask(self, question: Callable[[], Awaitable[T]], before_send: Callable[[], None], name: str) -> T:
        trip: Trip[Delivery] = Trip(self.gate, (), before_send, clock=self.clock, sleep=self.sleep)
        failures = 0
        while True:
            try:
                return await trip.through(question, self.note_look_up, name)
            except ThrottledError:
                continue  # the gate waits
            except TransientError as error:
                failures += 1
                if failures >= self.retry.tries:
                    raise
                await self.sleep(self.retry.pause(failures, error.delay_seconds, self.chance()))


async def _results(trip: Trip[R], way: Advance) -> AsyncGenerator[list[R], None]:
    """Carry a trip out: yield its results group by group, end whatever still runs, and raise what stopped it."""
    trip.start(way)
    try:
        while group := await trip.collect():
            yield group
    finally:
        await trip.end()
    if trip.error is not None:
        raise trip.error
