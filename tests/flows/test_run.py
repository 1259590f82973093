"""The pipeline over fakes: what becomes of each record, and what is never forgotten."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.protocol import PermanentError, Refusal, TransientError
from flows.ledger.history import History
from flows.ledger.ledger import Ledger
from flows.summary import ExitCode
from tests.flows.bench import JOB, Bench, record
from tests.flows.fake import FakeSource, FakeTarget
from tests.server import Database
from tests.state import server_state


def test_customers_arrive_and_are_left_alone_when_unchanged(bench: Bench) -> None:
    """A first run creates, a second sends nothing, and one changed value sends one."""
    bench.source.records = [record(f"C-{n}") for n in range(7)]
    first = bench.run()
    assert (first.counts.created, first.exit_code) == (7, ExitCode.DONE)
    second = bench.run()
    assert (second.counts.unchanged, bench.target.journal) == (7, [])
    bench.source.records[4] = record("C-4", name="changed")
    third = bench.run()
    assert (third.counts.updated, third.counts.unchanged, bench.target.journal) == (1, 6, ["C-4"])
    assert bench.target.customers["C-4"]["name"] == "changed"


@pytest.mark.parametrize("incremental", [False, True])
def test_t06_a_changed_mapping_sends_only_what_it_changes(bench: Bench, *, incremental: bool) -> None:
    """T06: another mapping re-reads everything, and re-sends the customers whose payload differs, once."""
    cities = {"A": "Bern", "B": None, "C": "Basel", "D": None, "E": None}
    records = [record(key, str(n), city=city) for n, (key, city) in enumerate(cities.items())]
    bench.source = FakeSource(records, incremental=incremental)
    bench.run()
    for field in ("city: city", "city: {from: city, convert: upper}"):
        bench.job = JOB.replace("billingCity: city", field)
        assert bench.run().counts.updated == 2
        assert sorted(bench.target.journal) == ["A", "C"]
        bench.run()
        assert bench.target.journal == []
    bench.job += "filter: {no: [A, B, C, D]}\n"  # as much a part of it as a field, and it changes no payload
    assert bench.run().counts.filtered == 1
    assert bench.target.journal == []


def test_a_column_that_the_job_does_not_map_costs_a_look_but_no_request(bench: Bench) -> None:
    """The row hash covers the payload alone."""
    bench.job = JOB.replace("  billingCity: city\n", "")
    bench.source.records = [record("A", city="Bern")]
    bench.run()
    bench.source.records = [record("A", city="Basel")]
    assert bench.run().counts.unchanged == 1
    assert bench.target.journal == []


def test_the_first_of_equal_references_counts(bench: Bench) -> None:
    """`not_unique`: later records with a reference already met are invalid, on the same page and on another."""
    bench.source.records = [record("k1", no="A"), record("k2", no=" A "), record("k3", no="B"), record("k4", no="A")]
    summary = bench.run()
    assert (summary.counts.created, summary.counts.invalid) == (2, 2)
    entries = History(bench.ledger).rejects()
    assert [(entry.source_key, entry.line, entry.reference) for entry in entries] == [("k2", 3, "A"), ("k4", 5, "A")]
    assert {finding.description for entry in entries for finding in entry.findings} == {"reference already used"}
    again = bench.run()
    assert (again.counts.unchanged, again.counts.invalid, bench.target.journal) == (2, 2, [])


def test_the_same_key_twice_without_versions_is_not_unique(bench: Bench) -> None:
    """Two records under one key are two records: the second neither overwrites the first nor hides it."""
    bench.source.records = [record("A", name="first"), record("A", name="second")]
    summary = bench.run()
    assert (summary.counts.created, summary.counts.invalid) == (1, 1)
    assert bench.target.customers["A"]["name"] == "first"
    assert bench.run().counts.unchanged == 1
    assert bench.target.journal == []


@pytest.mark.parametrize("name", [None, "N"])
def test_two_records_under_one_key_are_two_rejects(bench: Bench, name: str | None) -> None:
    """However they fail, on one page or on two, each has its own line among the rejects, and waits its own pause."""
    bench.job = JOB.replace("page_size: 3", "page_size: 2")
    bench.source.records = [record("k", no=no, name=name) for no in ("A", "B", "C")]
    bench.target.refusals = {no: Refusal("save_failed", "", "Failed to save instance.") for no in "ABC"}
    bench.run()
    assert [entry.line for entry in History(bench.ledger).rejects()] == [2, 3, 4]
    again = bench.run()
    assert again.counts.invalid + again.counts.rejected == 3
    assert bench.target.journal == []


def test_a_key_made_for_a_twin_takes_no_other_records_place(bench: Bench) -> None:
    """A file may hold the very key that a repeated one is given: each record keeps a line of its own."""
    bench.job = JOB.replace("page_size: 3", "page_size: 2")
    bench.source.records = [record("A#4", no="R1", name=None), record("A", no="R2"), record("A", no="R3", name=None)]
    assert bench.run().counts.invalid == 2
    assert len(History(bench.ledger).rejects()) == 2


def test_a_newer_version_of_the_same_key_is_processed_and_an_older_one_is_not(bench: Bench) -> None:
    """E21, E22: the newest version reaches the target, whatever the order; older ones are unchanged."""
    bench.source = FakeSource(
        [record("A", "1", name="old"), record("A", "3", name="new"), record("A", "2", name="mid")], incremental=True
    )
    summary = bench.run()
    assert bench.target.customers["A"]["name"] == "new"
    assert (summary.counts.created, summary.counts.unchanged) == (1, 2)
    bench.source.records = [record("A", "2", name="late"), record("B", "4")]
    bench.run()
    with bench.ledger.engine.begin() as connection:  # read again what lies before the watermark, as an overlap does
        connection.exec_driver_sql("DELETE FROM watermarks")
    assert bench.run().counts.unchanged == 2
    assert bench.target.customers["A"]["name"] == "new"


def test_a_version_that_cannot_be_ordered_is_not_taken_for_an_older_one(bench: Bench) -> None:
    """E10: in the hour that comes twice nobody knows which came first; the last one read counts."""
    bench.source = FakeSource([record("A", "2", name="first pass")], incremental=True)
    bench.run()
    bench.source = FakeSource([record("A", "", name="second pass")], incremental=True)
    bench.job = JOB.replace("billingCity: city", "city: city")  # so that everything is read
    bench.run()
    assert bench.target.customers["A"]["name"] == "second pass"


def test_a_value_that_changes_and_changes_back_within_a_run_ends_as_it_was_last(bench: Bench) -> None:
    """The page in hand is not short cut by what the ledger knew before it."""
    bench.source = FakeSource([record("A", "1", name="x")], incremental=True)
    bench.run()
    page_full = [record(f"F{n}", "2") for n in range(2)]
    bench.source.records = [*page_full, record("A", "2", name="y"), record("A", "3", name="x")]
    bench.run()
    assert bench.target.customers["A"]["name"] == "x"


def test_a_reference_may_pass_to_another_key_in_a_later_run(bench: Bench) -> None:
    """Lines that shift by one change every key and cost no request."""
    bench.source.records = [record(str(n), no=f"C-{n}") for n in range(2, 8)]
    bench.run()
    bench.source.records = [record("2", no="C-new"), *(record(str(n + 1), no=f"C-{n}") for n in range(2, 8))]
    summary = bench.run()
    assert (summary.counts.created, summary.counts.unchanged, bench.target.journal) == (1, 6, ["C-new"])
    assert bench.run().counts.unchanged == 7


def test_a_record_whose_reference_passed_on_and_came_back_is_sent_again(bench: Bench) -> None:
    """What the target holds was written from another record since: unchanged at the source is not enough."""
    bench.source.records = [record("k1", no="R", name="X")]
    bench.run()
    bench.source.records = [record("k2", no="R", name="Y")]
    bench.run()
    bench.source.records = [record("k1", no="R", name="X")]
    assert bench.run().counts.updated == 1
    assert bench.target.customers["R"]["name"] == "X"


def test_another_target_is_read_from_the_beginning(bench: Bench) -> None:
    """The watermark belongs to the target, too: a job pointed at another server sends everybody."""
    bench.source = FakeSource([record(f"C-{n}", f"{n}") for n in range(5)], incremental=True)
    bench.run()
    first, bench.target = bench.target, FakeTarget(address="fake:other")
    assert bench.run().counts.created == 5
    bench.target = first
    assert bench.run().counts.unchanged == 1, "the customers of the watermark's own moment are looked at again"


def test_a_customer_sent_without_an_answer_is_sent_as_doubtful(bench: Bench) -> None:
    """A target that can only create is told to look first, though the crosswalk knows nothing yet."""
    bench.source.records = [record("A"), record("B")]
    bench.target.failures = {"A": [PermanentError("gone dark")]}
    bench.run()
    bench.run()
    assert {row.reference: row.doubtful for row in bench.target.rows}["A"]
    bench.source.records = [record("A", name="later"), record("B", name="later")]
    bench.run()
    assert [row.doubtful for row in bench.target.rows[-2:]] == [False, False]


def test_the_filter_leaves_out_before_any_check(bench: Bench) -> None:
    """A record that the job does not want is filtered, even where it would be invalid."""
    bench.job = JOB + "filter: {city: [Bern]}\n"
    bench.source.records = [record("A", city="Bern"), record("B", name=None, city="Basel"), record("C", city=None)]
    summary = bench.run()
    assert (summary.counts.created, summary.counts.filtered, summary.counts.invalid) == (1, 2, 0)


def test_a_reject_waits_with_growing_pauses_and_is_settled_when_the_target_changes(bench: Bench) -> None:
    """L32: a refused customer counts again without a request until its pause ends, then is tried."""
    bench.source.records = [record("A"), record("B")]
    bench.target.refusals["A"] = Refusal("not_found", "currency", "The currency with name X doesn't exist.")
    first = bench.run()
    assert (first.counts.rejected, first.exit_code) == (1, ExitCode.REJECTS)
    assert bench.run().counts.rejected == 1
    assert bench.target.journal == []
    bench.clock.forward(minutes=6)
    assert bench.run().counts.rejected == 1
    assert bench.target.journal == ["A"]
    bench.target.refusals.clear()
    bench.clock.forward(minutes=11)
    last = bench.run()
    assert (last.counts.created, last.exit_code) == (1, ExitCode.DONE)
    assert History(bench.ledger).rejects() == []


def test_a_reject_is_tried_at_once_when_its_record_changes(bench: Bench) -> None:
    """L32: a record fixed at the source does not wait."""
    bench.source.records = [record("A")]
    bench.target.refusals["A"] = Refusal("save_failed", "", "Failed to save instance.")
    bench.run()
    bench.target.refusals.clear()
    bench.source.records = [record("A", name="fixed")]
    assert bench.run().counts.created == 1


def test_a_reject_is_closed_when_its_customer_leaves_the_source(bench: Bench) -> None:
    """An open reject does not outlive the record that it is about."""
    bench.source.records = [record("A", name=None), record("B")]
    bench.run()
    bench.source.records = [record("B")]
    assert bench.run().exit_code is ExitCode.DONE
    assert History(bench.ledger).rejects() == []


def test_a_reject_is_not_closed_on_the_word_of_an_unreadable_record(bench: Bench) -> None:
    """A record that cannot be told by its key may be the very one: nothing is inferred from absence then."""
    bench.source.records = [record("A", name=None), record("B")]
    bench.run()
    bench.source.records = [record("line 2"), record("B")]
    bench.source.unreadable = {"line 2": Refusal("field_count", "", "3 fields where the header has 2")}
    bench.run()
    assert {entry.source_key for entry in History(bench.ledger).rejects()} == {"A", "line 2"}


def test_an_image_replaced_under_its_name_is_sent(bench: Bench) -> None:
    """A record that names a file is compared by the file's content, though its values are the same."""
    bench.job = JOB.replace("  billingCity: city\n", "  imageFile: city\n")
    image = bench.folder / "logo.gif"
    image.write_bytes(b"GIF89a one")
    bench.source.records = [record("A", city="logo.gif"), record("B")]
    bench.run()
    assert bench.run().counts.unchanged == 2
    image.write_bytes(b"GIF89a two")
    assert bench.run().counts.updated == 1
    assert bench.target.journal == ["A"]


def test_descriptions_are_redacted(bench: Bench) -> None:
    """The target's words keep their sense and lose the personal value."""
    bench.source.records = [record("A", name="Berta Meier")]
    bench.target.refusals["A"] = Refusal("save_failed", "", "no room for Berta Meier here")
    bench.run()
    ((entry),) = History(bench.ledger).rejects()
    assert entry.findings[0].description == "no room for [name] here"


def test_an_incremental_run_reads_on_from_the_watermark(bench: Bench) -> None:
    """The watermark is the end of the last confirmed page; the next run reads what came after it."""
    bench.source = FakeSource([record(f"C-{n}", f"{n}") for n in range(1, 8)], incremental=True)
    bench.run()
    bench.source.records.append(record("C-8", "8"))
    summary = bench.run()
    assert bench.source.reads == [None, "7"]
    assert (summary.counts.extracted, summary.counts.created, bench.target.journal) == (2, 1, ["C-8"])


def test_due_rejects_are_read_by_key_before_an_incremental_run(bench: Bench) -> None:
    """A reject below the watermark is not forgotten: each run begins with those that are due."""
    bench.source = FakeSource([record("A", "1"), record("B", "2")], incremental=True)
    bench.target.refusals["A"] = Refusal("not_found", "currency", "no such currency")
    bench.run()
    bench.target.refusals.clear()
    bench.clock.forward(minutes=6)
    summary = bench.run()
    assert bench.source.keys_read == ["A"]
    assert (summary.counts.created, summary.counts.unchanged) == (1, 1)
    assert History(bench.ledger).rejects() == []


def test_a_changed_mapping_makes_an_incremental_run_a_full_one(bench: Bench) -> None:
    """And the run says so."""
    bench.source = FakeSource([record("A", "1"), record("B", "2")], incremental=True)
    bench.run()
    bench.job = JOB.replace("billingCity", "city")
    bench.run()
    assert bench.source.reads == [None, None]
    told = "the mapping, or what names and orders the records, has changed: this run reads every customer"
    assert bench.notices[-1] == told


@pytest.mark.parametrize("changed", ["key: id", "key: id, updated_at: seen", "key: id, time_zone: UTC"])
def test_another_column_of_the_last_update_makes_a_full_run(bench: Bench, changed: str) -> None:
    """What the watermark meant is not what it would mean now."""
    bench.source = FakeSource([record("A", "1"), record("B", "2")], incremental=True)
    bench.run()
    bench.job = JOB.replace("path: unused.csv", f"path: unused.csv, {changed}")
    bench.run()
    assert bench.source.reads == [None, None]


def test_a_target_that_fails_for_all_rejects_nobody_and_moves_no_watermark(bench: Bench) -> None:
    """L11: the fault of the system is nobody's reject; what is not done is done by the next run."""
    bench.source = FakeSource([record(f"C-{n:02}", f"{n:02}") for n in range(20)], incremental=True)
    bench.job = JOB.replace("page_size: 3", "page_size: 12")
    bench.target.failures = {f"C-{n:02}": [TransientError("down")] * 99 for n in range(20)}
    failed = bench.run()
    assert (failed.exit_code, failed.status, failed.unfinished, failed.counts.extracted) == (
        ExitCode.FAILED,
        "failed",
        1,
        0,
    )
    assert History(bench.ledger).rejects() == []
    bench.target.failures.clear()
    assert bench.run().counts.created == 20
    assert bench.source.reads == [None, None]


def test_a_permanent_failure_keeps_what_was_answered(bench: Bench) -> None:
    """Earlier pages stand; the page in hand is read again."""
    bench.source.records = [record(f"C-{n}") for n in range(6)]
    bench.target.failures = {"C-4": [PermanentError("the target says no")]}
    summary = bench.run()
    assert (summary.exit_code, summary.counts.created, summary.unfinished) == (ExitCode.FAILED, 3, 1)
    assert summary.message == "the target says no"
    again = bench.run()
    assert again.counts.created + again.counts.updated + again.counts.unchanged == 6
    assert set(bench.target.customers) == {f"C-{n}" for n in range(6)}


def test_one_customer_that_fails_while_others_succeed_is_rejected(bench: Bench) -> None:
    """A customer without an answer after all tries, whom a look-up does not settle, is a reject of its own."""
    bench.source.records = [record(f"C-{n}") for n in range(3)]
    bench.target.failures = {"C-1": [TransientError("no answer")] * 9}
    summary = bench.run()
    assert (summary.counts.created, summary.counts.rejected) == (2, 1)
    ((entry),) = History(bench.ledger).rejects()
    assert [finding.code for finding in entry.findings] == ["unconfirmed"]


def test_lost_answers_are_settled_by_looking_up(bench: Bench) -> None:
    """L01: a customer that was applied without an answer is found, and is no reject."""
    bench.source.records = [record(f"C-{n}") for n in range(3)]
    bench.target.lost_answers = {"C-1": [TransientError("connection lost")] * 9}
    summary = bench.run()
    assert (summary.counts.rejected, len(bench.target.customers)) == (0, 3)
    assert bench.ledger.crossings(1, ["C-1"])["C-1"].target_id == "id-C-1"


def test_a_guard_stops_at_the_end_of_a_page(bench: Bench) -> None:
    """V02, V03: exactly at the limit goes on, above it stops with exit code 4, and nothing is lost."""
    bench.job = JOB + "guards: {max_rejected: 34%}\n"
    bench.source.records = [record("A"), record("B", name=None), record("C"), record("D")]
    assert bench.run().exit_code is ExitCode.REJECTS
    bench.job = JOB + "guards: {max_rejected: 33%}\n"
    stopped = bench.run()
    assert (stopped.exit_code, stopped.status, stopped.counts.extracted) == (ExitCode.GUARD, "stopped", 3)


def test_a_customer_in_doubt_that_left_the_source_is_looked_up_and_closed(bench: Bench) -> None:
    """An unanswered intent is not kept for ever: what the target holds is noted."""
    bench.source.records = [record("A"), record("B")]
    bench.target.lost_answers = {"A": [PermanentError("gone dark")]}
    assert bench.run().exit_code is ExitCode.FAILED
    bench.source.records = [record("B")]
    assert bench.run().exit_code is ExitCode.DONE
    told = History(bench.ledger).story("crm", "A")
    assert (told.target_id, told.unanswered_since_run) == ("id-A", None)


def test_a_vanished_column_stops_the_run_before_anything_is_sent(bench: Bench) -> None:
    """E32: the message names the column."""
    bench.source = FakeSource([record("A")], columns=("no", "city"))
    with pytest.raises(Exception, match="no column 'name'"):
        bench.run()
    assert bench.target.journal == []


def count(ledger: Ledger, table: str) -> int:
    """Count a table's rows."""
    with ledger.engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


NAMES = st.sampled_from(["N", "M", None])
REFERENCES = st.sampled_from(["", "A", "B", " A", ".", "A\0", None])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), incremental=st.booleans())
def test_counts_balance_whatever_comes(
    tmp_path_factory: pytest.TempPathFactory, *, data: Any, incremental: bool
) -> None:
    """Over random records, refusals and lost answers the law holds, and the target holds what is not rejected."""
    bench = Bench(tmp_path_factory.mktemp("law"))
    try:
        go_through_anything(bench, data, incremental=incremental)
    finally:
        bench.ledger.close()


def test_counts_balance_whatever_comes_in_postgresql(tmp_path: Path, postgresql: Database) -> None:
    """The same with one ledger on a server, where each example is a job of its own."""
    bench = Bench(tmp_path, server_state(postgresql))
    numbers = itertools.count()

    @settings(max_examples=25, deadline=None)
    @given(data=st.data(), incremental=st.booleans())
    def each(*, data: Any, incremental: bool) -> None:
        bench.job = JOB.replace("job: crm", f"job: crm-{next(numbers)}")
        bench.target = FakeTarget()
        go_through_anything(bench, data, incremental=incremental)

    try:
        each()
    finally:
        bench.ledger.close()


def go_through_anything(bench: Bench, data: Any, *, incremental: bool) -> None:
    """Run a job three times over records and refusals that come as they like."""
    keys = st.sampled_from([*(f"k{n}" for n in range(6)), "k\0"])
    records = st.lists(
        st.builds(lambda k, v, r, n: record(k, str(v), no=r, name=n), keys, st.integers(1, 3), REFERENCES, NAMES),
        max_size=9,
    )
    bench.job += "guards: {max_missing: 100%}\n"
    for _ in range(3):
        drawn = data.draw(records)
        if incremental:  # where there are versions, a key names one customer
            references: dict[str, str | None] = {}
            drawn = [
                (key, version, values | {"no": references.setdefault(key, values["no"])})
                for key, version, values in drawn
            ]
        bench.source = FakeSource(drawn, incremental=incremental)
        refused = data.draw(st.sets(st.sampled_from(["A", "B", "k1", "k2"])))
        bench.target.refusals = {name: Refusal("save_failed", "", "no \0") for name in refused}
        summary = bench.run()
        assert summary.status == "completed"
        assert summary.counts.balanced
        assert summary.unfinished == 0
        assert count(bench.ledger, "intents") == 0
        bench.clock.forward(hours=25)
