"""Faults while a database is read by last update (E01 to E11), on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors.database.session import Patience
from connectors.moment import earlier, moment_text
from connectors.protocol import ConfigurationError, PermanentError
from tests.connectors.database.table import NOON, WALL_CLOCK, Place, ago, create, fill, insert, keys, session, stamp
from tests.server import Database


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Place]:
    """Make sources over each kind of database in turn."""
    made = Place(database, tmp_path)
    yield made
    made.close()


def test_e01_equal_times_across_pages(place: Place) -> None:
    """350 records of one time, pages of 100: all once; and again from the first page's cursor."""
    create(place.database)
    insert(place.database, [(n, "a", ago(minutes=5)) for n in range(350)])
    pages = list(place.source(patience=Patience(stream_seconds=-1)).pages(None, 100))
    assert sorted(map(int, keys(pages))) == list(range(350))
    assert len(set(keys(place.read(pages[0].cursor, size=100)))) == 350


def test_e02_more_records_of_the_watermarks_time(place: Place) -> None:
    """Five records of the very watermark that come later are read in the next run."""
    create(place.database)
    insert(place.database, [(n, "a", ago(minutes=5)) for n in range(45)])
    pages = place.read(size=45)
    insert(place.database, [(n, "a", ago(minutes=5)) for n in range(100, 105)])
    again = keys(place.read(moment_text(ago(minutes=5))))
    assert set(again) == set(keys(pages)) | {str(n) for n in range(100, 105)}


@pytest.mark.parametrize("overlap", [0, 600])
def test_e03_a_late_commit(place: Place, overlap: int) -> None:
    """Stamped at 11:59, committed after the run of noon: read by the next through the overlap, missed without."""
    create(place.database)
    insert(place.database, [(1, "a", ago(minutes=5))])
    (page,) = place.read()
    assert page.cursor is not None
    insert(place.database, [(2, "late", ago(minutes=1))])
    place.now = NOON + timedelta(minutes=1)
    found = keys(place.read(earlier(page.cursor, timedelta(seconds=overlap))))
    assert ("2" in found) is (overlap > 0)


def test_e04_e05_records_written_and_moved_while_pages_are_read(place: Place) -> None:
    """Inserts and updates between pages: nothing is missing after the second run, and the newest version was read."""
    fill(place.database, 500)
    chance = random.Random(4)
    clock = [NOON]
    seen: dict[str, str] = {}
    after: str | None = None
    for run in range(2):
        source = place.source(clock=lambda _: clock[0], patience=Patience(stream_seconds=-1))
        for page in source.pages(after, 20):
            seen |= dict(zip(page.keys, page.records["name"], strict=True))
            after = page.cursor or after
            if run == 0:
                clock[0] += timedelta(seconds=1)
                with session(place.database) as connection:
                    number = chance.randint(1, 500)
                    moment = {"at": stamp(place.database, clock[0]), "id": number, "new": 1000 + clock[0].second * 60}
                    connection.execute(
                        text("UPDATE customers SET name = 'new', updated_at = :at WHERE id = :id"), moment
                    )
                    moment["new"] = int((clock[0] - NOON).total_seconds()) + 1000
                    connection.execute(text("INSERT INTO customers VALUES (:new, 'added', '', :at)"), moment)
        clock[0] += timedelta(seconds=5)
    with place.database.engine.connect() as connection:
        expected = {str(key): name for key, name in connection.execute(text("SELECT id, name FROM customers"))}
    assert seen == expected


def test_e07_a_source_clock_that_jumps(place: Place) -> None:
    """Five minutes ahead, then back: with the overlap three runs miss nothing; our own clock plays no part."""
    create(place.database)
    seen: set[str] = set()
    after: str | None = None
    for number, jump in enumerate((0, 5, 0)):
        place.now = NOON + timedelta(minutes=number + jump)
        insert(place.database, [(number, "a", place.now - timedelta(seconds=1))])
        for page in place.read(after and earlier(after, timedelta(minutes=10))):
            seen |= set(page.keys)
            after = page.cursor or after
    assert seen == {"0", "1", "2"}


def test_e08_a_record_of_the_year_2999(place: Place) -> None:
    """It is read, and does not drag the watermark along; a watermark of 2999 is refused."""
    create(place.database)
    insert(
        place.database, [(0, "far", datetime(2999 if place.database.kind != "mariadb" else 2037, 12, 31, tzinfo=UTC))]
    )
    insert(place.database, [(1, "a", ago(minutes=5))])
    pages = place.read()
    assert keys(pages) == ["1", "0"]
    assert [page.cursor for page in pages] == [moment_text(NOON), None]
    insert(place.database, [(n, "new", NOON + timedelta(seconds=n)) for n in range(10, 30)])
    place.now = NOON + timedelta(minutes=1)
    assert len(set(keys(place.read(pages[0].cursor))) - {"0"}) == 20
    with pytest.raises(PermanentError, match="lies after the source's clock"):
        place.read("2999-12-31T00:00:00.000000Z")


def test_e09_fractions_of_a_second(place: Place) -> None:
    """1,000 records within one second, a run in the midst of it: all over two runs, to the microsecond."""
    create(place.database)
    place.now = NOON + timedelta(microseconds=500_123)
    times = [NOON + timedelta(microseconds=n * 1000 + 999) for n in range(1000)]
    insert(place.database, [(n, "a", at) for n, at in enumerate(times) if at < place.now])
    first = place.read(size=100)
    insert(place.database, [(n, "a", at) for n, at in enumerate(times) if at >= place.now])
    place.now = NOON + timedelta(seconds=5)
    second = place.read(first[-1].cursor, size=100)
    assert len({*keys(first), *keys(second)}) == 1000
    assert [version for page in first for version in page.versions or ()] == [moment_text(at) for at in times[:500]]


@pytest.mark.parametrize("minutes", range(-70, 200, 30))
def test_e10_the_hour_that_comes_twice(place: Place, minutes: int) -> None:
    """Wall clocks in the night when clocks go back, a run in the midst of it: no record of that hour is missing."""
    create(place.database, updated_at=WALL_CLOCK[place.database.kind])
    fold = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00 in Zurich, the first of two
    clock: dict[str, Any] = {"time_zone": "Europe/Zurich"}
    zone = place.source(**clock)._settings.time_zone
    place.now = fold + timedelta(minutes=minutes)
    times = [fold + timedelta(minutes=n) for n in range(-60, 180, 4)]
    written = [(n, "a", at.astimezone(zone).replace(tzinfo=None).isoformat(" "), at) for n, at in enumerate(times)]
    insert(place.database, [row[:3] for row in written if row[3] < place.now])
    first = place.read(size=7, **clock)
    insert(place.database, [row[:3] for row in written if row[3] >= place.now])
    now, place.now = place.now, fold + timedelta(hours=9)
    cursors = [page.cursor for page in first if page.cursor]
    for position, cursor in enumerate(cursors or [None]):  # a run that was ended after any of its pages
        done = keys(first[: position + 1]) if cursor else []
        assert {*done, *keys(place.read(cursor, **clock))} == {str(n) for n in range(60)}, now


def test_e11_last_updates_that_are_none(place: Place) -> None:
    """Null, and in SQLite empty and unreadable: refused one by one, and the others are read."""
    create(place.database)
    odd: list[str | None] = [None, "", "yesterday"] if place.database.kind == "sqlite" else [None, None, None]
    insert(place.database, [(n, "a", value) for n, value in enumerate(odd)])
    insert(place.database, [(n, "b", ago(minutes=1)) for n in range(10, 17)])
    ordered, outside = place.read()
    assert (len(ordered.keys), ordered.cursor, dict(ordered.unreadable)) == (7, moment_text(NOON), {})
    assert [flaw.code for flaw in outside.unreadable.values()] == ["cursor_missing"] * 3
    assert outside.cursor is None


def test_e32_a_column_that_was_renamed(place: Place) -> None:
    """The key or the last update under another name stops the job before anything is read, naming the column."""
    create(place.database)
    place.database.execute("ALTER TABLE customers RENAME COLUMN updated_at TO changed_at")
    with pytest.raises(ConfigurationError, match="'updated_at'"):
        place.source().open()


def test_x15_names_and_keys_that_look_like_sql(place: Place) -> None:
    """Identifiers are quoted and keys bound: nothing is found, nothing changes."""
    create(place.database)
    insert(place.database, [(1, "a", ago(minutes=1))])
    for table in ("customers; DROP TABLE customers", 'customers" --', "customers` --", "customers' OR '1'='1"):
        with pytest.raises(ConfigurationError):
            place.source(table=table).open()
    with pytest.raises(ConfigurationError):
        place.source(key="id FROM customers; --").open()
    assert keys(place.source(key="name").read_keys(["' OR 1=1", '" OR 1=1', "\\' OR 1=1 -- "], 10)) == []
    assert keys(place.read()) == ["1"]
