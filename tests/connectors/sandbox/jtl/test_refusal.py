"""Every refusal of a write, naming what is wrong, and the paths and methods that there are not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.connectors.sandbox.jtl.caller import CUSTOMER, JtlCaller, refusal, wrong
from tests.connectors.sandbox.jtl.conftest import OpenJtl

CITY = CUSTOMER["BillingAddress"]
DATES = ("1985-01-01T", "01.01.1985", "2023-02-30T00:00:00Z", "2023-02-01 13:30:00", "2023-02-01T25:00:00Z", "", 5)
TEXTS = "Number LanguageIso TaxIdentificationNumber CommercialRegisterNumber Website InitialContact EbayUsername"


@pytest.mark.parametrize("absent", ["CustomerGroupId", "BillingAddress", "LanguageIso", "InternalCompanyId"])
def test_create_needs_the_four_required_properties(jtl: JtlCaller, absent: str) -> None:
    """A create without a required property is refused for that one, absent or null."""
    rest = {name: value for name, value in CUSTOMER.items() if name != absent}
    assert wrong(jtl.request("POST", "/customers", json=rest)) == [absent]
    assert wrong(jtl.create(**{absent: None})) == [absent]
    assert jtl.count() == 0


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        *(({name: 1}, [name]) for name in TEXTS.split()),
        *(({"Birthday": date}, ["Birthday"]) for date in DATES),
        ({"CustomerSince": "yesterday"}, ["CustomerSince"]),
        ({"LastChange": "yesterday"}, ["LastChange"]),
        ({"CustomerSince": "0001-01-01T00:00:00+01:00"}, ["CustomerSince"]),
        ({"Number": ""}, ["Number"]),
        ({"LanguageIso": ""}, ["LanguageIso"]),
        ({"AccountsReceivableNumber": "10000"}, ["AccountsReceivableNumber"]),
        ({"AccountsReceivableNumber": 1.5}, ["AccountsReceivableNumber"]),
        ({"AccountsReceivableNumber": True}, ["AccountsReceivableNumber"]),
        ({"AccountsReceivableNumber": 2**31}, ["AccountsReceivableNumber"]),
        ({"AccountsReceivableNumber": -(2**31) - 1}, ["AccountsReceivableNumber"]),
        ({"IsLocked": "true"}, ["IsLocked"]),
        ({"IsLocked": 1}, ["IsLocked"]),
        ({"IsCashRegisterBased": "no"}, ["IsCashRegisterBased"]),
        ({"CustomerGroupId": 99}, ["CustomerGroupId"]),
        ({"CustomerGroupId": "1"}, ["CustomerGroupId"]),
        ({"InternalCompanyId": 99}, ["InternalCompanyId"]),
        ({"CustomerCategoryId": 99}, ["CustomerCategoryId"]),
        ({"PaymentSettings": {"PaymentMethodId": 99}}, ["PaymentSettings.PaymentMethodId"]),
        ({"PaymentSettings": {"Discount": "2.5"}}, ["PaymentSettings.Discount"]),
        ({"PaymentSettings": {"Discount": True}}, ["PaymentSettings.Discount"]),
        ({"PaymentSettings": {"Discount": 2**96}}, ["PaymentSettings.Discount"]),
        ({"PaymentSettings": {"PaymentTarget": 1.5}}, ["PaymentSettings.PaymentTarget"]),
        ({"PaymentSettings": {"CreditLimit": 2500.5}}, ["PaymentSettings.CreditLimit"]),
        ({"PaymentSettings": {"StopPaymentRequest": 0}}, ["PaymentSettings.StopPaymentRequest"]),
        ({"PaymentSettings": []}, ["PaymentSettings"]),
        ({"BillingAddress": "Graz"}, ["BillingAddress"]),
        ({"BillingAddress": {}}, ["BillingAddress.City", "BillingAddress.CountryIso"]),
        ({"BillingAddress": CITY | {"City": ""}}, ["BillingAddress.City"]),
        ({"BillingAddress": CITY | {"City": "x" * 256}}, ["BillingAddress.City"]),
        ({"BillingAddress": CITY | {"CountryIso": ""}}, ["BillingAddress.CountryIso"]),
        ({"BillingAddress": CITY | {"CountryIso": "AUSTRI"}}, ["BillingAddress.CountryIso"]),
        ({"BillingAddress": CITY | {"PostalCode": 8010}}, ["BillingAddress.PostalCode"]),
        ({"BillingAddress": CITY | {"VatId": "ATU1"}}, ["BillingAddress.VatId"]),
        ({"BillingAddress": CITY | {"Id": 1}}, ["BillingAddress.Id"]),
        ({"Shipmentaddress": {"City": "Linz"}}, ["Shipmentaddress.CountryIso"]),
        ({"CustomAddress": {"CountryIso": "AT"}}, ["CustomAddress.City"]),
        ({"ShipmentAddress": CITY}, ["ShipmentAddress"]),
        ({"ShippingAddress": CITY}, ["ShippingAddress"]),
        ({"AccountReceivableNumber": 1}, ["AccountReceivableNumber"]),
        ({"website": "x"}, ["website"]),
        ({"Id": 5}, ["Id"]),
        ({"OtherAddresses": []}, ["OtherAddresses"]),
        ({"OtherAddresses": {"Others": []}}, ["OtherAddresses.Others"]),
        (
            {"OtherAddresses": {"OtherShippingAddresses": CITY}},
            ["OtherAddresses.OtherShippingAddresses"],
        ),
        (
            {"OtherAddresses": {"OtherBillingAddresses": [CITY, {"City": "Linz"}, None]}},
            ["OtherAddresses.OtherBillingAddresses[1].CountryIso", "OtherAddresses.OtherBillingAddresses[2]"],
        ),
    ],
)
def test_create_refuses(jtl: JtlCaller, fields: dict[str, Any], names: list[str]) -> None:
    """A create with something wrong is refused for just that, and leaves no customer."""
    assert wrong(jtl.create(**fields)) == names
    assert jtl.count() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"BillingAddress": CITY | {"City": "x" * 255, "CountryIso": "AUSTR"}},
        {"BillingAddress": CITY | {"City": "x", "CountryIso": "A"}},
        {"AccountsReceivableNumber": 2**31 - 1},
        {"AccountsReceivableNumber": -(2**31)},
        {"PaymentSettings": {"Discount": 0, "CreditLimit": 0}},
        {"PaymentSettings": {"Discount": -2.75}},
        {"PaymentSettings": {"Discount": 2**96 - 1}},
    ],
)
def test_limits_themselves_are_taken(jtl: JtlCaller, fields: dict[str, Any]) -> None:
    """The longest and the shortest text and the largest and the smallest number are still allowed."""
    assert jtl.create(**fields).status_code == 201


def test_all_that_is_wrong_is_named_at_once(jtl: JtlCaller) -> None:
    """One answer names every wrong property, required ones too."""
    answer = jtl.request("POST", "/customers", json={"Number": 5, "BillingAddress": {"City": ""}, "Colour": "red"})
    assert wrong(answer) == [
        *("BillingAddress.City", "BillingAddress.CountryIso", "Colour", "CustomerGroupId", "InternalCompanyId"),
        *("LanguageIso", "Number"),
    ]
    assert all(isinstance(text, str) for text in answer.json()["ValidationErrors"].values())


def test_unknown_properties_may_be_ignored(open_jtl: OpenJtl) -> None:
    """With the switch, a property that nobody knows is not looked at, nor kept."""
    jtl = open_jtl(unknown_properties="ignore")
    answer = jtl.create(ShippingAddress=CITY, BillingAddress=CITY | {"VatId": "ATU1"})
    assert answer.status_code == 201
    assert (answer.json()["Shipmentaddress"], answer.json()["BillingAddress"]["VatID"]) == (None, None)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        *(({name: None}, [name]) for name in CUSTOMER),
        ({"BillingAddress": {"City": None}}, ["BillingAddress.City"]),
        ({"BillingAddress": {"CountryIso": ""}}, ["BillingAddress.CountryIso"]),
        ({"Number": ""}, ["Number"]),
        ({"CustomerGroupId": 99}, ["CustomerGroupId"]),
        ({"PaymentSettings": {"PaymentMethodId": 99}}, ["PaymentSettings.PaymentMethodId"]),
        ({"Id": 2}, ["Id"]),
        (
            {"OtherAddresses": {"OtherCustomerAddresses": [{}]}},
            [f"OtherAddresses.OtherCustomerAddresses[0].{name}" for name in ("City", "CountryIso")],
        ),
    ],
)
def test_update_refuses(jtl: JtlCaller, fields: dict[str, Any], names: list[str]) -> None:
    """An update with something wrong is refused as a whole, and required properties cannot be cleared."""
    before = jtl.create().json()
    assert wrong(jtl.patch(Website="x", **fields)) == names
    assert jtl.get("/1").json() == before


def test_number_of_another_is_a_conflict(jtl: JtlCaller) -> None:
    """A number in use is refused with 409 on create and on update; one's own is not."""
    jtl.create()
    jtl.create(Number="C-2")
    assert refusal(jtl.create()) == (409, "CONFLICT")
    assert refusal(jtl.patch(2, Number="C-1")) == (409, "CONFLICT")
    assert jtl.patch(1, Number="C-1").status_code == 201
    assert jtl.create(Number="c-1").status_code == 201
    assert jtl.count() == 3


def test_number_of_another_may_be_a_validation_error(open_jtl: OpenJtl) -> None:
    """With the setting, a number in use is named among the wrong properties."""
    jtl = open_jtl(duplicate_number="400")
    jtl.create()
    assert wrong(jtl.create(IsLocked=1)) == ["IsLocked", "Number"]
    jtl.create(Number="C-2")
    assert wrong(jtl.patch(2, Number="C-1")) == ["Number"]


def test_numbers_may_be_borne_twice(open_jtl: OpenJtl) -> None:
    """With the setting, two customers have one number, and both are found by it, until one of them goes."""
    jtl = open_jtl(duplicate_number="allow")
    jtl.create()
    assert jtl.create().status_code == 201
    assert [customer["Id"] for customer in jtl.get(number="C-1").json()["Items"]] == [1, 2]
    jtl.delete(1)
    assert [customer["Id"] for customer in jtl.get(number="C-1").json()["Items"]] == [2]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"5",
        b"\xff",
        b'{"Number": NaN}',
        b'{"Number": "\\ud800"}',
        b'{"\\uD800": 1}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/customers"), ("PATCH", "/customers/1")])
def test_bodies_that_are_no_object_are_refused(jtl: JtlCaller, method: str, path: str, body: bytes) -> None:
    """A body that does not parse, or is no object, is a bad request that names no property."""
    before = jtl.create().json()
    answer = jtl.request(method, path, content=body, headers={"content-type": "application/json"})
    assert wrong(answer) == []
    assert jtl.app.vendor.customers("") == [before]


def test_surrogate_pairs_are_letters(jtl: JtlCaller) -> None:
    """An escaped emoji is taken, though half of it would not be."""
    body = json.dumps(CUSTOMER | {"Website": "😀"}).encode()
    assert b"\\ud83d" in body
    answer = jtl.request("POST", "/customers", content=body, headers={"content-type": "application/json"})
    assert answer.json()["Website"] == "😀"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 201),
        ("Application/JSON", 201),
        ("application/vnd.example+json", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
def test_bodies_call_themselves_json(jtl: JtlCaller, content_type: str, status: int) -> None:
    """A write whose content type is not JSON is a 415."""
    headers = {"content-type": content_type}
    assert jtl.request("POST", "/customers", content=json.dumps(CUSTOMER), headers=headers).status_code == status


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("customer_id", ["2", "0", "-1", "abc", "1.5", "", "99999999999", "4294967297", "%31%20"])
def test_nobodys_id_is_not_found(jtl: JtlCaller, method: str, customer_id: str) -> None:
    """An id that is no customer's, or no int32 at all, is a 404."""
    jtl.create()
    arguments: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
    assert refusal(jtl.request(method, f"/customers/{customer_id}", **arguments)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/customers", "GET, POST"),
        ("DELETE", "/customers", "GET, POST"),
        ("PUT", "/customers/1", "GET, PATCH, DELETE"),
        ("POST", "/customers/1", "GET, PATCH, DELETE"),
        ("DELETE", "/customers/customfields", "GET"),
        ("POST", "/customers/workflowEvents", "GET"),
        ("POST", "/companies", "GET"),
    ],
)
def test_other_methods_are_not_allowed(jtl: JtlCaller, method: str, path: str, allowed: str) -> None:
    """A known path says which methods it has; there is no PUT."""
    answer = jtl.request(method, path)
    assert refusal(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/customers", "/Customers", "/customers/1/orders", "/companies/1", "/v1/oauth2/token"]
)
def test_other_paths_are_not_found(jtl: JtlCaller, path: str) -> None:
    """What is not there is a 404 in the usual form."""
    assert refusal(jtl.request("GET", path)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"disableAutomaticWorkflows": "1"}, ["disableAutomaticWorkflows"]),
        ({"disableautomaticworkflows": "true"}, ["disableautomaticworkflows"]),
        ({"number": "C-1", "a": "b"}, ["a", "number"]),
    ],
)
def test_writes_take_no_other_parameter(jtl: JtlCaller, query: dict[str, str], names: list[str]) -> None:
    """A create or an update with another query parameter, or a switch that is no boolean, is refused."""
    jtl.create()
    assert wrong(jtl.request("POST", "/customers", params=query, json=CUSTOMER | {"Number": "C-2"})) == names
    assert wrong(jtl.request("PATCH", "/customers/1", params=query, json={})) == names
    assert jtl.count() == 1
