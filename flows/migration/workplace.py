"""Sets up what work on one partition needs, in whatever process, and clears it away; decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connectors.delivery.courier import Courier
from connectors.protocol import DivisibleSource, Source
from flows.connection import make_source, make_target
from flows.document import JobError
from flows.failure import StopAskedError
from flows.job import Job
from flows.ledger.division import Division, Partition
from flows.ledger.lease import Fence
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run
from flows.migration.budget import Budget
from flows.plan import Plan, compile_job


@dataclass(frozen=True, slots=True)
class PartTask:
    """What a worker is told: the migration's run, the lease that it works under, and which partition is meant."""

    migration: int
    fence: Fence
    number: int

    @property
    def lease(self) -> str:
        """The name of the partition's own lease; no job's name has a slash."""
        return f"{self.fence.job}/{self.number}"


@dataclass(frozen=True, slots=True)
class Workplace:
    """What one partition is worked on with."""

    plan: Plan
    ledger: Ledger
    division: Division
    migration: Run
    partition: Partition
    source: Source
    courier: Courier
    task: PartTask

    @property
    def resumable(self) -> bool:
        """Whether the reading of the partition can go on where an earlier one stopped."""
        return isinstance(self.source, DivisibleSource) or self.source.incremental

    @property
    def budget(self) -> Budget:
        """The partition's share of what the target may be asked at once."""
        target = self.plan.job.target
        return Budget(
            self.ledger,
            self.migration,
            self.task.lease,
            self.courier.gate,
            requests=target.concurrency,
            rate=target.rate,
        )


@asynccontextmanager
async def workplace(job: Job, ledger: Ledger, task: PartTask) -> AsyncIterator[Workplace]:
    """Take the partition's lease, and make its source and its way to the target; neither is open yet.

    Raises LeaseLostError where the migration is no longer under way, LeaseHeldError where another process has been at
    work on the partition for so long, StopAskedError where the migration is to end, and JobError where the job is not
    the one that it began with.
    """
    plan = compile_job(job, ledger.key)
    target, gate = make_target(plan)
    whole, division = make_source(plan), Division(ledger)
    await asyncio.to_thread(ledger.await_lease, task.lease, task.fence)
    source = whole
    try:
        run = division.find(task.migration)
        if division.stop_asked(task.migration) or division.has_failed(task.migration):
            raise StopAskedError
        if (run.fingerprint, division.target(run)) != (plan.fingerprint, target.address):
            raise JobError(f"{job.path.name} names another mapping or target here than where the migration began")
        found = division.partitions(run, whole.address)
        partition = next((each for each in found if each.number == task.number), None)
        if partition is None:
            raise JobError(f"{job.path.name} names another source here than where the migration began")
        source = source_of(whole, partition)
        yield Workplace(plan, ledger, division, run, partition, source, Courier(target, gate), task)
    finally:
        await asyncio.to_thread(source.close)
        ledger.release_lease()


def source_of(whole: Source, partition: Partition) -> Source:
    """Give the part of a source that a partition reads; one that cannot be divided is a part by itself."""
    return whole.part(partition.keys) if isinstance(whole, DivisibleSource) else whole
