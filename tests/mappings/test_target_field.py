"""What a list of people and firms holds is brought, by converters alone, to what each target asks for."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from mappings.converter import Converter
from mappings.digest import payloads
from mappings.field import FieldRule
from mappings.image import ImagePlace
from mappings.mapping import Mapper
from mappings.schema import check, target_schema
from mappings.system import load_system

# One line as such lists have it: everything is text, and much stands together.
LINE = {
    "no": "4711",
    "id": "7D0A3C52-61DE-4A0F-8A43-5F1B9F6C2E70",
    "person": "Frau Dr. Anna Maria von der Heide",
    "firm": "\ufeffAcme\u200b Ltd",
    "street": "Forsterstr. 57\r\nRear building",
    "place": "D-10115 Berlin",
    "country": "Germany",
    "coordinates": "52° 31' 12\" N 13° 24' 18\" E",
    "tel": "030/123456",
    "vat": "DE 136 695 976",
    "hetu": "131052-308t",
    "language": "Deutsch",
    "currency": "Euro",
    "born": "29.2.2000",
    "since": "45351",
    "member": "kyllä",
    "credit": "1.234,50",
    "accounts": "DE89 3704 0044 0532 0130 00; AT61 1904 3002 3457 3201",
    "owners": "Anna von der Heide; Acme Ltd",
    "banks": "coba de ff xxx;GIBAATWW",
    "note": "Wants to be called at noon",
}

WANTED: Mapping[str, Mapping[str, tuple[object, object]]] = {
    "valomnia": {
        "reference": ("no", "4711"),
        "name": ({"from": "firm", "convert": "clean"}, "Acme Ltd"),
        "isActive": ({"from": "member", "convert": "boolean"}, True),
        "billingCountry": ({"from": "country", "convert": "country_code"}, "DE"),
        "billingCity": ({"from": "place", "convert": "town"}, "Berlin"),
        "billingPostalCode": ({"from": "place", "convert": "postal_code"}, "10115"),
        "billingAddress": ({"from": "street", "convert": "one_line"}, "Forsterstr. 57, Rear building"),
        "billingLat": ({"from": "coordinates", "convert": "latitude"}, Decimal("52.52")),
        "billingLng": ({"from": "coordinates", "convert": "longitude"}, Decimal("13.405")),
        "phone": ({"from": ["tel", "country"], "convert": "phone_by_country"}, "+4930123456"),
        "taxNumber": ({"from": "vat", "convert": "vat_number"}, "DE136695976"),
        "currency": ({"from": "currency", "convert": "currency_code"}, "EUR"),
        "creditLimit": ({"from": "credit", "convert": {"decimal": ","}}, Decimal("1234.50")),
        "comment": ({"from": "note", "convert": {"truncate": 12}}, "Wants to be"),
    },
    "jtl": {
        "Number": ("no", "4711"),
        "CustomerGroupId": ({"const": "1"}, "1"),
        "InternalCompanyId": ({"const": "1"}, "1"),
        "LanguageIso": ({"from": "language", "convert": ["language_code", "upper"]}, "DE"),
        "BillingAddress.FormOfAddress": ({"from": "person", "convert": "salutation"}, "Frau"),
        "BillingAddress.Title": ({"from": "person", "convert": "title"}, "Dr."),
        "BillingAddress.FirstName": ({"from": "person", "convert": "first_name"}, "Anna Maria"),
        "BillingAddress.LastName": ({"from": "person", "convert": "last_name"}, "von der Heide"),
        "BillingAddress.Street": ({"from": "street", "convert": "first_line"}, "Forsterstr. 57"),
        "BillingAddress.Address2": ({"from": "street", "convert": "other_lines"}, "Rear building"),
        "BillingAddress.City": ({"from": "place", "convert": "town"}, "Berlin"),
        "BillingAddress.CountryIso": ({"from": "country", "convert": "country_code"}, "DE"),
        "BillingAddress.VatID": ({"from": ["vat", "country"], "convert": "vat_number_by_country"}, "DE136695976"),
        "BillingAddress.PhoneNumber": ({"from": "tel", "convert": {"phone": "DE"}}, "+4930123456"),
        "Birthday": ({"from": "born", "convert": {"date": "german"}}, "2000-02-29T00:00:00"),
        "CustomerSince": ({"from": "since", "convert": {"datetime": "excel"}}, "2024-02-29T00:00:00"),
    },
    "keypro": {
        "customerNumber": ("no", "4711"),
        "customerName": ({"from": "person", "convert": "last_name"}, "von der Heide"),
        "customerPhone": ({"from": "tel", "convert": {"phone": "Germany"}}, "+4930123456"),
        "socialSecurityNumber": ({"from": "hetu", "convert": {"tax_number": "fi.hetu"}}, "131052-308T"),
        "cooperativeMember": ({"from": "member", "convert": "boolean"}, True),
        "cooperativeDate": ({"from": "since", "convert": {"date": "excel"}}, "2024-02-29"),
    },
    "tradevest": {
        "entityId": ("id", "7d0a3c52-61de-4a0f-8a43-5f1b9f6c2e70"),
        "entityType": ({"const": "NATURAL_PERSON"}, "NATURAL_PERSON"),
        "refAccounts.iban": (
            {"from": "accounts", "convert": [{"split": ";"}, "iban"]},
            ["DE89370400440532013000", "AT611904300234573201"],
        ),
        "refAccounts.bic": ({"from": "banks", "convert": [{"split": ";"}, "bic"]}, ["COBADEFFXXX", "GIBAATWW"]),
        "refAccounts.ownerName": ({"from": "owners", "convert": {"split": ";"}}, ["Anna von der Heide", "Acme Ltd"]),
    },
}


@pytest.mark.parametrize("name", WANTED)
def test_a_line_becomes_what_the_target_asks_for(name: str, converters: dict[str, Converter], tmp_path: Path) -> None:
    """Each field has its form, and the description finds nothing wrong with the row."""
    system = load_system(name)
    wanted = WANTED[name]
    fields = {field: FieldRule.model_validate(rule) for field, (rule, _) in wanted.items()}
    mapped = Mapper(fields, system, converters, ImagePlace(tmp_path)).apply(pd.DataFrame([LINE], dtype="str"))
    assert not mapped.findings
    assert not check(target_schema(system, fields), mapped.rows)
    assert payloads(mapped.rows, [0]) == [{field: value for field, (_, value) in wanted.items()}]
    assert mapped.cut == ({"comment": {0}} if name == "valomnia" else {})
