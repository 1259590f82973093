"""Runs over versions of customers: several of one in a table (E21), and older ones that come later (E22)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.summary import ExitCode
from tests.connectors.database.table import ago, create, insert, stamp
from tests.faults.database_run import DatabaseRuns
from tests.server import Database


@pytest.fixture
def runs(database: Database, tmp_path: Path) -> Iterator[DatabaseRuns]:
    """Give a job over each kind of database in turn, in which each page is a query of its own."""
    made = DatabaseRuns(database, tmp_path)
    yield made
    made.ledger.close()


@pytest.mark.parametrize(
    ("size", "sent"), [(100, ["newest"]), (2, ["middle", "newest"]), (1, ["oldest", "middle", "newest"])]
)
def test_e21_a_history_of_versions(runs: DatabaseRuns, size: int, sent: list[str]) -> None:
    """A customer that stands three times in a history: its newest version is written, once a page, and comes last."""
    create(runs.database, key="INTEGER")
    insert(
        runs.database,
        [(1, "newest", ago(minutes=1)), (1, "oldest", ago(minutes=3)), (1, "middle", ago(minutes=2))],
    )
    insert(runs.database, [(2, "other", ago(minutes=9))] if size == 100 else [])
    runs.page_size = size
    counts = runs.run().counts
    assert counts.balanced
    assert counts.invalid == 0
    assert [row.values["name"] for row in runs.target.rows if row.reference == "1"] == sent
    counts = runs.run().counts
    assert (runs.target.journal, counts.unchanged) == ([], counts.extracted)
    assert runs.arrived["1"] == "newest"


def test_e21_a_history_in_a_read_without_last_updates(runs: DatabaseRuns) -> None:
    """Nothing says which is newer: a key that names two records is refused, and nothing is written."""
    create(runs.database, key="INTEGER")
    insert(runs.database, [(1, "newest", ago(minutes=1)), (1, "oldest", ago(minutes=3))])
    runs.settings.pop("updated_at")
    summary = runs.run()
    assert (summary.exit_code, runs.target.journal) == (ExitCode.JOB, [])
    assert "the key (id) does not name one record" in (summary.message or "")


def test_e22_an_older_version_in_a_later_run(runs: DatabaseRuns) -> None:
    """A record that shows an older version than before (a replica behind, a backup): no write, the newer one stays."""
    create(runs.database)
    insert(runs.database, [(1, "newer", ago(minutes=2)), (2, "b", ago(minutes=1))])
    runs.run()
    older = stamp(runs.database, ago(minutes=4))
    with runs.database.engine.begin() as connection:
        if runs.database.kind == "mariadb":
            connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")
        connection.exec_driver_sql(f"UPDATE customers SET name = 'older', updated_at = '{older}' WHERE id = 1")
    counts = runs.run().counts
    assert (counts.extracted, counts.unchanged, runs.target.journal) == (2, 2, [])
    assert runs.arrived == {"1": "newer", "2": "b"}
