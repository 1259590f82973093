"""Carries out a migration: divides the source, lets the partitions be worked on, and concludes; one run for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from connectors.delivery.courier import Courier
from connectors.protocol import (
    ConnectorError,
    DivisibleSource,
    IdTarget,
    KeyRange,
    PermanentError,
)
from flows.conclusion import conclude, note_whole
from flows.connection import make_source, make_target
from flows.execution import Execution
from flows.extraction import Extraction, Numbered
from flows.failure import StopAskedError
from flows.guard import GuardError, guard_rejects
from flows.job import Job
from flows.ledger.difference import differences_of
from flows.ledger.division import Division, Ending, Partition, Stop
from flows.ledger.knowledge import LedgerError
from flows.ledger.lease import LeaseLostError
from flows.ledger.ledger import Ledger
from flows.ledger.record import Counts
from flows.migration.claim import Holders, SharedSeen
from flows.migration.failure import cause_of, refuse_failed
from flows.migration.workplace import PartTask
from flows.phrase import counted
from flows.plan import compile_job, refuse_missing_columns
from flows.run import open_source
from flows.selection import EVERYTHING
from flows.summary import Summary, Verification
from flows.waiting import Waiting
from flows.watch import Watch

_TURN_SECONDS = 0.5
_LOOK_SECONDS = 3.0


class DifferencesError(PermanentError):
    """The target does not show what the source has."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Who works on partitions, each in whatever process.

    Both come back once all have ended. `migrate` gives what partitions raised by their numbers (what became of the
    others stands in the ledger), `verify` what they found as well.
    """

    migrate: Callable[[Sequence[PartTask]], Awaitable[Mapping[int, BaseException]]]
    verify: Callable[[Sequence[PartTask]], Awaitable[Mapping[int, Verification | BaseException]]]


@dataclass(frozen=True, slots=True)
class Course:
    """How a migration is to go: how many partitions, by whom, and whether source and target are compared afterwards."""

    workers: Workers
    partitions: int
    verify: bool = True


async def migrate(job: Job, ledger: Ledger, watch: Watch, course: Course) -> Summary:
    """Migrate a source once, or go on with a migration that did not come to its end.

    Raises as `run_job`.
    """
    plan = compile_job(job, ledger.key)
    target, gate = make_target(plan)
    source = make_source(plan)
    try:
        columns = await asyncio.to_thread(open_source, source)
        if not isinstance(columns, ConnectorError):
            refuse_missing_columns(plan, columns)
        ledger.take_lease(job.job)
        run = ledger.begin_run(job.job, source.address, target.address, plan.fingerprint, "migrate")
        extraction = LeftExtraction(plan, source, ledger, run, EVERYTHING, watch.on_notice)
        courier = Courier(target, gate)
        execution = MigrationExecution(plan, ledger, run, extraction, courier, watch, course=course)
        watch.on_begin(extraction)
        if isinstance(columns, ConnectorError):
            return execution.fail(columns)
        execution.announce(ledger.note_columns(run, source.address, columns), columns)
        return replace(await execution.carry_out(), verification=execution.verification)
    finally:
        await asyncio.to_thread(source.close)
        ledger.release_lease()


@dataclass(slots=True)
class LeftExtraction(Extraction):
    """The reading of those whom no partition met: rejects and deferred customers of runs before, by their keys."""

    @property
    def watermark(self) -> None:
        """None: a migration leaves the job's own watermark alone."""

    def _chosen(self) -> Iterator[Numbered]:
        yield from self._again(self.ledger.unmet(self.run))

    def _turns(self, asked: Sequence[str], late_code: str) -> list[list[str]]:
        """Ask for nobody else who has one of their references: a partition has met those."""
        wanted = set(asked)
        return [[key for key in keys if key in wanted] for keys in self.ledger.turns(self.run.scope, asked, late_code)]


@dataclass(slots=True, kw_only=True)
class MigrationExecution(Execution):
    """A migration under way: the partitions first, then whoever waited for them, then the comparison."""

    course: Course
    verification: Verification | None = None
    asked: int = 0  # requests of partitions
    asked_again: int = 0
    too_many: GuardError | None = None  # rejects, while the partitions are worked on
    division: Division = field(init=False)
    _looked_at: dict[tuple[int, int], Counts] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """How many requests it took, those of its partitions among them."""
        return self.courier.requests + self.asked

    @property
    def retries(self) -> int:
        """How many of them were made again."""
        return self.courier.retries + self.asked_again

    async def _work(self) -> None:
        self.division = Division(self.ledger)
        self.desk.seen = SharedSeen(self.ledger, self.run, Holders(self.extraction.source, self.plan))
        self.desk.as_it_stands = True
        numbers = [each.number for each in await self._partitions()]
        await self._followed(self._migrate(numbers), self._look)
        self._count()
        await self._go_through_pages()
        await self._settle_waiting()
        note_whole(self.desk, self.extraction, self.judged.extracted, self.watch.on_notice)
        await conclude(self.desk, self.extraction, self.counts.extracted, self.watch.on_notice)
        if self.course.verify:
            await self._followed(self._verify(numbers), self._wait)
        self.division.clear(self.run)
        self._judge()

    async def _partitions(self) -> list[Partition]:
        """Find the partitions of a migration that did not come to its end, or divide the source anew.

        All are read from their first record: what was done may be days old. Who has not changed costs no request.
        """
        source = self.extraction.source
        known = self.division.partitions(self.run, source.address)
        if known:
            done = sum(each.done for each in known)
            partitions = counted(len(known), "partition")
            self.watch.on_notice(
                f"this goes on with a migration of {partitions}, of which {done} are done;"
                " all are read again, and nobody is sent again who is confirmed and has not changed"
            )
            self.division.begin_again(self.run)
            return known
        if isinstance(source, DivisibleSource):
            ranges = await asyncio.to_thread(source.divide, self.course.partitions)
        else:
            ranges = [KeyRange(None, None)]
        return self.division.divide(self.run, source.address, ranges)

    async def _migrate(self, numbers: Sequence[int]) -> None:
        try:
            raised = await self.course.workers.migrate(self._tasks(numbers))
        except asyncio.CancelledError:  # somebody lost patience; what it took is told all the same
            with suppress(LedgerError):
                self._add_up()
            raise
        outcomes = await asyncio.to_thread(self._add_up)
        ended = [(number, raised.get(number), outcomes.get(number)) for number in numbers]
        if self.too_many is None:
            refuse_failed(ended, asked_to_stop=self.watch.stop_asked)
            return
        with suppress(StopAskedError):  # it was us who asked
            refuse_failed(ended, asked_to_stop=True)
        raise self.too_many

    def _add_up(self) -> dict[int, Ending]:
        """Take in what the partitions took, and give how each of them ended."""
        outcomes = self.division.outcomes(self.run.number)
        self.asked += sum(each.requests for each in outcomes.values())
        self.asked_again += sum(each.retries for each in outcomes.values())
        self.pages = self.division.pages(self.run.number)
        return outcomes

    async def _verify(self, numbers: Sequence[int]) -> None:
        await self._visible()
        found = await self.course.workers.verify(self._tasks(numbers))
        raised: list[tuple[int, BaseException]] = []
        for number, each in sorted(found.items()):
            if isinstance(each, BaseException):
                raised.append((number, each))
            else:
                self.asked += each.requests
                self.verification = (self.verification or Verification()) + each
        if self.watch.stop_asked:
            raise StopAskedError
        for number, error in raised:
            raise PermanentError(f"comparison of partition {number}: {cause_of(error)}")

    async def _visible(self) -> None:
        """Wait until the target shows what was sent last."""
        target = self.courier.target
        if self.requests and isinstance(target, IdTarget):
            end = time.monotonic() + target.settling_seconds
            while (rest := end - time.monotonic()) > 0 and not self.watch.stop_asked:  # noqa: ASYNC110 - set anywhere
                await asyncio.sleep(min(_TURN_SECONDS, rest))

    def _tasks(self, numbers: Sequence[int]) -> list[PartTask]:
        return [PartTask(self.run.number, self.ledger.fence, number) for number in numbers]

    async def _look(self) -> None:
        """Tell how far the partitions are, and let them end where too many are rejected so far."""
        with suppress(LedgerError):  # what they write meets it as well; a look is worth no migration
            counts = await asyncio.to_thread(self.division.progress, self.run.number, self._looked_at)
            self.watch.on_page(0, counts)
            if self.too_many is not None:
                return
            try:
                guard_rejects(self.plan.job.guards, counts)
            except GuardError as error:
                self.division.ask_to_stop(self.run.number)
                self.too_many = error

    async def _wait(self) -> None:
        """Tell once more what is told already: a comparison brings nobody."""
        self.watch.on_page(0, self.counts)

    async def _followed(self, work: Awaitable[None], look: Callable[[], Awaitable[None]]) -> None:
        """Look at the partitions while they are worked on, and pass on that somebody asked to stop."""
        working = asyncio.ensure_future(work)
        told, looked = False, time.monotonic()
        try:
            while not working.done():
                await asyncio.wait([working], timeout=_TURN_SECONDS)
                if self.watch.stop_asked and not told:
                    self.division.ask_to_stop(self.run.number)
                    told = True
                if time.monotonic() - looked > _LOOK_SECONDS:
                    await look()
                    looked = time.monotonic()
            await working
        finally:
            if not working.done():  # somebody lost patience; no cancelling reaches workers in other processes
                with suppress(LedgerError, LeaseLostError):
                    self.division.ask_to_stop(self.run.number, how=Stop.AT_ONCE)
            working.cancel()
            await asyncio.wait([working])

    async def _settle_waiting(self) -> None:
        """Settle those who waited for somebody of another partition."""
        places = self.ledger.deferred(self.run)
        if places:
            waiting = Waiting(self.desk, self.extraction.source, self.watch.on_notice, places)
            await waiting.learn()
            await waiting.settle()
            self._count()

    def _judge(self) -> None:
        found = self.verification
        # What was noted counts as well, though the worker that found it was lost before it could tell.
        noted = len(differences_of(self.ledger, self.run.number))
        if differing := max(found.differences if found is not None else 0, noted):
            customers = counted(differing, "customer")
            raise DifferencesError(
                f"the target shows {customers} otherwise than the source; those that are missing or differ are sent"
                " once more by `rollcall run --full`, or by another migration"
            )
