"""Numbers that JSON cannot hold (FAULTS.md V12), and days that do not exist or can be read in several ways (V13).

The bodies that the target got are the judge; each is read as strictly as JSON is defined.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.api.body import member
from tests.faults.target_run import TargetRuns, target_runs
from tests.faults.target_wire import WRITES
from tests.flows.fake import FakeSource, Record, TypedSource

HUGE = 2**53 + 1  # the first whole number that a binary fraction cannot hold
DECIMALS: Mapping[str, str] = {
    "valomnia": "creditLimit",
    "keypro": "cooperativeSum",
    "jtl": "PaymentSettings.Discount",
}
# What comes typed from a database: the value, and what is sent of it; None where nothing is, Ellipsis where nobody is.
TYPED: Sequence[tuple[object, object]] = [
    (float("nan"), None),
    (Decimal("NaN"), None),
    (float("inf"), ...),
    (float("-inf"), ...),
    (1e309, ...),
    (Decimal("Infinity"), ...),
    (-0.0, 0),
    (Decimal("-0.00"), 0),
    (HUGE, HUGE),
    (Decimal(HUGE), HUGE),
    (float(2**53 + 2), 2**53 + 2),
    (1e308, 10**308),
    (1e-7, Decimal("0.0000001")),
    (True, ...),
]
# What comes as text from a file: only plain digits are a number.
TEXTS: Sequence[tuple[object, object]] = [
    *((text, ...) for text in ("NaN", "nan", "Infinity", "-Infinity", "inf", "1e309", "1e5", "1,5", "0x10", "٣", "")),
    ("-0", 0),
    (str(HUGE), HUGE),
    ("9007199254740993.5", Decimal("9007199254740993.5")),
]


def refuse_constant(name: str) -> object:
    """Refuse what JSON does not define."""
    raise AssertionError(f"{name} was sent")


def sent(runs: TargetRuns, name: str) -> dict[str, object]:
    """Give the number of each customer that was sent, as its body holds it; None where it does not."""
    found: dict[str, object] = {}
    for request in runs.tap.requests:
        if request.method not in WRITES or runs.api.is_login(request.path):
            continue
        reference = runs.app.vendor.reference(request)
        assert reference is not None
        if runs.api.json:
            body = json.loads(request.body, parse_float=Decimal, parse_constant=refuse_constant)
            value = member(body, name)
        else:
            value = parse_qs(request.body.decode()).get(name, [...])[0]
            value = value if value is ... else Decimal(str(value))
        found[reference] = None if value is ... else value
    return found


def stopped(runs: TargetRuns) -> set[str]:
    """Name the customers whom we stopped; a target may refuse a number that it finds too large."""
    return {entry.source_key for entry in runs.rejects if entry.outcome == "invalid"}


@pytest.mark.parametrize("kind", DECIMALS)
@pytest.mark.parametrize("values", [TYPED, TEXTS], ids=["typed", "texts"])
def test_v12_numbers_that_json_cannot_hold(kind: str, values: Sequence[tuple[object, object]], tmp_path: Path) -> None:
    """What is no finite number is one reject each and never a body; what is one arrives to its last digit."""
    with target_runs(tmp_path, kind) as runs:
        runs.fields |= {DECIMALS[kind]: "value"}
        records: list[Record] = [(f"K-{n}", "1", {"no": runs.ref(n), "name": "Ada"}) for n in range(len(values))]
        runs.source = TypedSource(records, columns=("no", "name", "value"), values=[value for value, _ in values])
        runs.run()
        expected = {runs.ref(n): number for n, (_, number) in enumerate(values) if number is not ...}
        assert sent(runs, DECIMALS[kind]) == expected
        assert stopped(runs) == {f"K-{n}" for n, (_, number) in enumerate(values) if number is ...}


def test_v12_whole_numbers(tmp_path: Path) -> None:
    """A whole number beyond what a binary fraction holds is sent to its last digit, and no fraction is cut off."""
    values = [(HUGE, HUGE), (str(HUGE), HUGE), (-0.0, 0), (7.0, 7), (7.5, ...), (float("inf"), ...), ("7.0", ...)]
    with target_runs(tmp_path, "keypro") as runs:
        runs.fields |= {"apartment": "value"}
        records: list[Record] = [(f"K-{n}", "1", {"no": runs.ref(n), "name": "Ada"}) for n in range(len(values))]
        runs.source = TypedSource(records, columns=("no", "name", "value"), values=[value for value, _ in values])
        runs.run()
        assert sent(runs, "apartment") == {
            runs.ref(n): number for n, (_, number) in enumerate(values) if number is not ...
        }
        assert stopped(runs) == {f"K-{n}" for n, (_, number) in enumerate(values) if number is ...}


# A day as the file has it, and what is sent by a field of days alone, and where the job names the format.
DAYS: Sequence[tuple[str, str | None, Mapping[str, str | None]]] = [
    ("2024-02-29", "2024-02-29", {}),
    ("2023-02-29", None, {}),
    ("2023-02-30", None, {}),
    ("0001-01-01", "0001-01-01", {}),
    ("0000-01-01", None, {}),
    ("9999-12-31", "9999-12-31", {}),
    ("10000-01-01", None, {}),
    ("2024-1-2", None, {}),
    ("20240102", None, {}),
    ("01/02/03", None, {"%d/%m/%Y": None, "%m/%d/%Y": None}),
    ("01/02/2003", None, {"%d/%m/%Y": "2003-02-01", "%m/%d/%Y": "2003-01-02"}),
    ("29/02/2023", None, {"%d/%m/%Y": None, "%m/%d/%Y": None}),
    ("31/12/9999", None, {"%d/%m/%Y": "9999-12-31", "%m/%d/%Y": None}),
    ("01/01/0001", None, {"%d/%m/%Y": "0001-01-01", "%m/%d/%Y": "0001-01-01"}),
]
FIELD = "cooperativeDate"


@pytest.mark.parametrize("form", [None, "%d/%m/%Y", "%m/%d/%Y"])
def test_v13_days(form: str | None, tmp_path: Path) -> None:
    """A day that exists is sent as ISO 8601, read by the format that the job names and by no other; else a reject."""
    days = {
        text: plain if form is None else named[form] for text, plain, named in DAYS if form is None or form in named
    }
    with target_runs(tmp_path, "keypro") as runs:
        rule: dict[str, Any] = {"from": "day"} if form is None else {"from": "day", "convert": [{"date": form}]}
        runs.fields |= {FIELD: rule}
        records: list[Record] = [(text, "1", {"no": f"C {text}", "name": "Ada", "day": text}) for text in days]
        runs.source = FakeSource(records, columns=("no", "name", "day"))
        runs.run()
        assert sent(runs, FIELD) == {f"C {text}": day for text, day in days.items() if day is not None}
        assert sorted(runs.codes) == sorted((text, "invalid_value") for text, day in days.items() if day is None)
