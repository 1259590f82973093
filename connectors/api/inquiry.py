"""Asks one question until it has an answer that is fit to use, or gives up; knows no question."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from connectors.protocol import BrokenSourceError, ThrottledError, TransientError, UnavailableError
from connectors.retry import Retry

_LONGEST_WAIT_SECONDS = 900.0  # as long as the policy's longest: beyond it, another run is the better waiter

T = TypeVar("T")


class UnfitError(TransientError):
    """The system answered, but with something that cannot be what was asked for."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a question is asked, and how the pauses between are spent; the one place where a reader retries."""

    sleep: Callable[[float], Awaitable[None]]
    retry: Retry = field(default_factory=lambda: Retry(tries=6))
    chance: Callable[[], float] = random.random

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask, and ask again after what may pass; permanent errors go through.

        Raises UnavailableError where the system stayed away or asks for more than a quarter of an hour, and
        BrokenSourceError where it kept answering with something that cannot be used.
        """
        for tries in count(1):
            try:
                return await question()
            except TransientError as error:
                self._expect_hope(error, tries)
                pause = self.retry.pause(tries, error.delay_seconds, self.chance())
            await self.sleep(pause)
        raise AssertionError  # count() has no end

    def _expect_hope(self, error: TransientError, tries: int) -> None:
        """Raise where asking once more makes no sense."""
        kind = " (rate limit)" if isinstance(error, ThrottledError) else ""
        if (error.delay_seconds or 0.0) > _LONGEST_WAIT_SECONDS:
            raise UnavailableError(
                f"{error}{kind}: it asks us to wait for {error.delay_seconds:.0f} s, longer than we do"
            ) from None
        if tries < self.retry.tries:
            return
        final = f"{error}{kind} ({tries} requests)"
        if isinstance(error, UnfitError):
            raise BrokenSourceError(final) from None
        raise UnavailableError(final) from None
