"""Carries out one run that has begun: page after page, whoever waits for others, and the conclusion."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from connectors.delivery.courier import Courier
from connectors.protocol import (
    BrokenSourceError,
    ConfigurationError,
    ConnectorError,
    WatermarkError,
)
from flows.ahead import Ahead
from flows.conclusion import conclude
from flows.desk import Desk, Post
from flows.entity import Entities, Filling, TakenForGranted
from flows.extraction import Extraction
from flows.failure import StopAskedError, explain_failure
from flows.guard import GuardError, guard_rejects
from flows.ledger.heartbeat import Heartbeat
from flows.ledger.knowledge import LedgerError
from flows.ledger.lease import LeaseLostError
from flows.ledger.ledger import LawError, Ledger
from flows.ledger.record import Counts, Run, Status
from flows.ledger.sketch import Sketch
from flows.page import process
from flows.plan import Plan
from flows.preparation import Prepared
from flows.seen import Seen
from flows.summary import ExitCode, SlowestPage, Summary
from flows.waiting import Waiting
from flows.watch import Hand, Watch


@dataclass(slots=True)
class Execution:
    """One run under way."""

    plan: Plan
    ledger: Ledger
    run: Run
    extraction: Extraction
    courier: Post
    watch: Watch
    counts: Counts = field(default_factory=Counts)
    judged: Counts = field(default_factory=Counts)  # those of the source's own pages: what its guard judges
    pages: int = 0
    slowest: SlowestPage | None = None
    began: float = field(default_factory=time.monotonic)
    mark_before: str | None = field(init=False)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        selection = self.extraction.selection
        self.mark_before = self._mark()
        self.desk = Desk(
            plan=self.plan,
            ledger=self.ledger,
            run=self.run,
            courier=self.courier,
            seen=Seen(),
            entities=self._entities(),
            before_send=self._before_send,
            watermark=self.extraction.watermark,
            tries_at_once=selection.tries_at_once,
            as_it_stands=selection.full or selection.tries_at_once,
            on_step=self.watch.on_step,
        )

    def _entities(self) -> Filling:
        if isinstance(self.courier, Courier):
            return Entities(self.plan, self.courier, self._before_send, self.watch.on_notice)
        return TakenForGranted()

    @property
    def requests(self) -> int:
        """How many requests it took."""
        return self.courier.requests

    @property
    def retries(self) -> int:
        """How many of them were made again."""
        return self.courier.retries

    def announce(self, before: Collection[str] | None, columns: Collection[str]) -> None:
        """Tell what this run begins with: what it takes over, and what is new at its source and target."""
        if isinstance(self.ledger, Sketch) and self.ledger.beside:
            self.watch.on_notice("another run of this job is under way; this is told from how things stand now")
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
            async with _heartbeat(self.ledger), self.courier.target:
                await self._work()
        except LeaseLostError as error:  # another run writes now: the ledger is no longer ours
            return self._summary("interrupted", ExitCode.FAILED, str(error), self.counts)
        except asyncio.CancelledError:  # somebody lost patience; what was in flight has no answer
            if not self.watch.stop_asked:
                raise
            return self._end("interrupted", ExitCode.STOPPED, "stopped at once; the next run goes on from here")
        except (ConnectorError, LedgerError, LawError, GuardError, StopAskedError) as error:
            return self._end(*self._verdict(error))
        except Exception as error:
            self._end("failed", ExitCode.FAILED, explain_failure(error)[1])
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

    async def _work(self) -> None:
        await self._go_through_pages()
        await self._settle_waiting()
        await conclude(self.desk, self.extraction, self.counts.extracted, self.watch.on_notice)

    async def _go_through_pages(self) -> None:
        async with aclosing(Ahead(self.extraction, self.watch.on_step).pages()) as upcoming:
            async for prepared in upcoming:
                self.watch.on_step("prepared")
                counts = await self._take(prepared)
                self.pages += 1
                if prepared.number > 0:  # among customers that are tried again the rejects' share says nothing
                    self.judged += counts
                self._note(prepared.number, self.counts + counts)

    async def _settle_waiting(self) -> None:
        places = self.ledger.deferred(self.run) if self.counts.deferred else {}
        if places:
            await Waiting(self.desk, self.extraction.source, self.watch.on_notice, places).settle()
            self._count()

    def _count(self) -> None:
        """Take the counts from the ledger, once it is known what became of those who waited; raises as `_note`."""
        self.judged = self.ledger.counts(self.run, 1)
        self._note(0, self.ledger.counts(self.run))

    def _note(self, page: int, counts: Counts) -> None:
        """Take in what became of a page; raises GuardError and StopAskedError."""
        self.counts = counts
        self.watch.on_page(page, counts)
        self._judge_rejects()
        if self.watch.stop_asked:
            raise StopAskedError

    def _judge_rejects(self) -> None:
        guard_rejects(self.plan.job.guards, self.judged)

    async def _take(self, prepared: Prepared) -> Counts:
        began = time.monotonic()
        if self.watch.each_page is None:
            counts = await process(prepared, self.desk)
        else:
            hand = Hand(self.run.number, prepared.number, prepared.page.counted, prepared.page.cursor)
            counts = await self.watch.each_page(hand, lambda: process(prepared, self.desk))
        taken = SlowestPage(prepared.number, prepared.page.counted, round(time.monotonic() - began, 3))
        if self.slowest is None or taken.seconds > self.slowest.seconds:
            self.slowest = taken
        return counts

    def _mark(self) -> str | None:
        """Tell the moment at which the watermark stands; None where there is none, or none that the run moves."""
        if self.extraction.watermark is None:
            return None
        try:
            mark = self.ledger.watermark(self.run.scope, *self.extraction.watermark)
        except LedgerError:  # the reading meets it as well, and tells it
            return None
        return mark.cursor if mark else None

    def _before_send(self) -> None:
        if self.watch.stop_asked:
            raise StopAskedError
        self.ledger.prove_lease()
        self.watch.on_step("sending")

    def _end(self, status: Status, code: ExitCode, message: str | None) -> Summary:
        figures = {
            "seconds": time.monotonic() - self.began,
            "requests": self.requests,
            "retries": self.retries,
        }
        for told in self.desk.shortened.told():
            self.watch.on_notice(told)
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
            dry_run=self.extraction.selection.dry_run,
            job=self.run.job,
            status=status,
            counts=counts,
            requests=self.requests,
            retries=self.retries,
            seconds=round(time.monotonic() - self.began, 3),
            message=message,
            exit_code=code,
            unfinished=unfinished,
            resumes_run_id=str(self.run.resumes) if self.run.resumes else None,
            pages=self.pages,
            slowest_page=self.slowest,
            watermark_before=self.mark_before,
            watermark_after=self._mark(),
        )


@asynccontextmanager
async def _heartbeat(ledger: Ledger) -> AsyncIterator[None]:
    """Renew the lease while the run waits or computes."""
    beating = Heartbeat(ledger)
    beating.start()
    try:
        yield
    finally:
        await asyncio.to_thread(beating.stop)
