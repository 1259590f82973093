"""Runs over last updates that are odd (E07 to E11): clocks that jump, far futures, fractions, wall clocks, none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from flows.selection import Selection
from flows.summary import ExitCode
from tests.connectors.database.table import NOON, WALL_CLOCK, ago, create, insert, session, stamp
from tests.faults.database_run import DatabaseRuns
from tests.server import Database

ZURICH = ZoneInfo("Europe/Zurich")
FOLD = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00 in Zurich, the first of two


@pytest.fixture
def runs(database: Database, tmp_path: Path) -> Iterator[DatabaseRuns]:
    """Give a job over each kind of database in turn."""
    made = DatabaseRuns(database, tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture
def file_runs(sqlite: Database, tmp_path: Path) -> Iterator[DatabaseRuns]:
    """Give a job over a SQLite file."""
    made = DatabaseRuns(sqlite, tmp_path)
    yield made
    made.ledger.close()


def wall(moment: datetime) -> str:
    """Write a moment as a clock in Zurich shows it."""
    return moment.astimezone(ZURICH).replace(tzinfo=None).isoformat(" ")


@pytest.mark.parametrize("overlap", ["10m", "1m"])
def test_e07_a_source_clock_that_jumps(runs: DatabaseRuns, overlap: str) -> None:
    """Five minutes ahead in run 2, then back: with the overlap none is missing; a shorter one ends in a named error."""
    create(runs.database)
    runs.settings["overlap"] = overlap
    codes = []
    for number, jump in enumerate((0, 5, 0)):
        runs.now = NOON + timedelta(minutes=number + jump)
        insert(runs.database, [(number * 10 + n, "a", runs.now - timedelta(seconds=n + 1)) for n in range(10)])
        summary = runs.run()
        codes.append(summary.exit_code)
    if overlap == "10m":
        assert (codes, runs.arrived) == ([ExitCode.DONE] * 3, runs.held)
    else:
        assert codes[2] is ExitCode.FAILED
        assert "lies after the source's clock" in (summary.message or "")


def test_e08_a_record_of_the_year_2999(runs: DatabaseRuns) -> None:
    """It is processed and told of; the watermark stays with the clock, and the next run's 20 records are found."""
    create(runs.database, updated_at=WALL_CLOCK[runs.database.kind])
    runs.settings |= {"time_zone": "UTC", "overlap": "0s"}
    insert(runs.database, [(0, "far", "2999-12-31 00:00:00"), (1, "a", "2026-03-01 11:55:00")])
    assert runs.run().counts.created == 2
    assert runs.notices[-1] == "1 record is dated after the source's clock"
    assert runs.watermark == "2026-03-01T12:00:00.000000Z"
    insert(runs.database, [(n, "new", f"2026-03-01 12:00:{n}") for n in range(10, 30)])
    runs.now += timedelta(minutes=1)
    counts = runs.run().counts
    assert (counts.created, counts.unchanged, counts.extracted) == (20, 1, 21)
    assert sorted(runs.target.journal) == [str(n) for n in range(10, 30)]


def test_e08_a_corrected_future_is_found(runs: DatabaseRuns) -> None:
    """A record whose far date is put right counts as changed, though its new date is the older one."""
    create(runs.database, updated_at=WALL_CLOCK[runs.database.kind])
    runs.settings["time_zone"] = "UTC"
    insert(runs.database, [(0, "far", "2999-12-31 00:00:00"), (1, "a", "2026-03-01 11:55:00")])
    runs.run()
    runs.database.execute("UPDATE customers SET name = 'near', updated_at = '2026-03-01 12:00:30' WHERE id = 0")
    runs.now += timedelta(minutes=1)
    assert runs.run().counts.updated == 1
    assert runs.arrived["0"] == "near"


def test_e08_a_watermark_of_the_year_2999_is_refused(runs: DatabaseRuns) -> None:
    """Set by hand, it is a named error and exit code 1, not a success without records; --full goes on from there."""
    create(runs.database)
    insert(runs.database, [(n, "a", ago(minutes=5)) for n in range(20)])
    runs.run()
    runs.watermark = "2999-12-31T00:00:00.000000Z"
    insert(runs.database, [(20, "new", ago(minutes=1))])
    summary = runs.run()
    assert (summary.exit_code, summary.status, runs.target.journal) == (ExitCode.FAILED, "failed", [])
    assert "lies after the source's clock (2026-03-01T12:00:00.000000Z)" in (summary.message or "")
    assert runs.run(Selection(full=True)).counts.created == 1
    assert runs.watermark == "2026-03-01T12:00:00.000000Z"


def test_e09_fractions_of_a_second(runs: DatabaseRuns) -> None:
    """1,000 records within one second, a run in the midst of it: each is created once over two runs."""
    create(runs.database)
    runs.settings["overlap"] = "0s"
    runs.now = NOON + timedelta(microseconds=500_123)
    times = [NOON + timedelta(microseconds=n * 1000 + 999) for n in range(1000)]
    insert(runs.database, [(n, "a", at) for n, at in enumerate(times) if at < runs.now])
    assert runs.run().counts.created == 500
    insert(runs.database, [(n, "a", at) for n, at in enumerate(times) if at >= runs.now])
    runs.now = NOON + timedelta(seconds=5)
    counts = runs.run().counts
    assert (counts.created, counts.unchanged) == (500, 500)
    assert runs.sent == {str(n): 1 for n in range(1000)}


@pytest.mark.parametrize("minutes", [0, 30, 60, 90, 120])
def test_e10_the_hour_that_comes_twice(runs: DatabaseRuns, minutes: int) -> None:
    """60 records in an hour that a wall clock shows twice, a run in the midst of it: 60 in the target."""
    create(runs.database, updated_at=WALL_CLOCK[runs.database.kind])
    runs.settings |= {"time_zone": "Europe/Zurich", "overlap": "0s"}
    runs.page_size = 7
    times = [FOLD + timedelta(minutes=2 * n) for n in range(60)]
    runs.now = FOLD + timedelta(minutes=minutes)
    insert(runs.database, [(n, "a", wall(at)) for n, at in enumerate(times) if at < runs.now])
    runs.run()
    insert(runs.database, [(n, "b", wall(at)) for n, at in enumerate(times) if at >= runs.now])
    runs.now = FOLD + timedelta(hours=9)
    assert runs.run().exit_code is ExitCode.DONE
    assert len(runs.target.customers) == 60
    told = [each for each in runs.notices if "clock" in each]
    assert told == [], "no time of that hour was taken for one that has not come yet"
    assert runs.sent == {str(n): 1 for n in range(60)}


def test_e10_an_update_in_the_second_of_two_hours(runs: DatabaseRuns) -> None:
    """Written at 02:50, again when it is 02:10 for the second time: the version that reads earlier is taken."""
    create(runs.database, updated_at=WALL_CLOCK[runs.database.kind])
    runs.settings |= {"time_zone": "Europe/Zurich", "overlap": "0s"}
    insert(runs.database, [(1, "first", wall(FOLD + timedelta(minutes=50)))])
    runs.now = FOLD + timedelta(minutes=55)
    runs.run()
    later = wall(FOLD + timedelta(minutes=70))
    runs.database.execute(f"UPDATE customers SET name = 'second', updated_at = '{later}'")
    runs.now = FOLD + timedelta(minutes=75)
    runs.run()
    assert runs.arrived == {"1": "second"}


def test_e10_the_hour_that_never_comes(runs: DatabaseRuns) -> None:
    """60 records that a wall clock without summer time stamps within the gap of spring: 60 in the target."""
    create(runs.database, updated_at=WALL_CLOCK[runs.database.kind])
    runs.settings |= {"time_zone": "Europe/Zurich", "overlap": "0s"}
    runs.page_size = 7
    insert(runs.database, [(n, "a", f"2026-03-29 02:{n:02}:00") for n in range(30)])
    runs.now = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    runs.run()
    insert(runs.database, [(n, "a", f"2026-03-29 02:{n:02}:00") for n in range(30, 60)])
    runs.now = datetime(2026, 3, 29, 4, 0, tzinfo=UTC)
    assert runs.run().exit_code is ExitCode.DONE
    assert runs.sent == {str(n): 1 for n in range(60)}


def test_e10_offsets_of_all_kinds_in_one_column(file_runs: DatabaseRuns) -> None:
    """`Z`, `+00:00`, offsets and none at all, mixed in SQLite: they are ordered as moments, over two runs."""
    create(file_runs.database)
    file_runs.settings |= {"time_zone": "Europe/Zurich", "overlap": "0s"}
    file_runs.page_size = 7

    def written(n: int) -> str:
        moment = NOON + timedelta(minutes=n)
        plain = moment.replace(tzinfo=None).isoformat()
        east = moment.astimezone(ZoneInfo("Asia/Kolkata")).isoformat(" ")
        west = moment.astimezone(ZoneInfo("America/St_Johns")).isoformat()
        return (f"{plain}Z", f"{plain}+00:00", east, west, wall(moment), f"{plain}.000000001Z")[n % 6]

    for first in (0, 30):
        insert(file_runs.database, [(n, "a", written(n)) for n in range(first, first + 30)])
        file_runs.now = NOON + timedelta(minutes=first + 30)
        assert file_runs.run().counts.created == 30
    assert file_runs.watermark == "2026-03-01T13:00:00.000000Z"
    assert file_runs.run().counts.extracted == 0
    assert file_runs.sent == {str(n): 1 for n in range(60)}


def test_e11_last_updates_that_are_none(runs: DatabaseRuns) -> None:
    """Three of 20 without a usable time: three rejects, 17 processed, the watermark moves on; mended, they close."""
    create(runs.database)
    odd: list[str | None] = [None, "", "yesterday"] if runs.database.kind == "sqlite" else [None, None, None]
    insert(runs.database, [(n, "odd", value) for n, value in enumerate(odd)])
    insert(runs.database, [(n, "a", ago(minutes=1)) for n in range(3, 20)])
    summary = runs.run()
    assert (summary.exit_code, summary.counts.created, summary.counts.invalid) == (ExitCode.REJECTS, 17, 3)
    assert sorted(runs.rejected()) == [(str(n), "cursor_missing") for n in range(3)]
    assert runs.watermark == "2026-03-01T12:00:00.000000Z"
    assert runs.run().counts.invalid == 3
    with session(runs.database) as connection:
        update = text("UPDATE customers SET updated_at = :at, name = 'mended' WHERE id = :id")
        connection.execute(update, [
            {"id": 0, "at": stamp(runs.database, NOON + timedelta(seconds=30))},
            {"id": 1, "at": stamp(runs.database, NOON + timedelta(seconds=40))},
            {"id": 2, "at": stamp(runs.database, ago(days=9))},  # behind the watermark: found as it is due again
        ])  # fmt: skip
    runs.now += timedelta(minutes=1)
    runs.clock.forward(days=2)
    summary = runs.run()
    assert (summary.exit_code, summary.counts.created, runs.rejected()) == (ExitCode.DONE, 3, [])
    assert runs.arrived == runs.held
