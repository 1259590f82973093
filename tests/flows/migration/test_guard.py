"""A job's guards judge a migration by all that it read, and not by a part of it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from connectors.sandbox.fault import Faults
from flows.summary import ExitCode
from tests.flows.migration.place import Place, customer
from tests.flows.migration.test_again import unable


def test_one_reject_does_not_stop_a_migration_that_goes_on(move: Place) -> None:
    """One reject among thirteen customers is no fifth of them, however often the migration goes on."""
    move.job["guards"] = {"max_rejected": "20%"}
    move.fill([*(customer(number) for number in range(12)), customer(100, no=" ")])
    assert move.migrate(3, hired=unable).exit_code is ExitCode.FAILED
    summary = move.migrate(3)
    assert (summary.exit_code, summary.counts.extracted, summary.counts.invalid) == (ExitCode.REJECTS, 13, 1)


def test_a_range_of_bad_records_does_not_stop_a_migration(move: Place) -> None:
    """Bad records that stand together are judged among all records, and not within their partition."""
    move.job["guards"] = {"max_rejected": "20%"}
    move.fill([customer(number, name=None if number >= 50 else "N") for number in range(60)])
    summary = move.migrate(6, workers=1)
    assert (summary.exit_code, summary.counts.invalid, len(move.held)) == (ExitCode.REJECTS, 10, 50)


def test_a_guard_stops_a_migration_on_its_way(move: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many are rejected so far, no further partition is begun, long before everybody was sent."""
    monkeypatch.setattr("flows.migration.whole._LOOK_SECONDS", 0.0)
    move.job |= {"guards": {"max_rejected": "20%"}, "page_size": 2}
    move.target["concurrency"] = 1
    move.fill([customer(number, name=None if number % 2 else "N") for number in range(200)])
    move.app.faults = Faults(latency_ms=100)
    summary = move.migrate(10, workers=1)
    move.app.faults = Faults()
    assert summary.exit_code is ExitCode.GUARD
    assert summary.message is not None
    assert "max_rejected" in summary.message
    assert 0 < len(move.held) < 60
    assert move.broken(ended=False) == []


def test_a_migration_that_misses_too_many(move: Place) -> None:
    """Where the source shows far fewer records than before, it ends with exit code 4, and the next run does as well."""
    move.job["guards"] = {"max_missing": "5%"}
    move.fill([customer(number) for number in range(40)])
    assert move.run().exit_code is ExitCode.DONE
    move.fill([customer(number) for number in range(4)])
    for _ in range(2):
        summary = move.migrate(2)
        assert (summary.exit_code, summary.status) == (ExitCode.GUARD, "stopped")
    assert move.run().exit_code is ExitCode.GUARD
    move.job["guards"] = {"max_missing": "100%"}
    assert move.migrate(2).exit_code is ExitCode.DONE
    move.job["guards"] = {"max_missing": "5%"}
    assert move.run().exit_code is ExitCode.DONE


def test_rejects_that_are_due_do_not_stop_a_run(move: Place) -> None:
    """In a run of what has changed, rejects that are tried again say nothing of the source's state."""
    then = "2026-01-01T00:00:00Z"
    move.job["guards"] = {"max_rejected": "20%"}
    move.source["updated_at"] = "changed"
    bad = customer(100, no=" ", changed=then)
    move.fill([*(customer(number, changed=then) for number in range(12)), bad])
    assert move.run().exit_code is ExitCode.REJECTS
    ledger = move.open_ledger()
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE rejects SET due_at = '2020'"))
    ledger.close()
    summary = move.run()
    assert (summary.exit_code, summary.counts.extracted, summary.counts.invalid) == (ExitCode.REJECTS, 1, 1)
