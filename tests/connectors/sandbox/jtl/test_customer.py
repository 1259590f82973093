"""Create, show, update and delete, as the pages of version 1.x have them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.jtl.caller import CUSTOMER, JtlCaller, wrong
from tests.connectors.sandbox.jtl.conftest import OpenJtl

ADDRESS_KEYS = (
    "Company Company2 FormOfAddress Title FirstName LastName Street Address2 PostalCode City State CountryIso VatID "
    "PhoneNumber MobilePhoneNumber EmailAddress Fax"
)
KEYS = (
    "Id Number CustomerGroupId BillingAddress Shipmentaddress CustomAddress OtherAddresses PaymentSettings "
    "CustomerSince LastChange LanguageIso InternalCompanyId CustomerCategoryId TaxIdentificationNumber "
    "AccountsReceivableNumber CommercialRegisterNumber Website InitialContact EbayUsername Birthday IsLocked "
    "IsCashRegisterBased"
)
NOW = "2026-03-01T12:00:00.7000000+00:00"
LATER = "2026-03-01T12:01:00.7000000+00:00"
OTHERS = ("OtherBillingAddresses", "OtherShippingAddresses", "OtherCustomerAddresses")


def _address(**fields: object) -> dict[str, Any]:
    return {name: f"some {name}" for name in ADDRESS_KEYS.split()} | {"CountryIso": "AT"} | fields


FULL: dict[str, Any] = {
    "Number": "C-17",
    "CustomerGroupId": 2,
    "BillingAddress": _address(City="Graz"),
    "Shipmentaddress": _address(City="Linz"),
    "CustomAddress": _address(City="Wels"),
    "OtherAddresses": {name: [_address(City=name)] for name in OTHERS},
    "PaymentSettings": {
        "PaymentMethodId": 3,
        "Discount": 2.5,
        "PaymentTarget": 14,
        "CreditLimit": 5000,
        "StopPaymentRequest": True,
    },
    "CustomerSince": "2023-02-01T13:30:00.0000000+00:00",
    "LanguageIso": "DE",
    "InternalCompanyId": 2,
    "CustomerCategoryId": 3,
    "TaxIdentificationNumber": "12/345/6789",
    "AccountsReceivableNumber": 10017,
    "CommercialRegisterNumber": "FN 17",
    "Website": "https://shop.example",
    "InitialContact": "Fair",
    "EbayUsername": "someone",
    "Birthday": "1985-01-01T00:00:00.0000000+00:00",
    "IsLocked": False,
    "IsCashRegisterBased": True,
}


def _without_ids(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _without_ids(value) for name, value in content.items() if name != "Id"}
    return [_without_ids(item) for item in content] if isinstance(content, list) else content


def test_create_answers_201_with_everything_that_was_sent(jtl: JtlCaller) -> None:
    """Every property of the model comes back as it was sent, beside LastChange and the ids."""
    answer = jtl.request("POST", "/customers", json=FULL)
    assert answer.status_code == 201
    assert _without_ids(answer.json()) == FULL | {"LastChange": NOW}


def test_answers_have_every_property_in_order(jtl: JtlCaller) -> None:
    """A customer of the least there is shows every property, null where nobody set it, in the order of the page."""
    content = jtl.create().json()
    assert list(content) == KEYS.split()
    given = ("Id", "LastChange", "OtherAddresses", "PaymentSettings", *CUSTOMER)
    assert {name: value for name, value in content.items() if name not in given} == dict.fromkeys(
        name for name in KEYS.split() if name not in given
    )


def test_addresses_have_every_property_and_an_id(jtl: JtlCaller) -> None:
    """An address shows its id and every property; each address has an id of its own."""
    content = jtl.create(Shipmentaddress={"City": "Linz", "CountryIso": "AT"}).json()
    billing, shipping = content["BillingAddress"], content["Shipmentaddress"]
    assert list(billing) == list(shipping) == ["Id", *ADDRESS_KEYS.split()]
    assert {billing["Id"], shipping["Id"]} == {1, 2}
    assert billing["Street"] is None


def test_payment_settings_and_other_addresses_are_always_objects(jtl: JtlCaller) -> None:
    """Without a word on them, payment settings are an object of nulls and other addresses one of empty lists."""
    content = jtl.create(PaymentSettings=None).json()
    assert content["PaymentSettings"] == dict.fromkeys(FULL["PaymentSettings"])
    assert content["OtherAddresses"] == {name: [] for name in OTHERS}


def test_show_by_id(jtl: JtlCaller) -> None:
    """A customer is shown with 200, as the create answered it."""
    created = jtl.create().json()
    answer = jtl.get(f"/{created['Id']}")
    assert (answer.status_code, answer.json()) == (200, created)


@pytest.mark.parametrize("null", [{}, {"Number": None}])
def test_absent_number_is_a_running_one(jtl: JtlCaller, null: dict[str, None]) -> None:
    """A customer without a Number gets C and the next number that nobody bears."""
    jtl.create(Number="C10002")
    least = {name: value for name, value in CUSTOMER.items() if name != "Number"} | null
    numbers = [jtl.request("POST", "/customers", json=least).json()["Number"] for _ in range(2)]
    assert numbers == ["C10001", "C10003"]


def test_nulls_of_a_create_are_not_looked_at(jtl: JtlCaller) -> None:
    """Null in a create is as if the property were not there."""
    nulls = dict.fromkeys(name for name in FULL if name not in CUSTOMER)
    assert jtl.create(**nulls, BillingAddress=CUSTOMER["BillingAddress"] | {"Street": None}).status_code == 201


def test_text_keeps_every_character(jtl: JtlCaller) -> None:
    """Umlauts, emoji, quotes and line ends come back as they were sent, blanks around them too."""
    text = ' Żółć & Söhne = 100% "+" 😀\r\n2. Zeile '
    content = jtl.create(BillingAddress={"City": text, "CountryIso": "AT"}, Website="").json()
    assert (content["BillingAddress"]["City"], content["Website"]) == (text, "")
    assert jtl.get("/1").json() == content


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("2023-02-01T13:30:00.0000000+00:00", "2023-02-01T13:30:00.0000000+00:00"),
        ("2023-02-01T13:30:00+02:00", "2023-02-01T11:30:00.0000000+00:00"),
        ("2023-02-01T13:30:00Z", "2023-02-01T13:30:00.0000000+00:00"),
        ("2023-02-01T13:30:00.1234567Z", "2023-02-01T13:30:00.1234560+00:00"),
        ("2023-02-01T13:30:00.5", "2023-02-01T13:30:00.5000000+00:00"),
        ("2023-02-01T13:30", "2023-02-01T13:30:00.0000000+00:00"),
        ("1985-01-01", "1985-01-01T00:00:00.0000000+00:00"),
        ("0001-01-01", "0001-01-01T00:00:00.0000000+00:00"),
    ],
)
def test_date_times_are_answered_in_the_form_of_the_samples(jtl: JtlCaller, sent: str, answered: str) -> None:
    """Any ISO 8601 date-time, or a date, is answered in UTC with seven decimals."""
    content = jtl.create(Birthday=sent, CustomerSince=sent).json()
    assert (content["Birthday"], content["CustomerSince"]) == (answered, answered)


def test_dates_alone_may_be_refused(open_jtl: OpenJtl) -> None:
    """With the switch off, a date-time needs its time."""
    jtl = open_jtl(accepts_dates=False)
    assert wrong(jtl.create(Birthday="1985-01-01")) == ["Birthday"]
    assert jtl.create(Birthday="1985-01-01T00:00Z").status_code == 201


@pytest.mark.parametrize(("takes", "answered"), [(False, NOW), (True, "2020-01-01T00:00:00.0000000+00:00")])
def test_last_change_of_the_body_counts_where_the_setting_says_so(
    open_jtl: OpenJtl,
    takes: bool,  # noqa: FBT001 - a parameter of the test
    answered: str,
) -> None:
    """LastChange may be in the body, and the server's own time is saved all the same, unless switched on."""
    jtl = open_jtl(takes_last_change=takes)
    assert jtl.create(LastChange="2020-01-01T00:00:00Z").json()["LastChange"] == answered
    assert jtl.patch(LastChange="2020-01-01T00:00:00Z").json()["LastChange"] == answered
    assert jtl.patch(Website="x").json()["LastChange"] == NOW


def test_update_answers_201_and_leaves_what_is_absent(jtl: JtlCaller, time: FakeTime) -> None:
    """PATCH is answered 201; what it does not name stays, in nested objects too, and LastChange moves."""
    before = jtl.request("POST", "/customers", json=FULL).json()
    time.seconds += 60
    answer = jtl.patch(
        Website="https://new.example", BillingAddress={"Street": "Ring 1"}, PaymentSettings={"Discount": 3}
    )
    assert answer.status_code == 201
    assert answer.json() == before | {
        "Website": "https://new.example",
        "BillingAddress": before["BillingAddress"] | {"Street": "Ring 1"},
        "PaymentSettings": before["PaymentSettings"] | {"Discount": 3},
        "LastChange": LATER,
    }
    assert jtl.get("/1").json() == answer.json()


def test_null_of_an_update_clears(jtl: JtlCaller) -> None:
    """Null takes a value, an address, a payment setting or all other addresses away."""
    jtl.request("POST", "/customers", json=FULL)
    content = jtl.patch(
        Website=None,
        IsLocked=None,
        CustomerCategoryId=None,
        Shipmentaddress=None,
        BillingAddress={"Street": None},
        PaymentSettings={"Discount": None},
        OtherAddresses=None,
    ).json()
    assert [content[name] for name in ("Website", "IsLocked", "CustomerCategoryId", "Shipmentaddress")] == [None] * 4
    assert (content["BillingAddress"]["Street"], content["BillingAddress"]["City"]) == (None, "Graz")
    assert (content["PaymentSettings"]["Discount"], content["PaymentSettings"]["CreditLimit"]) == (None, 5000)
    assert content["OtherAddresses"] == {name: [] for name in OTHERS}


def test_null_may_be_as_good_as_absent(open_jtl: OpenJtl) -> None:
    """With the switch off, null changes nothing, not even a required property."""
    jtl = open_jtl(null_clears=False)
    before = jtl.request("POST", "/customers", json=FULL).json()
    answer = jtl.patch(Website=None, LanguageIso=None, BillingAddress={"City": None}, OtherAddresses=None)
    assert (answer.status_code, answer.json()) == (201, before)


def test_lists_of_other_addresses_are_replaced(jtl: JtlCaller) -> None:
    """The list that an update names is as it says, its addresses are new ones; the other lists stay."""
    before = jtl.request("POST", "/customers", json=FULL).json()["OtherAddresses"]
    new = [{"City": city, "CountryIso": "AT"} for city in ("Enns", "Steyr")]
    after = jtl.patch(OtherAddresses={OTHERS[0]: new}).json()["OtherAddresses"]
    assert [address["City"] for address in after[OTHERS[0]]] == ["Enns", "Steyr"]
    assert before[OTHERS[0]][0]["Id"] not in {address["Id"] for address in after[OTHERS[0]]}
    assert {name: after[name] for name in OTHERS[1:]} == {name: before[name] for name in OTHERS[1:]}


def test_address_that_an_update_begins_is_a_whole_one(jtl: JtlCaller) -> None:
    """An address that was not there needs its city and country, and gets an id; from then on a part will do."""
    jtl.create()
    assert wrong(jtl.patch(Shipmentaddress={"Street": "Ring 1"})) == [
        "Shipmentaddress.City",
        "Shipmentaddress.CountryIso",
    ]
    begun = jtl.patch(Shipmentaddress={"City": "Linz", "CountryIso": "AT"}).json()["Shipmentaddress"]
    assert jtl.patch(Shipmentaddress={"Street": "Ring 1"}).json()["Shipmentaddress"] == begun | {"Street": "Ring 1"}


def test_update_may_change_the_number(jtl: JtlCaller) -> None:
    """A customer who gets another number is found under that one alone."""
    jtl.create()
    assert jtl.patch(Number="C-2").json()["Number"] == "C-2"
    assert [jtl.get(number=number).json()["TotalItems"] for number in ("C-1", "C-2")] == [0, 1]


@pytest.mark.parametrize("value", ["true", "false", "True"])
def test_writes_take_the_workflow_switch(jtl: JtlCaller, value: str) -> None:
    """`disableAutomaticWorkflows` may be on or off."""
    query = {"disableAutomaticWorkflows": value}
    assert jtl.request("POST", "/customers", params=query, json=CUSTOMER).status_code == 201
    assert jtl.request("PATCH", "/customers/1", params=query, json={}).status_code == 201


def test_delete_answers_204_without_a_body(jtl: JtlCaller) -> None:
    """A deleted customer is gone, and its number is free."""
    jtl.create()
    answer = jtl.delete()
    assert (answer.status_code, answer.content) == (204, b"")
    assert jtl.get("/1").status_code == 404
    assert jtl.create().json()["Id"] == 2
