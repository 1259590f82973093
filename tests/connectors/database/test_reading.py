"""Long reads from servers: lost connections, reads taken up again, keys that name two."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import event, text

from connectors.database.session import Patience
from connectors.protocol import BrokenSourceError, UnavailableError
from tests.connectors.database.proxy import proxy_before
from tests.connectors.database.table import Place, ago, count_sessions, create, cut, fill, insert, keys
from tests.server import Database

SERVERS = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
ALWAYS_ANEW = Patience(stream_seconds=-1)  # each page is a read of its own


@SERVERS
@pytest.mark.parametrize("size", [1, 7, 60])
def test_a_read_taken_up_at_each_page_gives_each_record_once(place: Place, size: int) -> None:
    """Equal times, ends of pages within them: keyset resumption neither loses nor repeats."""
    create(place.database)
    insert(place.database, [(n, "a", ago(minutes=n // 20)) for n in range(60)])
    whole = keys(place.read(size=1000))
    pages = list(place.source(patience=ALWAYS_ANEW).pages(None, size))
    assert keys(pages) == whole
    assert len(whole) == 60


@SERVERS
def test_composite_and_text_keys_are_taken_up_again(place: Place) -> None:
    """Each column of the key counts for the place in the order, in its own collation."""
    kind = "VARCHAR(20)"
    place.database.execute(f"CREATE TABLE customers (id {kind}, name {kind}, city {kind}, updated_at TIMESTAMP NULL)")
    names = ["a", "A", "ä", "'", "10", "9"]
    insert(place.database, [(a, b, ago(minutes=3)) for a, b in itertools.product(names, names)])
    for size, updated_at in ((1, "updated_at"), (4, None), (7, "updated_at")):
        source = place.source(key=("id", "name"), time_zone="UTC", updated_at=updated_at, patience=ALWAYS_ANEW)
        found = keys(source.pages(None, size))
        assert len(found) == len(set(found)) == len(names) ** 2


@SERVERS
@pytest.mark.parametrize(("seconds", "queries"), [(-1, 10), (30, 2), (1000, 1)])
def test_a_read_begins_anew_only_after_a_while(place: Place, seconds: float, queries: int) -> None:
    """One query serves many pages; a new one is asked after the time set, here for ten pages of four seconds each."""
    fill(place.database, 50)
    now = [0.0]
    source = place.source(patience=Patience(stream_seconds=seconds, monotonic=lambda: now[0]))
    source.open()
    asked: list[str] = []
    assert source._engine is not None
    event.listen(source._engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    read: list[str] = []
    for page in source.pages(None, 5):
        read += page.keys
        now[0] += 4
    assert read == [str(n) for n in range(1, 51)]
    assert sum("updated_at" in each and " < " in each and "IS NULL" not in each for each in asked) == queries


@SERVERS
def test_a_lost_server_that_stays_away_is_given_up(place: Place) -> None:
    """After the patience is over without progress the run ends, with an error of its own."""
    fill(place.database, 3000, width=2000)
    pauses: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    with proxy_before(place.database.url) as (proxy, url):
        source = place.source(("note",), url=SecretStr(url), patience=Patience(sleep=sleep, monotonic=lambda: now[0]))
        pages = source.pages(None, 50)
        next(pages)
        proxy.stop()
        with pytest.raises(UnavailableError, match="did not come back for") as caught:
            list(pages)
        assert caught.value.__cause__ is None
    assert pauses[:4] == [0.5, 1, 2, 4]
    assert (max(pauses), sum(pauses) >= 300) == (30, True)


@SERVERS
def test_a_column_that_vanishes_in_mid_read_is_named(place: Place) -> None:
    """What changed under the read is a broken source, not a lost one."""
    create(place.database)
    insert(place.database, [(n, "a", ago(minutes=n)) for n in range(1, 10)])
    pages = place.source(patience=ALWAYS_ANEW).pages(None, 2)
    next(pages)
    place.database.execute("ALTER TABLE customers DROP COLUMN name")
    with pytest.raises(BrokenSourceError, match=r"table 'customers' changed while .*name"):
        list(pages)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_key_that_names_two_records_is_refused(place: Place, size: int) -> None:
    """Two records with one key and one time cannot be told apart, on one page or across two."""
    create(place.database, key="INTEGER")
    insert(place.database, [(1, "a", ago(minutes=3)), (2, "b", ago(minutes=2)), (2, "c", ago(minutes=2))])
    with pytest.raises(BrokenSourceError, match=r"the key \(id\) does not name one record"):
        list(place.source(patience=ALWAYS_ANEW).pages(None, size))


@SERVERS
def test_records_without_a_key_after_a_lost_connection(place: Place) -> None:
    """They have no place in the order, so they are counted off: each comes once, however often the read is cut."""
    place.database.execute("CREATE TABLE customers (id INTEGER, name VARCHAR(9), city VARCHAR(9), updated_at INTEGER)")
    insert(place.database, [(n, None, None) for n in range(20)])
    insert(place.database, [(None, "a", None) for n in range(20)])
    insert(place.database, [(7, "keyed", None)])
    source = place.source(("id", "name"), key=("id", "name"), updated_at=None)
    ids: list[int | None] = []
    names: list[str] = []
    for number, page in enumerate(itertools.islice(source.pages(None, 7), 20)):
        ids += page.records["id"].tolist()
        names += page.keys
        if number % 2:
            cut(place.database)
    assert names == ['["7","keyed"]', *[f"no key {n}" for n in range(1, 41)]]
    assert sorted(each for each in ids[1:] if each is not None) == list(range(20))
    assert ids.count(None) == 20


@SERVERS
def test_nothing_stays_open_after_a_read_is_broken_off(place: Place) -> None:
    """Closing the source ends a read under way, quickly and for good."""
    fill(place.database, 20_000, width=1000)
    source = place.source(("note",))
    pages = source.pages(None, 10)
    next(pages)
    source.close()
    deadline = time.monotonic() + 5.0  # the server takes a moment to notice
    while (left := count_sessions(place.database)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == 0


REFUSED = {"sqlite": "SQLITE_READONLY", "postgresql": "25006", "mariadb": "1792"}  # each says: this session only reads


@pytest.mark.parametrize("statement", [
    "DELETE FROM customers",
    "INSERT INTO customers VALUES (2, 'b', 'Bern', NULL)",
    "CREATE TABLE other (id INTEGER)",
])  # fmt: skip
def test_sessions_only_read(place: Place, statement: str) -> None:
    """The database itself refuses to write for us, and says that this is why."""
    create(place.database)
    insert(place.database, [(1, "a", ago(minutes=1))])
    source = place.source()
    source.open()
    with pytest.raises(BrokenSourceError, match=REFUSED[place.database.kind]):
        source._reader.run(lambda connection: connection.execute(text(statement)))
    assert keys(place.read()) == ["1"]


def test_infinite_times_do_no_harm(postgresql: Database, tmp_path: Path) -> None:
    """PostgreSQL's infinities and years that Python has not are read as their text."""
    place = Place(postgresql, tmp_path)
    create(postgresql)
    insert(
        postgresql, [(1, "a", ago(minutes=1)), (2, "b", "infinity"), (3, "c", "-infinity"), (4, "d", ago(minutes=2))]
    )
    postgresql.execute("ALTER TABLE customers ADD ends DATE", "UPDATE customers SET ends = 'infinity' WHERE id = 4")
    ordered, undated, future = place.read(columns=("name", "ends"))
    assert (ordered.keys, undated.keys, future.keys) == (["4", "1"], ["3"], ["2"])
    assert ordered.records["ends"].tolist() == ["infinity", None]
    place.close()


def test_zero_dates_are_unreadable(mariadb: Database, tmp_path: Path) -> None:
    """MariaDB's zero dates are no times: the records are refused, not left out."""
    place = Place(mariadb, tmp_path)
    create(mariadb, updated_at="DATETIME")
    insert(mariadb, [(1, "a", "2026-01-01 10:00:00"), (2, "b", "0000-00-00 00:00:00"), (3, "c", None)])
    ordered, undated = place.read(time_zone="UTC")
    assert (ordered.keys, undated.keys) == (["1"], ["2", "3"])
    assert {flaw.code for flaw in undated.unreadable.values()} == {"cursor_missing"}
    place.close()
