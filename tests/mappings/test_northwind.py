"""The first real file through the whole of mappings: checked, mapped, checked again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from mappings.converter import Converter
from mappings.digest import payloads
from mappings.field import FieldRule
from mappings.finding import Findings, merge
from mappings.mapping import Mapper
from mappings.schema import check, source_schema, target_schema
from mappings.system import System

FILE = Path(__file__).parents[3] / "shared" / "data" / "northwind_customers.csv"

FIELDS: Mapping[str, object] = {
    "reference": "CustomerID",
    "name": {"from": "CompanyName", "convert": "strip"},
    "billingAddress": {"from": "Address", "convert": "squeeze"},
    "billingCity": "City",
    "billingPostalCode": "PostalCode",
    "billingCountry": {"from": "Country", "convert": "country_code"},
    "phone": "Phone",
    "fax": "Fax",
    "comment": {"from": ["ContactName", "ContactTitle"], "convert": {"join_words": ", "}},
    "currency": {"const": "EUR"},
    "isActive": {"const": True},
}

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the sample file is not part of this checkout")


@pytest.fixture(scope="module")
def result(valomnia: System, converters: dict[str, Converter]) -> tuple[dict[str, dict[str, object]], Findings]:
    """Take the file all the way: payloads by reference, and findings."""
    records = pd.read_csv(FILE, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8")
    mapper = Mapper({name: FieldRule.model_validate(rule) for name, rule in FIELDS.items()}, valomnia, converters)
    mapped = mapper.apply(records)
    found = merge(
        check(source_schema(mapper.source_columns, key=["CustomerID"]), records),
        mapped.findings,
        check(target_schema(valomnia, mapper.fields), mapped.rows),
    )
    rows = payloads(mapped.rows, [position for position in range(len(records)) if position not in found])
    return {str(row["reference"]): row for row in rows}, found


def test_all_customers_are_sound(result: tuple[dict[str, dict[str, object]], Findings]) -> None:
    """All 93 lines are mapped, to 93 different references, without a finding."""
    rows, found = result
    assert found == {}
    assert len(rows) == 93


def test_a_full_line_becomes_a_full_payload(result: tuple[dict[str, dict[str, object]], Findings]) -> None:
    """Every cell of a line arrives in its field; the doubled blank in the street is one."""
    assert result[0]["BERGS"] == {
        "reference": "BERGS",
        "name": "Berglunds snabbköp",
        "billingAddress": "Berguvsvägen 8",
        "billingCity": "Luleå",
        "billingPostalCode": "S-958 22",
        "billingCountry": "SE",
        "phone": "0921-12 34 65",
        "fax": "0921-12 34 67",
        "comment": "Christina Berglund, Order Administrator",
        "currency": "EUR",
        "isActive": True,
    }


def test_a_line_of_hardly_anything_sends_hardly_anything(
    result: tuple[dict[str, dict[str, object]], Findings],
) -> None:
    """Empty cells send no field, and the reference loses its blank at the end."""
    rows, _ = result
    constants = {"currency": "EUR", "isActive": True}
    assert rows["Val2"] == {"reference": "Val2", "name": "IT", "comment": "Val2, IT", **constants}
    assert rows["VALON"] == {"reference": "VALON", "name": "IT", "comment": "Valon Hoti, IT", **constants}


@pytest.mark.parametrize(
    ("reference", "code"),
    [("AROUT", "GB"), ("GREAL", "US"), ("ALFKI", "DE"), ("GROSR", "VE"), ("SIMOB", "DK"), ("RICSU", "CH")],
)
def test_countries_become_codes(
    result: tuple[dict[str, dict[str, object]], Findings], reference: str, code: str
) -> None:
    """Names in daily use such as UK and USA become ISO codes."""
    assert result[0][reference]["billingCountry"] == code


def test_leading_zeros_survive(result: tuple[dict[str, dict[str, object]], Findings]) -> None:
    """Postal codes are text and keep their zeros."""
    assert result[0]["MORGK"]["billingPostalCode"] == "04179"
