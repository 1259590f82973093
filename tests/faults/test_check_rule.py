"""Rules side by side: none hides another's finding (FAULTS.md V06), and each knows what null means (V09)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.summary import ExitCode
from mappings.finding import Findings
from mappings.schema import Schema, check, target_schema
from mappings.system import System, load_system
from mappings.value import CLEAR
from tests.faults.target_run import target_runs
from tests.flows.fake import FakeSource, Record

# Cells of each field, right and wrong, and the one that mends the field, whatever stands beside it.
CELLS: Mapping[str, Mapping[str, tuple[list[object], object]]] = {
    "valomnia": {
        "reference": (["R", None, " ", "..", "R\x07", 7], "Sound"),
        "name": (["Anna", None, "", CLEAR, 7], "Anna"),
        "isActive": ([True, None, "x", 1, CLEAR], True),
        "dueDateConfigType": (["1", "2", "3", None, 7], None),
        "dueDateConfigNumber": ([7, None, "x", True, CLEAR], 7),
        "isSubCustomer": ([True, False, None, "x"], False),
        "parentCustomer": (["R", "P", None, "..", CLEAR, 7], "P"),
        "currency": (["EUR", None, "euros", 7], "EUR"),
        "paymentTypes": ([["7"], None, ["x"], [True], "7"], ["7"]),
    },
    "jtl": {
        "Number": (["R", None, "..", 7], "Sound"),
        "CustomerGroupId": (["1", None, "x", CLEAR], "1"),
        "BillingAddress.City": (["Bonn", None, " ", "x" * 256, 7], "Bonn"),
        "BillingAddress.CountryIso": (["DE", None, "DEUTSCH"], "DE"),
        "Shipmentaddress.Street": (["Lane 1", None, 7], "Lane 1"),
        "Shipmentaddress.City": (["Bonn", None, "x" * 256], "Bonn"),
        "Shipmentaddress.CountryIso": (["DE", None, "DEUTSCH"], "DE"),
        "PaymentSettings.CreditLimit": ([5, None, 2**31, "x", CLEAR], 5),
        "Birthday": (["2024-02-29T00:00:00", None, "2023-02-29T00:00:00", "soon"], None),
        "LanguageIso": (["DE", None, ""], "DE"),
        "InternalCompanyId": (["1", None, "x"], "1"),
    },
}
LIMITS = System.model_validate(
    {
        "name": "limits",
        "label": "Limits",
        "documentation": "",
        "reference": "no",
        "fields": {
            "no": {},
            "longest": {"max_length": 4},
            "shortest": {"min_length": 2},
            "formed": {"pattern": "[A-Z]+"},
            "chosen": {"choices": ["A"]},
            "demanded": {"required": True, "min_length": 2, "max_length": 4},
            "many": {"type": "list", "items": "text", "max_items": 1, "min_length": 1},
            "counted": {"type": "integer", "minimum": 1, "maximum": 9},
        },
    }
)
SOUND: Mapping[str, object] = {
    "no": "1",
    "longest": "abcd",
    "shortest": "ab",
    "formed": "A",
    "chosen": "A",
    "demanded": "abc",
    "many": ["a"],
    "counted": 5,
}


@cache
def schema(kind: str) -> Schema:
    """Make the schema of all fields of a system that have cells here."""
    return target_schema(load_system(kind), CELLS[kind])


def judged(schema: Schema, rows: list[dict[str, object]]) -> Findings:
    """Check rows on one page."""
    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in rows[0]})
    return check(schema, frame)


@pytest.mark.parametrize("kind", CELLS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_v06_what_is_found_at_first_is_all(kind: str, data: Any) -> None:
    """Who passed passes again, each alone is told what it is told among others, and who is mended passes at once."""
    cells, rules = CELLS[kind], schema(kind)
    row = st.fixed_dictionaries({name: st.sampled_from(drawn) for name, (drawn, _) in cells.items()})
    rows = data.draw(st.lists(row, min_size=1, max_size=6))
    found = judged(rules, rows)
    assert {at: judged(rules, [each])[0] for at, each in enumerate(rows) if at in found} == found
    assert [judged(rules, [each]) for at, each in enumerate(rows) if at not in found] == [{}] * (len(rows) - len(found))
    mended = [
        {**rows[at], **{finding.field: cells[finding.field][1] for finding in findings}}
        for at, findings in found.items()
    ]
    assert not mended or judged(rules, mended) == {}


@pytest.mark.parametrize("empty", [None, CLEAR], ids=["null", "cleared"])
@pytest.mark.parametrize("name", [name for name in SOUND if name != "no"])
def test_v09_null_where_a_rule_stands(name: str, empty: object) -> None:
    """A field that may be empty breaks no rule of length, form or range by being so; a required one is missing."""
    found = judged(target_schema(LIMITS, SOUND), [dict(SOUND), {**SOUND, name: empty}])
    assert {at: [(each.code, each.field) for each in each_row] for at, each_row in found.items()} == (
        {1: [("invalid_value", "demanded")]} if name == "demanded" else {}
    )
    if empty is None and name not in {"many", "counted"}:  # a column of text has a type of its own
        texts = pd.DataFrame({"no": ["1", "2"], "demanded": ["abc", "abc"], name: [SOUND[name], None]}).astype("str")
        assert list(check(target_schema(LIMITS, texts.columns), texts)) == ([1] if name == "demanded" else [])


def test_v09_null_in_an_address_of_a_customer(tmp_path: Path) -> None:
    """JTL-Wawi limits the length of two towns: one may be null and is not sent, the other is demanded and stops."""

    def record(key: str, city: str | None, shipping: str | None, country: str | None) -> Record:
        return key, "1", {"no": key, "name": "Ada", "city": city, "shipping": shipping, "country": country}

    with target_runs(tmp_path, "jtl") as runs:
        runs.fields |= {
            "BillingAddress.City": "city",
            "Shipmentaddress.City": "shipping",
            "Shipmentaddress.CountryIso": "country",
        }
        records = [
            record("both", "Bonn", "Kiel", "DE"),
            record("one", "Bonn", None, None),
            record("none", None, None, None),
            record("half", "Bonn", None, "DE"),
            record("long", "Bonn", "x" * 256, "DE"),
        ]
        runs.source = FakeSource(records, columns=("no", "name", "city", "shipping", "country"))
        assert runs.run().exit_code is ExitCode.REJECTS
        bodies = [
            json.loads(each.body) for each in runs.tap.requests if (each.method, each.path) == ("POST", "/customers")
        ]
        assert {each["Number"]: each.get("Shipmentaddress") for each in bodies} == {
            "both": {"City": "Kiel", "CountryIso": "DE"},
            "one": None,
        }
        assert {entry.source_key: [finding.field for finding in entry.findings] for entry in runs.rejects} == {
            "none": ["BillingAddress.City"],
            "half": ["Shipmentaddress.City"],
            "long": ["Shipmentaddress.City"],
        }
