"""Carries out one run of a job from its lease to its last figure; the one pipeline of shell and Prefect alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connectors.delivery.courier import Courier
from connectors.protocol import (
    BrokenSourceError,
    ConfigurationError,
    ConnectorError,
    Source,
    WatermarkError,
)
from flows.ahead import Ahead
from flows.conclusion import conclude
from flows.connection import make_source, make_target
from flows.desk import Desk, Steps
from flows.entity import Entities
from flows.extraction import Extraction, refuse_unfit
from flows.guard import GuardError, guard_rejects
from flows.job import Job
from flows.ledger.knowledge import LedgerError
from flows.ledger.lease import LeaseLostError
from flows.ledger.ledger import LawError, Ledger
from flows.ledger.record import Counts, Run, Status
from flows.page import process
from flows.plan import Plan, compile_job, refuse_missing_columns
from flows.preparation import Prepared
from flows.seen import Seen
from flows.selection import EVERYTHING, Selection
from flows.summary import ExitCode, Summary
from flows.waiting import Waiting

_HEARTBEAT_SECONDS = 15

EachPage = Callable[[int, int, Callable[[], Awaitable[Counts]]], Awaitable[Counts]]


class StopAskedError(Exception):
    """Somebody asked this run to stop; nothing new is sent."""


@dataclass(slots=True)
class Watch:
    """Where a run tells how it goes, and where it can be told to stop; a test or a driver may look on."""

    on_page: Callable[[int, Counts], None] = lambda _number, _counts: None
    on_notice: Callable[[str], None] = lambda _text: None
    on_step: Steps = lambda _name: None
    each_page: EachPage | None = None
    stop_asked: bool = False

    def stop(self) -> None:
        """Ask the run to settle what is in flight and end."""
        self.stop_asked = True


def now() -> datetime:
    """Tell the time, for the ledger's records only."""
    return datetime.now(UTC)


def state_url(job: Job, state: str | None, environment: Mapping[str, str]) -> str:
    """Choose the ledger: `--state`, ROLLCALL_STATE, or `rollcall.db` beside the job file."""
    return state or environment.get("ROLLCALL_STATE") or f"sqlite:///{job.folder / 'rollcall.db'}"


async def run_job(job: Job, ledger: Ledger, watch: Watch, *, selection: Selection = EVERYTHING) -> Summary:
    """Run a job once and tell what became of every customer.

    Raises JobError or ConfigurationError where the job is wrong (before anything was read or written) and
    LeaseHeldError where another run of it is writing. A system that fails is no exception here but a failed Summary.
    """
    plan = compile_job(job, ledger.key)
    target, gate = make_target(plan)
    return await carry_out(plan, make_source(plan), Courier(target, gate), ledger, watch, selection=selection)


async def carry_out(
    plan: Plan, source: Source, courier: Courier, ledger: Ledger, watch: Watch, *, selection: Selection = EVERYTHING
) -> Summary:
    """Run a compiled job over any source and target; raises as `run_job`."""
    try:
        refuse_unfit(selection, source)
        opened = await asyncio.to_thread(_open, source)
        if not isinstance(opened, ConnectorError):
            refuse_missing_columns(plan, opened)
        ledger.take_lease(plan.job.job)
        run = ledger.begin_run(plan.job.job, source.address, courier.target.address, plan.fingerprint)
        extraction = Extraction(plan, source, ledger, run, selection, watch.on_notice)
        execution = _Execution(plan, ledger, run, extraction, courier, watch)
        if isinstance(opened, ConnectorError):
            return execution.fail(opened)
        execution.announce(ledger.note_columns(run, source.address, opened), opened)
        return await execution.carry_out()
    finally:
        await asyncio.to_thread(source.close)
        ledger.release_lease()


def _open(source: Source) -> tuple[str, ...] | ConnectorError:
    """Open the source; that it is away is a run's outcome, to be found among the runs, and no fault of the job."""
    try:
        return source.open()
    except ConfigurationError:
        raise
    except ConnectorError as error:
        return error


@dataclass(slots=True)
class _Execution:
    """One run under way."""

    plan: Plan
    ledger: Ledger
    run: Run
    extraction: Extraction
    courier: Courier
    watch: Watch
    counts: Counts = field(default_factory=Counts)
    pages: int = 0
    began: float = field(default_factory=time.monotonic)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        selection = self.extraction.selection
        self.desk = Desk(
            plan=self.plan,
            ledger=self.ledger,
            run=self.run,
            courier=self.courier,
            seen=Seen(),
            entities=Entities(self.plan, self.courier, self._before_send, self.watch.on_notice),
            before_send=self._before_send,
            watermark=self.extraction.watermark,
            tries_at_once=selection.only is not None,
            as_it_stands=selection.full or selection.only is not None,
            on_step=self.watch.on_step,
        )

    def announce(self, before: Collection[str] | None, columns: Collection[str]) -> None:
        """Tell what this run begins with: what it takes over, and what is new at its source and target."""
        if self.run.resumes:
            self.watch.on_notice(f"run {self.run.resumes} did not end; this run takes over from it")
        if self.run.fresh:
            self.watch.on_notice(f"nothing is known of {self.courier.target.address} yet: every customer is new to it")
        if before is not None:
            for name in sorted(set(columns) - set(before)):
                self.watch.on_notice(f"the source has a new column {name!r}")
            for name in sorted(set(before) - set(columns)):
                self.watch.on_notice(f"the source no longer has the column {name!r}, which the job does not use")

    def fail(self, error: ConnectorError) -> Summary:
        """Close a run whose source could not be opened."""
        return self._end(*self._verdict(error))

    async def carry_out(self) -> Summary:
        """Go through the pages, and close the run whatever happened."""
        try:
            async with self.courier.target, _heartbeat(self.ledger):
                await self._go_through_pages()
                await conclude(self.desk, self.extraction, self.counts.extracted, self.watch.on_notice)
        except LeaseLostError as error:  # another run writes now: the ledger is no longer ours
            return self._summary("interrupted", ExitCode.FAILED, str(error), self.counts)
        except asyncio.CancelledError:  # somebody lost patience; what was in flight has no answer
            if not self.watch.stop_asked:
                raise
            return self._end("interrupted", ExitCode.STOPPED, "stopped at once; the next run goes on from here")
        except (ConnectorError, LedgerError, LawError, GuardError, StopAskedError) as error:
            return self._end(*self._verdict(error))
        except Exception as error:
            self._end("failed", ExitCode.FAILED, f"an error of our own ({type(error).__name__})")
            raise
        return self._end("completed", ExitCode.DONE, None)

    def _verdict(self, error: Exception) -> tuple[Status, ExitCode, str]:
        """Say what an early end means."""
        match error:
            case GuardError():
                return "stopped", ExitCode.GUARD, str(error)
            case StopAskedError():
                return "interrupted", ExitCode.STOPPED, "stopped on request; the next run goes on from here"
            case WatermarkError() if self.extraction.selection.since is not None:
                return "failed", ExitCode.FAILED, "--since lies after the source's clock"
            case ConfigurationError() | BrokenSourceError() if self.pages == 0:  # nothing was sent yet
                return "failed", ExitCode.JOB, str(error)
            case _:
                return "failed", ExitCode.FAILED, str(error)

    async def _go_through_pages(self) -> None:
        async with aclosing(Ahead(self.extraction, self.watch.on_step).pages()) as upcoming:
            async for prepared in upcoming:
                self.watch.on_step("prepared")
                counts = await self._take(prepared)
                self.pages += 1
                self._note(prepared.number, self.counts + counts)
        places = self.ledger.deferred(self.run) if self.counts.deferred else {}
        if places:
            await Waiting(self.desk, self.extraction.source, self.watch.on_notice, places).settle()
            self._note(0, self.ledger.counts(self.run))

    def _note(self, page: int, counts: Counts) -> None:
        """Take in what became of a page; raises GuardError and StopAskedError."""
        self.counts = counts
        self.watch.on_page(page, counts)
        guard_rejects(self.plan.job.guards, counts)
        if self.watch.stop_asked:
            raise StopAskedError

    async def _take(self, prepared: Prepared) -> Counts:
        if self.watch.each_page is None:
            return await process(prepared, self.desk)
        return await self.watch.each_page(self.run.number, prepared.number, lambda: process(prepared, self.desk))

    def _before_send(self) -> None:
        if self.watch.stop_asked:
            raise StopAskedError
        self.ledger.prove_lease()
        self.watch.on_step("sending")

    def _end(self, status: Status, code: ExitCode, message: str | None) -> Summary:
        figures = {
            "seconds": time.monotonic() - self.began,
            "requests": self.courier.requests,
            "retries": self.courier.retries,
        }
        self.watch.on_step("ending")
        try:
            counts, unfinished = self.ledger.end_run(self.run, status, message, figures)
        except (LawError, LedgerError, LeaseLostError) as error:
            return self._summary("failed", ExitCode.FAILED, str(error), self.counts)
        self.watch.on_step("ended")
        if code is ExitCode.DONE and counts.invalid + counts.rejected:
            code = ExitCode.REJECTS
        return self._summary(status, code, message, counts, unfinished)

    def _summary(
        self, status: Status, code: ExitCode, message: str | None, counts: Counts, unfinished: int = 0
    ) -> Summary:
        return Summary(
            run_id=str(self.run.number),
            job=self.run.job,
            status=status,
            counts=counts,
            requests=self.courier.requests,
            retries=self.courier.retries,
            seconds=round(time.monotonic() - self.began, 3),
            message=message,
            exit_code=code,
            unfinished=unfinished,
            resumes_run_id=str(self.run.resumes) if self.run.resumes else None,
        )


@asynccontextmanager
async def _heartbeat(ledger: Ledger) -> AsyncIterator[None]:
    """Renew the lease while the run waits for a target that says nothing."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            ledger.renew_lease()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])
        if not beating.cancelled():
            beating.exception()  # a lost lease or ledger: the next write meets it as well
