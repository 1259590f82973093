"""Lets a synchronous source use an asynchronous client: a loop of its own, which runs while something is asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from connectors.api.client import Client
from connectors.api.inquiry import Patience
from connectors.protocol import (
    BrokenSourceError,
    ConfigurationError,
    CredentialsError,
    PermanentError,
    UnavailableError,
    WatermarkError,
)

T = TypeVar("T")

_AT_ONCE = 8  # single customers asked for at the same time


class Runner:
    """Asks through a client, with patience; calls may come from different threads, one at a time.

    Not from a thread in which a loop is running. `close` may come from any thread, and ends what is waited for.
    """

    def __init__(self, client: Client, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._client = client
        self._connector = client.transport.connector
        self._patience = Patience(sleep)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._turn = threading.Lock()  # held while something is asked, not between two questions

    def open(self, first: Callable[[], T], keys: str) -> T:
        """Sign in, and ask the first question; `keys` are those of the job file that an odd answer speaks against.

        Raises ConfigurationError where nobody there speaks this API, CredentialsError, UnavailableError.
        """
        self.close()
        self._loop = asyncio.new_event_loop()
        try:
            self._run(self._patience.ask(self._client.__aenter__))
            return first()
        except BrokenSourceError as error:
            raise UnavailableError(str(error)) from None
        except (CredentialsError, UnavailableError):
            raise
        except PermanentError as error:
            raise ConfigurationError(f"{error} ({keys})") from None

    def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer that is fit to use; raises UnavailableError or BrokenSourceError otherwise."""
        return self._run(self._patience.ask(question))

    def ask_each(self, keys: Sequence[str], question: Callable[[str], Awaitable[T | None]]) -> Iterator[T]:
        """Ask one question for each key, a few at a time; gives the answers in their order, without None."""
        for start in range(0, len(keys), _AT_ONCE):
            answers = self._run(self._all(keys[start : start + _AT_ONCE], question))
            yield from (answer for answer in answers if answer is not None)

    def reading(self, read: Callable[[], T]) -> T:
        """Read; an answer that this API does not give, in the middle of it, means that the source is broken."""
        try:
            return read()
        except (CredentialsError, UnavailableError, BrokenSourceError, WatermarkError):
            raise
        except PermanentError as error:
            raise BrokenSourceError(str(error)) from None

    def pause(self, seconds: float) -> None:
        """Wait, as long as nobody closes."""

        async def pause() -> None:
            await self._patience.sleep(seconds)

        self._run(pause())

    def close(self) -> None:
        """Let go of the connections and the loop; what another thread waits for meanwhile is ended."""
        if (loop := self._loop) is None:
            return
        if (task := self._task) is not None:
            loop.call_soon_threadsafe(task.cancel)
        with self._turn:
            if self._loop is not None:
                self._loop.run_until_complete(self._client.__aexit__())
                self._loop.close()
                self._loop = None

    async def _all(self, keys: Iterable[str], question: Callable[[str], Awaitable[T | None]]) -> list[T | None]:
        tasks = [asyncio.ensure_future(self._patience.ask(partial(question, key))) for key in keys]
        try:
            return await asyncio.gather(*tasks)
        finally:  # where one failed, the others are of no use any more
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._turn:
            if self._loop is None:
                work.close()
                raise UnavailableError(f"{self._connector}: the source is closed")
            task = self._task = self._loop.create_task(work)
            try:
                result: T = self._loop.run_until_complete(task)
            except asyncio.CancelledError:
                raise UnavailableError(f"{self._connector}: the reading was ended") from None
            finally:
                self._task = None
            return result
