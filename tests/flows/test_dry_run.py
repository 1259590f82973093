"""Dry runs: they say what a run would do, ask nobody, and leave no trace."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.delivery.courier import Courier
from connectors.delivery.gate import Gate
from connectors.protocol import BrokenSourceError, PermanentError, Refusal
from flows.document import JobError
from flows.job import load_job
from flows.ledger.history import History, RejectEntry
from flows.ledger.ledger import Ledger
from flows.ledger.sketch import Sketch
from flows.plan import compile_job
from flows.rehearsal import Unsent
from flows.run import carry_out
from flows.selection import EVERYTHING, Selection
from flows.shield import POISON
from flows.summary import ExitCode, Summary
from flows.watch import Watch
from tests.flows.bench import JOB, Bench, record
from tests.flows.command import CUSTOMERS, WITH_REJECT, Place, Shell
from tests.flows.fake import FakeSource, Record

FAMILY_JOB = JOB.replace("billingCity: city", "parentCustomer: parent") + "filter: {city: [A, B]}\n"
COLUMNS = ("no", "name", "city", "parent")


def rehearse(bench: Bench, selection: Selection = EVERYTHING) -> tuple[Summary, list[RejectEntry]]:
    """Rehearse the bench's job, and give the summary with the rejects that would be."""
    path = bench.folder / "job.yaml"
    path.write_text(bench.job)
    sketch = Sketch.over(bench.state.url, bench.state.environment, bench.clock)
    try:
        plan = compile_job(load_job(path, {}), sketch.key)
        watch, post = Watch(on_notice=bench.notices.append), Unsent(bench.target.address)
        asked = replace(selection, dry_run=True)
        summary = asyncio.run(carry_out(plan, bench.source, post, sketch, watch, selection=asked))
        return summary, History(sketch).rejects("crm", int(summary.run_id))
    finally:
        sketch.close()


def told(summary: Summary) -> dict[str, Any]:
    """Give what a dry run and its run have to agree on."""
    return {**asdict(summary.counts), "exit_code": summary.exit_code, "status": summary.status}


def contents(bench: Bench) -> dict[str, list[tuple[Any, ...]]]:
    """Read everything that the ledger holds."""
    from sqlalchemy import select

    from flows.ledger import tables

    with bench.ledger.engine.connect() as connection:
        return {
            name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for name, table in tables.metadata.tables.items()
        }


def traces(folder: Path) -> dict[str, tuple[str, int]]:
    """Give digest and time of everything in a folder."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in folder.iterdir()
    }


def member(key: str, version: str = "1", **values: str | None) -> Record:
    """Make a customer who may belong to another."""
    return key, version, {"no": key, "name": "N", "city": "A", "parent": None, **values}


def zoo() -> list[Record]:
    """One of each: sound, without a name, filtered, a second one, in a circle, orphaned, a child before its parent."""
    return [
        member("child", parent="late"),
        member("sound"),
        member("nameless", name=None),
        member("filtered", city="C"),
        member("second", no="sound"),
        member("ring1", parent="ring2"),
        member("ring2", parent="ring1"),
        member("orphan", parent="nobody"),
        member("heir", parent="nameless"),
        member("late"),
    ]


def test_a_zoo_is_foretold_and_nothing_is_touched(bench: Bench) -> None:
    """Counts and rejects are those of the run afterwards; the ledger is as before, and the target was not asked."""
    bench.job, bench.source = FAMILY_JOB, FakeSource(zoo(), COLUMNS)
    before = contents(bench)
    foretold, rejects = rehearse(bench)
    assert (contents(bench), bench.target.journal, foretold.requests) == (before, [], 0)
    summary = bench.run()
    assert told(foretold) == told(summary)
    assert (foretold.counts.created, foretold.counts.invalid, foretold.counts.deferred) == (3, 4, 2)
    real = History(bench.ledger).rejects("crm", 1)
    assert [(each.source_key, each.stage, each.findings) for each in rejects] == [
        (each.source_key, each.stage, each.findings) for each in real
    ]


def test_a_second_zoo_is_foretold_from_what_the_ledger_knows(bench: Bench) -> None:
    """Changed, mended, taken over, freed and gone: each is told as the run then tells it."""
    bench.job, bench.source = FAMILY_JOB, FakeSource(zoo(), COLUMNS)
    bench.run()
    left = [each for each in zoo() if each[0] not in {"filtered", "ring2"}]
    changed = [
        (key, version, {**values, "name": "new"} if key in {"late", "nameless"} else values)
        for key, version, values in left
    ]
    bench.source.records = [*changed, member("filtered"), member("nobody")]
    before = contents(bench)
    foretold, _ = rehearse(bench)
    assert contents(bench) == before
    assert told(foretold) == told(bench.run())
    assert foretold.counts.updated == 1


@pytest.mark.parametrize(
    "selection", [Selection(full=True), Selection(limit=3), Selection(since=None, only="sound"), Selection(replay=True)]
)
def test_a_dry_run_takes_what_the_run_would_take(bench: Bench, selection: Selection) -> None:
    """Whatever part of the source was asked for."""
    bench.job, bench.source = FAMILY_JOB, FakeSource(zoo(), COLUMNS, incremental=True)
    bench.run()
    bench.source.records = [(key, "2", {**values, "name": "M"}) for key, _, values in zoo()]
    assert told(rehearse(bench, selection)[0]) == told(bench.run(selection))


def test_a_refusal_of_the_target_is_not_known_before_and_counts_afterwards(bench: Bench) -> None:
    """Foretold as created; once it has an open reject, it counts again as long as its pause lasts, and then not."""
    bench.source.records = [record("A"), record("B")]
    bench.target.refusals["A"] = Refusal("customer_frozen", "", "is frozen")
    assert rehearse(bench)[0].counts.created == 2
    bench.run()
    summary, rejects = rehearse(bench)
    assert (summary.counts.rejected, summary.counts.unchanged, summary.exit_code) == (1, 1, ExitCode.REJECTS)
    assert [finding.code for entry in rejects for finding in entry.findings] == ["customer_frozen"]
    bench.clock.forward(hours=1)
    assert rehearse(bench)[0].counts.created == 1


def test_the_watermark_is_read_from_and_left_alone(bench: Bench) -> None:
    """An incremental job's dry run reads what is new; a changed mapping makes it full, and is announced."""
    bench.source = FakeSource([record("A", "1"), record("B", "2")], incremental=True)
    bench.run()
    bench.source.records.append(record("C", "3"))
    for _ in range(2):
        assert rehearse(bench)[0].counts.created == 1
    assert bench.source.reads == [None, "2", "2"]
    bench.job = JOB.replace("billingCity: city", "comment: city")
    assert rehearse(bench)[0].counts.extracted == 3
    assert any("the mapping" in notice for notice in bench.notices)
    assert bench.run().counts.created == 1


def test_guards_stop_a_dry_run_as_they_would_the_run(bench: Bench) -> None:
    """Exit code 4, and the ledger has not forgotten the watermark."""
    bench.source = FakeSource([record("A", "1"), record("B", "2")], incremental=True)
    bench.run()
    for _ in range(4):
        bench.run(Selection(limit=1))
    records, bench.source.records = bench.source.records, []
    assert rehearse(bench, Selection(full=True))[0].exit_code is ExitCode.GUARD
    assert bench.ledger.watermark(1, "fake:source", "{}") is not None
    bench.source.records = [member(key, "3", name=None) for key, _, _ in records]
    bench.job += "guards: {max_rejected: 50%}\n"
    assert rehearse(bench)[0].exit_code is ExitCode.GUARD


@pytest.mark.parametrize("name", ["N", "new"])
def test_a_customer_in_doubt_is_foretold_to_be_sent(bench: Bench, name: str) -> None:
    """A send without an answer voids what was known of it, be it as it was before; the doubt stays in the ledger."""
    bench.source.records = [record("A"), record("B")]
    bench.run()
    bench.source.records[0] = record("A", name="new")
    bench.target.failures["A"] = [PermanentError("gone dark")]
    assert bench.run().exit_code is ExitCode.FAILED
    bench.source.records[0] = record("A", name=name)
    before = contents(bench)
    foretold, _ = rehearse(bench)
    assert contents(bench) == before
    assert (foretold.counts.updated, told(foretold)) == (1, told(bench.run()))


def test_it_works_beside_a_run_that_is_under_way(bench: Bench) -> None:
    """It neither waits for the lease nor takes the run for dead."""
    bench.source.records = [record("A")]
    bench.run()
    beside = bench.open_ledger()
    try:
        beside.take_lease("crm")
        beside.begin_run("crm", "fake:source", "fake:target", "f")
        summary, _ = rehearse(bench)
        assert (summary.counts.unchanged, summary.exit_code) == (1, ExitCode.DONE)
    finally:
        beside.close()
    assert "another run of this job is under way; this is told from how things stand now" in bench.notices
    assert not any("takes over" in notice for notice in bench.notices)


def test_a_run_that_died_is_told_but_not_taken_over(bench: Bench) -> None:
    """The dry run says what the next run would say, which says it once more."""
    bench.source.records = [record("A")]
    bench.run()
    bench.ledger.begin_run("crm", "fake:source", "fake:target", "f")
    summary, _ = rehearse(bench)
    assert summary.resumes_run_id == "2"
    assert bench.run().resumes_run_id == "2"


def test_quarantine_is_known(bench: Bench) -> None:
    """A record that ended three runs is not tried out again by a dry run."""
    bench.source.records = [record("A"), record("B")]
    bench.target.refusals["A"] = Refusal("customer_frozen", "", "is frozen")
    bench.run()
    with bench.ledger.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE rejects SET outcome = 'invalid', code = '{POISON}'")
    summary, rejects = rehearse(bench)
    assert (summary.counts.invalid, summary.counts.unchanged) == (1, 1)
    assert [finding.code for entry in rejects for finding in entry.findings] == [POISON]


def test_a_source_that_breaks_ends_it_as_it_ends_a_run(bench: Bench) -> None:
    """Exit code 2 in the first page, 1 later."""

    class Breaking(FakeSource):
        def pages(self, after: str | None, size: int) -> Any:
            """Break after the pages there are."""
            yield from super().pages(after, size)
            raise BrokenSourceError("line 9 cannot be parsed")

    for records, code in (([], ExitCode.JOB), ([record("A")], ExitCode.FAILED)):
        bench.source = Breaking(records)
        assert rehearse(bench)[0].exit_code is code


def test_entries_of_the_target_are_taken_for_granted(bench: Bench) -> None:
    """Nobody is asked for them, and nobody is invalid for them."""
    bench.job = JOB.replace("billingCity: city", "categoryId: city")
    bench.source.records = [record("A", city="no such category")]
    assert rehearse(bench)[0].counts.created == 1
    assert bench.target.asked == []


def test_a_dry_run_and_a_ledger_never_meet(bench: Bench) -> None:
    """Whoever mixes a run's parts with a dry run's is stopped before anything happens."""
    path = bench.folder / "job.yaml"
    path.write_text(bench.job)
    plan = compile_job(load_job(path, {}), bench.ledger.key)
    courier, sketch = Courier(bench.target, Gate(concurrency=1)), Sketch.over(
        bench.state.url, bench.state.environment, bench.clock
    )  # fmt: skip
    unsent, dry = Unsent("x"), Selection(dry_run=True)
    try:
        for post, ledger, selection in (
            (courier, sketch, EVERYTHING), (unsent, bench.ledger, EVERYTHING), (unsent, sketch, EVERYTHING),
            (courier, bench.ledger, dry), (unsent, bench.ledger, dry), (courier, sketch, dry),
        ):  # fmt: skip
            with pytest.raises(TypeError):
                asyncio.run(carry_out(plan, bench.source, post, ledger, Watch(), selection=selection))
    finally:
        sketch.close()


def test_without_a_ledger_none_is_made(place: Place, rollcall: Shell) -> None:
    """L29: no file comes, no request goes out, and JSON has a run's keys, but no number."""
    place.write_customers(WITH_REJECT)
    before = traces(place.folder)
    said = rollcall("run", place.job, "--dry-run", "--json")
    assert (said.code, traces(place.folder), place.requests) == (3, before, [])
    shown = said.json
    assert (shown["run_id"], shown["dry_run"], shown["created"], shown["invalid"]) == (None, True, 3, 1)
    groups = shown.pop("findings")
    assert [(group["count"], group["code"], group["field"]) for group in groups] == [(1, "missing_param", "name")]
    real = rollcall("run", place.job, "--json").json
    assert shown.keys() == real.keys()
    assert [shown[name] for name in ("extracted", "created", "invalid")] == [
        real[name] for name in ("extracted", "created", "invalid")
    ]


def test_an_existing_ledger_keeps_every_byte(place: Place, rollcall: Shell) -> None:
    """L29: neither content nor time of any file changes, and the target hears nothing."""
    assert rollcall("run", place.job).code == 0
    place.write_customers(WITH_REJECT.replace("Alpha", "Alpha AG"))
    place.app.journal.clear()
    before = traces(place.folder)
    said = rollcall("run", place.job, "--dry-run")
    assert (said.code, traces(place.folder), place.requests) == (3, before, [])
    assert "dry run of crm" in said.out
    assert "missing_param" in said.out
    assert "rollcall rejects" not in said.out
    assert "what the target itself would refuse is not known" in said.err
    assert [row["run_id"] for row in rollcall("runs", place.job, "--json").json["runs"]] == ["1"]


def test_a_missing_or_another_key_is_explained(place: Place, rollcall: Shell) -> None:
    """Exit code 2, as a run would; no key is made."""
    assert rollcall("run", place.job).code == 0
    key = place.folder / "rollcall.key"
    key.rename(place.folder / "elsewhere")
    said = rollcall("run", place.job, "--dry-run")
    assert (said.code, "the key of the ledger is missing" in said.err, key.exists()) == (2, True, False)
    key.write_text("another")
    said = rollcall("run", place.job, "--dry-run")
    assert (said.code, "written with another key" in said.err) == (2, True)


def test_a_ledger_on_a_server_needs_its_key(bench: Bench) -> None:
    """Without ROLLCALL_KEY there is nothing to compare hashes with."""
    if bench.state.url.startswith("sqlite"):
        pytest.skip("a file has its key beside it")
    with pytest.raises(JobError, match="ROLLCALL_KEY"):
        Sketch.over(bench.state.url, {}, bench.clock)


def test_dry_run_and_rekey_exclude_each_other(place: Place, rollcall: Shell) -> None:
    """One writes, the other does not."""
    said = rollcall("run", place.job, "--dry-run", "--rekey")
    assert (said.code, "choose one" in said.err) == (2, True)


def test_prefect_is_not_asked(place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be is for the shell that asks; no flow run is begun."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    place.write_customers(CUSTOMERS)
    said = rollcall("run", place.job, "--dry-run")
    assert (said.code, "Prefect did not begin" in said.err) == (0, False)


REFERENCES = st.sampled_from("ABCDEF")
VERSIONED = st.tuples(
    st.sampled_from(["k1", "k2", "k3", "k4", "k5", "k6"]),
    st.sampled_from("123"),
    REFERENCES,
    st.sampled_from(["N", "M", None]),
    st.sampled_from(["A", "B", "C"]),
    st.one_of(st.none(), REFERENCES),
)
STEPS = st.tuples(
    st.lists(VERSIONED, max_size=8),
    st.sampled_from([EVERYTHING, EVERYTHING, Selection(full=True), Selection(limit=2), Selection(replay=True)]),
    st.sampled_from([0, 600, 7200]),
)


@given(steps=st.lists(STEPS, min_size=1, max_size=4), incremental=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_dry_run_foretells_every_run_that_meets_no_fault(steps: list[Any], incremental: bool) -> None:  # noqa: FBT001 - given
    """Whatever stands in the source and the ledger: same figures, same rejects, and its own law holds."""
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        try:
            bench.job = FAMILY_JOB
            for number, (records, selection, seconds) in enumerate(steps):
                bench.source = FakeSource(_records(records, number, incremental=incremental), COLUMNS)
                bench.source.incremental = incremental
                bench.clock.forward(seconds=seconds)
                foretold, rejects = rehearse(bench, selection)
                summary = bench.run(selection)
                assert told(foretold) == told(summary)
                assert foretold.counts.balanced
                real = History(bench.ledger).rejects("crm", int(summary.run_id))
                assert [(each.source_key, each.findings) for each in rejects] == [
                    (each.source_key, each.findings) for each in real
                ]
        finally:
            bench.ledger.close()


def _records(drawn: list[Any], number: int, *, incremental: bool) -> list[Record]:
    """Make records; of an incremental source each key once, for one key with two references stops a run."""
    made = [
        member(key, f"{number}{version}", no=no, name=name, city=city, parent=parent)
        for key, version, no, name, city, parent in drawn
    ]
    return list({each[0]: each for each in made}.values()) if incremental else made


def test_a_sketch_is_over_an_empty_database_as_over_none(bench: Bench) -> None:
    """A ledger without a run knows nobody."""
    bench.source.records = [record("A")]
    assert rehearse(bench)[0].counts.created == 1
    assert isinstance(bench.ledger, Ledger)
