"""A migration that did not come to its end goes on where it stopped, and says so."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import text

from connectors.protocol import ConnectorError
from connectors.sandbox.fault import Faults, Forced, Strike
from flows.ledger.division import Division
from flows.ledger.takeover import is_stalled
from flows.migration.thread import Crew, threads
from flows.migration.whole import Workers
from flows.migration.workplace import PartTask
from flows.selection import Selection
from flows.summary import ExitCode
from flows.watch import Watch
from tests.flows.migration.place import Place, customer, plain

REFUSED = Forced(status=401, error="unauthorized")  # ends the partition that meets it


def interrupt(move: Place, *, partitions: int = 8, size: int = 40) -> int:
    """Let a migration fail on its way, one partition after another; gives how many partitions are done."""
    move.fill([customer(number) for number in range(size)])
    move.app.faults = Faults(forced={f"C-{size * 3 // 5}": REFUSED})
    summary = move.migrate(partitions, workers=1)
    move.app.faults = Faults()
    assert summary.exit_code is ExitCode.FAILED
    return int(move.ask("SELECT count(*) FROM partitions WHERE done = 1")[0][0])


def test_the_rest_alone_is_sent(move: Place) -> None:
    """All is read again and nobody confirmed is sent again, another number of partitions is of no account; it says so.

    The figures are those of the whole source.
    """
    done = interrupt(move)
    assert done == 4
    confirmed = {reference for (reference,) in move.ask("SELECT reference FROM crosswalk WHERE row_hash IS NOT NULL")}
    before = len(move.writes)
    summary = move.migrate(4)
    assert summary.exit_code is ExitCode.DONE
    said = f"this goes on with a migration of 8 partitions, of which {done} are done; all are read again"
    assert any(notice.startswith(said) for notice in move.notices)
    assert move.held == plain([customer(number) for number in range(40)])
    assert sum(move.sent.values()) - len(move.sent) <= 5, "at most what was in flight or refused"
    assert len(confirmed) >= done * 5
    assert not confirmed & {each.reference for each in move.writes[before:]}
    assert (summary.counts.extracted, summary.counts.unchanged) == (40, len(confirmed))
    assert summary.verification is not None
    assert summary.verification.same == 40
    assert move.broken() == []


def test_the_failure_is_named_with_its_partition(move: Place) -> None:
    """The summary and the ledger name the partition that failed and why, and no further one was begun."""
    interrupt(move)
    status, message = move.ask("SELECT status, message FROM runs WHERE partition IS NULL")[0]
    assert status == "failed"
    assert message.startswith("partition 5: ")
    assert "nobody" not in message
    assert move.ask("SELECT max(partition) FROM runs") == [(5,)]


def test_another_mapping_begins_anew(move: Place) -> None:
    """Once the mapping is another, the whole source is read again, and everybody gets the new values."""
    interrupt(move)
    move.notices.clear()
    move.job["fields"]["comment"] = {"const": "moved"}
    summary = move.migrate(3)
    assert summary.exit_code is ExitCode.DONE
    assert not [notice for notice in move.notices if "goes on" in notice]
    assert summary.counts.extracted == 40
    assert {each["comment"] for each in move.app.vendor.customers("")} == {"moved"}
    assert move.broken() == []


@pytest.mark.parametrize("full", [False, True])
def test_a_plain_run_between(move: Place, full: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A plain run after a migration that failed brings everybody; the migration then goes on, and sends nobody."""
    interrupt(move)
    run = move.run(Selection(full=full))
    assert run.exit_code is ExitCode.DONE
    assert run.counts.extracted == 40
    before = len(move.writes)
    summary = move.migrate(8)
    assert summary.exit_code is ExitCode.DONE
    assert len(move.writes) == before
    assert summary.verification is not None
    assert summary.verification.same == 40
    assert move.held == plain([customer(number) for number in range(40)])
    assert move.broken() == []


def test_a_target_that_goes_away(move: Place) -> None:
    """Where the target refuses everybody from some moment on, it ends with exit code 1; another one completes it."""
    move.fill([customer(number) for number in range(60)])
    away = Strike(kind="error", probability=1.0, skip=20, methods=("POST",), status=401)
    move.app.faults = Faults(strikes=(away,))
    failed = move.migrate(6, workers=3)
    move.app.faults = Faults()
    assert failed.exit_code is ExitCode.FAILED
    assert failed.message is not None
    assert failed.message.startswith("partition ")
    assert failed.unfinished
    assert move.migrate(6).exit_code is ExitCode.DONE
    assert move.held == plain([customer(number) for number in range(60)])
    created = [each.reference for each in move.writes if each.status == 201]
    assert len(created) == len(set(created)) == 60
    assert move.broken() == []


def test_one_source_fails(move: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one partition cannot be read, those under way go on to their ends; another migration reads that one."""
    from connectors.database.source import DatabaseSource

    move.fill([customer(number) for number in range(30)])
    opened = DatabaseSource.open
    refused: list[int] = []

    def sometimes(self: DatabaseSource) -> tuple[str, ...]:
        if self._keys is not None and self._keys.until is None and not refused:
            refused.append(1)
            raise ConnectorError("the source was away")
        return opened(self)

    monkeypatch.setattr(DatabaseSource, "open", sometimes)
    failed = move.migrate(3)
    assert (failed.exit_code, failed.message) == (ExitCode.FAILED, "partition 3: the source was away")
    assert len(move.held) == 20
    assert move.migrate(3).exit_code is ExitCode.DONE
    assert set(move.sent.values()) == {1}
    assert move.broken() == []


def test_a_stop_reaches_every_partition(move: Place) -> None:
    """Asked to stop, every partition settles what is in flight, no further one begins, and the rest is done later."""
    move.fill([customer(number) for number in range(400)])
    move.target["concurrency"] = 2
    move.app.faults = Faults(latency_ms=40)
    watch = Watch()
    timer = threading.Timer(2.5, watch.stop)
    timer.start()
    began = time.monotonic()
    summary = move.migrate(12, workers=2, watch=watch)
    took = time.monotonic() - began
    move.app.faults = Faults()
    assert summary.exit_code is ExitCode.STOPPED
    assert took < 20
    assert 0 < len(move.held) < 400
    left = {reference for (reference,) in move.ask("SELECT reference FROM intents")}
    assert not left & move.held.keys(), "what was in flight was settled"
    assert {status for (status,) in move.ask("SELECT status FROM runs")} <= {"completed", "interrupted"}
    move.target["concurrency"] = 16
    assert move.migrate(12, workers=2, verify=False).exit_code is ExitCode.DONE
    assert set(move.sent.values()) == {1}
    assert move.broken() == []


def test_who_loses_patience_waits_for_no_partition(move: Place) -> None:
    """A second signal ends all partitions at once, though nobody had told them of the first."""
    move.fill([customer(number) for number in range(200)])
    move.target["concurrency"] = 2
    move.app.faults = Faults(latency_ms=1000)

    async def impatient(workers: Workers, tasks: Sequence[PartTask]) -> Mapping[int, BaseException]:
        work = asyncio.ensure_future(workers.migrate(tasks))
        await asyncio.sleep(2)
        work.cancel()
        return await work

    def hired(workers: Workers) -> Workers:
        return replace(workers, migrate=lambda tasks: impatient(workers, tasks))

    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        move.migrate(4, workers=2, hired=hired)
    assert time.monotonic() - began < 15
    move.app.faults = Faults()
    move.target["concurrency"] = 16
    assert move.migrate(4, verify=False).exit_code is ExitCode.DONE
    assert len(move.held) == 200
    assert move.broken() == []


def test_work_that_begins_after_the_end_is_ended_as_well() -> None:
    """A thread that comes late to a crew that was ended does nothing."""
    crew, watch = Crew(), Watch()
    crew.end()

    async def scenario() -> None:
        with pytest.raises(asyncio.CancelledError):
            await crew.follow(asyncio.sleep(60), watch)

    asyncio.run(scenario())
    assert watch.stop_asked


def test_a_worker_with_another_job_does_nothing(move: Place) -> None:
    """A worker whose job file names another mapping than the coordinator's fails, and sends nobody."""
    move.fill([customer(number) for number in range(10)])

    def hired(_: Workers) -> Workers:
        move.job["fields"]["comment"] = {"const": "other"}
        return threads(move.write_job(), move.open_ledger, 2, move.notices.append)

    summary = move.migrate(2, hired=hired)
    assert summary.exit_code is ExitCode.FAILED
    assert summary.message is not None
    assert "another mapping" in summary.message
    assert move.writes == []


def test_who_died_in_a_partition_and_left_the_source(move: Place) -> None:
    """An intent of an attempt that died within this migration is looked up where its customer has left the source."""
    move.fill([customer(number) for number in range(10)])

    def hired(workers: Workers) -> Workers:
        async def after_a_death(tasks: Sequence[PartTask]) -> Mapping[int, BaseException]:
            ledger = move.open_ledger()
            try:
                division = Division(ledger)
                run = division.begin("move", division.find(tasks[0].migration), 1)
                ledger.intend(run, [("C-99", "99", 1)])  # and then nothing more was heard
            finally:
                ledger.close()
            return await workers.migrate(tasks)

        return replace(workers, migrate=after_a_death)

    assert move.migrate(2, hired=hired).exit_code is ExitCode.DONE
    assert move.broken() == []


def test_three_migrations_that_died_but_got_on(move: Place) -> None:
    """Migrations that were killed again and again, each with customers brought, put no record under suspicion."""
    move.fill([customer(number) for number in range(30)])
    for number in (11, 17, 23):
        move.app.faults = Faults(forced={f"C-{number}": REFUSED})
        assert move.migrate(10, workers=1).exit_code is ExitCode.FAILED
    move.app.faults = Faults()
    ledger = move.open_ledger()
    try:
        with ledger.engine.begin() as connection:  # as if all of them had been killed
            died = "UPDATE runs SET status = 'interrupted', message = 'ended without a word'"
            connection.execute(text(died))
            assert not is_stalled(connection, "move")
            connection.execute(text("DELETE FROM lines"))
            assert is_stalled(connection, "move")
    finally:
        ledger.close()
