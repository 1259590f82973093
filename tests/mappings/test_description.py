"""The four descriptions, against what the vendors' pages name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.valomnia.record import DOCUMENTED
from mappings.finding import CODES
from mappings.system import System, load_system, system_names
from mappings.vocabulary import VOCABULARY

# Chapter 11.5 (upsert) of the vendor's reference, and `reference` and `reference2` of 11.3.
VALOMNIA = [
    *("reference", "name", "reference2", "barcode", "isActive", "categoryId", "isSubCustomer", "parentCustomer"),
    *("billWithParent", "customerSegmentationId", "userId", "isSameAddress", "billingCountry", "billingCity"),
    *("billingPostalCode", "billingAddress", "billingLat", "billingLng", "country", "city", "postalCode"),
    *("address", "latitude", "longitude", "email", "phone", "mobile", "fax", "comment", "website", "creditLimit"),
    *("dueDateConfigNumber", "dueDateConfigType", "taxNumber", "companyRegistrationNumber", "currency"),
    *("imageFile", "paymentTypes", "regionId", "customerRisk", "customerRiskColor", "onHold", "onHoldReason"),
]
# The order of the 28 descriptions on the vendor's page; the names are ours.
KEYPRO = [
    *("Address", "Language", "RestrictedType", "Status", "Type", "apartment", "cooperativeDate"),
    *("cooperativeMember", "cooperativeReimbursementDate", "cooperativeSum", "country", "customerEmail"),
    *("customerName", "customerNameExtension", "customerNumber", "customerPhone", "dateModified", "id"),
    *("identification", "invoiceCountry", "invoiceName", "isEditable", "isSmsDisabled", "note", "phone2", "sms2"),
    *("socialSecurityNumber", "waterDbId"),
]
# CreateAddress, and CreateCustomer with CreatePaymentSettings.
JTL_ADDRESS = [
    *("Company", "Company2", "FormOfAddress", "Title", "FirstName", "LastName", "Street", "Address2", "PostalCode"),
    *("City", "State", "CountryIso", "VatID", "PhoneNumber", "MobilePhoneNumber", "EmailAddress", "Fax"),
]
JTL_REST = [
    *("Number", "CustomerGroupId", "CustomerSince", "LanguageIso", "InternalCompanyId", "CustomerCategoryId"),
    *("TaxIdentificationNumber", "AccountsReceivableNumber", "CommercialRegisterNumber", "Website"),
    *("InitialContact", "EbayUsername", "Birthday", "IsLocked", "IsCashRegisterBased"),
    *("PaymentSettings.PaymentMethodId", "PaymentSettings.Discount", "PaymentSettings.PaymentTarget"),
    *("PaymentSettings.CreditLimit", "PaymentSettings.StopPaymentRequest"),
]
JTL_ADDRESSES = [
    f"{whole}.{part}" for whole in ("BillingAddress", "Shipmentaddress", "CustomAddress") for part in JTL_ADDRESS
]
# CustomerData with RefAccountData.
TRADEVEST = [
    *("entityId", "entityType", "labels", "refAccounts.bankName", "refAccounts.iban", "refAccounts.bic"),
    *("refAccounts.type", "refAccounts.ownerName"),
]


def systems() -> Iterator[System]:
    """Give every description."""
    return map(load_system, system_names())


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("valomnia", VALOMNIA),
        ("keypro", [name for name in KEYPRO if name not in {"id", "dateModified"}]),
        ("jtl", [*JTL_REST, *JTL_ADDRESSES]),
        ("tradevest", TRADEVEST),
    ],
)
def test_every_documented_field_is_taken(name: str, taken: list[str]) -> None:
    """A description takes exactly the fields that the vendor documents for writing."""
    assert sorted(load_system(name).sendable) == sorted(taken)


def test_keypro_has_the_fields_of_the_page_in_its_order(keypro: System) -> None:
    """Each of the 28 lines of the page has a field, and each field its line in the table of properties."""
    assert list(keypro.fields) == KEYPRO
    assert list(keypro.properties) == KEYPRO


def test_valomnias_columns_are_those_of_its_source(valomnia: System) -> None:
    """What comes back is read from columns that the source of Valomnia shows."""
    assert set(valomnia.columns.values()) <= set(DOCUMENTED)


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("valomnia", {"reference", "name"}),
        ("keypro", set()),
        (
            "jtl",
            {
                "CustomerGroupId",
                "BillingAddress.City",
                "BillingAddress.CountryIso",
                "LanguageIso",
                "InternalCompanyId",
            },
        ),
        ("tradevest", {"entityId", "entityType"}),
    ],
)
def test_only_what_the_vendor_requires_is_required(name: str, required: set[str]) -> None:
    """Nothing is demanded of a customer but what the vendor demands."""
    assert {field for field, described in load_system(name).fields.items() if described.required} == required


@pytest.mark.parametrize(
    ("name", "personal", "others"),
    [
        (
            "valomnia",
            {"name", "email", "phone", "mobile", "fax", "billingAddress", "city", "taxNumber", "comment", "latitude"},
            {"reference", "parentCustomer", "isActive", "currency", "categoryId"},
        ),
        (
            "keypro",
            {"customerEmail", "customerName", "customerNameExtension", "customerPhone", "invoiceName", "phone2"}
            | {"socialSecurityNumber"},  # GDPR protected as documented
            {"customerNumber", "id", "Type", "dateModified", "cooperativeSum", "waterDbId"},
        ),
        (
            "jtl",
            {*JTL_ADDRESSES, "Birthday", "TaxIdentificationNumber", "CommercialRegisterNumber", "EbayUsername"},
            {"Number", "CustomerGroupId", "LanguageIso", "PaymentSettings.CreditLimit", "CustomerSince"},
        ),
        ("tradevest", {"refAccounts.iban", "refAccounts.ownerName"}, {"entityId", "entityType", "labels"}),
    ],
)
def test_personal_fields_are_marked(name: str, personal: set[str], others: set[str]) -> None:
    """Names, ways of contact, addresses, bank accounts and numbers of persons are personal; keys are not."""
    described = load_system(name).personal
    assert personal <= described
    assert not others & described


def test_what_cannot_be_changed_later_is_marked(tradevest: System) -> None:
    """Of a customer of tradevest only the labels can be changed."""
    changeable = [name for name in tradevest.sendable if not tradevest.fields[name].create_only]
    assert changeable == ["labels"]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        (
            "valomnia",
            {"payment_type": "id", "region": "id"}
            | dict.fromkeys(("customer_category", "customer_segmentation", "user"), "reference"),
        ),
        ("keypro", dict.fromkeys(("customer_type", "customer_status", "language", "restricted_type"), "id")),
        ("jtl", dict.fromkeys(("customer_group", "customer_category", "company", "payment_method"), "id")),
        ("tradevest", {}),
    ],
)
def test_entities_are_named_as_they_are_sent(name: str, sent: dict[str, str]) -> None:
    """Each kind of entity says whether its id or its reference is sent, and some field refers to it."""
    system = load_system(name)
    assert {kind: entity.sends for kind, entity in system.entities.items()} == sent
    referring = {field.refers_to: field for field in system.fields.values() if field.refers_to is not None}
    assert referring.keys() - {"customer"} == sent.keys()
    assert {field.items or field.type for field in referring.values()} <= {"text"}


@pytest.mark.parametrize("system", list(systems()), ids=system_names())
def test_every_verdict_has_a_meaning(system: System) -> None:
    """Each code with which a system may answer, or we for it, is explained."""
    of_fields = (verdict for field in system.fields.values() for verdict in field.verdicts.values())
    verdicts = [*system.verdicts.values(), *of_fields]
    codes = {verdict.code for verdict in verdicts}
    codes |= {system.finding("unknown", name).code for name in system.fields}
    assert codes <= system.codes.keys() | CODES.keys()


def test_words_that_systems_share_lead_from_one_to_another() -> None:
    """Every meaning of a field is a word, and those that several systems have are the vocabulary's core."""
    means = [{field.means for field in system.fields.values() if field.means} for system in systems()]
    shared = {word for at, words in enumerate(means) for other in means[at + 1 :] for word in words & other}
    assert set().union(*means) <= VOCABULARY.keys()
    assert {"reference", "name", "email", "phone", "billing.country", "comment", "modified", "id"} <= shared


def test_every_system_is_found_by_its_field_of_reference() -> None:
    """The reference of a system is text, is sent, and means so."""
    for system in systems():
        field = system.fields[system.reference]
        assert (field.type, field.means, field.read_only) == ("text", "reference", False)
