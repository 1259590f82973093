"""How often and how soon a customer is tried again; plain arithmetic, it neither sleeps nor sends."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

LONGEST_ASKED_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Five tries by default, with pauses between 0 and a bound that doubles (full jitter)."""

    tries: int = 5
    first_seconds: float = 0.5
    factor: float = 2.0
    longest_seconds: float = 60.0

    def pause(self, failures: int, asked_seconds: float | None, chance: float) -> float:
        """Say how many seconds to wait after so many failures; `chance` is between 0 and 1.

        Never less than the target asked for, up to a quarter of an hour.
        """
        bound = min(self.longest_seconds, self.first_seconds * self.factor ** (failures - 1))
        return max(bound * chance, min(asked_seconds or 0.0, LONGEST_ASKED_SECONDS))


class Budget:
    """Keeps retries below a share of the requests of the last minute: a target in trouble gets fewer, not more.

    A small allowance goes before the share; past both, retries are spaced by one second.
    """

    def __init__(self, share: float = 0.2, allowance: int = 20, window_seconds: int = 60) -> None:
        self._share = share
        self._allowance = allowance
        self._window_seconds = window_seconds
        self._seconds: deque[list[int]] = deque()  # [second, requests, retries], the newest last
        self._requests = 0
        self._retries = 0
        self._next = 0.0

    def note_request(self, now: float) -> None:
        """Count a request that is no retry."""
        self._second(now)[1] += 1
        self._requests += 1

    def claim_retry(self, now: float) -> float:
        """Count a retry, and say how many seconds it must wait for the budget's sake."""
        self._second(now)[2] += 1
        self._retries += 1
        if self._retries <= self._allowance + self._share * self._requests:
            return 0.0
        self._next = max(self._next, now) + 1.0
        return self._next - now

    def _second(self, now: float) -> list[int]:
        second = int(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
            while self._seconds[0][0] <= second - self._window_seconds:
                _, requests, retries = self._seconds.popleft()
                self._requests -= requests
                self._retries -= retries
        return self._seconds[-1]
