"""Proposals of a job's fields: between any two systems, and from the columns of files."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pandas as pd
import pytest

from mappings.converter import Converter
from mappings.digest import payloads
from mappings.field import FieldRule
from mappings.mapping import Mapper
from mappings.proposal import contested, propose, unproposed
from mappings.schema import check, target_schema
from mappings.system import System, load_system, system_names

CRM = [
    *("Kundennummer", "Firma", "Vorname", "Nachname", "Straße", "Hausnr", "PLZ", "Ort", "Land", "E-Mail", "Telefon"),
    *("Handy", "Kreditlimit", "Zahlungsziel", "Geburtsdatum", "aktiv", "Bemerkung", "IBAN", "Kontoinhaber", "Tags"),
]
# What nobody but the job's author can know of each target.
OPEN: Mapping[str, Mapping[str, object]] = {
    "valomnia": {"name": "Anna"},
    "keypro": {},
    "jtl": {
        "CustomerGroupId": 1,
        "BillingAddress.City": "Bonn",
        "BillingAddress.CountryIso": "DE",
        "LanguageIso": "DE",
        "InternalCompanyId": 1,
    },
    "tradevest": {"entityType": "LEGAL_ENTITY", "refAccounts.ownerName": ["Anna Smith"]},
}


def mapper_of(target: System, fields: Mapping[str, object], converters: dict[str, Converter]) -> Mapper:
    """Compile a proposal as a job would, with the missing fields filled in; nothing else may be missing."""
    rest = {name: {"const": OPEN[target.name][name]} for name in unproposed(target, fields)}
    rules = {name: FieldRule.model_validate(rule) for name, rule in {**fields, **rest}.items()}
    return Mapper(rules, target, converters)


@pytest.mark.parametrize(("source", "target"), list(product(system_names(), repeat=2)))
def test_every_pair_of_systems_has_a_mapping_that_compiles(
    source: str, target: str, converters: dict[str, Converter]
) -> None:
    """Between any two systems the proposal is accepted, reads columns that the source shows, and keeps the order."""
    shown, taking = load_system(source), load_system(target)
    fields = propose(shown, taking)
    mapper = mapper_of(taking, fields, converters)
    assert taking.reference in fields
    assert mapper.source_columns <= set(shown.columns.values())
    assert list(fields) == [name for name in taking.fields if name in fields]
    assert contested(shown, taking) == {}


@pytest.mark.parametrize("target", system_names())
def test_columns_of_a_file_have_a_mapping_that_compiles(target: str, converters: dict[str, Converter]) -> None:
    """A file's columns are mapped into every target, and its rows pass the target's checks."""
    taking = load_system(target)
    mapper = mapper_of(taking, propose(CRM, taking), converters)
    cells = ["C-1", "", "Anna", "Smith", "Main St", "1", "53111", "Bonn", "Germany", "anna@example.com", "0228", "0170"]
    cells += ["1000", "30", "1985-01-02", "ja", "kind", "DE00500105170000000001", "Smith, Anna", "a, b"]
    if target == "tradevest":
        cells[0] = "0a1b2c3d-0000-4000-8000-00000000000a"
    mapped = mapper.apply(pd.DataFrame([cells], columns=CRM, dtype="str"))
    assert mapped.findings == {}
    assert check(target_schema(taking, mapper.fields), mapped.rows) == {}


@pytest.mark.parametrize(
    ("source", "target", "missing"),
    [
        ("jtl", "valomnia", ()),
        ("jtl", "keypro", ()),
        ("valomnia", "keypro", ()),
        ("keypro", "valomnia", ()),
        ("valomnia", "jtl", ("CustomerGroupId", "LanguageIso", "InternalCompanyId")),
        ("keypro", "jtl", ("CustomerGroupId", "BillingAddress.City", "LanguageIso", "InternalCompanyId")),
        ("valomnia", "tradevest", ("entityType",)),
        ("tradevest", "valomnia", ("name",)),
        ("jtl", "jtl", ()),
    ],
)
def test_what_is_required_and_not_found_is_listed(source: str, target: str, missing: tuple[str, ...]) -> None:
    """Required fields for which the source has nothing are left to the job's author, by name."""
    taking = load_system(target)
    assert unproposed(taking, propose(load_system(source), taking)) == missing


def test_what_a_found_field_asks_for_is_listed_too(valomnia: System, tradevest: System) -> None:
    """A field that another proposed one makes required is missing as well."""
    assert unproposed(tradevest, ["entityId", "entityType", "refAccounts.bic"]) == (
        "refAccounts.iban",
        "refAccounts.ownerName",
    )
    assert unproposed(valomnia, ["reference", "name", "isSubCustomer", "dueDateConfigType"]) == (
        "parentCustomer",
        "dueDateConfigNumber",
    )


def test_within_one_system_everything_goes_over_by_its_column(valomnia: System, jtl: System) -> None:
    """A copy takes every field that comes back, under the name in which it does, values as they are written."""
    fields = propose(valomnia, valomnia)
    assert set(fields) == {name for name in valomnia.sendable if name != "imageFile"}
    assert fields["categoryId"] == "customerCategory.reference"
    assert fields["paymentTypes"] == "paymentTypes.reference"
    assert fields["dueDateConfigType"] == {"from": "dueDateConfigType", "values": {"daysAfterInvoiceDate": "1"}}
    assert propose(jtl, jtl) == {name: name for name in jtl.sendable}


def test_forms_and_types_are_brought_together(valomnia: System, keypro: System, jtl: System) -> None:
    """Countries become codes where codes are taken, decimals whole numbers where those are, names one name."""
    fields = propose(valomnia, jtl)
    assert fields["BillingAddress.Company"] == "name"
    assert fields["Shipmentaddress.CountryIso"] == {"from": "country", "convert": "country_code"}
    assert fields["PaymentSettings.CreditLimit"] == {"from": "creditLimit", "convert": "integer"}
    assert propose(jtl, valomnia)["creditLimit"] == "PaymentSettings.CreditLimit"
    assert propose(jtl, valomnia)["billingCountry"] == "BillingAddress.CountryIso"
    assert propose(jtl, keypro)["customerName"] == {
        "from": ["BillingAddress.Company", "BillingAddress.FirstName", "BillingAddress.LastName"],
        "convert": "company_or_person",
    }


def test_nothing_of_a_systems_own_is_taken_to_another(valomnia: System, keypro: System, jtl: System) -> None:
    """Categories, languages by id, payment types and codes mean nothing elsewhere."""
    assert {"CustomerCategoryId", "PaymentSettings.PaymentMethodId"}.isdisjoint(propose(valomnia, jtl))
    assert {"categoryId", "paymentTypes", "dueDateConfigType"}.isdisjoint(propose(jtl, valomnia))
    assert "LanguageIso" not in propose(keypro, jtl)
    assert "Language" not in propose(jtl, keypro)


def test_a_file_is_mapped_by_what_its_columns_are_called(valomnia: System, tradevest: System) -> None:
    """Names in any language find their fields, with the converter that the field's type needs."""
    assert propose(CRM, valomnia) == {
        "reference": "Kundennummer",
        "name": {"from": ["Firma", "Vorname", "Nachname"], "convert": "company_or_person"},
        "isActive": {"from": "aktiv", "convert": "boolean"},
        "billingCountry": "Land",
        "billingCity": "Ort",
        "billingPostalCode": "PLZ",
        "billingAddress": {"from": ["Straße", "Hausnr"], "convert": "join_words"},
        "email": "E-Mail",
        "phone": "Telefon",
        "mobile": "Handy",
        "comment": "Bemerkung",
        "creditLimit": {"from": "Kreditlimit", "convert": "decimal"},
        "dueDateConfigNumber": {"from": "Zahlungsziel", "convert": "integer"},
    }
    assert propose(CRM, tradevest) == {
        "entityId": "Kundennummer",
        "labels": {"from": "Tags", "convert": "split"},
        "refAccounts.iban": {"from": "IBAN", "convert": {"split": ";"}},
        "refAccounts.ownerName": {"from": "Kontoinhaber", "convert": {"split": ";"}},
    }


@pytest.mark.parametrize(
    ("columns", "field", "rule"),
    [
        (["cooperativedate"], "cooperativeDate", {"from": "cooperativedate", "convert": "date"}),
        (["cooperative_member"], "cooperativeMember", {"from": "cooperative_member", "convert": "boolean"}),
        (["TYPE"], "Type", "TYPE"),
        (["address"], "Address", None),  # a street, and not the id of an address
        (["land"], "invoiceCountry", "land"),
        (["customerPhone", "Telefon"], "customerPhone", "customerPhone"),
        (["first_name", "last_name"], "customerName", {"from": ["first_name", "last_name"], "convert": "join_words"}),
        (["last_name"], "customerName", "last_name"),
        (["first_name"], "customerName", None),
        (["company", "first_name"], "customerName", "company"),
        (["company", "last_name"], "customerName", {"from": ["company", "last_name"], "convert": "company_or_person"}),
        (["id"], "customerNumber", None),
        (["dateModified"], "dateModified", None),
    ],
)
def test_a_column_finds_its_field(keypro: System, columns: list[str], field: str, rule: object) -> None:
    """A field's own name counts, unless it means something else; a given name or an id alone is nothing."""
    assert propose(columns, keypro).get(field) == rule


@pytest.mark.parametrize(
    ("columns", "field", "rivals"),
    [
        (["mail", "email_address"], "email", ("mail", "email_address")),
        (["Name", "Vorname"], "name", ("Name", "Vorname")),
        (["nome", "cognome"], "name", ("nome", "cognome")),
        (["Firma", "Name"], "name", ("Name", "Firma")),
        (["surname", "last_name"], "name", ("surname", "last_name")),
        (["kdnr", "customer_id"], "reference", ("kdnr", "customer_id")),
        (["Email", "EMAIL"], "email", ("Email", "EMAIL")),
        (["street", "strasse", "hnr"], "billingAddress", ("street", "strasse", "hnr")),
    ],
)
def test_of_columns_that_compete_none_is_taken(
    valomnia: System, columns: list[str], field: str, rivals: tuple[str, ...]
) -> None:
    """Where it would be a guess there is no rule, and the rivals are named."""
    assert field not in propose(columns, valomnia)
    assert contested(columns, valomnia) == {field: rivals}


def test_one_address_of_a_file_is_the_billing_address(valomnia: System) -> None:
    """A file's only address bills; where it has both, each goes to its own, by name or by meaning."""
    assert propose(["city", "country"], valomnia) == {"billingCountry": "country", "billingCity": "city"}
    assert propose(["city", "billingCity"], valomnia) == {"billingCity": "billingCity", "city": "city"}
    assert propose(["ort", "lieferort"], valomnia) == {"billingCity": "ort", "city": "lieferort"}


def test_the_reference_may_be_another_field(keypro: System, valomnia: System) -> None:
    """Where a job names another field as the reference, that one is it on either side, and the usual one is not."""
    other = keypro.adapted(reference="identification")
    fields = propose(valomnia, other)
    assert fields["identification"] == "reference"
    assert "customerNumber" not in fields
    assert propose(other, valomnia)["reference"] == "identification"
    assert propose(["Kundennummer"], other) == {"identification": "Kundennummer"}


def test_a_company_and_a_person_stay_apart_where_the_target_does(jtl: System) -> None:
    """A target with fields for both halves of a name gets each of them, and the company beside them."""
    fields = propose(["company", "first_name", "last_name"], jtl)
    assert {name: rule for name, rule in fields.items() if name.startswith("BillingAddress.")} == {
        "BillingAddress.Company": "company",
        "BillingAddress.FirstName": "first_name",
        "BillingAddress.LastName": "last_name",
    }
    assert contested(["name", "first_name"], jtl) == {"BillingAddress.Company": ("name", "first_name")}


def test_a_customer_of_jtl_arrives_at_valomnia(jtl: System, valomnia: System, converters: dict[str, Converter]) -> None:
    """A whole record goes through the proposal, and the row passes the target's checks."""
    mapper = mapper_of(valomnia, propose(jtl, valomnia), converters)
    record: dict[str, object] = dict.fromkeys(mapper.source_columns)
    record |= {"Number": "C1", "BillingAddress.Company": "", "BillingAddress.FirstName": "Anna"}
    record |= {"BillingAddress.LastName": "Smith", "BillingAddress.CountryIso": "DE"}
    record |= {"PaymentSettings.CreditLimit": 500, "PaymentSettings.PaymentTarget": 30}
    mapped = mapper.apply(pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in record.items()}))
    assert mapped.findings == {}
    assert check(target_schema(valomnia, mapper.fields), mapped.rows) == {}
    assert payloads(mapped.rows, [0]) == [
        {
            "reference": "C1",
            "name": "Anna Smith",
            "billingCountry": "DE",
            "creditLimit": 500,
            "dueDateConfigNumber": 30,
        }
    ]


@pytest.mark.parametrize("target", system_names())
def test_a_proposal_does_not_depend_on_the_order_of_the_columns(target: str) -> None:
    """The same columns in another order are mapped in the same way."""
    assert propose(CRM[::-1], load_system(target)) == propose(CRM, load_system(target))
