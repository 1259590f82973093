"""Texts that a job has cut: the run and the dry run say for how many customers, and for nobody else is anything cut."""

from __future__ import annotations

from connectors.protocol import Refusal
from flows.selection import Selection
from tests.flows.bench import JOB, Bench, record
from tests.flows.command import Place, Shell
from tests.flows.fake import FakeSource, Record
from tests.flows.test_dry_run import rehearse

SHORT = JOB.replace("billingCity: city", "billingCity: {from: city, convert: {truncate: 4}}").replace(
    "name: name", "name: {from: name, convert: {truncate: 10}}"
)
CUT = " was cut short for "


def told(bench: Bench) -> list[str]:
    """Give what the last run said about cuts, and forget all that was said."""
    said = [text for text in bench.notices if CUT in text]
    bench.notices.clear()
    return said


def test_the_run_says_how_many_customers_were_cut(bench: Bench) -> None:
    """By field, over all pages, without a value; a dry run says the same beforehand, a run without changes nothing."""
    bench.job = SHORT
    bench.source.records = [record(f"C{n}", city="Berlin" if n % 2 else "Bonn") for n in range(8)]
    bench.source.records.append(record("C8", name="Bartholomew", city="Hamburg"))
    expected = [
        "billingCity was cut short for 5 customers, as the job asks",
        "name was cut short for 1 customer, as the job asks",
    ]
    rehearse(bench)
    assert told(bench) == expected
    bench.run()
    assert told(bench) == expected
    assert sorted({str(each["billingCity"]) for each in bench.target.customers.values()}) == ["Berl", "Bonn", "Hamb"]
    bench.run()
    assert told(bench) == []
    bench.run(Selection(full=True))
    assert told(bench) == []


def test_only_whom_the_target_took_counts(bench: Bench) -> None:
    """Neither whom we stopped nor whom it refused; they count once they are taken."""
    bench.job = SHORT
    bench.source.records = [
        record("A", city="Berlin"),
        record("B", name=None, city="Berlin"),
        record("C", city="Berlin"),
    ]
    bench.target.refusals["C"] = Refusal("customer_frozen", "", "is frozen")
    bench.run()
    assert told(bench) == ["billingCity was cut short for 1 customer, as the job asks"]
    bench.target.refusals.clear()
    bench.run(Selection(replay=True))
    assert told(bench) == ["billingCity was cut short for 1 customer, as the job asks"]


def test_a_customer_counts_once_in_a_run(bench: Bench) -> None:
    """Though newer versions of it come, and though it waits for its parent."""
    bench.job = SHORT.replace("page_size", "  parentCustomer: parent\npage_size")
    columns = ("no", "name", "city", "parent")
    family: list[Record] = [
        ("child", "1", {"no": "child", "name": "N", "city": "Berlin", "parent": "late"}),
        ("more", "1", {"no": "more", "name": "N", "city": None, "parent": None}),
        ("other", "1", {"no": "other", "name": "N", "city": "Berlin", "parent": None}),
        ("other", "2", {"no": "other", "name": "N", "city": "Hamburg", "parent": None}),
        ("late", "2", {"no": "late", "name": "N", "city": None, "parent": None}),
    ]
    bench.source = FakeSource(family, columns, incremental=True)
    summary = bench.run()
    assert bench.target.journal == ["more", "other", "late", "other", "child"]
    assert summary.counts.deferred == 0
    assert told(bench) == ["billingCity was cut short for 2 customers, as the job asks"]


def test_the_command_says_it_and_a_dry_run_foretells_it(place: Place, rollcall: Shell) -> None:
    """On standard error, where notices are; without `truncate` a text goes to the target as it is."""
    place.change_job("convert: strip", "convert: [strip, {truncate: 4}]")
    line = "name was cut short for 2 customers, as the job asks"  # Alpha and Gamma
    foretold = rollcall("run", place.job, "--dry-run", "--json")
    assert line in foretold.err
    said = rollcall("run", place.job, "--json")
    assert (said.code, said.json["created"]) == (0, 3)
    assert line in said.err
    assert "Alph" not in said.err + said.out
    assert line not in rollcall("run", place.job).err
    place.change_job("[strip, {truncate: 4}]", "strip")
    assert CUT not in rollcall("run", place.job).err


def test_a_job_that_cuts_references_is_refused(place: Place, rollcall: Shell) -> None:
    """Before anything is read."""
    place.change_job("reference: no", "reference: {from: no, convert: {truncate: 3}}")
    said = rollcall("run", place.job)
    assert said.code == 2
    assert "fields.reference: a reference is never cut" in said.err
