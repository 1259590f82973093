"""Carries out one partition of a migration, in whatever process: a run of its own under the migration's lease."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from connectors.protocol import ConnectorError
from flows.execution import Execution
from flows.extraction import Extraction, Numbered
from flows.job import Job
from flows.ledger.division import Division, Partition, Stop
from flows.ledger.ledger import Ledger
from flows.migration.claim import Holders, SharedSeen
from flows.migration.workplace import PartTask, Workplace, workplace
from flows.selection import EVERYTHING
from flows.summary import Summary
from flows.watch import Watch

_LOOK_SECONDS = 2.0


async def migrate_part(job: Job, ledger: Ledger, task: PartTask, watch: Watch) -> Summary:
    """Read, send and confirm one partition; goes on where an earlier attempt at it stopped.

    Raises as `workplace`. A system that fails is a failed Summary.
    """
    async with workplace(job, ledger, task) as place:
        run = place.division.begin(job.job, place.migration, task.number)
        extraction = PartExtraction(
            place.plan,
            place.source,
            ledger,
            run,
            EVERYTHING,
            watch.on_notice,
            partition=place.partition,
            resumable=place.resumable,
        )
        execution = PartExecution(place.plan, ledger, run, extraction, place.courier, watch, place=place)
        watch.on_begin(extraction)
        try:
            await asyncio.to_thread(place.source.open)
        except ConnectorError as error:
            return execution.fail(error)
        return await execution.carry_out()


@dataclass(slots=True, kw_only=True)
class PartExtraction(Extraction):
    """The reading of one partition: from its own watermark to its end, without a word about anybody else."""

    partition: Partition
    resumable: bool

    @property
    def watermark(self) -> tuple[str, str] | None:
        """The partition's own; None where its cursors hold for one reading alone."""
        return self.partition.place(self.source.address, self.plan.filter_name) if self.resumable else None

    def _chosen(self) -> Iterator[Numbered]:
        mark = self.ledger.watermark(self.run.scope, *self.watermark) if self.watermark else None
        after = mark.cursor if mark and mark.fingerprint == self.plan.fingerprint else None
        for number, page in enumerate(self.source.pages(after, self.plan.job.page_size), 1):
            # A page without a cursor is one that another attempt reads again: it counts there, and no longer here.
            yield number, page if self.resumable else replace(page, cursor=None)


@dataclass(slots=True, kw_only=True)
class PartExecution(Execution):
    """One partition's run under way. Who waits for a parent is left to the migration, once all partitions are done."""

    place: Workplace

    async def _work(self) -> None:
        place = self.place
        self.desk.seen = SharedSeen(place.ledger, self.run, Holders(place.source, place.plan))
        self.desk.as_it_stands = True
        async with stopping_with(place.division, place.migration.number, self.watch), place.budget.held(self.watch):
            await self._go_through_pages()
        place.division.finish(self.run)

    def _judge_rejects(self) -> None:
        """Leave that to the migration: bad records may stand together."""

    def _mark(self) -> None:
        """Tell nobody where a partition stands: that is a customer's key."""


@asynccontextmanager
async def stopping_with(division: Division, migration: int, watch: Watch) -> AsyncIterator[None]:
    """Stop this partition where the migration was asked to stop, in whatever process that is; at once by cancelling."""
    working = asyncio.current_task()

    async def look() -> None:
        while (asked := await asyncio.to_thread(division.stop_asked, migration)) is not Stop.AT_ONCE:
            if asked:
                watch.stop()
            await asyncio.sleep(_LOOK_SECONDS)
        watch.stop()
        if working is not None:
            working.cancel()

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])
        if not looking.cancelled():
            looking.exception()  # a ledger that cannot be read: the next write meets it as well
