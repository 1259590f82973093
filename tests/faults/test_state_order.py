"""The watermark and the order of runs, where answers are missing or the clock is wrong (FAULTS.md S16, S17)."""

from __future__ import annotations

from connectors.protocol import TransientError
from flows.ledger.history import History
from flows.summary import ExitCode
from tests.flows.bench import Bench, record
from tests.flows.fake import FakeSource

N = 12
PAGE = 3
LAST = [f"C-{number:02}" for number in range(N - PAGE, N)]


def incremental(count: int) -> FakeSource:
    """Make a source of so many customers, each with its own last update."""
    return FakeSource([record(f"C-{n:02}", f"{n:02}") for n in range(count)], incremental=True)


def test_s16_the_last_page_has_no_answer(bench: Bench) -> None:
    """The watermark stays before every customer whose answer is missing; the next run reads from there on."""
    bench.source = incremental(N)
    silence = [TransientError("no answer")] * 99
    bench.target.lost_answers = {key: list(silence) for key in LAST}
    bench.target.look_up_failures = {key: list(silence) for key in LAST}
    summary = bench.run()
    assert (summary.exit_code, summary.counts.created, summary.unfinished) == (ExitCode.FAILED, N - PAGE, 1), summary
    assert set(LAST) <= set(bench.target.journal)
    with bench.ledger.reading() as connection:
        watermark = connection.exec_driver_sql("SELECT cursor FROM watermarks").scalar_one()
        unsettled = connection.exec_driver_sql("SELECT count(*) FROM intents").scalar_one()
    assert (watermark < LAST[0].removeprefix("C-"), unsettled) == (True, PAGE)
    bench.target.lost_answers.clear()
    bench.target.look_up_failures.clear()
    again = bench.run()
    assert (again.exit_code, bench.source.reads[-1]) == (ExitCode.DONE, watermark)
    assert set(bench.target.customers) == {f"C-{n:02}" for n in range(N)}
    assert set(bench.target.journal) <= set(LAST)
    assert History(bench.ledger).rejects() == []


def test_s17_the_clock_is_set_back_between_runs(bench: Bench) -> None:
    """Runs are told in the order in which they were, nothing is skipped, and nothing is sent twice."""
    bench.source = incremental(4)
    bench.run()
    for days, count in ((-1, 8), (-1, 12), (3, 16)):
        bench.clock.forward(days=days)
        bench.source.records = incremental(count).records
        summary = bench.run()
        assert (summary.exit_code, summary.counts.created) == (ExitCode.DONE, 4), summary
        assert sorted(bench.target.journal) == [f"C-{n:02}" for n in range(count - 4, count)]
    told = [int(row["run_id"]) for row in History(bench.ledger).runs("crm")]
    assert told == sorted(told, reverse=True) == [4, 3, 2, 1]
    story = History(bench.ledger).story("crm", "C-05")
    assert (story.known, story.target_id) == (True, "id-C-05")
    with bench.ledger.reading() as connection:
        assert connection.exec_driver_sql("SELECT cursor FROM watermarks").scalar() == "15"
