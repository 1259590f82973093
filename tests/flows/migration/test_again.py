"""A migration that goes on, and work that is done twice, cover the whole source as it is now, and count it once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.protocol import TransientError
from connectors.sandbox.fault import Faults, Forced
from flows.ledger.division import Division
from flows.migration.whole import Workers
from flows.migration.workplace import PartTask
from flows.selection import Selection
from flows.summary import ExitCode, Verification
from tests.faults.target_api import APIS
from tests.flows.migration.place import Place, customer, plain
from tests.flows.migration.test_verification import at


def unable(workers: Workers) -> Workers:
    """Let the comparison fail in each partition."""

    async def verify(tasks: Sequence[PartTask]) -> Mapping[int, Verification | BaseException]:
        return {each.number: TransientError("the target was away") for each in tasks}

    return replace(workers, verify=verify)


def twice(workers: Workers) -> Workers:
    """Work on each partition a second time, as where what a worker came to was lost with it."""

    async def migrate(tasks: Sequence[PartTask]) -> Mapping[int, BaseException]:
        await workers.migrate(tasks)
        return await workers.migrate(tasks)

    return replace(workers, migrate=migrate)


def test_a_comparison_done_twice_finds_the_same(move: Place) -> None:
    """Who is missing is missing as well where the first finding was lost with its worker."""
    move.fill([customer(number) for number in range(12)])

    def hired(workers: Workers) -> Workers:
        async def verify(tasks: Sequence[PartTask]) -> Mapping[int, Verification | BaseException]:
            APIS["valomnia"].erase(move.app, "C-1")
            await workers.verify(tasks)
            return await workers.verify(tasks)

        return replace(workers, verify=verify)

    summary = move.migrate(3, hired=hired)
    assert summary.exit_code is ExitCode.FAILED
    assert summary.verification is not None
    assert (summary.verification.missing, summary.verification.changed) == (1, 0)


def test_a_difference_that_only_the_first_comparison_found(move: Place) -> None:
    """What a comparison noted counts, though its worker was lost and the second one saw no difference."""
    move.fill([customer(number) for number in range(12)])

    def hired(workers: Workers) -> Workers:
        async def verify(tasks: Sequence[PartTask]) -> Mapping[int, Verification | BaseException]:
            APIS["valomnia"].rename(move.app, "C-1", "By hand")
            await workers.verify(tasks)
            APIS["valomnia"].rename(move.app, "C-1", "Name 1")
            return await workers.verify(tasks)

        return replace(workers, verify=verify)

    summary = move.migrate(3, hired=hired)
    assert summary.exit_code is ExitCode.FAILED
    assert summary.message is not None
    assert "1 customer " in summary.message


def test_a_comparison_that_failed_after_it_found_somebody(move: Place) -> None:
    """Who was found missing before the comparison failed is sent by the migration that goes on."""
    move.fill([customer(number) for number in range(12)])

    def hired(workers: Workers) -> Workers:
        async def verify(tasks: Sequence[PartTask]) -> Mapping[int, Verification | BaseException]:
            APIS["valomnia"].erase(move.app, "C-1")
            found = await workers.verify(tasks[:1])
            return {**found, **{each.number: TransientError("away") for each in tasks[1:]}}

        return replace(workers, verify=verify)

    assert move.migrate(3, hired=hired).exit_code is ExitCode.FAILED
    again = move.migrate(3)
    assert again.exit_code is ExitCode.DONE
    assert move.held == plain([customer(number) for number in range(12)])
    assert sum(move.sent.values()) == 13
    assert move.broken() == []


def test_what_changed_since_a_migration_was_given_up(move: Place) -> None:
    """A migration that goes on much later brings what has changed and come in partitions that were done."""
    move.fill([customer(number) for number in range(12)])
    assert move.migrate(3, hired=unable).exit_code is ExitCode.FAILED
    move.execute("UPDATE customers SET name = 'changed since' WHERE id < 3")
    move.execute("INSERT INTO customers (id, no, name, city) VALUES (-1, 'C-new', 'New', 'City')")
    summary = move.migrate(5)
    assert summary.exit_code is ExitCode.DONE
    counts = summary.counts
    assert (counts.extracted, counts.created, counts.updated, counts.unchanged) == (13, 1, 3, 9)
    assert [name for name, _ in move.held.values()].count("changed since") == 3
    assert "C-new" in move.held
    assert summary.verification is not None
    assert (summary.verification.counted, summary.verification.same) == (13, 13)
    assert move.broken() == []


def test_what_changed_in_a_partition_that_was_half_done(move: Place) -> None:
    """Who changed before the place that a partition had come to arrives with the new value."""
    move.fill([customer(number) for number in range(20)])
    move.app.faults = Faults(forced={"C-7": Forced(status=401, error="unauthorized")})
    assert move.migrate(1).exit_code is ExitCode.FAILED
    move.app.faults = Faults()
    move.execute("UPDATE customers SET name = 'changed since' WHERE id = 1")
    summary = move.migrate(1)
    assert (summary.exit_code, summary.counts.extracted) == (ExitCode.DONE, 20)
    assert move.held["C-1"][0] == "changed since"
    assert move.sent["C-1"] == 2
    assert move.broken() == []


@pytest.mark.parametrize("kind", ["csv", "database"])
def test_a_partition_done_twice_counts_once(move: Place, kind: str) -> None:
    """A worker that was replaced makes no record count twice, whether its source can be gone on with or not."""
    customers = [customer(number) for number in range(20)]
    if kind == "csv":
        lines = [f"{each['id']},{each['no']},{each['name']},{each['city']}," for each in customers]
        (move.folder / "crm.csv").write_text("\n".join(["id,no,name,city,parent", *lines, ""]), encoding="utf-8")
        move.source = {"kind": "csv", "path": "crm.csv", "key": "id"}
    else:
        move.fill(customers)
    move.job["guards"] = {"max_missing": "5%"}
    summary = move.migrate(1, hired=twice)
    assert summary.exit_code is ExitCode.DONE
    assert summary.counts.extracted == 20
    assert set(move.sent.values()) == {1}
    assert move.run(Selection(full=True)).exit_code is ExitCode.DONE
    assert move.broken() == []


def test_who_holds_a_reference_counts_once(move: Place) -> None:
    """That a reject of the same reference has left the source lets its holder count no second time."""
    move.fill([*(customer(number) for number in range(12)), customer(50, no="C-1")])
    assert move.run().counts.invalid == 1
    move.execute("DELETE FROM customers WHERE id = 50")
    summary = move.migrate(3)
    assert summary.exit_code is ExitCode.DONE
    assert (summary.counts.extracted, summary.counts.unchanged) == (12, 12)
    assert move.ask("SELECT count(*) FROM rejects WHERE closed_at IS NULL") == [(0,)]


@pytest.mark.parametrize("how", ["migration", "due", "replay"])
def test_a_record_without_a_key_stays_rejected(move: Place, how: str) -> None:
    """No record is said to have left the source whose key says nothing: its reject stays open."""
    then = "2026-01-01T00:00:00Z"
    if how != "migration":
        move.source["updated_at"] = "changed"
    move.fill(
        [*(customer(number, changed=then) for number in range(12)), customer(99, id=None, changed=then)], "id INT"
    )
    first = move.migrate(3, hired=unable) if how == "migration" else move.run()
    assert first.counts.invalid == 1
    if how == "due":
        ledger = move.open_ledger()
        with ledger.engine.begin() as connection:
            connection.execute(text("UPDATE rejects SET due_at = '2020'"))
        ledger.close()
    match how:
        case "migration":
            move.migrate(3)
        case "due":
            move.run()
        case _:
            move.run(Selection.of_replay())
    assert move.ask("SELECT code, closed_at FROM rejects") == [("missing_key", None)]


def test_a_wait_for_what_the_parent_alone_sent(tmp_path: Path) -> None:
    """Where no partition asked the target anything, what was sent after them is waited for as well."""
    with at(tmp_path, APIS["keypro"]) as (move, app):
        reference = APIS["keypro"].reference(50)
        move.execute(f"INSERT INTO customers (id, no) VALUES (50, '{reference}')")
        app.faults = Faults(forced={reference: Forced(status=400)})
        assert move.run().exit_code is ExitCode.REJECTS
        move.execute("DELETE FROM customers WHERE id = 50")
        app.faults = Faults(read_lag_seconds=1.5)
        move.target["settling"] = "2s"

        def hired(workers: Workers) -> Workers:
            async def migrate(tasks: Sequence[PartTask]) -> Mapping[int, BaseException]:
                raised = await workers.migrate(tasks)
                move.execute(f"INSERT INTO customers (id, no, name, city) VALUES (50, '{reference}', 'Late', 'City')")
                return raised

            return replace(workers, migrate=migrate)

        began = time.monotonic()
        summary = move.migrate(2, hired=hired)
        assert (summary.exit_code, summary.counts.created) == (ExitCode.DONE, 1)
        assert time.monotonic() - began > 2


def test_a_partition_that_lost_its_lease(move: Place) -> None:
    """It says that another process took it over, and not that nobody began it."""
    move.fill([customer(number) for number in range(60)])
    done: list[str] = []

    def step(name: str) -> None:
        if name == "recorded" and not done:
            done.append(name)
            ledger = move.open_ledger()
            with ledger.engine.begin() as connection:
                connection.execute(text("UPDATE leases SET token = token + 1 WHERE job = 'move/1'"))
            ledger.close()

    summary = move.migrate(2, workers=1, on_step=step)
    assert summary.exit_code is ExitCode.FAILED
    assert summary.message is not None
    assert summary.message.startswith("partition 1: its worker")
    assert "lease" in summary.message


class KilledWorker(Exception):  # noqa: N818 - as Dask calls it
    """What Dask raises of work whose workers died again and again."""


def test_a_worker_that_died(move: Place) -> None:
    """A partition whose worker the cluster gave up says so, and asks nobody to report an error of ours."""
    move.fill([customer(number) for number in range(12)])

    def hired(workers: Workers) -> Workers:
        async def migrate(tasks: Sequence[PartTask]) -> Mapping[int, BaseException]:
            return {**await workers.migrate(tasks[:1]), 2: KilledWorker("secret")}

        return replace(workers, migrate=migrate)

    summary = move.migrate(2, hired=hired)
    assert summary.exit_code is ExitCode.FAILED
    assert summary.message is not None
    assert summary.message.startswith("partition 2: its worker died (KilledWorker)")
    assert "secret" not in summary.message


def test_progress_that_cannot_be_looked_at(move: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at how far the partitions are that fails ends nothing."""
    from flows.ledger.knowledge import LedgerError

    looks: list[int] = []

    def failing(*_: object) -> None:
        looks.append(1)
        raise LedgerError("the database was away")

    monkeypatch.setattr(Division, "progress", failing)
    monkeypatch.setattr("flows.migration.whole._LOOK_SECONDS", 0.0)
    move.fill([customer(number) for number in range(60)])
    move.app.faults = Faults(latency_ms=50)
    summary = move.migrate(2)
    move.app.faults = Faults()
    assert summary.exit_code is ExitCode.DONE
    assert looks


def test_a_partition_begun_again_leaves_the_others_alone(move: Place) -> None:
    """What a partition's dead attempt left without an answer is voided by that partition alone."""
    move.fill([customer(number) for number in range(10)])
    hashes: list[int] = []

    def hired(workers: Workers) -> Workers:
        async def migrate(tasks: Sequence[PartTask]) -> Mapping[int, BaseException]:
            raised = await workers.migrate(tasks)
            ledger = move.open_ledger()
            try:
                division = Division(ledger)
                migration = division.find(tasks[0].migration)
                dead = division.begin("move", migration, 1)
                ledger.intend(dead, [("C-1", "1", 1)])
                ledger.end_run(dead, "interrupted", "ended", {"seconds": 0, "requests": 0, "retries": 0})
                for number in (2, 1):
                    run = division.begin("move", migration, number)
                    assert "C-1" in run.unanswered
                    hashes.append(ledger.crossings(run.scope, ["C-1"])["C-1"].row_hash is not None)
                    ledger.end_run(run, "completed", None, {"seconds": 0, "requests": 0, "retries": 0})
            finally:
                ledger.close()
            return raised

        return replace(workers, migrate=migrate)

    move.migrate(2, hired=hired)
    assert hashes == [True, False]
