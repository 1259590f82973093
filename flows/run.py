"""Begins a run of a job, from its lease to its first page; the one pipeline of shell and Prefect alike."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from connectors.delivery.courier import Courier
from connectors.protocol import (
    ConfigurationError,
    ConnectorError,
    Source,
)
from flows.connection import make_source, make_target
from flows.desk import Post
from flows.execution import Execution
from flows.extraction import Extraction, refuse_unfit
from flows.job import Job
from flows.ledger.ledger import Ledger
from flows.ledger.sketch import Sketch
from flows.plan import Plan, compile_job, refuse_missing_columns
from flows.rehearsal import Unsent, limits_of
from flows.selection import EVERYTHING, Selection
from flows.summary import Summary
from flows.watch import Watch


def now() -> datetime:
    """Tell the time, for the ledger's records only."""
    return datetime.now(UTC)


async def run_job(job: Job, ledger: Ledger, watch: Watch, *, selection: Selection = EVERYTHING) -> Summary:
    """Run a job once and tell what became of every customer.

    Raises JobError or ConfigurationError where the job is wrong (before anything was read or written) and
    LeaseHeldError where another run of it is writing. A system that fails is no exception here but a failed Summary.
    """
    plan = compile_job(job, ledger.key)
    target, gate = make_target(plan)
    courier: Post = Courier(target, gate)
    if selection.dry_run:
        courier = Unsent(target.address)
        for limit in limits_of(plan):
            watch.on_notice(limit)
    return await carry_out(plan, make_source(plan), courier, ledger, watch, selection=selection)


async def carry_out(
    plan: Plan, source: Source, courier: Post, ledger: Ledger, watch: Watch, *, selection: Selection = EVERYTHING
) -> Summary:
    """Run a compiled job over any source and target; raises as `run_job`."""
    if not selection.dry_run == isinstance(ledger, Sketch) == isinstance(courier, Unsent):
        raise TypeError("a dry run is over a sketch and sends nothing, and no other run is")
    try:
        refuse_unfit(selection, source)
        opened = await asyncio.to_thread(open_source, source)
        if not isinstance(opened, ConnectorError):
            refuse_missing_columns(plan, opened)
        ledger.take_lease(plan.job.job)
        run = ledger.begin_run(plan.job.job, source.address, courier.target.address, plan.fingerprint, selection.kind)
        extraction = Extraction(plan, source, ledger, run, selection, watch.on_notice)
        execution = Execution(plan, ledger, run, extraction, courier, watch)
        watch.on_begin(extraction)
        if isinstance(opened, ConnectorError):
            return execution.fail(opened)
        execution.announce(ledger.note_columns(run, source.address, opened), opened)
        return await execution.carry_out()
    finally:
        await asyncio.to_thread(source.close)
        ledger.release_lease()


def open_source(source: Source) -> tuple[str, ...] | ConnectorError:
    """Open the source; that it is away is a run's outcome, to be found among the runs, and no fault of the job."""
    try:
        return source.open()
    except ConfigurationError:
        raise
    except ConnectorError as error:
        return error
