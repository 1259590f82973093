"""Replays: who is read again, in which order, and that everybody else is left alone."""

from __future__ import annotations

import pytest

from connectors.protocol import Refusal
from flows.document import JobError
from flows.ledger.history import History
from flows.ledger.ledger import Ledger
from flows.run import now
from flows.selection import Selection
from flows.summary import ExitCode
from tests.flows.bench import JOB, Bench, record
from tests.flows.command import CUSTOMERS, WITH_REJECT, Place, Shell
from tests.flows.fake import FakeSource, Record
from tests.state import open_findings

REPLAY = Selection(replay=True)
FROZEN = Refusal("customer_frozen", "", "is frozen")


def of_code(code: str) -> Selection:
    """Replay one code."""
    return Selection.of_replay(code)


def member(key: str, parent: str | None = None, *, name: str | None = "N", version: str = "1") -> Record:
    """Make a customer that may belong to another."""
    return key, version, {"no": key, "name": name, "parent": parent}


def test_l32_rejects_mended_in_source_and_target_arrive_once_each(bench: Bench) -> None:
    """L32: the pause is not waited for; each is sent once, and its reject closes with the replay's number."""
    bench.source.records = [record("A", name=None), record("B"), record("C")]
    bench.target.refusals["B"] = FROZEN
    assert bench.run().exit_code is ExitCode.REJECTS
    bench.source.records[0] = record("A")
    bench.target.refusals.clear()
    summary = bench.run(REPLAY)
    assert (summary.counts.extracted, summary.counts.created, summary.exit_code) == (2, 2, ExitCode.DONE)
    assert bench.target.journal == ["A", "B"]
    assert open_findings(bench.ledger) == []
    first = History(bench.ledger).rejects(run=1)
    assert {entry.source_key: entry.open for entry in first} == {"A": False, "B": False}
    assert [(run["kind"], run["created"]) for run in History(bench.ledger).runs()] == [("replay", 2), ("sync", 1)]
    assert bench.run(REPLAY).counts.extracted == 0


def test_only_the_rejected_are_read_and_the_watermark_stays(bench: Bench) -> None:
    """Records that changed meanwhile are the next run's."""
    bench.source = FakeSource([record("A", name=None), record("B", "2")], incremental=True)
    bench.run()
    mark = bench.ledger.watermark(1, "fake:source", "{}")
    bench.source.records = [record("A", "7"), record("B", "8", name="changed"), record("C", "9")]
    bench.source.reads.clear()
    bench.source.keys_read.clear()
    summary = bench.run(REPLAY)
    assert (summary.counts.extracted, bench.target.journal, bench.source.keys_read) == (1, ["A"], ["A"])
    assert bench.source.reads == []
    assert bench.ledger.watermark(1, "fake:source", "{}") == mark
    counts = bench.run().counts
    assert (counts.created, counts.updated) == (1, 1)


def test_a_reject_of_the_same_again_stays_open_and_counts(bench: Bench) -> None:
    """Who fails once more is one open reject, as before, and was tried once more."""
    bench.source.records = [record("A"), record("B", name=None)]
    bench.target.refusals["A"] = FROZEN
    bench.run()
    summary = bench.run(REPLAY)
    counts = summary.counts
    assert (counts.extracted, counts.rejected, counts.invalid, summary.exit_code) == (2, 1, 1, ExitCode.REJECTS)
    assert bench.target.journal == ["A"]
    assert [(entry.source_key, entry.tries) for entry in History(bench.ledger).rejects()] == [("A", 2), ("B", 2)]


def test_with_a_code_only_its_customers_are_tried(bench: Bench) -> None:
    """Any of a reject's findings counts; the deferred are left out."""
    bench.source.records = [record("A"), record("B", name=None), record("C")]
    bench.target.refusals |= {"A": FROZEN, "C": Refusal("not_found", "currency", "no such currency")}
    bench.run()
    bench.target.refusals.clear()
    assert bench.run(of_code("customer_frozen")).counts.created == 1
    assert bench.target.journal == ["A"]
    assert open_findings(bench.ledger) == [("B", "missing_param"), ("C", "not_found")]


def test_a_code_that_nobody_has_is_told_with_those_that_somebody_has(bench: Bench) -> None:
    """It is no failure: a run without a page, exit code 0."""
    bench.source.records = [record("A", name=None), record("B", name=None), record("C")]
    bench.target.refusals["C"] = FROZEN
    bench.run()
    summary = bench.run(of_code("not_found"))
    assert (summary.counts.extracted, summary.exit_code, summary.status) == (0, ExitCode.DONE, "completed")
    assert bench.notices[-1] == (
        "nothing to replay: no open reject has the code not_found; codes now: missing_param (2), customer_frozen (1)"
    )


def test_nothing_to_replay_is_said(bench: Bench) -> None:
    """And is exit code 0, with a run of no records."""
    bench.source.records = [record("A")]
    bench.run()
    assert bench.run(REPLAY).exit_code is ExitCode.DONE
    assert bench.notices[-1] == "nothing to replay: no reject is open, and no customer is deferred"
    bench.run(of_code("not_found"))
    assert bench.notices[-1].endswith("not_found; no reject is open at all")


def test_who_left_the_source_has_the_reject_closed_and_others_have_not(bench: Bench) -> None:
    """Absence says something of the very keys that were asked for, and of nobody else."""
    bench.source.records = [record("A", name=None), record("B"), record("C")]
    bench.target.refusals["B"] = FROZEN
    bench.run()
    bench.source.records.clear()
    assert bench.run(of_code("missing_param")).exit_code is ExitCode.DONE
    assert open_findings(bench.ledger) == [("B", "customer_frozen")]
    assert "1 reject closed: its record is no longer in the source" in bench.notices
    assert bench.run(REPLAY).exit_code is ExitCode.DONE
    assert open_findings(bench.ledger) == []


def test_a_line_that_cannot_be_read_may_be_anybody(bench: Bench) -> None:
    """Of a file that has one, nobody is concluded to have left it."""
    bench.source.records = [record("A", name=None), record("line 3")]
    bench.run()
    bench.source.records.pop(0)
    bench.source.unreadable = {"line 3": Refusal("field_count", "", "")}
    bench.run(REPLAY)
    assert open_findings(bench.ledger) == [("A", "missing_param")]
    assert "records that cannot be read stand in the source: who was not found may be among them" in bench.notices


def test_who_is_filtered_now_has_the_reject_closed(bench: Bench) -> None:
    """The job's filter of today decides."""
    bench.source.records = [record("A", name=None, city="X"), record("B", city="Y")]
    bench.run()
    bench.job = JOB + "filter: {city: [Y]}\n"
    summary = bench.run(REPLAY)
    assert (summary.counts.filtered, summary.exit_code) == (1, ExitCode.DONE)
    assert open_findings(bench.ledger) == []


def test_a_deferred_child_follows_a_parent_that_has_arrived(bench: Bench) -> None:
    """The parent was entered by hand at the target: it is looked up, and the child is sent."""
    bench.job = JOB.replace("billingCity: city", "parentCustomer: parent")
    bench.source = FakeSource([member("C", "P")], ("no", "name", "parent"), incremental=True)
    assert bench.run().counts.deferred == 1
    bench.target.customers["P"] = {}
    summary = bench.run(REPLAY)
    assert (summary.counts.created, summary.counts.deferred, bench.target.journal) == (1, 0, ["C"])


def test_a_mended_parent_and_its_child_arrive_in_one_replay(bench: Bench) -> None:
    """The parent first, though the source shows the child on a page before it."""
    bench.job = JOB.replace("billingCity: city", "parentCustomer: parent")
    bench.source = FakeSource([*(member(f"A{n}", "P") for n in range(4)), member("P")], ("no", "name", "parent"))
    bench.target.refusals["P"] = FROZEN
    assert bench.run().counts.deferred == 4
    bench.target.refusals.clear()
    summary = bench.run(REPLAY)
    assert (summary.counts.created, summary.counts.deferred, summary.exit_code) == (5, 0, ExitCode.DONE)
    assert (bench.target.journal[0], sorted(bench.target.journal)) == ("P", ["A0", "A1", "A2", "A3", "P"])


def test_the_holder_of_a_reference_keeps_it(bench: Bench) -> None:
    """A second record of one reference is read after the first, and stays invalid; nothing is sent."""
    bench.source.records = [record("k1", no="R"), record("k2", no="R", name="other")]
    bench.run()
    summary = bench.run(REPLAY)
    assert (summary.counts.extracted, summary.counts.unchanged, summary.counts.invalid) == (2, 1, 1)
    assert bench.target.journal == []


@pytest.mark.parametrize("selection", [REPLAY, Selection(replay=True, code="not_unique")])
def test_who_met_a_reference_first_keeps_it_though_it_was_refused(bench: Bench, selection: Selection) -> None:
    """Nobody holds the reference yet: the first record has it, though its key sorts last and its code is another."""
    bench.source = FakeSource([record("k1", "2", no="R", name="other"), record("k2", "1", no="R")], incremental=True)
    bench.target.refusals["R"] = FROZEN
    bench.run()
    assert sorted(open_findings(bench.ledger)) == [("k1", "not_unique"), ("k2", "customer_frozen")]
    bench.target.refusals.clear()
    summary = bench.run(selection)
    assert (summary.counts.created, summary.counts.invalid) == (1, 1)
    assert bench.target.customers["R"]["name"] == "N"


def test_due_rejects_of_a_run_leave_the_first_its_reference_as_well(bench: Bench) -> None:
    """The later record is due, the first one still waits for its pause: it keeps the reference meanwhile."""
    bench.source = FakeSource([record("k2", "1", no="R"), record("k1", "2", no="R", name="other")], incremental=True)
    bench.target.refusals["R"] = FROZEN
    bench.run()
    with bench.ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE rejects SET due_at = '9' WHERE source_key = 'k2'")
    bench.clock.forward(hours=1)
    bench.target.refusals.clear()
    assert bench.run().counts.created == 0
    assert bench.target.journal == []


def test_twins_of_one_key_are_found_again(bench: Bench) -> None:
    """A record that was told apart by its line is read by the key that it shares, and only it is taken."""
    bench.source.records = [record("K", no="A"), record("X"), record("K", no="B", name=None), record("K", no="C")]
    bench.run()
    assert [key for key, _ in open_findings(bench.ledger)] == ["K#4"]
    bench.source.records[2] = record("K", no="B")
    summary = bench.run(REPLAY)
    assert (summary.counts.created, bench.target.journal) == (1, ["B"])
    assert open_findings(bench.ledger) == []


def test_a_guard_against_many_rejects_does_not_stop_a_replay(bench: Bench) -> None:
    """Among rejects their share says nothing."""
    bench.job = JOB + "guards: {max_rejected: 30%}\n"
    bench.source.records = [record("A", name=None), *(record(f"C-{n}") for n in range(9))]
    bench.run()
    assert bench.run(REPLAY).exit_code is ExitCode.REJECTS


def test_an_empty_code_is_refused() -> None:
    """With a word on where codes are found."""
    with pytest.raises(JobError, match="rollcall rejects"):
        Selection.of_replay(" ")


def test_replay_from_the_shell_ends_as_a_run_does(place: Place, rollcall: Shell) -> None:
    """Exit code 3 while rejects are left, 0 once they are mended; JSON has the keys of a run's."""
    place.write_customers(WITH_REJECT)
    assert rollcall("run", place.job).code == 3
    assert rollcall("replay", place.job).code == 3
    place.write_customers(WITH_REJECT.replace("C-4,,", "C-4,Delta,"))
    said = rollcall("replay", place.job, "--code", "missing_param", "--json")
    assert (said.code, said.json["run_id"], said.json["extracted"], said.json["created"]) == (0, "3", 1, 1)
    assert said.json.keys() == rollcall("run", place.job, "--json").json.keys()
    assert rollcall("rejects", place.job, "--json").json["customers"] == 0


def test_replay_of_a_file_without_a_key_goes_by_lines(place: Place, rollcall: Shell) -> None:
    """Each line is its own record, in the replay as in the run."""
    place.change_job("  key: no\n", "")
    place.write_customers(WITH_REJECT)
    assert rollcall("run", place.job).code == 3
    place.write_customers(WITH_REJECT.replace("C-4,,", "C-4,Delta,"))
    assert rollcall("replay", place.job, "--json").json["created"] == 1


def test_replay_makes_no_ledger(place: Place, rollcall: Shell) -> None:
    """Where none is, none was named, or the wrong one: that is exit code 2."""
    said = rollcall("replay", place.job)
    assert (said.code, place.files) == (2, {"job.yaml", "customers.csv"})
    assert "there is no ledger" in said.err


def test_replay_beside_a_run_ends_with_5(place: Place, rollcall: Shell) -> None:
    """Two writers of one job would send customers twice."""
    assert rollcall("run", place.job).code == 0
    ledger = Ledger.open(f"sqlite:///{place.folder}/rollcall.db", {}, now)
    ledger.take_lease("crm")
    try:
        assert rollcall("replay", place.job).code == 5
    finally:
        ledger.close()
    place.write_customers(CUSTOMERS)
    assert rollcall("replay", place.job).code == 0
