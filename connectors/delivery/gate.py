"""Decides when the next request may go out: how many at once, how fast, and not at all while the target is away.

It sends nothing and knows no customer but by name; what counts as a failure is for the caller to say.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import NamedTuple

from connectors.protocol import UnavailableError

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]

_FAILING_CUSTOMERS = 10  # different ones in a row: then it is the target, not they
_THROTTLE_PATIENCE_SECONDS = 900.0
_THROTTLE_PAUSE_SECONDS = 1.0  # where the target names none; doubles up to the longest
_LONGEST_PAUSE_SECONDS = 60.0
_SLOW_SECONDS = 5.0  # answers that take longer count against the number in flight
_CUT_THROTTLED = 0.5
_CUT_FAILED = 0.9
_BURST_SECONDS = 0.05  # how much of the rate may be made up for after a late timer


class Permit(NamedTuple):
    """Leave to send one request; handed back with what became of it."""

    number: int
    started: float
    probe: bool


class _Hold(Enum):
    """Why nothing but one probe may go out."""

    THROTTLED = auto()
    OPEN = auto()


class Gate:
    """Adapts the requests in flight between 1 and `concurrency`, and stops them while the target is away.

    Throttling halves the number in flight, failures and slowness take a tenth, and a window of successes adds one; one
    cut per round of requests. `rate` is a ceiling in requests per second. After a 429 and while the circuit is open one
    probe goes out at a time. Ten different customers failing in a row open the circuit.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        rate: float | None = None,
        probe_seconds: float = 30.0,
        give_up_seconds: float = 300.0,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.concurrency = concurrency
        self.successes = 0  # so that a caller can tell whether others succeed
        self.openings = 0  # so that a caller can tell whether the target was away meanwhile
        self._probe_seconds = probe_seconds
        self._give_up_seconds = give_up_seconds
        self._clock = clock
        self._sleep = sleep
        self._pace = _Pace(rate, clock, sleep) if rate is not None else None
        self._limit = float(concurrency)
        self._ceiling = concurrency  # the last one that was not 0: what the limit adapted to is below it
        self._in_flight = 0
        self._admitted = 0
        self._last_cut = 0  # the newest permit when the limit was last cut: older ones are of the same round
        self._grown = 0
        self._failing: set[str] = set()
        self._hold: _Hold | None = None
        self._until = 0.0
        self._probing = False
        self._opened_at = 0.0
        self._throttled_since: float | None = None
        self._throttles = 0
        self._verdict: str | None = None
        self._waiters: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return int(self._limit) if self.concurrency else 0

    @property
    def in_flight(self) -> int:
        """How many requests are out."""
        return self._in_flight

    def resize(self, concurrency: int, rate: float | None) -> None:
        """Set other ceilings; what is out already is waited for, and the limit goes on from where it adapted to.

        With 0 nothing more goes out, and no probe either, until it is set again.
        """
        self.concurrency = concurrency
        if concurrency:
            unhindered = self._limit >= self._ceiling
            self._ceiling = concurrency
            self._limit = float(concurrency) if unhindered else min(self._limit, float(concurrency))
        if self._pace is not None and rate is not None:
            self._pace.resize(rate)
        self._wake()

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open: the target fails for all."""
        return self._hold is _Hold.OPEN

    async def admit(self) -> Permit:
        """Wait until a request may go out; raises UnavailableError once the target stayed away for too long."""
        if self._pace is not None:
            await self._pace.wait()
        while (seconds := self._obstacle()) is not None:
            await (self._change() if seconds == math.inf else self._sleep(seconds))
        self._in_flight += 1
        self._admitted += 1
        self._probing = self._hold is not None
        return Permit(self._admitted, self._clock(), self._probing)

    def succeeded(self, permit: Permit) -> None:
        """Take note that the target did its work (a refused customer is work done)."""
        now = self._clock()
        self._leave(permit)
        self.successes += 1
        self._failing.clear()
        self._throttled_since = None
        self._throttles = 0
        if self._hold is _Hold.OPEN or permit.probe:
            self._set_hold(None)
        if now - permit.started > _SLOW_SECONDS:
            self._cut(permit, _CUT_FAILED)
        elif self._limit < self.concurrency:
            self._grow()
        if self._waiters:
            self._wake()

    def failed(self, permit: Permit, customer: str) -> None:
        """Take note that the target failed, or said nothing, on this customer."""
        now = self._clock()
        self._leave(permit)
        self._cut(permit, _CUT_FAILED)
        self._failing.add(customer)
        if self._hold is not _Hold.OPEN and len(self._failing) >= _FAILING_CUSTOMERS:
            self.trip()
        elif permit.probe and self._hold is _Hold.OPEN:
            if now - self._opened_at >= self._give_up_seconds:
                self._give_up(f"the target stayed away for {self._give_up_seconds:g} s")
            self._set_hold(_Hold.OPEN, now + self._probe_seconds)
        elif permit.probe:
            self._set_hold(_Hold.THROTTLED, now)
        self._wake()

    def throttled(self, permit: Permit, delay_seconds: float | None) -> None:
        """Take note that the target asks us to slow down, for so many seconds if it named them."""
        now = self._clock()
        self._leave(permit)
        self._failing.clear()  # it answers
        if self._throttled_since is None:
            self._throttled_since = now
        if self._cut(permit, _CUT_THROTTLED):
            self._throttles += 1
        own = min(_LONGEST_PAUSE_SECONDS, _THROTTLE_PAUSE_SECONDS * 2.0 ** min(self._throttles - 1, 10))
        pause = delay_seconds or own
        if pause > _THROTTLE_PATIENCE_SECONDS or now - self._throttled_since > _THROTTLE_PATIENCE_SECONDS:
            self._give_up("the target keeps us rate limited")
        until = now + pause
        self._set_hold(_Hold.THROTTLED, max(until, self._until) if self._hold is _Hold.THROTTLED else until)

    def released(self, permit: Permit) -> None:
        """Take a permit back that says nothing about the target."""
        self._leave(permit)
        if permit.probe and self._hold is _Hold.OPEN:
            self._set_hold(_Hold.OPEN, self._clock() + self._probe_seconds)
        self._wake()

    def trip(self) -> None:
        """Open the circuit: from now on one probe at a time, until one succeeds or patience ends."""
        self.openings += 1
        self._opened_at = self._clock()
        self._set_hold(_Hold.OPEN, self._opened_at + self._probe_seconds)

    def _obstacle(self) -> float | None:
        """Say how long nothing may go out: seconds, infinity for "until something changes", None for go."""
        if self._verdict is not None:
            raise UnavailableError(self._verdict)
        if not self.concurrency:
            return math.inf
        if self._hold is None:
            return None if self._in_flight < self.limit else math.inf
        if self._probing:
            return math.inf
        remaining = self._until - self._clock()
        return remaining if remaining > 0 else None

    def _leave(self, permit: Permit) -> None:
        self._in_flight -= 1
        if permit.probe:
            self._probing = False

    def _cut(self, permit: Permit, factor: float) -> bool:
        """Lower the limit, once per round: requests that were already out when it was cut do not count again."""
        if permit.number <= self._last_cut:
            return False
        self._last_cut = self._admitted
        self._limit = max(1.0, self._limit * factor)
        self._grown = 0
        return True

    def _grow(self) -> None:
        self._grown += 1
        if self._grown >= self.limit:
            self._limit = min(float(self.concurrency), self._limit + 1)
            self._grown = 0

    def _give_up(self, reason: str) -> None:
        self._verdict = reason
        self._wake(everyone=True)

    def _set_hold(self, hold: _Hold | None, until: float = 0.0) -> None:
        self._hold = hold
        self._until = until
        self._wake(everyone=True)

    async def _change(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._wake()  # pass the place on
            raise

    def _wake(self, *, everyone: bool = False) -> None:
        free = len(self._waiters) if everyone or self._hold is not None else self.limit - self._in_flight
        while self._waiters and free > 0:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                free -= 1


class _Pace:
    """Spaces requests evenly: each takes the next place in time."""

    def __init__(self, rate: float, clock: Clock, sleep: Sleep) -> None:
        self._interval = 1 / rate
        self._clock = clock
        self._sleep = sleep
        self._next = -math.inf

    def resize(self, rate: float) -> None:
        self._interval = 1 / rate

    async def wait(self) -> None:
        now = self._clock()
        place = max(self._next, now - _BURST_SECONDS)
        self._next = place + self._interval
        if place > now:
            await self._sleep(place - now)
