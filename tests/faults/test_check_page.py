"""Invalid customers among sound ones (FAULTS.md V01 to V05, V07, V16): who is kept back, who is sent, and who is told.

The target's own journal says who was sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from connectors.protocol import Page
from flows.ledger.history import History, RejectEntry
from flows.summary import ExitCode
from mappings import constraint
from mappings.value import Mask
from tests.faults.database_run import DatabaseRuns
from tests.flows.bench import JOB, Bench, record
from tests.flows.fake import FakeSource, Record
from tests.server import Database


@pytest.fixture
def crm(bench: Bench) -> Bench:
    """Give a job that reads pages of a hundred."""
    bench.job = JOB.replace("page_size: 3", "page_size: 100")
    return bench


def customers(count: int, nameless: Sequence[int] = ()) -> list[Record]:
    """Make customers, some of them without the name that the target requires."""
    return [record(f"C-{n:03}", name=None if n in nameless else f"Name {n}") for n in range(count)]


def rejects(crm: Bench) -> list[RejectEntry]:
    """List the open rejects."""
    return History(crm.ledger).rejects()


def test_v01_one_invalid_customer_in_a_page(crm: Bench) -> None:
    """All others of the page are sent, and the one is named by its line, its field and the target's own code."""
    crm.source.records = customers(100, [42])
    assert crm.run().exit_code is ExitCode.REJECTS
    assert sorted(crm.target.journal) == [f"C-{n:03}" for n in range(100) if n != 42]
    (entry,) = rejects(crm)
    assert (entry.source_key, entry.reference, entry.line, entry.stage) == ("C-042", "C-042", 44, "check")
    assert [(each.code, each.field) for each in entry.findings] == [("missing_param", "name")]


def test_v02_nobody_is_valid(crm: Bench) -> None:
    """The guard stops the run at the end of its first page: no request, a reject for each, and nobody is lost."""
    crm.source = FakeSource([record(f"C-{n:03}", f"{n:03}", name=None) for n in range(300)], incremental=True)
    crm.job += "guards: {max_rejected: 20%}\n"
    summary = crm.run()
    assert (summary.exit_code, summary.status, summary.counts.extracted) == (ExitCode.GUARD, "stopped", 100)
    assert (crm.target.journal, crm.target.asked, len(rejects(crm))) == ([], [], 100)
    crm.source.records = [record(f"C-{n:03}", f"{n + 300}") for n in range(300)]
    assert crm.run().exit_code is ExitCode.DONE
    assert (sorted(crm.target.journal), rejects(crm)) == ([f"C-{n:03}" for n in range(300)], [])


def test_v02_nobody_is_valid_and_nothing_guards(crm: Bench) -> None:
    """Without the guard the run goes to its end: still no request, and everybody is told."""
    crm.source.records = customers(300, range(300))
    summary = crm.run()
    assert (summary.exit_code, summary.counts.invalid) == (ExitCode.REJECTS, 300)
    assert (crm.target.journal, [entry.line for entry in rejects(crm)]) == ([], list(range(2, 302)))


@pytest.mark.parametrize(("limit", "most"), [("20%", 20), ("0.2", 20), ("29%", 29), ("0%", 0), ("100%", 100)])
def test_v03_as_many_as_may_be_and_one_more(crm: Bench, limit: str, most: int) -> None:
    """Exactly the share that the guard allows completes; one customer more is too many."""
    job = crm.job
    for name, invalid in (("exact", most), ("above", most + 1)):
        if invalid > 100:
            continue
        crm.job = job.replace("job: crm", f"job: {name}") + f"guards: {{max_rejected: {limit}}}\n"
        crm.source.records = customers(100, range(invalid))
        summary = crm.run()
        stops = name == "above"
        ended = ExitCode.GUARD if stops else ExitCode.REJECTS if invalid else ExitCode.DONE
        assert (summary.exit_code, summary.status) == (ended, "stopped" if stops else "completed")
        assert len(rejects(crm)) == invalid + (most if stops else 0)


@pytest.mark.parametrize(("limit", "most"), [("0.7%", 7), ("1.1%", 11), ("0.1%", 1), ("2.3%", 23), ("5.5%", 55)])
def test_v03_a_share_with_a_fraction(crm: Bench, limit: str, most: int) -> None:
    """The limit is the number that is written, not what binary fractions make of it; the message repeats it."""
    crm.job = crm.job.replace("page_size: 100", "page_size: 1000") + f"guards: {{max_rejected: {limit}}}\n"
    crm.source.records = customers(1000, range(most))
    assert crm.run().exit_code is ExitCode.REJECTS
    crm.source.records = customers(1000, range(most + 1))
    stopped = crm.run()
    assert stopped.exit_code is ExitCode.GUARD
    assert stopped.message is not None
    assert f"({limit})" in stopped.message


def test_v04_one_customer_breaks_four_rules(crm: Bench) -> None:
    """It is one reject that names them all, each with its own code and field, and one finding does not hide another."""
    crm.job = crm.job.replace(
        "  billingCity: city\n",
        "  isActive: active\n  currency: currency\n  billingCountry: {from: land, convert: country_code}\n",
    )
    columns = ("no", "name", "active", "currency", "land")
    sound = {"no": "A", "name": "Anna", "active": "true", "currency": "EUR", "land": "Norway"}
    wrong = {"no": "B", "name": None, "active": "perhaps", "currency": "euros", "land": "Atlantis"}
    crm.source = FakeSource([("A", "1", dict(sound)), ("B", "1", dict(wrong))], columns=columns)
    assert crm.run().counts.invalid == 1
    assert crm.target.journal == ["A"]
    (entry,) = rejects(crm)
    assert sorted((each.code, each.field) for each in entry.findings) == [
        ("invalid_param_type", "isActive"),
        ("invalid_value", "billingCountry"),
        ("missing_param", "name"),
        ("not_found", "currency"),
    ]


@dataclass
class ChunkedSource(FakeSource):
    """Gives pages whose rows share their index labels, as chunks do that were put together."""

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read, and put each page together from chunks of three."""
        for page in super().pages(after, size):
            chunks = [page.records.iloc[at : at + 3].reset_index(drop=True) for at in range(0, page.counted, 3)]
            yield replace(page, records=pd.concat(chunks))


def test_v05_rows_that_share_their_index_labels(crm: Bench) -> None:
    """Only the bad customer is kept back, whichever stage finds it, and every other has its own values."""
    crm.job = (
        crm.job.replace("name: name", "name: {from: [name, city], convert: join_words}")
        + "filter: {city: [Bern, Basel]}\n"
    )
    crm.source = ChunkedSource([record(f"C-{n}", name=f"N{n}", city="Bern") for n in range(30)])
    crm.source.records[4] = record("C-4", name="filtered", city="Zug")
    crm.source.records[10] = record("C-10", no="..", name="invalid", city="Bern")
    crm.source.records[20] = record("C-20", no="C-2", name="second", city="Basel")
    summary = crm.run()
    assert (summary.counts.filtered, summary.counts.invalid) == (1, 2)
    assert sorted(crm.target.journal) == sorted(f"C-{n}" for n in range(30) if n not in {4, 10, 20})
    assert {no: held["name"] for no, held in crm.target.customers.items()} == {
        f"C-{n}": f"N{n} Bern" for n in range(30) if n not in {4, 10, 20}
    }
    assert [(entry.source_key, entry.findings[0].code) for entry in rejects(crm)] == [
        ("C-10", "unsafe_reference"),
        ("C-20", "not_unique"),
    ]


def test_v07_text_in_a_column_of_whole_numbers_of_a_file(crm: Bench) -> None:
    """The reject names the line and the field, and the numbers around it stay whole numbers."""
    crm.job = crm.job.replace("  billingCity: city\n", "  dueDateConfigNumber: city\n")
    crm.source.records = [record(f"C-{n}", city="soon" if n == 42 else str(n)) for n in range(100)]
    crm.run()
    assert {no: held["dueDateConfigNumber"] for no, held in crm.target.customers.items()} == {
        f"C-{n}": n for n in range(100) if n != 42
    }
    (entry,) = rejects(crm)
    assert (entry.line, [(each.code, each.field) for each in entry.findings]) == (
        44,
        [("invalid_param_type", "dueDateConfigNumber")],
    )


def test_v07_text_in_a_column_of_whole_numbers_of_a_database(sqlite: Database, tmp_path: Path) -> None:
    """A typed column may hold a text as well (SQLite lets it): the record is named by its key, the others arrive."""
    sqlite.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, days INTEGER)")
    sqlite.execute("INSERT INTO customers VALUES " + ", ".join(f"({n}, 'N', {n})" for n in range(100)))
    sqlite.execute("UPDATE customers SET days = 'soon' WHERE id = 42")
    runs = DatabaseRuns(sqlite, tmp_path)
    try:
        del runs.settings["updated_at"]
        runs.fields |= {"dueDateConfigNumber": "days"}
        runs.run()
        assert {no: held["dueDateConfigNumber"] for no, held in runs.target.customers.items()} == {
            str(n): n for n in range(100) if n != 42
        }
        (entry,) = History(runs.ledger).rejects()
        assert (entry.source_key, [(each.code, each.field) for each in entry.findings]) == (
            "42",
            [("invalid_param_type", "dueDateConfigNumber")],
        )
    finally:
        runs.ledger.close()


def test_v16_a_rule_that_raises(crm: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one customer on whom it does is a reject that names the rule and the error's kind; all others are judged."""
    rule = constraint.missing

    def fragile(column: pd.Series) -> Mask:
        if (column == "canary").any():
            raise ZeroDivisionError("canary")
        return rule(column)

    monkeypatch.setattr(constraint, "missing", fragile)
    crm.source.records = [record(f"C-{n:03}", name="canary" if n == 42 else f"N{n}") for n in range(100)]
    crm.source.records[70] = record("C-070", name=None)
    summary = crm.run()
    assert (summary.exit_code, summary.status) == (ExitCode.REJECTS, "completed")
    assert sorted(crm.target.journal) == [f"C-{n:03}" for n in range(100) if n not in {42, 70}]
    found = {entry.source_key: [(each.code, each.field) for each in entry.findings] for entry in rejects(crm)}
    assert found == {"C-042": [("rule_error", "name")], "C-070": [("missing_param", "name")]}
    assert rejects(crm)[0].findings[0].description == "the check required raised ZeroDivisionError"
    monkeypatch.undo()
    crm.clock.forward(hours=25)
    assert crm.run().counts.created == 1
    assert crm.target.journal == ["C-042"]
