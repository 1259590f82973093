"""Runs that take a part: what they send, and that they leave the watermark and all that is absent alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.moment import moment_text
from connectors.protocol import PermanentError, Refusal, UnavailableError
from flows.document import JobError
from flows.ledger.history import History
from flows.selection import Selection
from flows.summary import ExitCode
from tests.flows.bench import Bench, record
from tests.flows.fake import FakeSource, Record

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(minute: int) -> str:
    """Give a moment of that day as a version."""
    return moment_text(NOON + timedelta(minutes=minute))


def updated(*minutes: int) -> list[Record]:
    """Make one customer a minute."""
    return [record(f"C-{minute}", at(minute)) for minute in minutes]


def extracted(bench: Bench) -> int:
    """Run once more, plainly, and count what was read."""
    return bench.run().counts.extracted


@pytest.mark.parametrize("selection", [Selection(since=NOON), Selection(limit=2), Selection(only="C-1")])
def test_a_partial_run_leaves_the_watermark_alone(bench: Bench, selection: Selection) -> None:
    """The next plain run reads everything that the partial one had not to account for."""
    bench.source = FakeSource(updated(1, 2, 3, 4), incremental=True)
    assert bench.run(selection).exit_code is ExitCode.DONE
    bench.run()
    assert bench.source.reads[-1] is None, "there is no watermark yet"
    assert set(bench.target.customers) == {"C-1", "C-2", "C-3", "C-4"}


def test_full_reads_from_the_beginning_and_sends_only_what_differs(bench: Bench) -> None:
    """A record that was slipped in below the watermark is found."""
    bench.source = FakeSource(updated(1, 2, 3), incremental=True)
    bench.run()
    bench.source.records += updated(0)
    assert bench.run().counts.created == 0, "a plain run does not look there"
    summary = bench.run(Selection(full=True))
    assert (summary.counts.created, summary.counts.unchanged, bench.target.journal) == (1, 3, ["C-0"])
    assert bench.source.reads == [None, at(3), None]


def test_since_reads_from_that_moment_on(bench: Bench) -> None:
    """And takes it exactly, without the source's overlap."""
    bench.source = FakeSource(updated(1, 2, 3), incremental=True, overlap=timedelta(minutes=10))
    summary = bench.run(Selection(since=NOON + timedelta(minutes=2)))
    assert (summary.counts.created, bench.target.journal) == (2, ["C-2", "C-3"])


def test_since_is_refused_where_the_source_has_no_last_update(bench: Bench) -> None:
    """Before anything is read; the message says which key is missing."""
    bench.source = FakeSource(updated(1))
    with pytest.raises(JobError, match=r"source\.updated_at"):
        bench.run(Selection(since=NOON))
    assert bench.source.reads == []


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 7, 99])
def test_limit_takes_exactly_so_many_records(bench: Bench, limit: int) -> None:
    """Pages of three are cut where it is reached; the law holds for the part."""
    bench.source.records = [record(f"C-{n}") for n in range(7)]
    summary = bench.run(Selection(limit=limit))
    assert summary.counts.extracted == summary.counts.created == min(limit, 7)
    assert summary.counts.balanced


def test_a_partial_run_closes_nobodys_reject_and_nobodys_intent(bench: Bench) -> None:
    """Who was not met is not taken for gone."""
    bench.source.records = [record("A"), record("B", name=None), record("C")]
    bench.target.lost_answers = {"C": [PermanentError("gone dark")]}
    bench.run()
    bench.run(Selection(limit=1))
    assert History(bench.ledger).story("crm", "C").unanswered_since_run == "1"
    assert len(bench.ledger.open_rejects(1, ["B"])) == 1
    assert bench.run().exit_code is ExitCode.REJECTS
    assert History(bench.ledger).story("crm", "C").unanswered_since_run is None


def test_only_takes_one_customer_by_its_key(bench: Bench) -> None:
    """Once the ledger knows where it stands, the source is not searched."""
    bench.source.records = [record(f"k{n}", no=f"C-{n}") for n in range(7)]
    bench.run()
    bench.source.records = [record(f"k{n}", no=f"C-{n}", name="changed") for n in range(7)]
    bench.source.reads.clear()
    summary = bench.run(Selection(only="C-5"))
    assert (summary.counts.extracted, summary.counts.updated, bench.target.journal) == (1, 1, ["C-5"])
    assert (bench.source.keys_read, bench.source.reads) == (["k5"], [])


def test_only_searches_for_a_customer_that_is_new_or_has_moved(bench: Bench) -> None:
    """The reference decides, as it is mapped today, not the place where it once stood."""
    bench.source.records = [record("k1", no="A"), record("k2", no="B")]
    bench.run()
    bench.source.records = [record("k1", no="B", name="moved"), record("k2", no="A"), record("k3", no=" New ")]
    assert bench.run(Selection(only="B")).counts.updated == 1
    assert bench.target.customers["B"]["name"] == "moved"
    assert bench.run(Selection(only="New")).counts.created == 1


def test_only_tries_a_waiting_reject_at_once(bench: Bench) -> None:
    """Whoever names a customer wants it tried, whatever pause its reject has."""
    bench.source.records = [record("A")]
    bench.target.refusals["A"] = Refusal("not_found", "currency", "no such currency")
    bench.run()
    bench.target.refusals.clear()
    assert bench.run().counts.rejected == 1, "a plain run waits"
    assert bench.run(Selection(only="A")).counts.created == 1


def test_only_says_where_nobody_has_that_reference(bench: Bench) -> None:
    """Exit code 2, and nothing is sent; the reference is not repeated."""
    bench.source.records = [record("A")]
    summary = bench.run(Selection(only="Z-99"))
    assert (summary.exit_code, bench.target.journal) == (ExitCode.JOB, [])
    assert "--only" in str(summary.message)
    assert "Z-99" not in str(summary.message)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"full": True, "since": "2026-01-01"}, "choose one"),
        ({"only": "A", "limit": 1}, "--only takes one customer"),
        ({"only": "  "}, "needs a reference"),
        ({"since": "yesterday"}, "takes a time such as"),
        ({"limit": 0}, "at least one"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: dict[str, object], words: str) -> None:
    """With a sentence that says what would."""
    with pytest.raises(JobError, match=words):
        Selection.of(**asked)  # type: ignore[arg-type]  # wrong on purpose


def test_times_have_a_zone_or_are_utc() -> None:
    """`--since` takes what people write."""
    assert Selection.of(since="2026-11-20T13:00+01:00").since == NOON
    assert Selection.of(since="2026-11-20 12:00").since == NOON


def test_the_overlap_is_read_again_and_costs_no_request(bench: Bench) -> None:
    """E02, E03: what became visible late, with a time before the watermark, is found by the next run."""
    bench.source = FakeSource(updated(1, 2, 30), incremental=True, overlap=timedelta(minutes=10))
    bench.run()
    bench.source.records += [*updated(21, 30), record("late", at(25))]
    bench.source.records.remove(updated(30)[0])
    summary = bench.run()
    assert bench.source.reads[-1] == at(20)
    assert (summary.counts.created, sorted(bench.target.journal)) == (2, ["C-21", "late"])


def test_a_damaged_watermark_is_a_named_error(bench: Bench) -> None:
    """Not a run that reads nothing and calls that a success."""
    bench.source = FakeSource(updated(1), incremental=True, overlap=timedelta(minutes=10))
    bench.run()
    with bench.ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE watermarks SET cursor = replace(cursor, '12', '13')")  # one bit has flipped
    summary = bench.run()
    assert (summary.exit_code, summary.message) == (
        ExitCode.FAILED,
        "the watermark in the ledger is damaged; run once with --full",
    )
    assert bench.run(Selection(full=True)).exit_code is ExitCode.DONE


@pytest.mark.parametrize(("guard", "left", "code"), [
    ("", 0, ExitCode.GUARD),
    ("", 1, ExitCode.DONE),
    ("guards: {max_missing: 50%}\n", 4, ExitCode.GUARD),
    ("guards: {max_missing: 50%}\n", 5, ExitCode.DONE),
    ("guards: {max_missing: 100%}\n", 0, ExitCode.DONE),
])  # fmt: skip
def test_e33_a_source_that_shows_far_fewer_records_stops_the_run(
    bench: Bench,
    guard: str,
    left: int,
    code: ExitCode,
) -> None:
    """E33, E15: nothing is concluded from such an absence, and the guard goes on standing until somebody decides."""
    bench.job += guard
    bench.source.records = [record("bad", name=None), *(record(f"C-{n}") for n in range(9))]
    bench.run()
    bench.source.records = bench.source.records[1 : left + 1]
    assert bench.run().exit_code is code
    assert bench.run().exit_code is code
    assert len(bench.ledger.open_rejects(1, ["bad"])) == (1 if code is ExitCode.GUARD else 0)


def test_an_incremental_run_that_finds_nothing_is_no_absence(bench: Bench) -> None:
    """Only a run that reads the source whole can miss anybody."""
    bench.source = FakeSource(updated(1, 2, 3), incremental=True)
    bench.run()
    bench.source.records.clear()
    assert bench.run().exit_code is ExitCode.DONE
    assert bench.run(Selection(full=True)).exit_code is ExitCode.GUARD


def test_columns_that_came_and_went_are_named(bench: Bench) -> None:
    """E32: one that the job uses stops the run, others are worth a word, once."""
    bench.source = FakeSource([record("A")], columns=("no", "name", "city", "old"))
    bench.run()
    bench.source.columns = ("no", "name", "city", "new")
    bench.run()
    bench.run()
    assert bench.notices[-2:] == [
        "the source has a new column 'new'",
        "the source no longer has the column 'old', which the job does not use",
    ]
    bench.source.columns = ("no", "city")
    with pytest.raises(JobError, match="no column 'name'"):
        bench.run()
    assert bench.target.journal == []


def test_a_source_that_is_away_fails_a_run_that_is_kept(bench: Bench) -> None:
    """Whoever looks at the runs finds the night in which the database was down."""

    class Away(FakeSource):
        def open(self) -> tuple[str, ...]:
            """Find nobody."""
            raise UnavailableError("database: connect: no answer")

    bench.source = Away([])
    assert bench.run().exit_code is ExitCode.FAILED
    (kept,) = History(bench.ledger).runs()
    assert (kept["status"], kept["message"]) == ("failed", "database: connect: no answer")
