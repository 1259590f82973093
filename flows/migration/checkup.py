"""Checks before a migration whether its job can be migrated at all; writes nothing."""

from __future__ import annotations

from connectors.protocol import DivisibleSource
from flows.checkup import refuse_wrong_job
from flows.connection import make_source
from flows.document import JobError
from flows.job import Job
from flows.plan import compile_job


def refuse_wrong_migration(job: Job, partitions: int) -> None:
    """Raise JobError where the job is wrong, or its source has no key ranges and is to be divided; makes no ledger."""
    refuse_wrong_job(job)
    source = make_source(compile_job(job, b"a check keeps no hash"))
    source.close()
    if partitions > 1 and not isinstance(source, DivisibleSource):
        raise JobError(
            f"{job.path.name}: a source of kind {job.source.kind} cannot be divided by its key; use --partitions 1"
        )
