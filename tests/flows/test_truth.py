"""What a watermark, a version or an absence is allowed to say, where the source is not as simple as it seems."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.protocol import ConfigurationError, Page, PermanentError, Refusal, WatermarkError
from flows.ledger.history import History
from flows.selection import Selection
from flows.summary import ExitCode
from tests.flows.bench import Bench, record
from tests.flows.fake import FakeSource, frame
from tests.flows.test_selection import NOON, at, updated


def test_a_correction_that_looks_older_is_taken_where_the_reject_is_open(bench: Bench) -> None:
    """E07: the clock of the source was set back; what was refused is tried as it is now, and its reject not lost."""
    bench.source = FakeSource([record("A", at(5), name=None), record("B", at(1))], incremental=True)
    assert bench.run().counts.invalid == 1
    bench.source.records[0] = record("A", at(2), name="corrected")
    summary = bench.run(Selection(full=True))
    assert (summary.counts.created, bench.target.customers["A"]["name"]) == (1, "corrected")
    assert History(bench.ledger).rejects() == []


def test_a_full_run_takes_the_source_as_it_stands(bench: Bench) -> None:
    """E07, E22: an older version is not sent by a plain run; who asks for everything gets what is there now."""
    bench.source = FakeSource([record("A", at(5), name="typo")], incremental=True)
    bench.run()
    bench.source = FakeSource([record("A", at(5), name="typo")], incremental=True, overlap=timedelta(minutes=10))
    bench.source.records = [record("A", at(3), name="right")]
    assert bench.run().counts.unchanged == 1
    assert bench.run(Selection(full=True)).counts.updated == 1
    assert bench.target.customers["A"]["name"] == "right"


def test_within_a_full_run_the_newest_version_counts(bench: Bench) -> None:
    """E21: on different pages, whatever the order, and although a full run believes no earlier one."""
    newest = record("A", at(9), name="newest")
    for place in range(4):
        fillers = [record(f"F{n}", at(1)) for n in range(9)]
        older = [record("A", at(8), name="older"), record("A", at(7), name="oldest")]
        bench.source = FakeSource([*fillers[:3], *older[:1], *fillers[3:6], *older[1:], *fillers[6:]], incremental=True)
        bench.source.records.insert(place * 4, newest)
        bench.source.ordered = False
        bench.target.latency_seconds = 0.01
        bench.run(Selection(full=True))
        assert bench.target.customers["A"]["name"] == "newest"


def test_a_duplicate_that_is_due_does_not_oust_the_owner(bench: Bench) -> None:
    """Nothing changed: the record that holds the reference is read first, and the other stays a reject."""
    bench.source = FakeSource([record("1", at(1), no="R", name="owner"), record("2", at(2), no="R")], incremental=True)
    assert bench.run().counts.invalid == 1
    bench.clock.forward(minutes=6)
    bench.source.records.append(record("3", at(3)))
    bench.run()
    assert bench.target.customers["R"]["name"] == "owner"
    assert bench.target.journal == ["3"]
    assert [entry.source_key for entry in History(bench.ledger).rejects()] == ["2"]
    bench.source.records.pop(0)
    bench.clock.forward(hours=1)
    bench.run()
    assert dict(bench.target.customers["R"])["name"] == "N", "the owner has left; the reference is free"
    assert History(bench.ledger).rejects() == []


def test_only_takes_the_owner_of_a_reference(bench: Bench) -> None:
    """Not the record that happens to be stored first."""
    bench.source.records = [record("x", no="R", name="owner")]
    bench.run()
    bench.source.records = [record("a", no="R", name="other"), record("x", no="R", name="changed")]
    bench.run(Selection(only="R"))
    assert bench.target.customers["R"]["name"] == "changed"


def test_after_a_guard_of_absence_the_next_run_reads_everything(bench: Bench) -> None:
    """E15, E33: what a broken source showed is no ground to read on from."""
    bench.source = FakeSource(updated(1, 2, 3, 4, 5), incremental=True)
    bench.run()
    bench.job += "guards: {max_missing: 20%}\n"
    whole, bench.source.records = bench.source.records, updated(5)
    assert bench.run(Selection(full=True)).exit_code is ExitCode.GUARD
    bench.source.records = [record(f"C-{n}", at(n), name="changed meanwhile") for n in (1, 2, 3, 4)] + whole[4:]
    assert bench.run().counts.updated == 4


@pytest.mark.parametrize("selection", [Selection(full=True), Selection(since=NOON), Selection(only="C-1")])
def test_a_customer_in_doubt_is_read_again_wherever_it_stands(bench: Bench, selection: Selection) -> None:
    """A run that was killed over records before the watermark leaves nobody who is only looked up."""
    bench.source = FakeSource(updated(1, 2, 3), incremental=True)
    bench.run()
    bench.source.records[0] = record("C-1", at(1), name="changed without a stamp")
    bench.target.failures = {"C-1": [PermanentError("gone dark")]}
    assert bench.run(selection).exit_code is ExitCode.FAILED
    bench.target.failures.clear()
    assert bench.run().counts.updated == 1
    assert bench.target.customers["C-1"]["name"] == "changed without a stamp"
    assert History(bench.ledger).story("crm", "C-1").unanswered_since_run is None


def test_a_reject_is_closed_when_its_record_is_gone_at_its_next_try(bench: Bench) -> None:
    """An incremental run reads whom it tries again by key, and so knows who is no longer there."""
    bench.source = FakeSource([record("A", at(1), name=None), record("B", at(2))], incremental=True)
    bench.run()
    bench.source.records.pop(0)
    assert len(History(bench.ledger).rejects()) == 1
    bench.clock.forward(minutes=6)
    bench.run()
    assert History(bench.ledger).rejects() == []


def test_a_record_that_moves_out_of_a_whole_reading_keeps_its_reject(bench: Bench) -> None:
    """It was just changed, beyond the moment up to which this run reads: that is not absence."""

    class Lagging(FakeSource):
        def pages(self, after: str | None, size: int) -> Iterator[Page]:
            """Read up to a moment."""
            kept, self.records = self.records, [each for each in self.records if each[1] < at(50)]
            yield from list(super().pages(after, size))
            self.records = kept

    bench.source = Lagging([record("A", at(1), name=None), *updated(2, 3)], incremental=True)
    bench.run()
    bench.source.records[0] = record("A", at(55), name=None)
    bench.run(Selection(full=True))
    assert [entry.source_key for entry in History(bench.ledger).rejects()] == ["A"]


def test_a_key_or_a_reference_that_is_too_long_costs_nobody_else_anything(bench: Bench) -> None:
    """One such record is a reject, with any ledger; indexes have an end."""
    bench.source.records = [record("k" * 6000), record("B", no="r" * 6000), record("C")]
    summary = bench.run()
    assert (summary.counts.created, summary.counts.invalid, bench.target.journal) == (1, 2, ["C"])
    assert bench.run().counts.invalid == 2


def test_since_in_the_future_is_told_as_such(bench: Bench) -> None:
    """The advice of a watermark would be of no use there."""

    class Clocked(FakeSource):
        def pages(self, after: str | None, size: int) -> Iterator[Page]:
            """Refuse what has not come."""
            yield from ()
            assert after is None or size
            raise WatermarkError("the watermark lies after the source's clock; run with --full")

    bench.source = Clocked([], incremental=True)
    assert bench.run(Selection(since=NOON)).message == "--since lies after the source's clock"
    assert bench.run(Selection(full=True)).exit_code is ExitCode.FAILED


def test_an_error_of_the_job_after_the_first_page_is_a_failure(bench: Bench) -> None:
    """Exit code 2 says that nothing was written."""

    class Late(FakeSource):
        def pages(self, after: str | None, size: int) -> Iterator[Page]:
            """Break after the first page."""
            yield next(super().pages(after, size))
            raise ConfigurationError("line 8: a time without a zone")

    bench.source = Late([record(f"C-{n}") for n in range(9)])
    assert bench.run().exit_code is ExitCode.FAILED


@pytest.mark.parametrize("apart", [0, 3, 7])
def test_a_key_that_names_two_customers_stops_the_run(bench: Bench, apart: int) -> None:
    """Else the older of the two would be taken for an older version of the other, and be lost."""
    bench.source = FakeSource([record("K", at(1), no="R1")], incremental=True)
    bench.source.records += [record(f"F{n}", at(2)) for n in range(apart)]
    bench.source.records += [record("K", at(9), no="R2")]
    summary = bench.run()
    assert summary.exit_code is (ExitCode.JOB if apart == 0 else ExitCode.FAILED)
    assert "source.key does not name one record" in str(summary.message)


def test_refusals_do_not_depend_on_the_page() -> None:
    """Page.take keeps what belongs to each record."""
    page = Page(
        records=frame([{"no": each} for each in "abc"], ["no"]),
        keys=list("abc"),
        counted=3,
        cursor="x",
        versions=["1", "2", "3"],
        lines=[2, 3, 4],
        unreadable={2: Refusal("field_count", "", "no")},
    )
    taken = page.take([0, 2])
    assert (list(taken.keys), taken.versions, taken.lines, taken.cursor) == (["a", "c"], ["1", "3"], [2, 4], None)
    assert list(taken.unreadable) == [1]
