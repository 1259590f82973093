"""A source that another thread closes keeps nobody waiting."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from connectors.database import DatabaseSettings
from connectors.database.source import DatabaseSource
from connectors.protocol import ConnectorError, UnavailableError
from tests.connectors.database.proxy import proxy_before
from tests.server import Database


def open_source(url: str, folder: Path, query: str) -> DatabaseSource:
    """Open a source over a query."""
    settings = DatabaseSettings.model_validate({"kind": "database", "url": url, "query": query, "key": "id"})
    source = DatabaseSource(settings, folder, ["id"])
    source.open()
    return source


def closed_after(source: DatabaseSource, seconds: float) -> float:
    """Read in a thread, close from this one, and tell how long the reading took to end after that."""
    met: list[BaseException] = []

    def read() -> None:
        try:
            for _ in source.pages(None, 10):
                pass
        except ConnectorError as error:
            met.append(error)

    reading = threading.Thread(target=read)
    reading.start()
    time.sleep(seconds)
    begun = time.monotonic()
    source.close()
    reading.join(timeout=20)
    assert not reading.is_alive()
    assert met, "the reading ended as if nothing had happened"
    return time.monotonic() - begun


def test_a_long_statement_is_broken_off(postgresql: Database, tmp_path: Path) -> None:
    """A sort of half an hour does not hold up a stop."""
    source = open_source(postgresql.url, tmp_path, "SELECT 1 AS id FROM (SELECT pg_sleep(30)) AS nap WHERE 1 = 1")
    assert closed_after(source, 0.5) < 5


def test_a_long_copy_of_a_file_is_broken_off(sqlite: Database, tmp_path: Path) -> None:
    """The same where the file is copied aside."""
    endless = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n"
    sqlite.execute("CREATE TABLE made (id INTEGER)")
    source = open_source(sqlite.url, tmp_path, endless)
    assert closed_after(source, 0.3) < 5


def test_the_wait_for_a_lost_server_is_ended(postgresql: Database, tmp_path: Path) -> None:
    """Five minutes of patience are for those who want to wait."""
    postgresql.execute("CREATE TABLE customers (id int PRIMARY KEY)", "INSERT INTO customers VALUES (1)")
    with proxy_before(postgresql.url) as (proxy, through):
        source = open_source(through, tmp_path, "SELECT id FROM customers")
        proxy.stop()
        assert closed_after(source, 0.5) < 5


def test_a_closed_source_reads_no_further_until_it_is_opened(sqlite: Database, tmp_path: Path) -> None:
    """Its pages end with an error, not as if all had been read."""
    sqlite.execute("CREATE TABLE customers (id INTEGER)", "INSERT INTO customers VALUES (1), (2), (3)")
    source = open_source(sqlite.url, tmp_path, "SELECT id FROM customers")
    pages = source.pages(None, 1)
    next(pages)
    source.close()
    with pytest.raises(UnavailableError):
        next(pages)
    source.open()
    assert [list(page.keys) for page in source.pages(None, 2)] == [["1", "2"], ["3"]]
    source.close()
