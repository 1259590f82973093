"""Records of a CSV file that are dated after the file was written, and what becomes of their corrections."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.csv_file.timing import microseconds, read_times
from connectors.moment import AMBIGUOUS
from flows.summary import ExitCode
from tests.faults.csv_run import CsvRuns

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FAR = "2999-12-31T00:00:00Z"


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[CsvRuns]:
    """Give a job over a file with last updates."""
    made = CsvRuns(tmp_path)
    yield made
    made.ledger.close()


def test_a_version_of_the_future_is_ambiguous() -> None:
    """After the limit it orders nothing; at the limit it does, and what is no time stays unknown."""
    texts = ["2024-05-01T12:00:00Z", "2024-05-01T12:00:00.000001Z", FAR, "no time"]
    limit = microseconds("2024-05-01T12:00:00.000000Z")
    expected = ["2024-05-01T12:00:00.000000Z", AMBIGUOUS, AMBIGUOUS, None]
    assert read_times(texts, None).versions(limit) == expected
    assert read_times(texts[:3], None).versions(limit) == expected[:3]


@pytest.mark.parametrize("page_size", [1, 100])
def test_the_correction_of_a_record_of_the_future_arrives(runs: CsvRuns, page_size: int) -> None:
    """A good record and a bad one of the year 2999, both put right the next day: both arrive, the reject is closed."""
    runs.page_size = page_size
    runs.write([("A", "wrong", FAR), ("B", "N", NOON.isoformat()), ("C", "", FAR)], NOON)
    assert runs.run().exit_code is ExitCode.REJECTS
    assert [key for key, _ in runs.rejected()] == ["C"]
    corrected = (NOON + DAY).isoformat()
    runs.write([("A", "right", corrected), ("B", "N", NOON.isoformat()), ("C", "right", corrected)], NOON + 2 * DAY)
    summary = runs.run()
    assert (summary.exit_code, summary.counts.created, summary.counts.updated) == (ExitCode.DONE, 1, 1)
    assert {key: values["name"] for key, values in runs.target.customers.items()} == {
        "A": "right",
        "B": "N",
        "C": "right",
    }
    assert runs.rejected() == []
    assert runs.watermark == "2024-05-02T12:00:00.000000Z"
    assert runs.run().counts.extracted == 2  # the watermark's own, again
    assert runs.target.journal == []
