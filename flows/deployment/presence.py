"""Watches whether Prefect's API answers, and says in a line when it goes and when it comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, redirect_stdout, suppress
from io import StringIO

from flows.deployment.api import ApiError, answers, api_address

_LOOK_SECONDS = 3
_ANSWER_SECONDS = 5


def tell(text: str) -> None:
    """Say something beside the output."""
    from flows import report

    report.console(stderr=True).print(text, soft_wrap=True)


class Presence:
    """Whether Prefect's API answers; one answer that stays out is a hiccup, and two are a loss."""

    def __init__(self) -> None:
        self._missed = 0
        self._returned = False
        self._hushed = ExitStack()

    @property
    def there(self) -> bool:
        """Whether it was there when it was last asked."""
        return self._missed == 0

    async def look(self) -> bool:
        """Ask it now, and give whether it is there; tells of a change."""
        if await answers(_ANSWER_SECONDS):
            if self._missed > 1:
                self.close()
                self._returned = True
                tell(f"Prefect's API at {api_address()} is back.")
            self._missed = 0
            return True
        self._missed += 1
        if self._missed == 2:  # noqa: PLR2004 - the second in a row
            self._hush()
            tell(
                f"Prefect's API at {api_address()} does not answer: no run begins until it does; a run under way goes"
                " on. Ctrl-C ends this."
            )
        return False

    async def watch(self, on_return: Callable[[], Awaitable[None]]) -> None:
        """Look every few seconds, without end, and do this whenever it is back."""
        self._returned = False
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if await self.look() and self._returned:
                with suppress(ApiError):  # gone again
                    await on_return()
                    self._returned = False

    def _hush(self) -> None:
        """Silence what each part of Prefect says of it, at length, again and again; some of it is printed."""
        logging.disable(logging.CRITICAL)
        self._hushed.callback(logging.disable, logging.NOTSET)
        self._hushed.enter_context(redirect_stdout(StringIO()))

    def close(self) -> None:
        """Let everybody speak again."""
        self._hushed.close()

    async def until_back(self, stop: asyncio.Event) -> None:
        """Look every few seconds, and come back when it is there, or whoever waits is stopped."""
        stopped = asyncio.create_task(stop.wait())
        while not stop.is_set() and not await self.look():
            await asyncio.wait([stopped], timeout=_LOOK_SECONDS)
        stopped.cancel()
