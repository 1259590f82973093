"""Sends rows through targets for the contract, each time through one that is entered anew, and gives plain values."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from connectors.delivery.courier import Comparison, Courier
from connectors.delivery.gate import Gate
from connectors.protocol import Answer, ConnectorError, Held, Row, Target
from connectors.sandbox.fault import Faults
from tests.contracts.target_world import Noted, TargetWorld

CONCURRENCY = 4

T = TypeVar("T")


@dataclass(slots=True)
class Delivered:
    """What became of deliveries: answers by position, one mapping for each, and the error that ended them.

    `requests` are those that the courier counted, `noted` those that the system got meanwhile.
    """

    answers: list[dict[int, Answer]] = field(default_factory=list)
    error: ConnectorError | None = None
    requests: int = 0
    noted: Sequence[Noted] = ()

    @property
    def writes(self) -> int:
        """Count the requests that could change a customer."""
        return sum(request.method != "GET" for request in self.noted)

    @property
    def reads(self) -> int:
        """Count the requests that could not."""
        return len(self.noted) - self.writes

    def ids(self, batch: int = -1) -> list[str | None]:
        """Give the ids that a batch was answered with, in the order of its rows."""
        return [answer.target_id for _, answer in sorted(self.answers[batch].items())]

    def codes(self) -> list[str]:
        """Give the codes of all refusals."""
        return [refusal.code for batch in self.answers for answer in batch.values() for refusal in answer.refusals]


def with_target(
    world: TargetWorld,
    act: Callable[[Target], Awaitable[T]],
    faults: Faults | None = None,
    target: Target | None = None,
) -> T:
    """Enter a target, do something with it while things go wrong, and let them be well again."""

    async def main() -> T:
        async with target or world.make() as entered:
            world.fail(faults or Faults())
            try:
                return await act(entered)
            finally:
                world.heal()

    return asyncio.run(main())


def sent(world: TargetWorld, *rows: Row, faults: Faults | None = None) -> list[Answer]:
    """Send rows one after the other."""

    async def act(target: Target) -> list[Answer]:
        return [await target.send(row) for row in rows]

    return with_target(world, act, faults)


def failed(world: TargetWorld, row: Row, faults: Faults, target: Target | None = None) -> ConnectorError:
    """Send a row, and give the error that this must raise."""

    async def act(entered: Target) -> Answer:
        return await entered.send(row)

    try:
        answer = with_target(world, act, faults, target)
    except ConnectorError as error:
        check_silent(world, row, error)
        return error
    pytest.fail(f"it is neither a success nor a refusal: {answer}")


def looked_up(world: TargetWorld, *rows: Row) -> list[Held | None]:
    """Look rows up."""

    async def act(target: Target) -> list[Held | None]:
        return [await target.look_up(row) for row in rows]

    return with_target(world, act)


def compared(world: TargetWorld, rows: Sequence[Row], faults: Faults | None = None) -> list[Comparison]:
    """Compare rows with what the system holds, through one courier; in the order of the rows, one for each."""

    async def act(target: Target) -> list[Comparison]:
        gate = Gate(concurrency=CONCURRENCY, clock=world.time.clock, sleep=world.time.sleep)
        courier = Courier(target, gate, clock=world.time.clock, sleep=world.time.sleep, chance=lambda: 0.5)
        found = [each async for group in courier.compare(rows, lambda: None) for each in group]
        assert sorted(each.position for each in found) == list(range(len(rows))), "each row has one comparison"
        return sorted(found, key=lambda each: each.position)

    return with_target(world, act, faults)


def delivered(
    world: TargetWorld,
    *batches: Sequence[Row],
    faults: Faults | None = None,
    between: Callable[[], object] = lambda: None,
) -> Delivered:
    """Deliver batches one after the other, through one courier; `between` happens after each."""
    result = Delivered()

    async def act(target: Target) -> None:
        gate = Gate(concurrency=CONCURRENCY, clock=world.time.clock, sleep=world.time.sleep)
        courier = Courier(target, gate, clock=world.time.clock, sleep=world.time.sleep, chance=lambda: 0.5)
        before = len(world.requests())
        try:
            for batch in batches:
                result.answers.append({})
                async for group in courier.deliver(batch, lambda: None):
                    for delivery in group:
                        assert delivery.position not in result.answers[-1], "each row has one delivery"
                        result.answers[-1][delivery.position] = delivery.answer
                between()
        except ConnectorError as error:
            result.error = error
        result.requests = courier.requests
        result.noted = world.requests()[before:]

    with_target(world, act, faults)
    if result.error is not None:
        for row in (row for batch in batches for row in batch):
            check_silent(world, row, result.error)
    return result


def check_silent(world: TargetWorld, row: Row, error: BaseException) -> None:
    """See that an error shows neither a secret nor anything of the customer, not by its cause either."""
    shown = "".join(traceback.format_exception_only(error)) + repr(error) + repr(vars(error))
    personal = [text for text in row.values.values() if isinstance(text, str) and len(text) > 5]
    assert not [text for text in (*world.secrets, *personal, row.reference) if text and text in shown]
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__, "the cause carries addresses, headers and bodies"
