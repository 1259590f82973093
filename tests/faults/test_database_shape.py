"""Runs over tables that are not what they were (E27, E32, E33), and names and customers that look like SQL (X15)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table
from sqlalchemy import insert as insert_into

from connectors.protocol import ConfigurationError
from flows.document import JobError
from flows.selection import Selection
from flows.summary import ExitCode
from tests.connectors.database.table import WALL_CLOCK, ago, create, fill, insert
from tests.faults.database_run import DatabaseRuns, at
from tests.server import Database

SERVERS = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
EVIL = ["' OR 1=1 --", '" OR ""="', "'; DROP TABLE customers; --", "\\' OR 1=1 #", "%s", ":id", "`x`", "$1"]


@pytest.fixture
def runs(database: Database, tmp_path: Path) -> Iterator[DatabaseRuns]:
    """Give a job over each kind of database in turn, in which each page is a query of its own."""
    made = DatabaseRuns(database, tmp_path)
    yield made
    made.ledger.close()


@pytest.mark.parametrize("column", ["name", "id", "updated_at"])
@pytest.mark.parametrize("change", ["DROP COLUMN {}", "RENAME COLUMN {} TO {}_of_old"])
def test_e32_a_column_that_is_gone(runs: DatabaseRuns, column: str, change: str) -> None:
    """Dropped or renamed between two runs: the job is wrong (exit code 2), the column is named, nothing is sent."""
    create(runs.database, key="INTEGER")
    insert(runs.database, [(n, "a", ago(minutes=n)) for n in range(1, 5)])
    assert runs.run().exit_code is ExitCode.DONE
    before = runs.watermark
    runs.database.execute("ALTER TABLE customers " + change.replace("{}", column))
    with pytest.raises((JobError, ConfigurationError), match=f"no column '{column}'"):
        runs.run(Selection(full=True))
    assert (runs.target.journal, runs.watermark) == ([], before)


@SERVERS
def test_e32_columns_that_are_widened(runs: DatabaseRuns) -> None:
    """A longer text and a larger number are the same values: the next run writes nothing, and takes longer ones."""
    create(runs.database)
    insert(runs.database, [(n, "a", ago(minutes=n)) for n in range(1, 5)])
    runs.run()
    kind = {"postgresql": "ALTER COLUMN {} TYPE {}", "mariadb": "MODIFY {} {}"}[runs.database.kind]
    for column, wider in (("name", "TEXT"), ("id", "BIGINT")):
        runs.database.execute("ALTER TABLE customers " + kind.format(column, wider))
    assert runs.run().counts.unchanged == 4
    assert runs.target.journal == []
    insert(runs.database, [(2**40, "b" * 1000, ago(seconds=1))])
    runs.run()
    assert runs.target.journal == [str(2**40)]


@SERVERS
def test_e32_a_column_dropped_in_mid_read(runs: DatabaseRuns) -> None:
    """The pages before stand, the run fails naming the column, and the next run is told that the job is wrong."""
    create(runs.database)
    insert(runs.database, [(n, "a", ago(minutes=n)) for n in range(1, 50)])
    runs.page_size = 5
    runs.patience = type(runs.patience)(stream_seconds=-1)
    summary = runs.run(
        on_step=at("extracted", 2, lambda: runs.database.execute("ALTER TABLE customers DROP COLUMN name"))
    )
    assert summary.exit_code is ExitCode.FAILED
    assert "changed while it was being read" in (summary.message or "")
    assert "name" in (summary.message or "").partition("read:")[2]
    assert 0 < summary.counts.created == len(runs.sent) < 49
    with pytest.raises(JobError, match="no column 'name'"):
        runs.run()


@pytest.mark.parametrize("updated_at", ["updated_at", None])
def test_e33_a_table_that_is_suddenly_empty(runs: DatabaseRuns, updated_at: str | None) -> None:
    """1,000 records and then none: a full read stops at the guard (exit code 4), rejects are kept, nobody is gone."""
    fill(runs.database, 1000)
    runs.database.execute("UPDATE customers SET name = NULL WHERE id = 7")
    runs.page_size = 1000
    runs.settings = {name: value for name, value in runs.settings.items() if name != "updated_at" or updated_at}
    assert runs.run().exit_code is ExitCode.REJECTS
    runs.database.execute("DELETE FROM customers")
    summary = runs.run(Selection(full=True))
    assert (summary.exit_code, summary.deleted, summary.deactivated) == (ExitCode.GUARD, 0, 0)
    assert "shows 0 records, where the last whole run found 1,000" in (summary.message or "")
    assert runs.rejected() == [("7", "missing_param")]
    assert (len(runs.target.customers), runs.target.journal) == (999, [])


def test_e33_an_empty_window_is_no_absence(runs: DatabaseRuns) -> None:
    """An incremental run that finds nothing new is a success, and says nothing of anybody."""
    create(runs.database)
    insert(runs.database, [(1, "a", ago(minutes=30))])
    runs.run()
    summary = runs.run()
    assert (summary.exit_code, summary.counts.extracted) == (ExitCode.DONE, 0)


def test_x15_names_with_quotes(runs: DatabaseRuns) -> None:
    """Table and columns with quotes, percent signs and colons in their names are quoted, and read in pages."""
    names = ['i"d', "na`me", "up'dated; --", "ci%s :x"]
    stamps = WALL_CLOCK[runs.database.kind]
    made = Table(
        "cus\"to'me`rs; --",
        MetaData(),
        Column(names[0], Integer),
        Column(names[1], String(50)),
        Column(names[3], String(9)),
    )
    made.create(runs.database.engine)
    quote = runs.database.engine.dialect.identifier_preparer.quote
    with runs.database.engine.begin() as connection:
        add = f"ALTER TABLE {quote(made.name)} ADD COLUMN {quote(names[2])} {stamps} DEFAULT '2026-03-01 11:55:00'"
        connection.exec_driver_sql(add.replace("%", "%%") if runs.database.kind != "sqlite" else add)
        connection.execute(insert_into(made), [{names[0]: n, names[1]: "a", names[3]: "x"} for n in range(250)])
    runs.settings |= {"table": made.name, "key": names[0], "updated_at": names[2], "time_zone": "UTC"}
    runs.fields = {"reference": names[0], "name": names[1], "billingCity": names[3]}
    assert runs.run().counts.created == 250
    assert runs.run().counts.unchanged == 250


def test_x15_customers_that_look_like_sql(runs: DatabaseRuns) -> None:
    """References are sent as they stand, found by key as they stand, and harm nobody."""
    create(runs.database, key="VARCHAR(50) PRIMARY KEY")
    insert(runs.database, [(key, "a", ago(minutes=5)) for key in [*EVIL, "A", "B"]])
    runs.page_size = 3
    assert runs.run().counts.created == len(EVIL) + 2
    assert set(runs.arrived) == {*EVIL, "A", "B"}
    for key in EVIL[:3]:
        counts = runs.run(Selection(only=key)).counts
        assert (counts.extracted, counts.unchanged) == (1, 1)
    assert len(runs.held) == len(EVIL) + 2
    assert sum(runs.sent.values()) == len(EVIL) + 2


@pytest.mark.parametrize("setting", ["table", "key", "updated_at"])
def test_x15_settings_that_look_like_sql(runs: DatabaseRuns, setting: str) -> None:
    """They name nothing, so the job is wrong: nothing is read, and nothing changes."""
    create(runs.database)
    insert(runs.database, [(1, "a", ago(minutes=1))])
    value = runs.settings[setting]
    for evil in (f"{value}; DROP TABLE customers", f'{value}" --', f"{value}` --", f"{value}' OR '1'='1", f"{value}--"):
        runs.settings[setting] = evil
        with pytest.raises(ConfigurationError):
            runs.run()
    assert runs.target.journal == []
    assert runs.held == {"1": "a"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_e27_bytes_that_are_no_text(runs: DatabaseRuns) -> None:
    """One record of a file holds bytes that are no UTF-8: it is a reject, all others are created."""
    create(runs.database)
    insert(runs.database, [(n, "a", ago(minutes=5)) for n in range(250)])
    runs.database.execute("UPDATE customers SET name = CAST(x'4dfc6c6c6572' AS TEXT) WHERE id = 120")
    summary = runs.run()
    assert (summary.exit_code, summary.counts.created, summary.counts.invalid) == (ExitCode.REJECTS, 249, 1)
    assert [key for key, _ in runs.rejected()] == ["120"]
    runs.database.execute("UPDATE customers SET name = 'Müller' WHERE id = 120")
    assert runs.run().counts.created == 1
