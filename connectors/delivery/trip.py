"""A fixed pool of workers over many rows, and over those that wait for another try; decides about no row."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, Protocol, TypeVar, cast

from connectors.delivery.gate import Clock, Gate, Sleep
from connectors.delivery.parcel import Parcel
from connectors.protocol import Answer, ThrottledError, TransientError

# What a killed run may have to send again: a group, the answers that came with its last, and what is in flight.
_AT_RISK = 100
_SMALLEST_GROUP = 32
_GROUP_SECONDS = 0.25

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the target said to the row at this position, after so many tries (throttled ones do not count)."""

    position: int
    answer: Answer
    tries: int


class Advance(Protocol):
    """Says what is done about a parcel."""

    async def advance(self, parcel: Parcel) -> None:
        """Take a parcel one request further, then put it back or report what became of it."""

    def close_waiting(self) -> bool:
        """Decide about those that wait for what becomes of the others, now that none are left; False: nobody waits."""


@dataclass(slots=True)
class Trip(Generic[R]):
    """One delivery under way, or one comparison; `proof` is what a request must end in to prove the target well.

    Of a delivery that is an answer to a send: that a customer can be shown does not prove that one can be written.
    """

    gate: Gate
    parcels: Sequence[Parcel]
    before_send: Callable[[], None]
    clock: Clock
    sleep: Sleep
    proof: type = Answer
    error: BaseException | None = None
    began: float = field(init=False)
    _fresh: Iterator[Parcel] = field(init=False)
    _later: list[tuple[float, int, Parcel]] = field(default_factory=list)  # a heap by due time
    _results: list[R] = field(default_factory=list)
    _workers: set[asyncio.Task[None]] = field(default_factory=set)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Iterator[int] = field(default_factory=count)
    _active: int = 0
    _group: int = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()
        self._fresh = iter(self.parcels)
        self._group = max(_SMALLEST_GROUP, _AT_RISK - 2 * self.gate.concurrency)

    @property
    def waits(self) -> bool:
        """Whether some parcel waits for another try."""
        return bool(self._later)

    def start(self, passage: Advance) -> None:
        """Start as many workers as may send at once; one at least, who waits where nothing may go out for now."""
        for _ in range(min(max(1, self.gate.concurrency), len(self.parcels))):
            worker = asyncio.create_task(self._work(passage))
            self._workers.add(worker)
            worker.add_done_callback(self._ended)

    async def collect(self) -> list[R]:
        """Wait for the next group of results; an empty one once all workers have ended."""
        while self._workers and len(self._results) < self._group:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_GROUP_SECONDS):
                    await self._news.wait()
            if self._results:
                break
        group, self._results = self._results[: self._group], self._results[self._group :]
        return group

    async def end(self) -> None:
        """Cancel whatever still runs, and wait until it has ended."""
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def put_back(self, parcel: Parcel, seconds: float = 0.0) -> None:
        """Let a parcel wait for another try."""
        heapq.heappush(self._later, (self.clock() + seconds, next(self._numbers), parcel))

    def report(self, result: R) -> None:
        """Take in what became of a parcel, which is its last."""
        self._results.append(result)
        if len(self._results) >= self._group:
            self._news.set()

    async def through(self, call: Callable[[], Awaitable[T]], note: Callable[[], None], name: str) -> T:
        """Send one request through the gate, note it, and tell the gate how it went with the customer of this name."""
        worker = cast("asyncio.Task[None]", asyncio.current_task())
        permit = await self.gate.admit()
        self._sending.add(worker)
        try:
            self.before_send()
            note()
            result = await call()
        except ThrottledError as error:
            self.gate.throttled(permit, error.delay_seconds)
            raise
        except TransientError:
            self.gate.failed(permit, name)
            raise
        except BaseException as error:
            self.gate.released(permit)
            if not isinstance(error, asyncio.CancelledError):
                self._stop(error)  # here and now: other workers may be about to send
            raise
        finally:
            self._sending.discard(worker)
        if isinstance(result, self.proof):
            self.gate.succeeded(permit)
        else:
            self.gate.released(permit)
        return result

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

    async def _work(self, passage: Advance) -> None:
        self._active += 1
        try:
            while self.error is None and (parcel := await self._next(passage)) is not None:
                await passage.advance(parcel)
        finally:
            self._active -= 1

    async def _next(self, passage: Advance) -> Parcel | None:
        """Take the next row: one whose pause is over, else a fresh one, else wait for a pause to end."""
        while True:
            if self._later and self._later[0][0] <= self.clock():
                return heapq.heappop(self._later)[2]
            for parcel in self._fresh:
                return parcel
            if self._later:
                await self.sleep(self._later[0][0] - self.clock())
            elif self._active > 1 or not passage.close_waiting():
                return None  # whoever still holds a row sees to its end
