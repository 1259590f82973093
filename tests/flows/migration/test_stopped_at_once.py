"""A migration that is stopped at once ends its workers, wherever they are, before its lease is free."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from connectors.sandbox.fault import Faults, Strike
from flows.ledger.lease import LeaseHeldError
from flows.migration.thread import threads
from flows.migration.whole import Course, Workers, migrate
from flows.migration.workplace import PartTask
from flows.stop import seen_out
from flows.summary import ExitCode, Summary
from flows.watch import Watch
from tests.flows.migration.place import Place, customer, plain

SIZE = 12


def elsewhere(workers: Workers, patience_seconds: float) -> Workers:
    """Let workers work in a thread with a loop of its own, where no cancelling reaches them, as those of Prefect."""

    async def migrate_all(tasks: Sequence[PartTask]) -> Mapping[int, BaseException]:
        async def work() -> Mapping[int, BaseException]:
            return await workers.migrate(tasks)

        return await seen_out(asyncio.to_thread(lambda: asyncio.run(work())), patience_seconds)

    return replace(workers, migrate=migrate_all)


def stop_at_once(move: Place, patience_seconds: float) -> tuple[Summary, float, str]:
    """Migrate until requests are in flight, and lose patience.

    Gives the summary, the seconds until the lease was given up, and whose the lease was then.
    """
    job, watch = move.write_job(), Watch()

    async def main() -> tuple[Summary, float, str]:
        ledger = move.open_ledger()
        workers = elsewhere(threads(job, move.open_ledger, 3, move.notices.append), patience_seconds)
        migrating = asyncio.ensure_future(migrate(job, ledger, watch, Course(workers, 3)))
        while not await asyncio.to_thread(move.ask, "SELECT 1 FROM intents"):  # noqa: ASYNC110 - workers write them
            await asyncio.sleep(0.05)
        watch.stop()
        migrating.cancel()
        began = time.monotonic()
        summary = await migrating
        took = time.monotonic() - began
        if patience_seconds < 1:
            with pytest.raises(LeaseHeldError):
                await asyncio.to_thread(move.run)
        ledger.close()
        (owner,) = move.ask("SELECT owner FROM leases WHERE job = 'move'")[0]
        return summary, took, owner

    return asyncio.run(main())


@pytest.fixture
def slow(move: Place) -> Place:
    """Put twelve customers beside a target that takes customers in and says nothing."""
    move.fill([customer(number) for number in range(SIZE)])
    move.app.faults = Faults(strikes=(Strike(kind="hang", probability=1, methods=("POST",)),))
    return move


def test_workers_whom_no_cancelling_reaches_end_by_the_ledger(slow: Place) -> None:
    """Stopped at once, the workers end within seconds; only then is the lease given back, and the next run free."""
    summary, took, _ = stop_at_once(slow, 15)
    assert summary.exit_code is ExitCode.STOPPED
    assert took < 8
    assert summary.requests > 0, "what the partitions took is told"
    assert slow.ask("SELECT count(*) FROM runs WHERE status = 'running'") == [(0,)]
    assert slow.ask("SELECT count(*) FROM leases WHERE expires_at > renewed_at") == [(0,)]
    slow.app.faults = Faults()
    assert slow.migrate(3).exit_code is ExitCode.DONE
    assert slow.held == plain([customer(number) for number in range(SIZE)])


def test_a_migration_that_cannot_wait_for_its_workers_leaves_its_lease(slow: Place) -> None:
    """Where workers do not end in time, the next run is refused, though the process that had the lease is gone."""
    summary, took, owner = stop_at_once(slow, 0.1)
    assert summary.exit_code is ExitCode.STOPPED
    assert took < 2
    assert owner == ""
    with pytest.raises(LeaseHeldError):
        slow.run()
