"""Tells in the documented headers what the faults' rate limit leaves; it refuses nothing itself.

Counts the requests that reach the vendor, as the limit does: one that a strike keeps away is not seen here. Inferred:
one bucket for all, without a word where there is no limit, and `Remaining` alone where none was seen yet.
"""

from __future__ import annotations

import math

from connectors.sandbox.clock import Clock
from connectors.sandbox.fault import Faults

Headers = tuple[tuple[bytes, bytes], ...]


class Allowance:
    """A bucket like the limit's own, kept for its headers alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faults = Faults()
        self._left = 0.0
        self._filled_at = 0.0

    def spend(self, faults: Faults) -> None:
        """Count one request under these faults; other faults than the last start anew."""
        limit, now = faults.rate_limit or 0.0, self._clock.monotonic()
        full = max(1.0, limit)
        left = full if faults is not self._faults else min(full, self._left + (now - self._filled_at) * limit)
        self._faults, self._filled_at, self._left = faults, now, max(0.0, left - 1)

    def headers(self, *, throttled: bool = False) -> Headers:
        """Make the three headers; nothing is left for who is throttled."""
        remaining = (b"x-ratelimit-remaining", str(0 if throttled else int(self._left)).encode())
        limit = self._faults.rate_limit
        if not limit:
            return (remaining,) if throttled else ()
        return (
            (b"x-ratelimit-limit", str(max(1, int(limit))).encode()),
            (b"x-ratelimit-interval-length-seconds", str(max(1, math.ceil(1 / limit))).encode()),
            remaining,
        )
