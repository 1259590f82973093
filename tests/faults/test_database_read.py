"""Runs over a table that others write to (E01 to E05), on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from flows.summary import ExitCode
from tests.connectors.database.table import NOON, ago, create, fill, insert, session, stamp
from tests.faults.database_run import DatabaseRuns, at
from tests.server import Database


@pytest.fixture
def runs(database: Database, tmp_path: Path) -> Iterator[DatabaseRuns]:
    """Give a job over each kind of database in turn, in which each page is a query of its own."""
    made = DatabaseRuns(database, tmp_path)
    yield made
    made.ledger.close()


class PowerCutError(Exception):
    """Ends a run at once."""


def test_e01_equal_times_across_pages(runs: DatabaseRuns) -> None:
    """350 records of one time, pages of 100: 350 of 350 in one run, none sent twice, none in the next run."""
    create(runs.database)
    insert(runs.database, [(n, "a", ago(minutes=5)) for n in range(350)])
    counts = runs.run().counts
    assert (counts.extracted, counts.created) == (350, 350)
    assert runs.sent == {str(n): 1 for n in range(350)}
    counts = runs.run().counts
    assert (counts.extracted, counts.unchanged, runs.target.journal) == (350, 350, [])


@pytest.mark.parametrize("way", ["killed", "stopped"])
def test_e01_a_run_that_ends_among_equal_times(runs: DatabaseRuns, way: str) -> None:
    """A run that dies, or is stopped, on page 2 of 350 equal times: the next one creates the rest, each once."""
    create(runs.database)
    insert(runs.database, [(n, "a", ago(minutes=5)) for n in range(350)])
    runs.settings["overlap"] = "0s"
    if way == "killed":

        def cut_power() -> None:
            raise PowerCutError

        with pytest.raises(PowerCutError):
            runs.run(on_step=at("prepared", 2, cut_power))
    else:
        assert runs.run(on_step=at("confirmed", 1, runs.stop)).exit_code is ExitCode.STOPPED
    assert len(runs.sent) == 100
    counts = runs.run().counts
    assert (counts.unchanged, counts.created) == (100, 250)
    assert runs.sent == {str(n): 1 for n in range(350)}


@pytest.mark.parametrize(("overlap", "moment"), [("0s", NOON), ("10m", ago(minutes=5))])
def test_e02_more_records_of_the_watermarks_time(runs: DatabaseRuns, overlap: str, moment: datetime) -> None:
    """Five records with the watermark's own time, or within the overlap, come late: just these five are sent."""
    create(runs.database)
    runs.settings["overlap"] = overlap
    runs.now = NOON + timedelta(milliseconds=500)
    insert(runs.database, [(n, "a", moment) for n in range(345)])
    assert runs.run().counts.created == 345
    insert(runs.database, [(n, "late", moment) for n in range(1000, 1005)])
    runs.now += timedelta(minutes=2)
    counts = runs.run().counts
    assert (counts.created, counts.unchanged, counts.updated) == (5, 345, 0)
    assert sorted(runs.target.journal) == [str(n) for n in range(1000, 1005)]


@pytest.mark.parametrize("overlap", ["0s", "10m"])
def test_e03_a_late_commit(runs: DatabaseRuns, overlap: str) -> None:
    """An open transaction stamped at 11:59 and commits after the run of noon: the overlap finds it, none misses it."""
    create(runs.database)
    insert(runs.database, [(1, "a", ago(minutes=5))])
    runs.settings["overlap"] = overlap
    with session(runs.database) as late:
        moment = {"at": stamp(runs.database, ago(minutes=1))}
        late.execute(text("INSERT INTO customers VALUES (2, 'late', 'Bern', :at)"), moment)
        assert runs.run().counts.created == 1
    runs.now += timedelta(minutes=1)
    assert runs.run().exit_code is ExitCode.DONE
    assert ("2" in runs.arrived) is (overlap == "10m")


@pytest.mark.parametrize("lag", ["0s", "2m"])
def test_e03_a_lag_waits_for_late_commits(runs: DatabaseRuns, lag: str) -> None:
    """Without an overlap, a lag longer than the longest transaction finds what it stamped."""
    create(runs.database)
    insert(runs.database, [(1, "a", ago(minutes=5))])
    runs.settings |= {"overlap": "0s", "lag": lag}
    with session(runs.database) as late:
        moment = {"at": stamp(runs.database, ago(minutes=1))}
        late.execute(text("INSERT INTO customers VALUES (2, 'late', 'Bern', :at)"), moment)
        runs.run()
    runs.now += timedelta(minutes=5)
    runs.run()
    assert ("2" in runs.arrived) is (lag == "2m")


def test_e04_records_inserted_while_pages_are_read(runs: DatabaseRuns) -> None:
    """1,000 inserts between the pages of a run, half of them stamped a minute late: none is missing after the next."""
    fill(runs.database, 500)
    runs.page_size = 25
    numbers = iter(range(1000, 2000))

    def add(step: str) -> None:
        if step != "extracted" or 1999 in written:
            return
        runs.now += timedelta(seconds=1)
        batch = [next(numbers) for _ in range(50)]
        written.extend(batch)
        insert(runs.database, [(n, "added", runs.now - timedelta(minutes=n % 2)) for n in batch])

    written: list[int] = []
    runs.run(on_step=add)
    assert len(written) == 1000
    runs.now += timedelta(seconds=1)
    runs.run()
    assert set(runs.arrived) == set(runs.held)
    assert runs.sent.total() == 1500


class Updates:
    """Some of 1,000 records at a time, chosen at random, that get a new name and the time of now; 200 in all."""

    def __init__(self, database: Database, at_once: int = 3) -> None:
        self._database = database
        self._at_once = at_once
        self._chance = random.Random(5)
        self.now = NOON
        self.done = 0

    def __call__(self) -> None:
        """Update some, a second after those before."""
        self.now += timedelta(seconds=1)
        with session(self._database) as connection:
            for _ in range(min(self._at_once, 200 - self.done)):
                self.done += 1
                values = {
                    "name": f"new {self.done}",
                    "at": stamp(self._database, self.now),
                    "id": self._chance.randint(1, 1000),
                }
                connection.execute(text("UPDATE customers SET name = :name, updated_at = :at WHERE id = :id"), values)


def test_e05_records_updated_while_pages_are_read(runs: DatabaseRuns) -> None:
    """200 random updates during a read of 100 pages: none is missing, and the target holds the newest of each."""
    fill(runs.database, 1000)
    is_file = runs.database.kind == "sqlite"  # of which a run takes a copy: ten pages show as much
    runs.page_size = 100 if is_file else 10
    update = Updates(runs.database, 30 if is_file else 3)

    def on_step(name: str) -> None:
        if name == "extracted":
            update()
            runs.now = update.now

    runs.run(on_step=on_step)
    assert update.done == 200
    runs.now += timedelta(seconds=1)
    runs.run()
    assert runs.arrived == runs.held
    assert max(runs.sent.values()) > 1, "no record was met before and after its update: this proves nothing"


def test_e05_paging_by_offset_loses_records(database: Database) -> None:
    """The same updates during a read of 100 pages with OFFSET: some are missing, so the test above bites."""
    fill(database, 1000)
    update = Updates(database)
    met: set[int] = set()
    page = text("SELECT id FROM customers ORDER BY updated_at, id LIMIT 10 OFFSET :offset")
    for offset in range(0, 1000, 10):
        with database.engine.connect() as connection:
            met |= set(connection.execute(page, {"offset": offset}).scalars())
        update()
    assert update.done == 200
    assert len(met) < 1000
