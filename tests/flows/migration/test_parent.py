"""Who waits for a parent that another partition meets gets there within the migration."""

from __future__ import annotations

from flows.summary import ExitCode
from tests.flows.migration.place import Place, customer


def test_parents_in_later_partitions(move: Place) -> None:
    """Children stand before their parents, generation by generation: all arrive, each after its parent."""
    customers = [customer(number, parent=f"C-{number + 5}" if number < 35 else None) for number in range(40)]
    move.fill(customers)
    summary = move.migrate(8)
    assert (summary.exit_code, summary.message) == (ExitCode.DONE, None)
    assert (summary.counts.created, summary.counts.deferred) == (40, 0)
    order = [str(entry.reference) for entry in move.writes]
    assert len(order) == len(set(order)) == 40
    assert all(order.index(f"C-{number + 5}") < order.index(f"C-{number}") for number in range(35))
    assert move.broken() == []


def test_circles_and_missing_parents(move: Place) -> None:
    """A circle across partitions is invalid, a child without a parent stays deferred, and the others arrive."""
    customers = [customer(number) for number in range(30)]
    customers[1]["parent"], customers[28]["parent"] = "C-28", "C-1"
    customers[14]["parent"] = "nobody"
    customers[3]["parent"] = "C-14"
    move.fill(customers)
    summary = move.migrate(5)
    assert summary.exit_code is ExitCode.REJECTS
    counts = summary.counts
    assert (counts.created, counts.invalid, counts.deferred) == (26, 2, 2)
    assert {key for (key,) in move.ask("SELECT source_key FROM rejects WHERE closed_at IS NULL")} == {"1", "28"}
    assert set(move.sent.values()) == {1}
    assert move.broken() == []


def test_deferred_customers_of_earlier_runs(move: Place) -> None:
    """Who waited since an earlier run is sent once the parent has come, and counts once."""
    move.fill([customer(1, parent="C-9"), customer(2)])
    assert move.run().counts.deferred == 1
    move.execute("INSERT INTO customers (id, no, name, city) VALUES (9, 'C-9', 'Name 9', 'City 9')")
    summary = move.migrate(3)
    assert summary.exit_code is ExitCode.DONE
    assert (summary.counts.extracted, summary.counts.created, summary.counts.unchanged) == (3, 2, 1)
    assert move.sent["C-1"] == 1
    assert move.broken() == []
