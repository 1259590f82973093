"""A time that runs faster than ours, for the program under test and the sandbox alike; it changes nobody's clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from connectors.sandbox.clock import Clock

_BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class QuickTime:
    """A time in which `speed` seconds pass in one, so that pauses of seconds end soon."""

    def __init__(self, speed: int) -> None:
        self.speed = speed
        self._start = time.monotonic()

    def clock(self) -> float:
        """Tell the seconds that passed."""
        return (time.monotonic() - self._start) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds / self.speed)

    def now(self) -> datetime:
        """Tell the wall time."""
        return _BEGIN + timedelta(seconds=self.clock())

    def forward(self, seconds: float) -> None:
        """Let time pass at once."""
        self._start -= seconds / self.speed

    @property
    def sandbox_clock(self) -> Clock:
        """This time as sandboxes take it."""
        return Clock(now=self.now, monotonic=self.clock, sleep=self.sleep)
