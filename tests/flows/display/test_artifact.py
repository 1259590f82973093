"""What a run leaves in Prefect: its summary in counts, codes and moments."""

from __future__ import annotations

import pytest

from flows.display.artifact import duration_text, progress_text, summary_text
from flows.ledger.record import Counts
from flows.summary import ExitCode, SlowestPage, Summary

FULL = Summary(
    run_id="7",
    job="crm",
    status="failed",
    counts=Counts(extracted=3000, created=2990, rejected=10),
    requests=3005,
    retries=5,
    seconds=150.0,
    exit_code=ExitCode.FAILED,
    message="valomnia: away | for long",
    resumes_run_id="6",
    unfinished=1,
    deactivated=4,
    pages=3,
    slowest_page=SlowestPage(2, 1000, 81.26),
    watermark_before="2026-11-20T08:00:13.000000Z",
    watermark_after="2026-11-21T09:30:00.250000Z",
)


def test_summary_tells_every_figure() -> None:
    """Counts, rate, requests, retries, slowest page, watermarks, and what it took over are in the text."""
    text = summary_text(FULL)
    assert text.splitlines()[0] == "# crm: failed: valomnia: away \\| for long"
    for row in (
        "| created | 2,990 |",
        "| rejected | 10 |",
        "| **extracted** | **3,000** |",
        "| deactivated | 4 |",
        "| number | 7, takes over from run 6 |",
        "| status | failed |",
        "| duration | 2 min 30 s |",
        "| rate | 20 customers/s |",
        "| requests | 3,005 |",
        "| retries | 5 |",
        "| pages | 3 |",
        "| pages unfinished | 1; the next run reads it again |",
        "| slowest page | 2: 1,000 records in 81.3 s |",
        "| watermark before | 2026-11-20 08:00:13 UTC |",
        "| watermark after | 2026-11-21 09:30:00 UTC |",
    ):
        assert row in text.splitlines(), row


def test_a_watermark_that_is_no_moment_is_not_shown() -> None:
    """A cursor that is a key names a customer."""
    text = summary_text(Summary("7", "crm", "completed", Counts(), 0, 0, 0.0, ExitCode.DONE, watermark_after="C-10443"))
    assert "C-10443" not in text
    assert "watermark" not in text


def test_progress_without_a_total_says_so_far() -> None:
    """Where nobody knows how much there is, the text counts what has been done."""
    text = progress_text("crm", 7, Counts(extracted=2000, created=1990, invalid=10), 100)
    assert text.splitlines()[0] == "# crm: 2,000 customers so far"
    assert "| created | 1,990 |" in text
    assert "Run 7, 1 min 40 s, 20 customers/s." in text


@pytest.mark.parametrize(
    ("extracted", "ended", "line"),
    [
        (1, None, "# crm: 1 customer so far"),
        (2000, "done", "# crm: 2,000 customers (done)"),
        (2000, "interrupted", "# crm: 2,000 customers (interrupted)"),
    ],
)
def test_progress_says_how_it_ended(extracted: int, ended: str | None, line: str) -> None:
    """What has ended is no longer going on, and one customer is not several."""
    text = progress_text("crm", 7, Counts(extracted=extracted, created=extracted), 100, ended)
    assert text.splitlines()[0] == line


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.94, "59.9 s"), (61, "1 min 1 s"), (7260, "2 h 1 min")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    """Seconds, minutes and hours, as they fit."""
    assert duration_text(seconds) == text
