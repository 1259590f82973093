"""Lets threads of this process work on the partitions of a migration, so many at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from flows.desk import Steps
from flows.job import Job
from flows.ledger.ledger import Ledger
from flows.migration.part import migrate_part
from flows.migration.verification import verify_part
from flows.migration.whole import Workers
from flows.migration.workplace import PartTask
from flows.summary import Summary, Verification
from flows.watch import Watch

T = TypeVar("T")
Work = Callable[[Job, Ledger, PartTask, Watch], Awaitable[T]]
Notify = Callable[[str], None]

_LEAVING_SECONDS = 5.0


@dataclass(slots=True)
class Crew:
    """The work that threads have in hand, so that it can be ended from another one."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _work: dict[asyncio.Task[Any], Watch] = field(default_factory=dict)
    _ended: bool = False

    async def follow(self, work: Awaitable[T], watch: Watch) -> T:
        """Wait for a work, which ends early where all of it does."""
        task = asyncio.ensure_future(work)
        with self._lock:
            self._work[task] = watch
            if self._ended:
                self._end(task, watch)
        try:
            return await task
        finally:
            with self._lock:
                del self._work[task]

    def end(self) -> None:
        """End all work at once: what is in flight has no answer then."""
        with self._lock:
            self._ended = True
            for task, watch in self._work.items():
                self._end(task, watch)

    @staticmethod
    def _end(task: asyncio.Task[Any], watch: Watch) -> None:
        watch.stop()
        task.get_loop().call_soon_threadsafe(task.cancel)


def threads(
    job: Job, open_ledger: Callable[[], Ledger], count: int, notify: Notify, on_step: Steps = lambda _: None
) -> Workers:
    """Make workers that are threads, each with a loop and a connection to the ledger of its own."""

    async def all_of(work: Work[T], tasks: Sequence[PartTask]) -> Mapping[int, T | BaseException]:
        loop, crew = asyncio.get_running_loop(), Crew()
        pool = ThreadPoolExecutor(count, thread_name_prefix="partition")
        one = partial(work_on, work, job, open_ledger, notify=notify, on_step=on_step, crew=crew)
        futures = [loop.run_in_executor(pool, one, task) for task in tasks]
        try:
            results = await asyncio.gather(*futures, return_exceptions=True)
        except asyncio.CancelledError:  # somebody lost patience: a thread would go on to the end of its partition
            crew.end()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEAVING_SECONDS):
                    await asyncio.to_thread(pool.shutdown, cancel_futures=True)
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return {task.number: result for task, result in zip(tasks, results, strict=True)}

    async def migrate(tasks: Sequence[PartTask]) -> Mapping[int, BaseException]:
        results: Mapping[int, Summary | BaseException] = await all_of(migrate_part, tasks)
        return {number: each for number, each in results.items() if isinstance(each, BaseException)}

    async def verify(tasks: Sequence[PartTask]) -> Mapping[int, Verification | BaseException]:
        return await all_of(verify_part, tasks)

    return Workers(migrate, verify)


def work_on(
    work: Work[T],
    job: Job,
    open_ledger: Callable[[], Ledger],
    task: PartTask,
    notify: Notify,
    *,
    on_step: Steps = lambda _: None,
    crew: Crew | None = None,
) -> T:
    """Do the work on one partition in this thread, from a ledger of its own to the end; raises as the work does."""
    watch = Watch(on_notice=lambda text: notify(f"partition {task.number}: {text}"), on_step=on_step)
    ledger = open_ledger()
    try:
        return asyncio.run((crew or Crew()).follow(work(job, ledger, task, watch), watch))
    finally:
        ledger.close()
