"""The Prefect flow over the one pipeline: one task run a page, artifacts for people; it decides nothing itself."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from rich.console import Console

from connectors.moment import moment_text
from flows.checkup import refuse_wrong_job
from flows.failure import explain_failure
from flows.job import Job, load_job
from flows.ledger.history import History
from flows.ledger.ledger import Ledger
from flows.ledger.record import Counts
from flows.report import headline, reject_groups
from flows.run import Watch, now, run_job, state_url
from flows.selection import Selection
from flows.summary import ExitCode, Summary
from mappings.system import load_system

Work = Callable[[], Awaitable[Counts]]


class PageFailedError(Exception):
    """A page's task failed; the text is safe to keep, and there is no cause, because Prefect stores both."""


# Tasks are handed numbers; what they work on stays in this process.
_work: dict[tuple[int, int], Work] = {}
# What the shell that started the flow in this process is told: the ledger's word, not Prefect's.
_told: ContextVar[list[Summary | Exception] | None] = ContextVar("_told", default=None)


@task(
    name="sync-page",
    task_run_name="{job}: page {page}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=0,  # said, because a setting of the server would turn them on: retries live in the send path alone
    log_prints=False,
)
async def sync_page(job: str, run: int, page: int) -> Counts:  # noqa: ARG001 - the name shows in the UI
    """Process one page of a run that is under way in this process."""
    return await _work[run, page]()


def _flow_run_name() -> str:
    job = Path(str(flow_run.parameters.get("job", "job"))).stem
    return f"{job} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


@flow(name="sync-customers", flow_run_name=_flow_run_name, persist_result=False, retries=0, log_prints=False)
async def sync_customers(
    job: str, *, full: bool = False, since: str | None = None, limit: int | None = None
) -> State[Any]:
    """Run the job file once. The ledger is ROLLCALL_STATE, or rollcall.db beside the job file.

    `full` reads the source from its beginning; `since` (a time) and `limit` (records) make a partial run, which moves
    no watermark.
    """
    try:
        return _state(await _sync(Path(job), Selection.of(full=full, since=since, limit=limit)))
    except Exception as error:  # noqa: BLE001 - Prefect stores what is raised: only safe text may reach it
        _tell(error)
        return Failed(message=explain_failure(error)[1])


async def _sync(path: Path, selection: Selection) -> Summary:
    logger = get_run_logger()
    job = await asyncio.to_thread(load_job, path, os.environ)
    await asyncio.to_thread(refuse_wrong_job, job, selection)
    ledger = await asyncio.to_thread(Ledger.open, state_url(job, None, os.environ), os.environ, now)
    try:
        watch = Watch(on_notice=logger.info, each_page=_as_task(job.job, logger.warning))
        summary = await run_job(job, ledger, watch, selection=selection)
        _tell(summary)
        logger.info("run %s of %s: %s", summary.run_id, summary.job, headline(summary))
        await _publish(job, ledger, summary, logger.warning)
    finally:
        ledger.close()
    return summary


def _tell(news: Summary | Exception) -> None:
    if (told := _told.get()) is not None:
        told.append(news)


def _as_task(job: str, warn: Callable[[str], None]) -> Callable[[int, int, Work], Awaitable[Counts]]:
    """Make the wrapper that runs each page as a task, and goes on without Prefect where its server is lost."""

    async def each_page(run: int, page: int, work: Work) -> Counts:
        done: list[Counts] = []
        failed: list[Exception] = []

        async def guarded() -> Counts:
            try:
                done.append(await work())
            except Exception as error:  # noqa: BLE001 - raised again outside the task, where Prefect does not keep it
                failed.append(error)
                raise PageFailedError(explain_failure(error)[1]) from None
            return done[0]

        _work[run, page] = guarded
        try:
            await sync_page(job=job, run=run, page=page)
        except PageFailedError:
            pass
        except Exception as error:  # noqa: BLE001 - Prefect's own: its server is lost, our work is not
            warn(f"Prefect did not record page {page} ({type(error).__name__}); the ledger does")
            if not done and not failed:
                return await work()
        finally:
            del _work[run, page]
        if failed:
            raise failed[0] from None
        return done[0]

    return each_page


async def _publish(job: Job, ledger: Ledger, summary: Summary, warn: Callable[[str], None]) -> None:
    """Leave the run's counts and its rejects as artifacts; they hold counts and codes, never a customer."""
    key = re.sub(r"[^a-z0-9]+", "-", job.job.lower()).strip("-")
    rows = reject_groups(History(ledger).rejects(job.job, int(summary.run_id)), load_system(job.target.kind))
    table = [{name: row[name] for name in ("count", "code", "field", "cause", "advice")} for row in rows]
    try:
        await acreate_markdown_artifact(_markdown(summary), key=f"{key}-run", description=headline(summary))
        await acreate_table_artifact(
            table, key=f"{key}-rejects", description="Rejects by code and field, with what to do"
        )
    except Exception as error:  # noqa: BLE001 - a picture of the run must not fail the run
        warn(f"the artifacts could not be stored ({type(error).__name__})")


def _markdown(summary: Summary) -> str:
    counts = summary.counts
    spent = f"{summary.requests:,} requests ({summary.retries:,} retries) in {summary.seconds:.1f} s"
    names = ("created", "updated", "unchanged", "filtered", "invalid", "rejected", "deferred")
    lines = [f"| {name} | {getattr(counts, name):,} |" for name in names]
    return "\n".join(
        [
            f"# {summary.job}: {headline(summary)}",
            "",
            "| outcome | customers |",
            "|---|---:|",
            *lines,
            f"| **extracted** | **{counts.extracted:,}** |",
            "",
            f"Run {summary.run_id}: {spent}.",
        ]
    )


def _state(summary: Summary) -> State[Any]:
    match summary.exit_code:
        case ExitCode.DONE:
            return Completed(message=headline(summary))
        case ExitCode.REJECTS:
            rejects = summary.counts.invalid + summary.counts.rejected
            return Completed(name=f"Completed with {rejects} rejects", message=headline(summary))
        case _:
            return Failed(message=headline(summary))


def run_flow(path: Path, console: Console, selection: Selection) -> Summary | None:
    """Run the flow from the shell; the summary is the ledger's, whatever Prefect says. None: it never began.

    Raises what the job, the lease or the ledger raised.
    """
    told: list[Summary | Exception] = []
    _told.set(told)
    try:
        asyncio.run(_run(path, selection))
    except Exception as error:  # noqa: BLE001 - Prefect's own trouble decides nothing here
        console.print(f"Prefect failed around the run ({type(error).__name__})", style="yellow")
    if told and isinstance(told[0], Exception):
        raise told[0]
    return next((news for news in told if isinstance(news, Summary)), None)


async def _run(path: Path, selection: Selection) -> State[Any]:
    since = moment_text(selection.since) if selection.since else None
    return await sync_customers(str(path), full=selection.full, since=since, limit=selection.limit, return_state=True)
