"""Carries out work on a job as the Prefect flow run that is under way, and gives its final state; the ledger decides.

A flow is a few lines around `host`; a shell starts any of them through `run_hosted`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from itertools import takewhile
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort, PrefectHTTPStatusError
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from rich.console import Console

from flows.checkup import refuse_wrong_job
from flows.display.artifact import reject_rows, summary_text
from flows.display.name import artifact_key
from flows.display.page_task import PageTasks
from flows.display.progress import Progress
from flows.display.state import state_of, state_of_failure
from flows.display.uplink import uplink
from flows.extraction import Extraction
from flows.job import Job, load_job
from flows.ledger.lease import LeaseHeldError
from flows.ledger.ledger import Ledger
from flows.report import headline
from flows.state import open_ledger
from flows.stop import stoppable
from flows.summary import ExitCode, Summary
from flows.watch import Watch
from mappings.system import load_system

Work = Callable[[Job, Ledger, Watch], Coroutine[Any, Any, Summary]]
Logger = logging.Logger | logging.LoggerAdapter[Any]

_PUBLISHING_SECONDS = 20.0
_SHELL_TIMEOUT_SECONDS = 10.0  # of one request to Prefect; its own minute is long for somebody who waits
_AWAY = "Prefect's server is away; how the run ended is in the ledger"
_TWICE = "another process carries out this flow run"

# What the shell that started the flow in this process is told: the ledger's word, not Prefect's.
_told: ContextVar[list[Summary | Exception] | None] = ContextVar("_told", default=None)


class NotTakenError(Exception):
    """Prefect did not take in how a flow run ended; names the kind of error."""


def _open(job: Job) -> Ledger:
    return open_ledger(job, os.environ)


async def host(
    path: Path,
    work: Work,
    check: Callable[[Job], None] = refuse_wrong_job,
    opening: Callable[[Job], Ledger] = _open,
) -> State[Any]:
    """Load the job, refuse a wrong one, open its ledger, do the work, publish it, and give the flow run's final state.

    Nothing is raised but Prefect's Abort: where its server is away and somebody waits for the end of this process, and
    where another process carries out the same flow run, which a state of ours would stop. Whatever else ended the work
    is in the state, with a text that may be kept. Where nobody waits for the process, the server's return is awaited.
    """
    logger = get_run_logger()
    uplink.begin(lambda: _log_lost(logger), lambda kind: _log_refused(logger, kind))
    try:
        job = await asyncio.to_thread(load_job, path, os.environ)
        await asyncio.to_thread(check, job)
        ledger = await asyncio.to_thread(opening, job)
        summary = await _carry_out(job, ledger, work, logger)
        state = state_of(summary)
    except Exception as error:  # noqa: BLE001 - Prefect stores what is raised: only safe text may reach it
        _tell(error)
        if isinstance(error, LeaseHeldError) and await _is_carried_out_twice():
            logger.warning("another process carries out this very flow run, and tells how it ends")
            raise Abort(_TWICE) from None
        state = state_of_failure(error)
        logger.error(state.message)  # noqa: TRY400 - the traceback may hold values
    patient = _told.get() is None and state.name != "Cancelled"  # else somebody waits for this process to end
    if not await (uplink.until_back() if patient else uplink.reach()):  # asked now: it may be back, or was never away
        raise Abort(_AWAY)
    _take_leave_safely()
    return state


async def _is_carried_out_twice() -> bool:
    """Say whether the flow run was running when this process began with it; a server that does not say knows of none.

    Prefect lets any number of processes carry out one flow run: https://github.com/PrefectHQ/prefect/issues/22620.
    """
    try:
        async with asyncio.timeout(_PUBLISHING_SECONDS):
            states: list[State[Any]] = await get_client().read_flow_run_states(UUID(flow_run.get_id()))
    except Exception as error:  # noqa: BLE001 - whatever it is, the server cannot be asked
        await uplink.blame(error)
        return False
    latest = takewhile(lambda state: state.is_running() or state.is_pending(), reversed(states))
    return len([state for state in latest if state.is_running()]) > 1


def _take_leave_safely() -> None:
    """See to it that Prefect's own failure to tell the final state has no request in it.

    Prefect keeps what is raised then in a file that everybody may read, and its request bears the key to its server.
    """
    client = get_client()  # the one that the flow run has
    tell = client.set_flow_run_state

    async def tell_safely(*arguments: Any, **named: Any) -> Any:
        try:
            return await tell(*arguments, **named)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told by its kind alone
            if _told.get() is not None and not isinstance(error, PrefectHTTPStatusError):
                uplink.lost()
                raise Abort(_AWAY) from None
            raise NotTakenError(type(error).__name__) from None

    setattr(client, "set_flow_run_state", tell_safely)  # noqa: B010 - mypy knows it as a method


async def _carry_out(job: Job, ledger: Ledger, work: Work, logger: Logger) -> Summary:
    try:
        progress = Progress(job.job, logger.info)
        watch = _watch(job, progress, logger)
        async with _beside(progress.move(watch.stop)):
            summary = await stoppable(work(job, ledger, watch), watch)
        _tell(summary)
        logger.log(_level(summary), "%s of %s: %s", summary.name, summary.job, headline(summary))
        await _publish(job, ledger, summary, progress)
    finally:
        ledger.close()
    return summary


def _watch(job: Job, progress: Progress, logger: Logger) -> Watch:
    """Make the watch that shows a run: its pages as tasks, its notices as log lines that bear its number."""

    def begin(extraction: Extraction) -> None:
        progress.begin(extraction)
        say(f"{job.job}, from {job.source.kind} to {job.target.kind}")

    def say(text: str) -> None:
        logger.info("run %s: %s", progress.run, text)

    progress.say = say
    tasks = PageTasks(job.job, progress, logger.warning)
    return Watch(on_begin=begin, on_page=progress.note, on_notice=say, each_page=tasks.each_page)


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let something go on while the block lasts."""
    beside = asyncio.create_task(work)
    try:
        yield
    finally:
        beside.cancel()
        await asyncio.wait([beside])


async def _publish(job: Job, ledger: Ledger, summary: Summary, progress: Progress) -> None:
    """Leave the run's counts and its rejects as artifacts; they hold counts and codes, never a customer."""
    if not await uplink.reach():
        return
    try:
        async with asyncio.timeout(_PUBLISHING_SECONDS):
            await progress.end(summary.status)
            key = artifact_key(job.job, "dry-run" if summary.dry_run else "run")
            await acreate_markdown_artifact(summary_text(summary), key=key, description=headline(summary))
            if rows := reject_rows(ledger, summary, load_system(job.target.kind)):
                key = artifact_key(job.job, "dry-run-rejects" if summary.dry_run else "rejects")
                await acreate_table_artifact(rows, key=key, description="Rejects by code and field, with what to do")
    except Exception as error:  # noqa: BLE001 - a picture of the run must not fail the run, which the ledger knows
        await uplink.blame(error)


def _level(summary: Summary) -> int:
    if summary.exit_code in (ExitCode.DONE, ExitCode.REJECTS):
        return logging.INFO
    return logging.WARNING if summary.exit_code is ExitCode.STOPPED else logging.ERROR


def _log_lost(logger: Logger) -> None:
    logger.warning("Prefect's server does not answer; the run goes on, and the ledger keeps account of it")


def _log_refused(logger: Logger, kind: str) -> None:
    logger.warning("Prefect does not show all of this run (%s); the ledger keeps account of it", kind)


def _tell(news: Summary | Exception) -> None:
    if (told := _told.get()) is not None:
        told.append(news)


def run_hosted(start: Callable[[], Awaitable[object]], console: Console) -> Summary | None:
    """Run a flow that is hosted here, from the shell; the summary is the ledger's, whatever Prefect says.

    None: it never began. Raises what the job, the lease or the ledger raised.
    """
    told: list[Summary | Exception] = []
    token = _told.set(told)
    try:
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 1, PREFECT_API_REQUEST_TIMEOUT: _SHELL_TIMEOUT_SECONDS}):
            asyncio.run(_begin(start))
    except Abort:
        console.print("Prefect does not know how this run ended: its server is away. The ledger does.", style="yellow")
    except KeyboardInterrupt:  # of somebody who does not wait for Prefect to take its leave
        if not told:
            raise
    except Exception as error:  # noqa: BLE001 - Prefect's own trouble decides nothing here
        console.print(f"Prefect failed around the run ({type(error).__name__})", style="yellow")
    finally:
        _told.reset(token)
    if told and isinstance(told[0], Exception):
        raise told[0]
    return next((news for news in told if isinstance(news, Summary)), None)


async def _begin(start: Callable[[], Awaitable[object]]) -> None:
    if await uplink.reach():
        uplink.install()
        uplink.start_log_worker()
        await start()
