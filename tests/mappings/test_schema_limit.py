"""Rows judged by what the descriptions of JTL-Wawi, Keypro and tradevest demand."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from mappings.finding import Finding
from mappings.schema import check, target_schema
from mappings.system import System


def test_limits_of_other_systems_are_checked() -> None:
    """Lengths, forms, choices and counts have our own codes where the vendor documents none."""
    system = System.model_validate(
        {
            "name": "x",
            "label": "X",
            "documentation": "",
            "reference": "Number",
            "fields": {
                "Number": {},
                "Address.City": {"min_length": 2, "max_length": 4},
                "iban": {"pattern": "[A-Z]{2}[0-9]+"},
                "kind": {"choices": ["A", "B"]},
                "labels": {"type": "list", "items": "text", "max_items": 1},
            },
        }
    )
    frame = pd.DataFrame(
        {
            "Number": ["1", "2"],
            "Address.City": ["Bonn", "Paris"],
            "iban": ["DE1", "de1"],
            "kind": ["A", "C"],
            "labels": [["a"], ["a", "b"]],
        }
    )
    assert check(target_schema(system, frame.columns), frame) == {
        1: [
            Finding("too_long", "Address.City", "Address.City has more than 4 characters"),
            Finding("invalid_value", "iban", "iban does not have the form that is asked for"),
            Finding("invalid_value", "kind", "kind is none of A, B"),
            Finding("too_long", "labels", "labels has more than 1 entries"),
        ]
    }
    short = frame.assign(**{"Address.City": "B"})
    assert check(target_schema(system, short.columns), short)[0][0].code == "too_short"


JTL_CUSTOMER: dict[str, object] = {
    "Number": "1",
    "CustomerGroupId": "1",
    "BillingAddress.City": "Bonn",
    "BillingAddress.CountryIso": "DE",
    "LanguageIso": "DE",
    "InternalCompanyId": "1",
}
TRADEVEST_CUSTOMER: dict[str, object] = {
    "entityId": "0a1b2c3d-0000-4000-8000-00000000000a",
    "entityType": "NATURAL_PERSON",
}


def complaints(system: System, **cells: object) -> list[tuple[str, str]]:
    """Check one row, with a double underscore for the dot of a name, and give codes and fields."""
    base = JTL_CUSTOMER if system.name == "jtl" else TRADEVEST_CUSTOMER if system.name == "tradevest" else {}
    row = {**base, **{name.replace("__", "."): value for name, value in cells.items()}}
    frame = pd.DataFrame({name: pd.Series([value, None], dtype=object).iloc[:1] for name, value in row.items()})
    return [(each.code, each.field) for each in check(target_schema(system, frame.columns), frame).get(0, [])]


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("2024-02-29", True),
        ("0001-01-01", True),
        ("2023-02-29", False),
        ("2024-2-9", False),
        ("20240229", False),
        ("2024-W09-4", False),
        ("29.02.2024", False),
        ("2024-02-29T00:00:00", False),
        ("", False),
        (20240229, False),
    ],
)
def test_a_day_is_iso_8601(keypro: System, value: object, *, fits: bool) -> None:
    """A date field takes days that exist, as YYYY-MM-DD."""
    expected = [] if fits else [("invalid_value", "cooperativeDate")]
    assert complaints(keypro, customerNumber="1", cooperativeDate=value) == expected


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("2023-02-01T13:30:00.0000000+00:00", True),
        ("2023-02-01T13:30:00Z", True),
        ("2023-02-01T13:30", True),
        ("2023-02-01T13:30:00.5", True),
        ("2023-02-01", False),
        ("1985-01-01T", False),
        ("2023-02-01T25:00:00", False),
        ("2023-02-30T13:30:00", False),
        ("2023-02-01 13:30:00", False),
        ("2023-02-01T13:30:00+01:60", False),
        ("yesterday", False),
    ],
)
def test_a_point_in_time_is_iso_8601(jtl: System, value: str, *, fits: bool) -> None:
    """A field of date and time takes points in time that exist, with or without a zone."""
    assert complaints(jtl, CustomerSince=value) == ([] if fits else [("VALIDATION_ERROR", "CustomerSince")])


def test_a_column_of_texts_is_checked_for_days_like_one_of_objects(keypro: System) -> None:
    """The fast text type of a file's column makes no difference."""
    frame = pd.DataFrame({"customerNumber": ["1", "2", "3"], "cooperativeDate": ["2024-02-29", "2024-02-30", None]})
    texts = frame.astype("str")
    assert list(check(target_schema(keypro, texts.columns), texts)) == [1]


@pytest.mark.parametrize(
    ("value", "fits"),
    [(2147483647, True), (-2147483648, True), (2147483648, False), (-2147483649, False), (True, False), ("x", False)],
)
def test_a_number_has_its_range(jtl: System, value: object, *, fits: bool) -> None:
    """Numbers beyond 32 bits are stopped in words that name the range."""
    expected = [] if fits else [("VALIDATION_ERROR", "PaymentSettings.CreditLimit")]
    assert complaints(jtl, PaymentSettings__CreditLimit=value) == expected
    assert jtl.finding("range", "PaymentSettings.CreditLimit").description == (
        "PaymentSettings.CreditLimit is not between -2,147,483,648 and 2,147,483,647"
    )


def test_ranges_are_open_on_either_side_and_include_their_ends() -> None:
    """A smallest or a greatest number may stand alone, also for decimals."""
    fields = {"no": {}, "low": {"type": "decimal", "minimum": "0.5"}, "high": {"type": "integer", "maximum": 9}}
    given = {"name": "x", "label": "X", "documentation": "", "reference": "no", "fields": fields}
    system = System.model_validate(given)
    assert complaints(system, no="1", low=Decimal("0.5"), high=9) == []
    assert complaints(system, no="1", low=Decimal("0.4"), high=10) == [
        ("invalid_value", "low"),
        ("invalid_value", "high"),
    ]
    assert complaints(system, no="1", low=Decimal("-Infinity")) == [("invalid_value", "low")]
    assert system.finding("range", "low").description == "low is not at least 0.5"
    assert system.finding("range", "high").description == "high is not at most 9"


def test_any_part_of_an_address_demands_its_town_and_country(jtl: System) -> None:
    """An address that is given at all has a town and a country; one of nulls alone is not given."""
    demanded = [("VALIDATION_ERROR", "Shipmentaddress.City"), ("VALIDATION_ERROR", "Shipmentaddress.CountryIso")]
    empty = {"Shipmentaddress__City": None, "Shipmentaddress__CountryIso": None, "Shipmentaddress__Street": None}
    assert complaints(jtl, **empty) == []
    assert complaints(jtl, **empty | {"Shipmentaddress__Street": "Main St 1"}) == demanded
    assert complaints(jtl, Shipmentaddress__Fax="030") == demanded
    assert complaints(jtl, **empty | {"Shipmentaddress__City": "Bonn"}) == demanded[1:]
    assert complaints(jtl, Shipmentaddress__City="Bonn", Shipmentaddress__CountryIso="DE") == []
    assert complaints(jtl, CustomAddress__Fax="030") == [
        ("VALIDATION_ERROR", "CustomAddress.City"),
        ("VALIDATION_ERROR", "CustomAddress.CountryIso"),
    ]


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        ([], []),
        (["a"] * 16, []),
        (["a"] * 17, ["too_long"]),
        (["a", ""], ["too_short"]),
        (["a", None], ["invalid_value"]),
        (["a", 7], ["invalid_value"]),
    ],
)
def test_a_list_is_judged_by_its_entries(tradevest: System, labels: list[object], codes: list[str]) -> None:
    """There are at most so many labels, and each has at least one character."""
    assert complaints(tradevest, labels=labels) == [(code, "labels") for code in codes]
    assert tradevest.finding("min_length", "labels").description == "an entry of labels has fewer than 1 characters"


@pytest.mark.parametrize(
    ("changes", "blamed"),
    [
        ({}, {}),
        ({"refAccounts__bankName": [None, "House Bank"]}, {}),
        ({"refAccounts__iban": ["DE00500105170000000001", "DE1"]}, {"refAccounts.iban": "invalid_value"}),
        ({"refAccounts__iban": ["DE00500105170000000001", None]}, {"refAccounts.iban": "invalid_value"}),
        ({"refAccounts__ownerName": ["Anna Smith", "  "]}, {"refAccounts.ownerName": "invalid_value"}),
        ({"refAccounts__ownerName": ["Anna Smith"]}, {"refAccounts.ownerName": "invalid_value"}),
        ({"refAccounts__ownerName": None}, {"refAccounts.ownerName": "invalid_value"}),
        ({"refAccounts__bic": ["COBADEFF", "X" * 12]}, {"refAccounts.bic": "invalid_value too_long"}),
        ({"refAccounts__type": ["PRIMARY", "SPARE"]}, {"refAccounts.type": "invalid_value"}),
        ({"entityId": "C-1"}, {"entityId": "invalid_value"}),
        ({"entityType": "PERSON"}, {"entityType": "invalid_value"}),
    ],
)
def test_bank_accounts_are_lists_side_by_side(
    tradevest: System, changes: dict[str, object], blamed: dict[str, str]
) -> None:
    """Lists of one object are of one length; each entry has its form, and number and owner are always there."""
    accounts: dict[str, object] = {
        "refAccounts__bankName": ["Town Bank", "House Bank"],
        "refAccounts__iban": ["DE00500105170000000001", "FR00500105170000000002"],
        "refAccounts__bic": ["COBADEFF", "COBADEFFXXX"],
        "refAccounts__type": ["PRIMARY", "OTHER"],
        "refAccounts__ownerName": ["Anna Smith", "Berta Smith"],
    }
    found: dict[str, list[str]] = {}
    for code, field in complaints(tradevest, **accounts | changes):
        found.setdefault(field, []).append(code)
    assert {field: " ".join(sorted(codes)) for field, codes in found.items()} == blamed
