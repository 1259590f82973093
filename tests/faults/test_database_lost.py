"""Connections that are lost while a database is read (E31), and files that are locked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.database.session import Patience
from connectors.protocol import UnavailableError
from tests.connectors.database.proxy import proxy_before
from tests.connectors.database.table import Place, ago, create, cut, fill, insert, keys
from tests.server import Database

SERVERS = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Place]:
    """Make sources over each kind of database in turn."""
    made = Place(database, tmp_path)
    yield made
    made.close()


@SERVERS
def test_e31_a_connection_cut_in_mid_read(place: Place) -> None:
    """The server ends our session while record 4,321 is read: all 10,000 come, none twice."""
    fill(place.database, 10_000, width=1500)
    read: list[str] = []
    ended = 0
    for page in place.source(("note",)).pages(None, 100):
        read += page.keys
        if len(read) == 4300:
            ended = cut(place.database)
    assert ended == 1
    assert read == [str(n) for n in range(1, 10_001)]


@SERVERS
def test_e31_a_server_that_restarts(place: Place) -> None:
    """The server goes away and comes back after some tries: all come, none twice."""
    fill(place.database, 10_000, width=1500)
    tries: list[float] = []
    with proxy_before(place.database.url) as (proxy, url):

        def sleep(seconds: float) -> None:
            tries.append(seconds)
            if len(tries) == 3:
                proxy.start()

        read: list[str] = []
        for page in place.source(("note",), url=SecretStr(url), patience=Patience(sleep=sleep)).pages(None, 100):
            read += page.keys
            if len(read) == 4300:
                proxy.stop()
    assert tries == [0.5, 1, 2]
    assert read == [str(n) for n in range(1, 10_001)]


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
