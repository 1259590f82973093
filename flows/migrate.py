"""The flow `migrate-customers`: one task run a partition, on threads or on Dask; it decides nothing itself."""

# Without `from __future__ import annotations`: Prefect reads the parameters' annotations where it cannot resolve names.
import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from prefect import Task, flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Cancelled, Completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from pydantic import Field
from rich.console import Console

from connectors.protocol import PermanentError
from flows.display.hosting import host, run_hosted
from flows.display.name import flow_run_name
from flows.document import JobError
from flows.failure import StopAskedError, explain_failure
from flows.job import Job, load_job
from flows.ledger.lease import Fence
from flows.migration.checkup import refuse_wrong_migration
from flows.migration.part import migrate_part
from flows.migration.sharing import open_shared_ledger, refuse_local_ledger
from flows.migration.thread import Work, work_on
from flows.migration.verification import verify_part
from flows.migration.whole import Course, Workers, migrate
from flows.migration.workplace import PartTask
from flows.phrase import tally
from flows.stop import seen_out
from flows.summary import ExitCode, Summary, Verification

Runner = Literal["threads", "dask"]
T = TypeVar("T")


_LEAVING_SECONDS = 15.0  # for workers that were told to stop at once; they look every other second


class PartitionFailedError(PermanentError):
    """A partition's task failed; the text is safe to keep, and there is no cause, because Prefect stores both."""


@task(
    name="migrate-partition",
    task_run_name="partition {number} of {partitions}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=0,
    log_prints=False,
)
def migrate_partition(job: str, run: int, token: int, number: int, partitions: int) -> State[Any]:  # noqa: ARG001 - shown
    """Read, send and confirm one partition of a migration that is under way."""
    try:
        summary = _work_on(migrate_part, Path(job), run, token, number)
    except StopAskedError:
        return _left()
    match summary.exit_code:
        case ExitCode.DONE | ExitCode.REJECTS:
            return Completed(message=tally(summary.counts))
        case ExitCode.STOPPED:
            return Cancelled(message="stopped on request; the next migration goes on from here")
    raise PartitionFailedError(summary.message or summary.status)


@task(
    name="verify-partition",
    task_run_name="verify partition {number} of {partitions}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=0,
    log_prints=False,
)
def verify_partition(job: str, run: int, token: int, number: int, partitions: int) -> Any:  # noqa: ARG001 - shown
    """Compare one partition's customers with what the target shows of them; gives figures alone, or a state."""
    try:
        return asdict(_work_on(verify_part, Path(job), run, token, number))
    except StopAskedError:
        return _left()


@flow(name="migrate-customers", flow_run_name=flow_run_name, persist_result=False, retries=0, log_prints=False)
async def migrate_customers(  # noqa: PLR0917 - the form in the UI
    job: Annotated[str, Field(description="The job file, as the worker finds it.")],
    partitions: Annotated[int, Field(ge=1, le=1000, description="Key ranges that the source is divided into.")] = 8,
    workers: Annotated[int, Field(ge=1, le=256, description="Partitions worked on at a time.")] = 4,
    runner: Annotated[Runner, Field(description="What runs partitions: threads of this process, or Dask.")] = "threads",
    cluster: Annotated[
        str | None, Field(description="The address of a Dask scheduler; without one, workers on this machine.")
    ] = None,
    verify: Annotated[  # noqa: FBT002 - a form's field
        bool, Field(description="Compare source and target afterwards, customer by customer.")
    ] = True,
) -> State[Any]:
    """Migrate the job's source once, in partitions by key; or go on with a migration that did not come to its end.

    The partitions share the target's `concurrency` and `rate`. The ledger of workers on several machines is in
    PostgreSQL.
    """
    course = partial(Course, partitions=partitions, verify=verify)
    hired = partial(_hired, Path(job), runner, workers, cluster, partitions)
    return await host(
        Path(job),
        lambda made, ledger, watch: migrate(made, ledger, watch, course(hired())),
        lambda made: _refuse_wrong(made, partitions, cluster),
    )


def _refuse_wrong(job: Job, partitions: int, cluster: str | None) -> None:
    refuse_wrong_migration(job, partitions)
    refuse_local_ledger(job, cluster)


def run_flow(path: Path, console: Console, **options: Any) -> Summary | None:
    """Run the flow from the shell; raises and gives what `run_hosted` does."""
    return run_hosted(partial(migrate_customers, str(path), **options, return_state=True), console)


def _hired(job: Path, runner: Runner, workers: int, cluster: str | None, partitions: int) -> Workers:
    """Make workers whose work shows as task runs."""
    crew = _crew(runner, workers, cluster)

    async def done(work: Task[..., T], tasks: Sequence[PartTask]) -> dict[int, T | BaseException]:
        working = asyncio.to_thread(_all_of, crew, work, str(job), tasks, partitions)
        return await seen_out(working, _LEAVING_SECONDS)

    async def migrate_all(tasks: Sequence[PartTask]) -> Mapping[int, BaseException]:
        results = await done(migrate_partition, tasks)
        return {number: each for number, each in results.items() if isinstance(each, BaseException)}

    async def verify_all(tasks: Sequence[PartTask]) -> Mapping[int, Verification | BaseException]:
        results = await done(verify_partition, tasks)
        return {n: each if isinstance(each, BaseException) else Verification(**each) for n, each in results.items()}

    return Workers(migrate_all, verify_all)


def _crew(runner: Runner, workers: int, cluster: str | None) -> Callable[[], AbstractContextManager[TaskRunner[Any]]]:
    """Say how to hire workers; raises JobError where Dask is not installed, or not meant."""
    if runner == "threads":
        if cluster is not None:
            raise JobError("--cluster is the address of a Dask scheduler; it goes with --runner dask")
        return partial(ThreadPoolTaskRunner, max_workers=workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise JobError("Dask is not installed: install rollcall-sync[dask]") from None
    if cluster is not None:
        return partial(DaskTaskRunner, address=cluster)
    _quieten_dask()
    # One partition a process: one that dies takes no other partition with it. Dask's own pages are for this machine
    # alone, and at any free port: of two clusters that want the same one, the second complains.
    options = {"n_workers": workers, "threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    return partial(DaskTaskRunner, cluster_kwargs=options)


def _quieten_dask() -> None:
    """Keep to ourselves what Dask tells of every connection: it is about its workers, not about customers."""
    logging.getLogger("distributed").setLevel(logging.WARNING)


def _all_of(
    crew: Callable[[], AbstractContextManager[TaskRunner[Any]]],
    work: Task[..., T],
    job: str,
    tasks: Sequence[PartTask],
    partitions: int,
) -> dict[int, T | BaseException]:
    """Let workers do all of it, and wait for the last one; the results by the partitions' numbers."""
    if not tasks:
        return {}
    with crew() as hired:
        futures = {
            each.number: hired.submit(
                work,
                {
                    "job": job,
                    "run": each.migration,
                    "token": each.fence.token,
                    "number": each.number,
                    "partitions": partitions,
                },
            )
            for each in tasks
        }
        return {number: _result(future) for number, future in futures.items()}


def _result(future: PrefectFuture[T]) -> T | BaseException:
    """Wait for a worker, and take what it raised as its result: the ledger knows what became of its partition."""
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001 - a worker that was killed for good raises what its cluster does
        return error


def _left() -> State[Any]:
    """Give the state of a partition that the migration's end came before; it has not failed."""
    message = "not done: the migration ends early; the next one goes on from here"
    return Cancelled(message=message, data=StopAskedError())


def _work_on(work: Work[T], path: Path, run: int, token: int, number: int) -> T:
    """Do the work on a partition in this worker.

    Raises StopAskedError, or PartitionFailedError with a safe text, for Prefect keeps what is raised.
    """
    try:
        job = load_job(path, os.environ)
        notify = partial(get_run_logger().info, "run %s: %s", run)
        return work_on(
            work, job, partial(open_shared_ledger, job), PartTask(run, Fence(job.job, token), number), notify
        )
    except (StopAskedError, asyncio.CancelledError):  # cancelled: it was told to stop at once
        raise StopAskedError from None
    except Exception as error:  # noqa: BLE001 - only safe text may reach Prefect
        raise PartitionFailedError(explain_failure(error)[1]) from None
