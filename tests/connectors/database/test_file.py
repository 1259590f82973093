"""SQLite files in the states that other programs leave them in, and what our reading leaves beside them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine

from connectors.protocol import ConfigurationError
from tests.connectors.database.table import Place, ago, create, insert, keys
from tests.server import Database

NOBODY = 65534
CRASH = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 5")  # so that the change reaches the file before its commit
connection.execute("UPDATE customers SET name = name || 'half done'")
os._exit(0)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that other users can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def place(folder: Path) -> Iterator[Place]:
    """Make sources over a file with one customer in it."""
    url = URL.create("sqlite", database=str(folder / "source.db"))
    engine = create_engine(url)
    made = Place(Database("sqlite", url.render_as_string(), engine), folder)
    create(made.database)
    insert(made.database, [(1, "a", ago(minutes=5))])
    engine.dispose()
    yield made
    made.close()
    engine.dispose()


def in_wal_mode(folder: Path) -> sqlite3.Connection:
    """Connect as a writer that keeps a write-ahead log."""
    writer = sqlite3.connect(folder / "source.db")
    writer.execute("PRAGMA journal_mode = WAL")
    return writer


def add(writer: sqlite3.Connection, key: int) -> None:
    """Add a customer; what is committed stands in the log."""
    with writer:
        writer.execute("INSERT INTO customers VALUES (?, 'b', 'Bern', '2026-03-01 11:59:00Z')", (key,))


@contextmanager
def not_writable(folder: Path) -> Iterator[None]:
    """Let this process read the folder alone, though its user may be root, whom no permission stops."""
    folder.chmod(0o555)
    us = os.geteuid()
    if us == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(us)
        folder.chmod(0o755)


def test_a_write_ahead_log_is_read_while_its_writer_goes_on(place: Place, folder: Path) -> None:
    """What stands in the log alone is read, and neither side keeps the other waiting."""
    with closing(in_wal_mode(folder)) as writer:
        add(writer, 2)
        assert (folder / "source.db-wal").stat().st_size > 0
        pages = place.source().pages(None, 1)
        first = next(pages)
        add(writer, 3)
        assert keys([first, *pages]) == ["1", "2"]
        assert keys(place.read()) == ["1", "2", "3"]


def test_what_reading_leaves_beside_a_write_ahead_log_is_empty_and_goes(place: Place, folder: Path) -> None:
    """A reader must not tidy up: an empty log and its index stay, and the next writer takes them away."""
    in_wal_mode(folder).close()
    before = (folder / "source.db").read_bytes()
    assert keys(place.read()) == ["1"]
    place.close()
    assert sorted(each.name for each in folder.iterdir()) == ["source.db", "source.db-shm", "source.db-wal"]
    assert (folder / "source.db-wal").stat().st_size == 0
    assert (folder / "source.db").read_bytes() == before
    with closing(sqlite3.connect(folder / "source.db")) as writer:
        add(writer, 2)
    assert [each.name for each in folder.iterdir()] == ["source.db"]
    assert keys(place.read()) == ["1", "2"]


def test_nothing_is_left_beside_a_file_without_such_a_log(place: Place, folder: Path) -> None:
    """The copy that a run makes is nowhere near the source."""
    before = (folder / "source.db").read_bytes()
    pages = place.source().pages(None, 1)
    next(pages)
    assert [each.name for each in folder.iterdir()] == ["source.db"]
    assert (folder / "source.db").read_bytes() == before


def test_a_folder_that_we_cannot_write_to(place: Place, folder: Path) -> None:
    """Its file is read; in WAL mode it is while its writer is there, and else one sentence says what is needed."""
    with not_writable(folder):
        assert keys(place.read()) == ["1"]
        place.close()
    with closing(in_wal_mode(folder)) as writer:
        add(writer, 2)
        with not_writable(folder):
            assert keys(place.read()) == ["1", "2"]
            place.close()
    with not_writable(folder), pytest.raises(ConfigurationError, match=r"WAL mode, .* its folder must let us write"):
        place.read()


def test_a_file_whose_writer_crashed_in_mid_change(place: Place, folder: Path) -> None:
    """Half a change is neither read nor taken back by us: one sentence says who has to."""
    insert(place.database, [(n, "x" * 200, ago(minutes=5)) for n in range(2, 2000)])
    place.database.engine.dispose()
    subprocess.run([sys.executable, "-c", CRASH, str(folder / "source.db")], check=True, timeout=30)
    assert (folder / "source.db-journal").exists()
    with pytest.raises(ConfigurationError, match="a writer of the file has crashed"):
        place.read()
    with closing(sqlite3.connect(folder / "source.db")) as writer:
        writer.execute("SELECT * FROM customers").fetchone()
    (page,) = place.read(size=5000)
    assert set(page.records["name"]) == {"a", "x" * 200}


def test_a_file_that_is_no_database(place: Place, folder: Path) -> None:
    """It is told as such, without what stands in it."""
    (folder / "source.db").write_text("Anna Muster, Bahnhofstrasse 1\n" * 100)
    with pytest.raises(ConfigurationError, match="file is not a database"):
        place.read()


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_a_file_in_another_encoding(folder: Path, encoding: str) -> None:
    """Times and names are read in whatever encoding a file keeps its text."""
    with closing(sqlite3.connect(folder / "wide.db")) as writer, writer:
        writer.execute(f"PRAGMA encoding = '{encoding}'")
        writer.execute("CREATE TABLE customers (id INTEGER, name TEXT, city TEXT, updated_at TEXT)")
        add(writer, 2)
    wide = Place(Database("sqlite", f"sqlite:///{folder}/wide.db", create_engine("sqlite://")), folder)
    (page,) = wide.read("2026-03-01T11:59:00.000000Z")
    assert (page.keys, page.versions) == (["2"], ["2026-03-01T11:59:00.000000Z"])
    assert wide.read("2026-03-01T11:59:00.000001Z") == []
    wide.close()


def test_text_that_is_no_text(place: Place) -> None:
    """Bytes that are no UTF-8 come as bytes, wherever they stand, and the records beside them as ever."""
    insert(place.database, [(n, "b", ago(minutes=4)) for n in range(2, 9)])
    place.database.execute("UPDATE customers SET name = CAST(x'4dfc6c' AS TEXT) WHERE id = 3")
    place.database.execute("UPDATE customers SET updated_at = CAST(x'32fc' AS TEXT) WHERE id = 4")
    ordered, undated = place.read()
    assert ordered.keys == ["1", "2", "3", "5", "6", "7", "8"]
    assert ordered.records["name"].tolist() == ["a", "b", b"M\xfcl", *["b"] * 4]
    assert (undated.keys, [flaw.code for flaw in undated.unreadable.values()]) == (["4"], ["cursor_missing"])
    (single,) = place.source().read_keys(["3"], 10)
    assert single.records["name"].tolist() == [b"M\xfcl"]
