"""Mapped values of every kind become the type of their field."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd

from mappings.converter import Converter
from mappings.digest import payloads
from mappings.mapping import Mapper
from mappings.system import System
from tests.mappings.conftest import MapRecords
from tests.mappings.test_mapping import frame, rules, texts


def test_text_of_a_file_becomes_the_fields_type(map_records: MapRecords) -> None:
    """Canonical text becomes numbers, booleans and lists; other text stays, for the checks to name."""
    records = texts(active=["true", "Yes"], days=["7", "007"], limit=["12.50", "1e5"], kinds=["7,8", "7,x"])
    mapped = map_records(
        {
            "isActive": "active",
            "dueDateConfigNumber": "days",
            "creditLimit": "limit",
            "paymentTypes": {"from": "kinds", "convert": {"split": ","}},
        },
        records,
    )
    assert mapped.rows["isActive"].tolist() == [True, "Yes"]
    assert mapped.rows["dueDateConfigNumber"].tolist() == [7, "007"]
    assert mapped.rows["creditLimit"].tolist() == [Decimal("12.50"), "1e5"]
    assert mapped.rows["paymentTypes"].tolist() == [["7", "8"], ["7", "x"]]


def test_typed_values_become_the_fields_type(map_records: MapRecords) -> None:
    """A database's numbers and booleans become canonical text in text fields, and never floats."""
    records = frame(
        no=[10443, 7.0], flag=[True, False], limit=[0.1, Decimal("5.00")], days=[7.0, Decimal(30)], kinds=[[7, 8.0], []]
    )
    fields = {"barcode": "no", "comment": "flag", "creditLimit": "limit", "dueDateConfigNumber": "days"}
    mapped = map_records({**fields, "regionId": "no", "paymentTypes": "kinds"}, records)
    assert mapped.rows["barcode"].tolist() == ["10443", "7"]
    assert mapped.rows["regionId"].tolist() == ["10443", "7"]
    assert mapped.rows["paymentTypes"].tolist() == [["7", "8"], []]
    assert mapped.rows["comment"].tolist() == ["true", "false"]
    assert [str(cell) for cell in mapped.rows["creditLimit"]] == ["0.1", "5.00"]
    assert mapped.rows["dueDateConfigNumber"].tolist() == [7, 30]
    assert [type(cell) for cell in mapped.rows["dueDateConfigNumber"]] == [int, int]


def test_days_and_points_in_time_become_iso_text(jtl: System, converters: dict[str, Converter]) -> None:
    """A typed source's dates, and a file's, become the text that the field takes; other text stays."""
    fields = rules(
        Number={"const": "1"},
        CustomerSince="since",
        Birthday="born",
        CustomerGroupId={"const": 7},
        LanguageIso={"const": "DE"},
        InternalCompanyId={"const": "1"},
        **{"BillingAddress.City": {"const": "Bonn"}, "BillingAddress.CountryIso": {"const": "DE"}},
    )
    moment = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)
    records = frame(
        since=[moment, pd.Timestamp("2024-02-29 12:00"), None], born=[dt.date(1985, 1, 2), "1985-01-02", "x"]
    )
    mapped = Mapper(fields, jtl, converters).apply(records)
    assert mapped.rows["CustomerSince"].tolist()[:2] == ["2024-02-29T12:00:00+00:00", "2024-02-29T12:00:00"]
    assert mapped.rows["Birthday"].tolist() == ["1985-01-02T00:00:00", "1985-01-02T00:00:00", "x"]
    assert mapped.rows["CustomerGroupId"].tolist() == ["7", "7", "7"]


def test_columns_of_numbers_are_mapped_like_objects(map_records: MapRecords) -> None:
    """A page whose column pandas typed as numbers gives the same rows as one of objects."""
    records = pd.DataFrame({"no": [1, 2], "limit": [0.5, None]})
    mapped = map_records({"reference": "no", "creditLimit": "limit"}, records)
    assert payloads(mapped.rows, [0, 1]) == [
        {"reference": "1", "name": "Anna", "creditLimit": Decimal("0.5")},
        {"reference": "2", "name": "Anna"},
    ]


def test_equal_values_of_different_types_stay_different(map_records: MapRecords) -> None:
    """1, True and "1" in one column are not taken for each other."""
    mapped = map_records({"comment": "a"}, frame(a=[1, True, "1", Decimal("1.0")]))
    assert mapped.rows["comment"].tolist() == ["1", "true", "1", "1.0"]
