"""Turns signals into a run's end: the first lets it settle what is in flight, a second, or time, ends it at once."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flows.failure import StopAskedError
from flows.summary import Summary
from flows.watch import Watch

T = TypeVar("T")

GRACE_SECONDS = 10
# Ctrl-C in a terminal reaches a run twice where another process looks after it: as the terminal's SIGINT to all, and as
# the SIGTERM with which that process passes on what it heard itself.
_ECHO_SECONDS = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def stoppable(work: Coroutine[Any, Any, Summary], watch: Watch) -> Summary:
    """Do the work, and let Ctrl-C and SIGTERM stop it; raises StopAskedError where it was stopped before it began.

    Signals reach the main thread alone: elsewhere the work is just done.
    """
    if threading.current_thread() is not threading.main_thread():
        return await work
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(work)

    first: tuple[int, float] | None = None

    left = False

    def leave() -> None:
        """Cancel it, but once: nobody cuts short what it then does to end."""
        nonlocal left
        if not left:
            left = True
            running.cancel()

    def stop(number: int) -> None:
        nonlocal first
        if first is None:
            first = number, loop.time()
            watch.stop()
            loop.call_later(GRACE_SECONDS, leave)
        elif number == first[0] or loop.time() - first[1] > _ECHO_SECONDS:
            leave()

    with handling(loop, stop):
        return await _ended(running, watch)


async def _ended(running: Awaitable[Summary], watch: Watch) -> Summary:
    try:
        return await running
    except asyncio.CancelledError:
        if watch.stop_asked:
            raise StopAskedError from None
        raise


async def seen_out(work: Awaitable[T], seconds: float) -> T:
    """Wait for work that no cancelling reaches, as that of threads; once cancelled, so long for it to end all the same.

    Raises as the work does, and CancelledError whether or not it ended.
    """
    working = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(working)
    finally:
        await asyncio.wait([working], timeout=seconds)


@contextmanager
def handling(loop: asyncio.AbstractEventLoop, stop: Callable[[int], None]) -> Iterator[None]:
    """Handle the signals within the block, and leave them afterwards to whom they belonged (Prefect has its own).

    Signals reach the main thread alone: elsewhere they are left where they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler or signal.SIG_DFL)
