"""A reference belongs to one record, whichever partition meets it, and however often a partition is begun."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sandbox.fault import Faults, Forced
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run
from flows.migration.claim import SharedSeen
from flows.run import now
from flows.summary import ExitCode
from tests.flows.migration.place import Place, customer
from tests.state import file_state

_SCOPES = count(1)  # each example has claims of its own


def test_a_reference_in_two_partitions(move: Place) -> None:
    """Of two records with one reference one is sent, and the other is invalid as not unique."""
    customers = [customer(number) for number in range(20)]
    customers[2]["no"] = customers[17]["no"] = "twin"
    move.fill(customers)
    summary = move.migrate(4)
    assert summary.exit_code is ExitCode.REJECTS
    assert (summary.counts.created, summary.counts.invalid) == (19, 1)
    assert move.sent["twin"] == 1
    assert [code for (code,) in move.ask("SELECT code FROM rejects WHERE closed_at IS NULL")] == ["not_unique"]
    assert move.broken() == []


def test_a_reference_stays_with_its_record_when_a_partition_is_begun_again(move: Place) -> None:
    """Who had the reference before the first go failed has it in the second as well; the other is never sent."""
    customers = [customer(number) for number in range(20)]
    customers[0]["no"] = customers[19]["no"] = "twin"
    move.fill(customers)
    move.app.faults = Faults(forced={"C-3": Forced(status=401, error="unauthorized")})
    assert move.migrate(2, workers=1).exit_code is ExitCode.FAILED
    move.app.faults = Faults()
    assert move.migrate(2, workers=2).exit_code is ExitCode.REJECTS
    assert move.sent["twin"] == 1
    assert move.held["twin"] == ("Name 0", "City 0")
    assert move.ask("SELECT source_key FROM rejects WHERE closed_at IS NULL") == [("19",)]


@pytest.mark.parametrize("change", ["DELETE FROM customers", "UPDATE customers SET no = 'other'"])
def test_a_claim_does_not_outlive_its_record(move: Place, change: str) -> None:
    """Between two goes its holder left the source, or got another reference: whoever has it now is sent."""
    move.fill([customer(number) for number in range(30)])
    move.app.faults = Faults(forced={"C-12": Forced(status=401, error="unauthorized")})
    assert move.migrate(3, workers=1).exit_code is ExitCode.FAILED
    move.app.faults = Faults()
    move.execute(f"{change} WHERE id = 12")
    move.execute("UPDATE customers SET no = 'C-12' WHERE id = 25")
    summary = move.migrate(3)
    assert (summary.exit_code, summary.counts.invalid) == (ExitCode.DONE, 0)
    assert move.held["C-12"] == ("Name 25", "City 25")


@pytest.mark.parametrize("versions", [None, "updated"])
def test_a_key_that_comes_twice_takes_no_reference_of_another_partition(move: Place, versions: str | None) -> None:
    """A record whose key comes twice, as a newer version perhaps, does not get a reference that another one has."""
    customers = [customer(number, updated=f"2026-01-01 00:00:{number:02}") for number in range(10)]
    customers += [customer(20, no="C-1", name="thief", updated=f"2026-02-01 00:00:0{n}") for n in range(2)]
    move.fill(customers, "id INTEGER")
    if versions:
        move.source |= {"updated_at": versions, "time_zone": "UTC"}
    move.job["page_size"] = 1
    summary = move.migrate(3, workers=1)
    assert move.held["C-1"] == ("Name 1", "City 1")
    assert move.sent["C-1"] == 1
    assert summary.counts.created == 10


def test_a_key_met_twice_does_not_take_what_another_partition_has(tmp_path: Path) -> None:
    """Of a record that comes again no version gets a reference that a record of another partition has."""
    ledger, run = Ledger.open(file_state(tmp_path).url, {}, now), Run(1, "crm", next(_SCOPES), "f", None, fresh=False)
    try:
        assert SharedSeen(ledger, run).claim(["a"], ["1"])[0].tolist() == [False]
        seen = SharedSeen(ledger, run)
        for references, keys in ((["a", "b"], ["2", "3"]), (["a", "b"], ["2", "3"])):
            met, same = seen.claim(references, keys)
        assert (met.tolist(), same.tolist()) == ([True, True], [False, True])
    finally:
        ledger.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_one_record_alone_gets_a_reference(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever partitions claim in whatever order, with attempts that begin anew: one record has each reference."""
    ledger = Ledger.open(file_state(tmp_path).url, {}, now)
    partitions = data.draw(st.integers(1, 4))
    references = data.draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=20))
    records = [(f"k{number}", reference) for number, reference in enumerate(references)]
    chance = random.Random(data.draw(st.integers(0, 1000)))
    owned: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for record in records:
        owned[chance.randrange(partitions)].append(record)
    run = Run(1, "crm", next(_SCOPES), "f", None, fresh=False)
    sent: Counter[str] = Counter()
    taken: dict[str, set[str]] = defaultdict(set)
    try:
        for number in data.draw(st.lists(st.integers(0, partitions - 1), max_size=8)) + list(range(partitions)):
            seen = SharedSeen(ledger, run)
            size = data.draw(st.integers(1, 3))
            mine = owned[number]
            for start in range(0, len(mine), size):
                page = mine[start : start + size]
                met, _ = seen.claim([reference for _, reference in page], [key for key, _ in page])
                for (key, reference), late in zip(page, met, strict=True):
                    if not late:
                        sent[reference] += 1
                        taken[reference].add(key)
    finally:
        ledger.close()
    assert set(taken) == set(references)
    assert all(len(keys) == 1 for keys in taken.values())
