"""A query is one SELECT, whatever stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.database import DatabaseSettings
from connectors.database.source import DatabaseSource
from connectors.protocol import ConfigurationError
from tests.server import Database

HARMLESS = (
    "SELECT id, 'a;b' AS name FROM customers",
    "SELECT id, name FROM customers -- ; nothing more\n WHERE id > 0;",
    "SELECT id, /* ; */ name FROM customers ; \n",
)
SEVERAL = (
    "SELECT id FROM customers) AS a; COMMIT; DELETE FROM customers; SELECT * FROM (SELECT id FROM customers",
    "SELECT id FROM customers; DELETE FROM customers",
    "SELECT id FROM customers;; -- \n DELETE FROM customers",
)


def source_of(database: Database, folder: Path, query: str) -> DatabaseSource:
    """Make a source over a query on a table with one customer."""
    database.execute(
        "CREATE TABLE customers (id int PRIMARY KEY, name varchar(20))", "INSERT INTO customers VALUES (1, 'A')"
    )
    raw = {"kind": "database", "url": database.url, "query": query, "key": "id"}
    return DatabaseSource(DatabaseSettings.model_validate(raw), folder, ["id"])


@pytest.mark.parametrize("query", HARMLESS)
def test_semicolons_in_texts_and_comments_and_at_the_end(database: Database, tmp_path: Path, query: str) -> None:
    """They divide no statements."""
    source = source_of(database, tmp_path, query)
    source.open()
    assert [list(page.keys) for page in source.pages(None, 9)] == [["1"]]
    source.close()


@pytest.mark.parametrize("query", SEVERAL)
def test_several_statements_are_refused_and_none_is_run(database: Database, tmp_path: Path, query: str) -> None:
    """A driver that sends no parameters would run them all, read-only transaction or not."""
    source = source_of(database, tmp_path, query)
    with pytest.raises(ConfigurationError, match="one SELECT"):
        source.open()
    source.close()
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM customers")).scalar_one() == 1


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres@127.0.0.1:5432/postgres?passwort=hunter2",
        "mysql://root@127.0.0.1:3306/?passwort=hunter2",
        "mysql://root@127.0.0.1:3306/?read_timeout=hunter2",
    ],
)
def test_a_parameter_that_the_driver_does_not_take_is_the_jobs_fault(tmp_path: Path, url: str) -> None:
    """Exit code 2, and no attempt of five minutes; the value is not shown."""
    raw = {"kind": "database", "url": url, "table": "customers", "key": "id"}
    with pytest.raises(ConfigurationError) as refused:
        DatabaseSource(DatabaseSettings.model_validate(raw), tmp_path, ["id"]).open()
    assert "hunter2" not in str(refused.value)


def test_a_locked_table_is_told_as_such(postgresql: Database, tmp_path: Path) -> None:
    """Who waits for a lock is not kept waiting without end: the session has its own limit."""
    source = source_of(postgresql, tmp_path, "SELECT id FROM customers")
    source.open()
    assert source._engine is not None
    with source._engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "30s"
    source.close()
