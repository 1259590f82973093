"""Sends many rows through one target and tells what became of each; the only place where anything is tried again.

It never refuses a customer for what is the target's failure, and leaves no task behind.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar, cast

from connectors.gate import Clock, Gate, Sleep
from connectors.parcel import Parcel
from connectors.protocol import Answer, Held, Row, Target, ThrottledError, TransientError
from connectors.retry import Budget, Retry

# What a killed run may have to send again: a group, the answers that came with its last, and what is in flight.
_AT_RISK = 100
_SMALLEST_GROUP = 32
_GROUP_SECONDS = 0.25

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the target said to the row at this position, after so many tries (throttled ones do not count)."""

    position: int
    answer: Answer
    tries: int


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
        trip = _Trip(self, rows, before_send)
        trip.start()
        try:
            while group := await trip.collect():
                yield group
        finally:
            await trip.end()
        if trip.error is not None:
            raise trip.error

    async def look_up(self, row: Row, before_send: Callable[[], None]) -> Held | None:
        """Find one customer by its reference, with the same patience as a delivery; None where it is not held.

        Raises TransientError after the last try, and whatever `before_send` or a target that fails for good raises.
        """
        trip = _Trip(self, (), before_send)
        failures = 0
        while True:
            try:
                return await trip.through(self.target.look_up, row, self.note_look_up)
            except ThrottledError:
                continue  # the gate waits
            except TransientError as error:
                failures += 1
                if failures >= self.retry.tries:
                    raise
                await self.sleep(self.retry.pause(failures, error.delay_seconds, self.chance()))


@dataclass(slots=True)
class _Trip:
    """One delivery: a fixed pool of workers over the rows, and over those to be tried again."""

    courier: Courier
    rows: Sequence[Row]
    before_send: Callable[[], None]
    error: BaseException | None = None
    _fresh: Iterator[tuple[int, Row]] = field(init=False)
    _later: list[tuple[float, int, Parcel]] = field(default_factory=list)  # a heap by due time
    _parked: list[Parcel] = field(default_factory=list)  # out of tries, while nobody else succeeds either
    _answers: list[Delivery] = field(default_factory=list)
    _workers: set[asyncio.Task[None]] = field(default_factory=set)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Iterator[int] = field(default_factory=count)
    _active: int = 0

    _group: int = field(init=False)

    def __post_init__(self) -> None:
        self._fresh = iter(enumerate(self.rows))
        self._group = max(_SMALLEST_GROUP, _AT_RISK - 2 * self.courier.gate.concurrency)

    def start(self) -> None:
        """Start as many workers as may ever send at once."""
        for _ in range(min(self.courier.gate.concurrency, len(self.rows))):
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._ended)

    async def collect(self) -> list[Delivery]:
        """Wait for the next group of answers; an empty one once all workers have ended."""
        while self._workers and len(self._answers) < self._group:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_GROUP_SECONDS):
                    await self._news.wait()
            if self._answers:
                break
        group, self._answers = self._answers[: self._group], self._answers[self._group :]
        return group

    async def end(self) -> None:
        """Cancel whatever still runs, and wait until it has ended."""
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and (error := worker.exception()) is not None:
            self._stop(error)
        if not self._workers:
            self._news.set()

    def _stop(self, error: BaseException) -> None:
        """Start nothing new because of this error; what is in flight ends by itself."""
        self.error = self.error or error
        for worker in self._workers - self._sending:
            worker.cancel()

    async def _work(self) -> None:
        self._active += 1
        try:
            while self.error is None and (parcel := await self._next()) is not None:
                if parcel.failures < self.courier.retry.tries:
                    await self._send(parcel)
                else:
                    await self._look_up(parcel)
        finally:
            self._active -= 1

    async def _next(self) -> Parcel | None:
        """Take the next row: one whose pause is over, else a fresh one, else wait for a pause to end."""
        while True:
            if self._later and self._later[0][0] <= self.courier.clock():
                return heapq.heappop(self._later)[2]
            for position, row in self._fresh:
                return Parcel(position, row)
            if self._later:
                await self.courier.sleep(self._later[0][0] - self.courier.clock())
            elif self._parked and self._active == 1:
                self._close_parked()
            else:
                return None  # whoever still holds a row sees to its end

    async def _send(self, parcel: Parcel) -> None:
        courier = self.courier
        note = courier.note_retry if parcel.tries else courier.note_send
        try:
            answer = await self.through(courier.target.send, parcel.sendable, note)
        except ThrottledError:
            self._put_back(parcel)
        except TransientError as error:
            parcel.tries += 1
            self._note_failure(parcel, error)
        else:
            parcel.tries += 1
            self._report(parcel, answer)
            if self._parked:
                self._judge_parked()

    async def _look_up(self, parcel: Parcel) -> None:
        """Settle a customer that is out of tries: by what the target holds, else by how the others fare."""
        if parcel.openings != self.courier.gate.openings:
            self._put_back_anew(parcel)
            return
        try:
            held = await self.through(self.courier.target.look_up, parcel.row, self.courier.note_look_up)
        except ThrottledError:
            self._put_back(parcel)
            return
        except TransientError:
            held = None
        else:
            parcel.looked_up = True
        if held is not None and held.same:
            self._report(parcel, Answer(None, held.target_id))
        else:
            self._judge(parcel)

    async def through(self, call: Callable[[Row], Awaitable[_T]], row: Row, note: Callable[[], None]) -> _T:
        """Send one request through the gate, note it, and tell the gate how it went."""
        gate = self.courier.gate
        worker = cast("asyncio.Task[None]", asyncio.current_task())
        permit = await gate.admit()
        self._sending.add(worker)
        try:
            self.before_send()
            note()
            result = await call(row)
        except ThrottledError as error:
            gate.throttled(permit, error.delay_seconds)
            raise
        except TransientError:
            gate.failed(permit, row.reference)
            raise
        except BaseException as error:
            gate.released(permit)
            if not isinstance(error, asyncio.CancelledError):
                self._stop(error)  # here and now: other workers may be about to send
            raise
        finally:
            self._sending.discard(worker)
        if isinstance(result, Answer):
            gate.succeeded(permit)
        else:
            gate.released(permit)  # that a customer can be shown does not prove that one can be written
        return result

    def _note_failure(self, parcel: Parcel, error: TransientError) -> None:
        """Count a failure against the customer, unless the target fails for all, and plan the next try."""
        courier, gate = self.courier, self.courier.gate
        parcel.last_failure = error
        if parcel.failures and parcel.openings != gate.openings:
            parcel.begin_anew()
        if parcel.failures == 0:
            parcel.successes, parcel.openings = gate.successes, gate.openings
        if not gate.is_open:
            parcel.failures += 1
        if parcel.failures >= courier.retry.tries:
            self._put_back(parcel)
            return
        pause = courier.retry.pause(max(1, parcel.failures), error.delay_seconds, courier.chance())
        self._put_back(parcel, max(pause, courier.budget.claim_retry(courier.clock())))

    def _judge(self, parcel: Parcel) -> None:
        """Refuse a customer that fails while others succeed; while nobody succeeds, wait for what becomes of them."""
        gate = self.courier.gate
        if parcel.openings != gate.openings:
            self._put_back_anew(parcel)
        elif gate.successes > parcel.successes:
            self._report(parcel, parcel.refused())
        else:
            self._parked.append(parcel)

    def _judge_parked(self) -> None:
        parked, self._parked = self._parked, []
        for parcel in parked:
            self._judge(parcel)

    def _close_parked(self) -> None:
        """Nobody else is left: refuse customers where the target at least answered a look-up, probe for the others."""
        parked, self._parked = self._parked, []
        for parcel in parked:
            if parcel.looked_up:
                self._report(parcel, parcel.refused())
            else:
                self._put_back_anew(parcel)
        if self._later and not self.courier.gate.is_open:
            self.courier.gate.trip()

    def _put_back(self, parcel: Parcel, seconds: float = 0.0) -> None:
        heapq.heappush(self._later, (self.courier.clock() + seconds, next(self._numbers), parcel))

    def _put_back_anew(self, parcel: Parcel) -> None:
        parcel.begin_anew()
        self._put_back(parcel)

    def _report(self, parcel: Parcel, answer: Answer) -> None:
        self._answers.append(Delivery(parcel.position, answer, parcel.tries))
        if len(self._answers) >= self._group:
            self._news.set()
