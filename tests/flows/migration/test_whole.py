"""A migration brings everybody to the target once, however its source is divided, and accounts for each."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.fault import Faults, Forced
from flows.summary import ExitCode
from tests.flows.migration.place import Place, customer, plain


def figures(move: Place) -> dict[str, int]:
    """Reckon from the ledger's lines and pages of all runs, and not from the runs' own figures."""
    lines = dict(move.ask("SELECT outcome, count(*) FROM lines GROUP BY outcome"))
    extracted, unchanged, filtered = move.ask(
        "SELECT coalesce(sum(extracted), 0), coalesce(sum(unchanged), 0), coalesce(sum(filtered), 0) FROM pages"
    )[0]
    return {"extracted": int(extracted), "unchanged": int(unchanged), "filtered": int(filtered), **lines}


@pytest.mark.parametrize("partitions", [1, 3, 8, 40])
def test_everybody_arrives_once(move: Place, partitions: int) -> None:
    """However many partitions, more than customers among them: each is sent once, and both sides are the same."""
    customers = [customer(number) for number in range(1, 24)]
    move.fill(customers)
    summary = move.migrate(partitions)
    assert (summary.exit_code, summary.message) == (ExitCode.DONE, None)
    assert move.held == plain(customers)
    assert move.sent == dict.fromkeys(plain(customers), 1)
    assert summary.counts.extracted == summary.counts.created == 23
    assert summary.verification is not None
    assert (summary.verification.counted, summary.verification.same) == (23, 23)
    runs = move.ask("SELECT count(*) FROM runs WHERE partition IS NOT NULL AND status = 'completed'")
    assert runs == [(min(partitions, 23),)]
    assert move.ask("SELECT sum(extracted), sum(created) FROM runs WHERE partition IS NOT NULL") == [(23, 23)]
    assert move.broken() == []


def test_an_empty_table(move: Place) -> None:
    """Where nobody is, nobody is sent, and that is a success."""
    summary = move.migrate(8)
    assert summary.exit_code is ExitCode.DONE
    assert summary.counts.extracted == 0
    assert move.writes == []
    assert move.broken() == []


@pytest.mark.parametrize(
    ("key", "source", "keys"),
    [
        ("id TEXT PRIMARY KEY", "id", [f"key {number:02} 'ü\"" for number in range(17)]),
        ("id TEXT PRIMARY KEY", "id", [f"{number:02}" + "ß" * 500 for number in range(17)]),
        ("id REAL PRIMARY KEY", "id", [number / 7 for number in range(17)]),
    ],
    ids=["text", "long text", "real"],
)
def test_other_keys(move: Place, key: str, source: str, keys: list[Any]) -> None:
    """Ranges of texts and of fractions leave nobody out, and a long key is as good as a short one."""
    customers = [customer(number, id=value) for number, value in enumerate(keys)]
    move.fill(customers, key)
    move.source["key"] = source
    assert move.migrate(4).exit_code is ExitCode.DONE
    assert move.held == plain(customers)
    assert set(move.sent.values()) == {1}
    assert move.broken() == []


def test_a_key_of_two_columns(move: Place) -> None:
    """Ranges of composite keys leave nobody out, also where a range ends within one value of the first column."""
    customers = [customer(number, id=number // 9, branch=f"b{number % 9}") for number in range(30)]
    move.fill(customers, "id INTEGER")
    move.source["key"] = ["id", "branch"]
    summary = move.migrate(7)
    assert summary.exit_code is ExitCode.DONE
    assert summary.counts.created == 30
    assert move.held == plain(customers)
    assert set(move.sent.values()) == {1}


def test_records_without_a_key(move: Place) -> None:
    """A record whose key is null is invalid, once, in the last partition alone."""
    customers = [customer(number) for number in range(12)]
    move.fill([*customers, customer(50, id=None), customer(51, id=None)], "id INTEGER")
    summary = move.migrate(4)
    assert summary.exit_code is ExitCode.REJECTS
    assert (summary.counts.created, summary.counts.invalid) == (12, 2)
    assert move.held == plain(customers)
    assert move.broken() == []


def test_each_kind_of_outcome(move: Place) -> None:
    """Filtered, invalid and rejected customers among others: the figures are those of an independent reckoning."""
    customers = [customer(number, status="X" if number % 10 == 3 else "A") for number in range(60)]
    for number in range(0, 60, 12):
        customers[number]["name"] = None
    move.fill(customers)
    move.job["filter"] = {"status": ["A"]}
    refused = {f"C-{number}": Forced(status=400, error="invalid_param_value") for number in (7, 29, 51)}
    move.app.faults = Faults(forced=refused)
    summary = move.migrate(5)
    move.app.faults = Faults()
    assert summary.exit_code is ExitCode.REJECTS
    counts = summary.counts
    assert (counts.extracted, counts.filtered, counts.invalid, counts.rejected) == (60, 6, 5, 3)
    assert counts.created == 60 - 6 - 5 - 3
    expected = {"extracted": 60, "unchanged": 0, "filtered": 6, "invalid": 5, "rejected": 3, "created": 46}
    assert figures(move) == expected
    assert summary.verification is not None
    assert (summary.verification.same, summary.verification.unsent) == (46, 14)
    assert set(move.sent.values()) == {1}
    assert move.broken() == []


def test_too_many_rejects_stop_it_and_a_correction_lets_it_go_on(move: Place) -> None:
    """The guard stops the migration with exit code 4; after a correction it goes on, and nobody is sent twice."""
    customers = [customer(number, name=None if 20 <= number < 40 else "N") for number in range(60)]
    move.fill(customers)
    move.job["guards"] = {"max_rejected": "20%"}
    stopped = move.migrate(3)
    assert stopped.exit_code is ExitCode.GUARD
    assert stopped.message is not None
    assert "max_rejected" in stopped.message
    move.execute("UPDATE customers SET name = 'N'")
    summary = move.migrate(3)
    assert summary.exit_code is ExitCode.DONE
    assert len(move.held) == 60
    assert set(move.sent.values()) == {1}
    assert move.broken() == []


def test_a_second_migration_sends_nobody(move: Place) -> None:
    """After one that came to its end another one reads everything again, sends nobody, and compares anew."""
    move.fill([customer(number) for number in range(20)])
    assert move.migrate(4).exit_code is ExitCode.DONE
    before = len(move.writes)
    again = move.migrate(3)
    assert again.exit_code is ExitCode.DONE
    assert (again.counts.extracted, again.counts.unchanged) == (20, 20)
    assert again.verification is not None
    assert again.verification.same == 20
    assert len(move.writes) == before


def test_rejects_of_earlier_runs_whom_nobody_met(move: Place) -> None:
    """Who was rejected by an earlier run and has left the source since has the reject closed; others stay open."""
    move.fill([customer(1, name=None), customer(2, name=None), customer(3)])
    assert move.run().exit_code is ExitCode.REJECTS
    move.execute("DELETE FROM customers WHERE id = 1")
    summary = move.migrate(2)
    assert summary.exit_code is ExitCode.REJECTS
    assert move.ask("SELECT source_key FROM rejects WHERE closed_at IS NULL") == [("2",)]
    assert (summary.counts.extracted, summary.counts.invalid, summary.counts.unchanged) == (2, 1, 1)


def test_guard_of_missing_records_after_a_migration_in_two_goes(move: Place) -> None:
    """A migration that goes on reads everything, and is then a measure of how many records there are."""
    move.fill([customer(number) for number in range(30)])
    move.app.faults = Faults(forced={"C-25": Forced(status=401, error="unauthorized")})
    assert move.migrate(3, workers=1).exit_code is ExitCode.FAILED
    move.app.faults = Faults()
    assert move.migrate(3, workers=1).exit_code is ExitCode.DONE
    assert move.ask("SELECT extracted FROM runs WHERE whole = 1") == [(30,)]
