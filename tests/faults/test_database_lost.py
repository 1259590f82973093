"""Connections that are lost while a database is read (E31), and files that are locked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.database.session import Patience
from connectors.protocol import UnavailableError
from flows.summary import ExitCode
from tests.connectors.database.proxy import proxy_before
from tests.connectors.database.table import Place, ago, create, cut, fill, insert, keys
from tests.faults.database_run import DatabaseRuns, at
from tests.server import Database

SERVERS = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
COUNT = 2000
WIDTH = 6000  # letters a record: more than lies in a socket waits at the server


@pytest.fixture
def runs(database: Database, tmp_path: Path) -> Iterator[DatabaseRuns]:
    """Give a job over each kind of server in turn, with a query that goes through many pages."""
    made = DatabaseRuns(database, tmp_path)
    made.fields = {"reference": "id", "name": "name", "billingAddress": "note"}
    made.patience = Patience(sleep=lambda _: None)
    yield made
    made.ledger.close()


@SERVERS
def test_e31_a_connection_cut_in_mid_read(runs: DatabaseRuns) -> None:
    """The server ends our session while record 4,321 of 10,000 is read: all are created, none is sent twice."""
    fill(runs.database, 10_000, width=1500)
    ended: list[int] = []
    counts = runs.run(on_step=at("extracted", 43, lambda: ended.append(cut(runs.database)))).counts
    assert ended == [1]
    assert (counts.extracted, counts.created) == (10_000, 10_000)
    assert runs.sent == {str(n): 1 for n in range(1, 10_001)}


@SERVERS
def test_e31_a_server_that_restarts(runs: DatabaseRuns) -> None:
    """The server goes away and comes back after some tries: the run goes on, and all are created, each once."""
    fill(runs.database, COUNT, width=WIDTH)
    tries: list[float] = []
    with proxy_before(runs.database.url) as (proxy, url):

        def sleep(seconds: float) -> None:
            tries.append(seconds)
            if len(tries) == 3:
                proxy.start()

        runs.settings["url"] = url
        runs.patience = Patience(sleep=sleep)
        summary = runs.run(on_step=at("extracted", 3, proxy.stop))
    assert tries == [0.5, 1, 2]
    assert (summary.exit_code, summary.counts.created) == (ExitCode.DONE, COUNT)
    assert runs.sent == {str(n): 1 for n in range(1, COUNT + 1)}


@SERVERS
def test_e31_a_server_that_stays_away(runs: DatabaseRuns) -> None:
    """What was read before stands, the run fails (exit code 1), and the next one creates the rest, each once."""
    fill(runs.database, COUNT, width=WIDTH)
    with proxy_before(runs.database.url) as (proxy, url):
        runs.settings["url"] = url
        runs.patience = Patience(give_up_seconds=0.2)
        summary = runs.run(on_step=at("extracted", 3, proxy.stop))
        assert (summary.exit_code, summary.unfinished) == (ExitCode.FAILED, 0)
        assert "the database was lost and did not come back" in (summary.message or "")
        assert 300 <= summary.counts.created < COUNT
        assert runs.rejected() == []
        away = runs.run()  # and while it is away
        assert (away.exit_code, away.counts.extracted) == (ExitCode.FAILED, 0)
        assert "the database does not answer" in (away.message or "")
        proxy.start()
        again = runs.run()
    assert again.exit_code is ExitCode.DONE
    assert summary.counts.created + again.counts.created == COUNT
    assert runs.sent == {str(n): 1 for n in range(1, COUNT + 1)}


def test_e31_a_locked_file_is_waited_for_and_then_told(sqlite: Database, tmp_path: Path) -> None:
    """A writer that keeps the file locked: one clear error after the wait."""
    place = Place(sqlite, tmp_path)
    create(sqlite)
    insert(sqlite, [(1, "a", ago(minutes=1))])
    sqlite.engine.dispose()
    source = place.source(patience=Patience(busy_seconds=0.1))
    source.open()
    writer = sqlite3.connect(tmp_path / "source.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(UnavailableError, match="the database file is locked"):
            list(source.pages(None, 10))
    finally:
        writer.execute("ROLLBACK")
        writer.close()
    assert keys(source.pages(None, 10)) == ["1"]
    place.close()


def test_e31_a_read_does_not_keep_writers_out(sqlite: Database, tmp_path: Path) -> None:
    """Between two pages the file can be written to, and what is read is what it was."""
    place = Place(sqlite, tmp_path)
    create(sqlite)
    insert(sqlite, [(n, "a", ago(minutes=n)) for n in range(1, 9)])
    pages = place.source().pages(None, 2)
    first = next(pages)
    sqlite.execute("UPDATE customers SET name = 'changed'", "PRAGMA wal_checkpoint")
    assert [name for page in (first, *pages) for name in page.records["name"]] == ["a"] * 8
    place.close()
