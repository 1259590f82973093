"""Faults of last updates in a CSV file: future, rounded, ambiguous, missing, and versions out of order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from connectors.protocol import ConfigurationError
from flows.summary import ExitCode
from tests.faults.csv_run import BY_LAST_UPDATE, CsvRuns, Line, write_file

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WITHOUT_OVERLAP = {**BY_LAST_UPDATE, "overlap": "0s"}


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[CsvRuns]:
    """Give a job over a file with last updates."""
    made = CsvRuns(tmp_path)
    yield made
    made.ledger.close()


def lines(count: int, begin: datetime, prefix: str = "C") -> list[Line]:
    """Make customers, each last updated a second after the one before."""
    return [(f"{prefix}-{n}", f"Name {n}", (begin + n * SECOND).isoformat()) for n in range(count)]


def test_e08_a_record_of_the_future_holds_back_no_other(runs: CsvRuns) -> None:
    """It is processed in each run and told of, and the watermark stays at the last record before the file's writing."""
    far = ("F-1", "Far", "2999-12-31T00:00:00Z")
    runs.settings = WITHOUT_OVERLAP
    runs.write([far, *lines(20, NOON)], NOON + 60 * SECOND)
    assert runs.run().counts.created == 21
    assert "1 records are dated after the file was written" in runs.notices
    assert runs.watermark == "2024-05-01T12:00:19.000000Z"
    # An export takes a while: these were changed before the first file was written, but after it was put together.
    runs.write([far, *lines(20, NOON), *lines(20, NOON + 30 * SECOND, "D")], NOON + 120 * SECOND)
    counts = runs.run().counts
    assert (counts.created, counts.unchanged) == (20, 2)  # unchanged: the far one, and the one of the very watermark
    assert runs.watermark == "2024-05-01T12:00:49.000000Z"


def test_e08_a_watermark_of_the_future_is_refused(runs: CsvRuns) -> None:
    """A watermark after the file was written is an error that says so, not a success without records."""
    runs.write(lines(5, NOON), NOON + 60 * SECOND)
    runs.run()
    runs.watermark = "2999-12-31T00:00:00.000000Z"
    summary = runs.run()
    assert summary.status == "failed"
    assert "the file was last written at 2024-05-01T12:01:00.000000Z" in (summary.message or "")
    assert "--full" in (summary.message or "")
    assert runs.watermark == "2999-12-31T00:00:00.000000Z"


def test_e08_a_file_older_than_all_it_holds_moves_no_watermark(runs: CsvRuns) -> None:
    """Where the file's own clock cannot be right, everything is read again next time."""
    runs.write(lines(5, NOON), datetime(1980, 1, 1, tzinfo=UTC))
    assert runs.run().counts.created == 5
    assert runs.watermark is None
    assert runs.run().counts.unchanged == 5


def test_e09_digits_beyond_the_microsecond_are_cut_and_never_rounded_up(runs: CsvRuns) -> None:
    """A thousand records within one second, a billionth apart at the edges of the runs, are all read over two runs."""
    runs.settings = WITHOUT_OVERLAP
    customers = [(f"C-{n}", "N", f"2024-05-01T12:00:00.{n * 1000 + 999_999:09}Z") for n in range(1000)]
    runs.write(customers[:500], NOON + 60 * SECOND)
    assert runs.run().counts.created == 500
    assert runs.watermark == "2024-05-01T12:00:00.001498Z"
    runs.write(customers, NOON + 60 * SECOND)
    assert runs.run().counts.created == 500
    assert len(runs.target.customers) == 1000


def test_e10_the_hour_that_comes_twice_loses_no_record(runs: CsvRuns) -> None:
    """60 records of the night when clocks go back, half of them of the second pass, all come."""
    runs.settings = {**WITHOUT_OVERLAP, "time_zone": "Europe/Zurich"}
    before = [("B", "N", "2024-10-27 01:59:59")]
    first = [(f"F-{n}", "N", f"2024-10-27 02:{2 * n + 1:02}:00") for n in range(30)]
    second = [(f"S-{n}", "N", f"2024-10-27 02:{2 * n:02}:00") for n in range(30)]
    runs.write([*before, *first], datetime(2024, 10, 27, 0, 59, 30, tzinfo=UTC))
    assert runs.run().counts.created == 31
    runs.write([*before, *first, *second], datetime(2024, 10, 27, 1, 59, 30, tzinfo=UTC))
    assert runs.run().counts.created == 30
    after = [("A", "N", "2024-10-27 03:00:00")]
    runs.write([*before, *first, *second, *after], datetime(2024, 10, 27, 2, 30, tzinfo=UTC))
    assert runs.run().counts.created == 1
    assert runs.watermark == "2024-10-27T02:00:00.000000Z"
    assert runs.run().counts.extracted == 1  # once it is over, the repeated hour is not read for ever


def test_e10_offsets_may_be_mixed(runs: CsvRuns) -> None:
    """Every offset is read as the moment that it means; `Z` and `+00:00` are the same one."""
    moments = [
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00+00:00",
        "2024-05-01 14:00:00+02:00",
        "2024-05-01T07:00-05:00",
    ]
    runs.write([(f"C-{n}", "N", text) for n, text in enumerate(moments)], NOON + SECOND)
    assert runs.run().counts.created == 4
    assert runs.watermark == "2024-05-01T12:00:00.000000Z"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_e10_a_time_without_a_zone_is_refused_before_anything_is_sent(runs: CsvRuns, place: int) -> None:
    """Nobody guesses a zone: the job is wrong, and the message names setting and line."""
    customers = lines(3, NOON)
    customers[place] = ("X", "N", "2024-05-01 12:00:00")
    runs.write(customers)
    if place:
        summary = runs.run()
        assert summary.exit_code is ExitCode.JOB
        message = summary.message or ""
    else:
        with pytest.raises(ConfigurationError) as caught:
            runs.run()
        message = str(caught.value)
    assert f"line {place + 2}" in message
    assert "source.time_zone" in message
    assert runs.target.journal == []


def test_e11_records_without_a_usable_time_are_rejects_and_move_nothing(runs: CsvRuns) -> None:
    """Empty, unreadable and impossible times: three rejects under their own keys, in every run, never left out."""
    wrong = [("E-1", "N", ""), ("E-2", "N", "yesterday"), ("E-3", "N", "2024-02-30T00:00:00Z")]
    customers = lines(10, NOON)
    runs.write([*wrong[:2], *customers, wrong[2]], NOON + 60 * SECOND)
    summary = runs.run()
    assert (summary.counts.created, summary.counts.invalid) == (10, 3)
    assert runs.rejected() == [(f"E-{n}", "cursor_missing") for n in (1, 2, 3)]
    assert runs.watermark == "2024-05-01T12:00:09.000000Z"
    runs.run()
    assert runs.target.journal == []
    assert len(runs.rejected()) == 3
    runs.write([("E-1", "N", NOON.isoformat()), *wrong[1:], *customers], NOON + 90 * SECOND)
    assert runs.run().counts.created == 1
    assert len(runs.rejected()) == 2


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_e21_of_three_versions_in_one_file_the_newest_counts(runs: CsvRuns, order: tuple[int, ...]) -> None:
    """Whatever their order in the file, one write, and the two older ones count as unchanged."""
    versions = [("C-1", f"Version {n}", (NOON + n * SECOND).isoformat()) for n in range(3)]
    runs.write([versions[n] for n in order], NOON + 60 * SECOND)
    counts = runs.run().counts
    assert (counts.created, counts.unchanged) == (1, 2)
    assert runs.target.journal == ["C-1"]
    assert runs.target.customers["C-1"]["name"] == "Version 2"
    assert runs.run().counts.unchanged == 3
    assert runs.target.journal == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_e21_of_versions_on_different_pages_the_newest_stays(runs: CsvRuns, order: tuple[int, ...]) -> None:
    """An older version on a later page does not overwrite a newer one."""
    runs.page_size = 1
    versions = [("C-1", f"Version {n}", (NOON + n * SECOND).isoformat()) for n in range(3)]
    runs.write([versions[n] for n in order], NOON + 60 * SECOND)
    assert runs.run().exit_code is ExitCode.DONE
    assert runs.target.customers["C-1"]["name"] == "Version 2"


@pytest.mark.parametrize("age", [timedelta(minutes=1), timedelta(days=1)])
def test_e22_an_older_version_in_a_later_file_changes_nothing(runs: CsvRuns, age: timedelta) -> None:
    """Within the overlap it counts as unchanged, before it it is not even read; the target keeps the newer one."""
    runs.write([("C-1", "newer", NOON.isoformat()), ("C-2", "N", NOON.isoformat())], NOON + 60 * SECOND)
    runs.run()
    runs.write([("C-1", "older", (NOON - age).isoformat()), ("C-2", "N", NOON.isoformat())], NOON + 120 * SECOND)
    counts = runs.run().counts
    assert counts.extracted == counts.unchanged == (2 if age < timedelta(minutes=10) else 1)
    assert runs.target.journal == []
    assert runs.target.customers["C-1"]["name"] == "newer"


def test_e22_an_older_file_is_refused(runs: CsvRuns) -> None:
    """A file last written before what was read already says so: nothing of it could be newer."""
    runs.write(lines(3, NOON), NOON + 60 * SECOND)
    runs.run()
    write_file(runs.folder / "customers.csv", lines(3, NOON - timedelta(days=7)), NOON - timedelta(days=6))
    summary = runs.run()
    assert summary.status == "failed"
    assert "was last written at 2024-04-25" in (summary.message or "")
    assert runs.target.journal == []
