"""A gate whose ceilings change while requests are out."""

from __future__ import annotations

import asyncio

from connectors.delivery.gate import Gate
from tests.connectors.virtual_loop import clock, run


def make_gate(concurrency: int = 8, rate: float | None = None) -> Gate:
    """Make a gate that lives in virtual time."""
    return Gate(concurrency=concurrency, rate=rate, clock=clock)


def test_a_lower_ceiling_waits_for_what_is_out() -> None:
    """With more out than is allowed now, nothing new goes out until enough has come back."""

    async def scenario() -> None:
        gate = make_gate(4)
        out = [await gate.admit() for _ in range(4)]
        gate.resize(2, None)
        assert (gate.limit, gate.in_flight) == (2, 4)
        waiting = asyncio.create_task(gate.admit())
        for permit in out[:2]:
            gate.succeeded(permit)
        await asyncio.sleep(1)
        assert not waiting.done()
        gate.succeeded(out[2])
        await asyncio.wait_for(waiting, 1)
        assert gate.in_flight == 2

    run(scenario())


def test_a_higher_ceiling_lets_waiters_go_at_once() -> None:
    """Who waits for a place goes out as soon as there are more."""

    async def scenario() -> None:
        gate = make_gate(1)
        await gate.admit()
        waiting = [asyncio.create_task(gate.admit()) for _ in range(4)]
        await asyncio.sleep(1)
        gate.resize(4, None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sum(task.done() for task in waiting) == 3
        for task in waiting:
            task.cancel()

    run(scenario())


def test_with_nothing_left_nothing_goes_out() -> None:
    """A ceiling of 0 lets nothing out, whatever becomes of what is out already, until there is another one."""

    async def scenario() -> None:
        gate = make_gate(4)
        out = [await gate.admit() for _ in range(3)]
        gate.resize(0, None)
        waiting = asyncio.create_task(gate.admit())
        gate.failed(out[0], "C-1")
        gate.succeeded(out[1])
        gate.released(out[2])
        await asyncio.sleep(60)
        assert not waiting.done()
        gate.resize(2, None)
        await asyncio.wait_for(waiting, 1)

    run(scenario())


def test_a_limit_that_was_cut_stays_cut() -> None:
    """A ceiling that rises does not undo what the gate has learnt of the target; one that falls below it counts."""

    async def scenario() -> None:
        gate = make_gate(16)
        gate.throttled(await gate.admit(), 1)
        assert gate.limit == 8
        gate.resize(12, None)
        assert gate.limit == 8
        gate.resize(3, None)
        assert gate.limit == 3

    run(scenario())


def test_a_ceiling_of_nothing_undoes_no_limit() -> None:
    """What the gate has learnt of the target stands after a while in which nothing might go out."""

    async def scenario() -> None:
        gate = make_gate(16)
        gate.throttled(await gate.admit(), 1)
        gate.resize(0, None)
        assert gate.limit == 0
        gate.resize(16, None)
        assert gate.limit == 8

    run(scenario())


def test_a_failure_while_nothing_may_go_out_leaves_a_place() -> None:
    """A limit of one that was cut while the ceiling was 0 lets one request out afterwards."""

    async def scenario() -> None:
        gate = make_gate(1)
        permit = await gate.admit()
        gate.resize(0, None)
        gate.failed(permit, "C-1")
        gate.resize(1, None)
        await asyncio.wait_for(gate.admit(), 1)

    run(scenario())


def test_with_nothing_left_no_probe_goes_out() -> None:
    """A gate that may let nothing out lets no probe out either, though its pause is over."""

    async def scenario() -> None:
        gate = make_gate(4)
        gate.throttled(await gate.admit(), 1)
        gate.resize(0, None)
        waiting = asyncio.create_task(gate.admit())
        await asyncio.sleep(60)
        assert not waiting.done()
        gate.resize(2, None)
        await asyncio.wait_for(waiting, 1)

    run(scenario())


def test_the_rate_follows() -> None:
    """From the change on requests keep the new distance."""

    async def scenario() -> None:
        gate = make_gate(100, rate=10)
        for _ in range(3):
            await gate.admit()
        gate.resize(100, 2)
        began = clock()
        for _ in range(5):
            await gate.admit()
        assert 2.0 <= clock() - began <= 2.5

    run(scenario())
