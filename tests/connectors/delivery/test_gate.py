"""The gate paces, pauses, probes and gives up, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from connectors.delivery.gate import Gate, Permit
from connectors.protocol import UnavailableError
from tests.connectors.virtual_loop import clock, run


def make_gate(concurrency: int = 16, rate: float | None = None) -> Gate:
    """Make a gate that lives in virtual time."""
    return Gate(concurrency=concurrency, rate=rate, clock=clock)


async def enter(gate: Gate, count: int) -> list[Permit]:
    """Take so many permits."""
    return [await gate.admit() for _ in range(count)]


def test_no_more_than_the_limit_are_in_flight() -> None:
    """One request more than the limit waits until another comes back."""

    async def scenario() -> None:
        gate = make_gate(2)
        first, _ = await enter(gate, 2)
        third = asyncio.create_task(gate.admit())
        await asyncio.sleep(1)
        assert not third.done()
        gate.succeeded(first)
        assert (await third).started == 1

    run(scenario())


def test_throttling_halves_the_limit_once_per_round() -> None:
    """However many requests of one round are throttled, the limit is halved once."""

    async def scenario() -> None:
        gate = make_gate()
        for permit in await enter(gate, 16):
            gate.throttled(permit, 1)
        assert gate.limit == 8

    run(scenario())


def test_failures_and_slow_answers_take_a_tenth() -> None:
    """A failure takes a tenth of the limit, and so does an answer that took more than five seconds."""

    async def scenario() -> None:
        gate = make_gate(20)
        gate.failed(await gate.admit(), "A")
        assert gate.limit == 18
        permit = await gate.admit()
        await asyncio.sleep(5.1)
        gate.succeeded(permit)
        assert gate.limit == 16

    run(scenario())


def test_limit_never_falls_below_one_nor_rises_above_the_start() -> None:
    """One request may always be in flight, and never more than configured."""

    async def scenario() -> None:
        gate = make_gate(4)
        for _ in range(8):
            gate.throttled(await gate.admit(), 0.1)
        assert gate.limit == 1
        for _ in range(100):
            gate.succeeded(await gate.admit())
        assert gate.limit == 4

    run(scenario())


def test_a_window_of_successes_adds_one() -> None:
    """The limit grows by one after as many successes as it has places."""

    async def scenario() -> None:
        gate = make_gate(8)
        gate.throttled(await gate.admit(), 1)
        limits = []
        for _ in range(9):
            gate.succeeded(await gate.admit())
            limits.append(gate.limit)
        assert limits == [4, 4, 4, 5, 5, 5, 5, 5, 6]

    run(scenario())


def test_rate_is_a_ceiling_and_is_reached() -> None:
    """At 50/s, ten seconds see 500 requests, give or take the burst."""

    async def scenario() -> int:
        gate = make_gate(4, rate=50)
        sent = 0
        while clock() < 10:
            gate.succeeded(await gate.admit())
            sent += 1
        return sent

    assert 498 <= run(scenario()) <= 505


def test_a_pause_ends_with_one_probe() -> None:
    """After Retry-After one request goes out alone; the others follow when it succeeded."""

    async def scenario() -> None:
        gate = make_gate(8)
        gate.throttled(await gate.admit(), 7)
        waiting = [asyncio.create_task(gate.admit()) for _ in range(4)]
        await asyncio.sleep(6.9)
        assert not any(task.done() for task in waiting)
        await asyncio.sleep(5)
        (probe,) = [task.result() for task in waiting if task.done()]
        assert probe.probe
        assert probe.started == 7
        gate.succeeded(probe)
        permits = await asyncio.gather(*waiting)
        assert sorted(permit.probe for permit in permits) == [False, False, False, True]

    run(scenario())


def test_a_success_from_before_does_not_end_a_pause() -> None:
    """A request that was already out when the 429 came says nothing about the pause."""

    async def scenario() -> None:
        gate = make_gate(8)
        early, throttled = await enter(gate, 2)
        gate.throttled(throttled, 30)
        gate.succeeded(early)
        assert (await gate.admit()).started == 30

    run(scenario())


def test_pauses_without_retry_after_double() -> None:
    """Where the target names no delay, the pauses are 1, 2, 4 seconds and so on, up to a minute."""

    async def scenario() -> None:
        gate = make_gate()
        starts = []
        for _ in range(8):
            permit = await gate.admit()
            starts.append(permit.started)
            gate.throttled(permit, None)
        assert starts == [0, 1, 3, 7, 15, 31, 63, 123]

    run(scenario())


@pytest.mark.parametrize("delay", [901.0, 1e9])
def test_a_retry_after_beyond_patience_gives_up_at_once(delay: float) -> None:
    """Being asked to wait more than a quarter of an hour ends the run at once."""

    async def scenario() -> None:
        gate = make_gate()
        gate.throttled(await gate.admit(), delay)
        with pytest.raises(UnavailableError, match="rate limited"):
            await gate.admit()
        assert clock() == 0

    run(scenario())


def test_throttling_without_a_success_gives_up_after_a_quarter_of_an_hour() -> None:
    """429 for ever ends within fifteen minutes and one pause."""

    async def scenario() -> None:
        gate = make_gate()

        async def work() -> None:
            while True:
                gate.throttled(await gate.admit(), 60)

        with pytest.raises(UnavailableError, match="rate limited"):
            await work()
        assert 900 < clock() <= 960

    run(scenario())


def test_a_success_renews_the_patience_with_throttling() -> None:
    """Throttling now and then never ends a run."""

    async def scenario() -> None:
        gate = make_gate()
        for _ in range(50):
            gate.throttled(await gate.admit(), 60)
            gate.succeeded(await gate.admit())
        assert clock() == 50 * 60

    run(scenario())


def test_ten_different_customers_failing_in_a_row_open_the_circuit() -> None:
    """The tenth different customer that fails without a success between opens the circuit, not the ninth."""

    async def scenario() -> None:
        gate = make_gate()
        for customer in range(9):
            gate.failed(await gate.admit(), f"C-{customer}")
        assert not gate.is_open
        gate.failed(await gate.admit(), "C-9")
        assert gate.is_open

    run(scenario())


def test_one_customer_failing_often_does_not_open_the_circuit() -> None:
    """A poisoned customer is not the target's failure, nor are ten with successes between."""

    async def scenario() -> None:
        gate = make_gate()
        for _ in range(20):
            gate.failed(await gate.admit(), "C-1")
        for customer in range(20):
            gate.failed(await gate.admit(), f"C-{customer}")
            gate.succeeded(await gate.admit())
        assert not gate.is_open

    run(scenario())


def test_a_throttled_customer_breaks_a_row_of_failures() -> None:
    """A 429 is an answer: the ten in a row are counted anew."""

    async def scenario() -> None:
        gate = make_gate()
        for customer in range(9):
            gate.failed(await gate.admit(), f"C-{customer}")
        gate.throttled(await gate.admit(), 1)
        gate.failed(await gate.admit(), "C-9")
        assert not gate.is_open

    run(scenario())


def test_an_open_circuit_probes_every_half_minute_and_gives_up_after_five() -> None:
    """While the target is away ten requests go out, thirty seconds apart, and then all who wait are told."""

    async def scenario() -> None:
        gate = make_gate()
        gate.trip()
        starts = []

        async def work() -> None:
            while True:
                permit = await gate.admit()
                starts.append(permit.started)
                gate.failed(permit, "C-1")

        results = await asyncio.gather(*(work() for _ in range(16)), return_exceptions=True)
        assert starts == [30.0 * number for number in range(1, 11)]
        assert {type(result) for result in results} == {UnavailableError}

    run(scenario())


def test_a_probe_that_succeeds_closes_the_circuit() -> None:
    """Once a probe succeeded, the others go out as well."""

    async def scenario() -> None:
        gate = make_gate()
        gate.trip()
        waiting = [asyncio.create_task(gate.admit()) for _ in range(4)]
        await asyncio.sleep(31)
        (probe,) = [task.result() for task in waiting if task.done()]
        gate.succeeded(probe)
        await asyncio.gather(*waiting)
        assert not gate.is_open

    run(scenario())


def test_a_throttled_probe_ends_the_outage_and_begins_a_pause() -> None:
    """A target that answers 429 is no longer away."""

    async def scenario() -> None:
        gate = make_gate()
        gate.trip()
        gate.throttled(await gate.admit(), 5)
        assert not gate.is_open
        assert (await gate.admit()).started == 35

    run(scenario())


def test_a_permit_given_back_frees_its_place() -> None:
    """A request that was not sent leaves its place, and a probe that said nothing is followed by another."""

    async def scenario() -> None:
        gate = make_gate(1)
        gate.released(await gate.admit())
        gate.trip()
        gate.released(await gate.admit())
        assert (await gate.admit()).started == 60

    run(scenario())


def test_a_waiter_that_is_cancelled_passes_its_place_on() -> None:
    """A place given to a cancelled waiter goes to the next one."""

    async def scenario() -> None:
        gate = make_gate(1)
        permit = await gate.admit()
        first, second = (asyncio.create_task(gate.admit()) for _ in range(2))
        await asyncio.sleep(0)
        gate.succeeded(permit)
        first.cancel()
        assert (await asyncio.wait_for(second, 1)).number == 2

    run(scenario())
