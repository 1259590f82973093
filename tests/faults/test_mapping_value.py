"""Values on their way from record to row (FAULTS.md T02, T03, T04, T07, T09); the requests' bodies are the judge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from connectors.api.body import member
from flows.ledger.history import History
from flows.summary import ExitCode
from tests.faults.database_run import DatabaseRuns
from tests.faults.target_run import TargetRuns, target_runs
from tests.faults.target_wire import WRITES
from tests.flows.bench import JOB, Bench, record
from tests.flows.fake import FakeSource, TypedSource
from tests.server import Database

PAGES = JOB.replace("page_size: 3", "page_size: 100")


def codes(bench: Bench) -> dict[str, list[tuple[str, str]]]:
    """Give code and field of every open reject, by source key."""
    return {
        entry.source_key: [(each.code, each.field) for each in entry.findings]
        for entry in History(bench.ledger).rejects()
    }


def test_t02_a_value_that_the_table_lacks(bench: Bench) -> None:
    """Exactly those who have it are rejects, nothing is guessed for them, and an entry in the table mends them all."""
    countries = ["GB", "uk", "UK", "DE", "UK ", "G B", "", None]
    bench.source.records = [record(f"C-{n:03}", city=countries[n % len(countries)]) for n in range(400)]
    table = "{from: city, values: {GB: GB, DE: DE}}"
    bench.job = PAGES.replace("billingCity: city", f"billingCountry: {table}")
    assert bench.run().counts.invalid == 250
    known = {f"C-{n:03}" for n in range(400) if n % 8 in {0, 3, 7}}
    assert set(bench.target.journal) == known == set(bench.target.customers)
    assert codes(bench) == {
        f"C-{n:03}": [("unmapped_value", "billingCountry")] for n in range(400) if f"C-{n:03}" not in known
    }
    bench.job = bench.job.replace("values: {", "values: {UK: GB, ")
    bench.run()
    assert sorted(bench.target.journal) == [f"C-{n:03}" for n in range(400) if n % 8 == 2]
    assert {bench.target.customers[no]["billingCountry"] for no in bench.target.journal} == {"GB"}


@pytest.mark.parametrize(
    ("converter", "value"), [("fragile", "bad day"), ("fragile_column", "bad"), ("leaving", "bad")]
)
def test_t03_a_converter_that_raises(bench: Bench, converter: str, value: str) -> None:
    """Eleven customers on whom it does are eleven rejects of the mapping, and all others are sent."""
    failing = {f"C-{n:03}" for n in range(7, 1000, 97)}
    assert len(failing) == 11
    fine = None if converter == "leaving" else "fine"  # this one raises on whatever it is given
    records = [f"C-{n:03}" for n in range(1000)]
    bench.source.records = [record(key, city=value if key in failing else fine) for key in records]
    rule = f"{{from: city, convert: {converter}}}"
    bench.job = (
        PAGES.replace("billingCity: city", f"comment: {rule}") + "converters: [tests.mappings.sample_converters]\n"
    )
    summary = bench.run()
    assert (summary.exit_code, summary.status) == (ExitCode.REJECTS, "completed")
    assert sorted(bench.target.journal) == [key for key in records if key not in failing]
    assert codes(bench) == {key: [("converter_failed", "comment")] for key in sorted(failing)}
    assert {entry.stage for entry in History(bench.ledger).rejects()} == {"map"}


def bodies(runs: TargetRuns) -> dict[str, Mapping[str, object]]:
    """Give what was written of each customer in the last run, numbers as the texts that they were sent as."""
    found: dict[str, Mapping[str, object]] = {}
    for request in runs.tap.requests:
        if request.method not in WRITES or runs.api.is_login(request.path):
            continue
        if runs.api.json:
            body: dict[str, object] = json.loads(request.body, parse_float=str, parse_int=str)
        else:
            form = parse_qs(request.body.decode(), keep_blank_values=True)
            body = {name: values[0] for name, values in form.items()}
        reference = runs.app.vendor.reference(request)
        assert reference is not None
        found[reference] = body
    return found


TEXT_FIELDS = {"valomnia": "comment", "keypro": "note", "jtl": "Website"}
STATES: Mapping[str, object] = {"absent": ..., "null": None, "empty": ""}
NOTHING = "the field is not there"


@pytest.mark.parametrize("kind", TEXT_FIELDS)
def test_t04_absent_null_and_empty(kind: str, tmp_path: Path) -> None:
    """Nine ways to have no value: absent is never sent, null as the job says, and empty is an empty text."""
    emptied: object = None if kind != "valomnia" else ""  # a form knows no null
    expected: dict[str, dict[str, object]] = {
        "omit": {"absent": NOTHING, "null": NOTHING, "empty": ""},
        "clear": {"absent": NOTHING, "null": emptied, "empty": ""},
        "unknown": {"absent": NOTHING, "null": "unknown", "empty": ""},
    }
    for on_null, sent in expected.items():
        folder = tmp_path / on_null
        folder.mkdir()
        with target_runs(folder, kind) as runs:
            name = TEXT_FIELDS[kind]
            runs.fields |= {name: {"from": "value", "on_null": on_null}}
            records = [runs.record(n, "Ada") for n in range(len(STATES))]
            runs.source = TypedSource(records, columns=("no", "name", "value"), values=["before"] * 3)
            assert runs.run().exit_code is ExitCode.DONE
            runs.source = TypedSource(records, columns=("no", "name", "value"), values=list(STATES.values()))
            assert runs.run().exit_code is ExitCode.DONE
            written = bodies(runs)
            assert {
                state: NOTHING if (value := member(written[runs.ref(n)], name)) is ... else value
                for n, state in enumerate(STATES)
            } == sent, on_null
            shown = [member(each, name) or "" for each in runs.app.vendor.customers("")]
            left = ["before" if each is NOTHING else each or "" for each in sent.values()]
            assert shown == left, on_null


def test_t07_longer_than_the_field_of_jtl(tmp_path: Path) -> None:
    """A town of 256 letters is one reject with JTL-Wawi's own code; one of 255 arrives to its last letter."""
    with target_runs(tmp_path, "jtl") as runs:
        runs.fields |= {"BillingAddress.City": "town"}
        towns = ["x" * 255, "x" * 256, "ü" * 255, "Bonn"]
        runs.source = FakeSource(
            [(f"K-{n}", "1", {"no": f"C-{n}", "name": "Ada", "town": town}) for n, town in enumerate(towns)],
            columns=("no", "name", "town"),
        )
        runs.run()
        assert {no: member(body, "BillingAddress.City") for no, body in bodies(runs).items()} == {
            f"C-{n}": town for n, town in enumerate(towns) if n != 1
        }
        assert runs.codes == [("K-1", "VALIDATION_ERROR")]
        (finding,) = runs.rejects[0].findings
        assert (finding.field, finding.description) == (
            "BillingAddress.City",
            "BillingAddress.City has more than 255 characters",
        )


def test_t07_longer_than_the_field_of_tradevest(tmp_path: Path) -> None:
    """Where the target documents no code for it ours is `too_long`; nothing is cut, of texts as of lists."""
    with target_runs(tmp_path, "tradevest") as runs:
        labels = [",".join(map(str, range(count))) for count in (16, 17)]
        runs.source = FakeSource([runs.record(n, each) for n, each in enumerate(labels)], columns=("no", "name"))
        runs.run()
        assert runs.codes == [("K-001", "too_long")]
        assert {no: body["labels"] for no, body in bodies(runs).items()} == {runs.ref(0): labels[0].split(",")}


DECIMAL_FIELDS = {"valomnia": "creditLimit", "keypro": "cooperativeSum", "jtl": "PaymentSettings.Discount"}
MONEY: Sequence[tuple[object, str]] = [
    ("0.1", "0.1"),
    ("0.10", "0.10"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("1234567890123456.789", "1234567890123456.789"),
    ("0.0000001", "0.0000001"),
    (Decimal("0.1") + Decimal("0.2"), "0.3"),
    (Decimal("1E-7"), "0.0000001"),
    (Decimal("5E+3"), "5000"),
    (Decimal("19.90"), "19.90"),
    (0.1, "0.1"),
    (0.1 + 0.2, "0.30000000000000004"),
    (1e-7, "0.0000001"),
]


@pytest.mark.parametrize("kind", DECIMAL_FIELDS)
def test_t09_decimals_arrive_digit_by_digit(kind: str, tmp_path: Path) -> None:
    """What binary fractions cannot hold is sent as it is written, without an exponent; once sent it is unchanged."""
    with target_runs(tmp_path, kind) as runs:
        runs.fields |= {DECIMAL_FIELDS[kind]: "value"}
        records = [runs.record(n, "Ada") for n in range(len(MONEY))]
        values = [value for value, _ in MONEY]
        runs.source = TypedSource(records, columns=("no", "name", "value"), values=values)
        runs.run()
        sent = {no: member(body, DECIMAL_FIELDS[kind]) for no, body in bodies(runs).items()}
        assert sent == {runs.ref(n): text for n, (_, text) in enumerate(MONEY)}
        runs.run()
        assert runs.writes() == []


def test_t09_decimals_of_a_database(postgresql: Database, tmp_path: Path) -> None:
    """A column of type NUMERIC is read as the decimals that it holds."""
    values = ["0.1", "0.30", "0.0000001", "12345678901234567890.123456789", "-0.50"]
    postgresql.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, value NUMERIC)")
    rows = ", ".join(f"({n}, 'N', {value})" for n, value in enumerate(values))
    postgresql.execute(f"INSERT INTO customers VALUES {rows}")
    runs = DatabaseRuns(postgresql, tmp_path)
    try:
        del runs.settings["updated_at"]
        runs.fields |= {"creditLimit": "value"}
        runs.run()
        assert {no: format(held["creditLimit"], "f") for no, held in runs.target.customers.items()} == {
            str(n): value for n, value in enumerate(values)
        }
    finally:
        runs.ledger.close()
