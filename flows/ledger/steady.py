"""Measures how long something took, by a clock that nobody sets and that goes on while the machine sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

# Linux's monotonic clock stands still while the machine sleeps, and so would a lease that is measured by it.
_BOOT_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def steady_seconds() -> float:
    """Tell the seconds since some fixed moment; only differences within one boot of the machine mean something."""
    return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)


@dataclass(frozen=True, slots=True)
class Steady:
    """Time that only goes forward, and how to let it pass."""

    seconds: Callable[[], float] = steady_seconds
    sleep: Callable[[float], None] = time.sleep


STEADY = Steady()
