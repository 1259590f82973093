"""Every documented error, in the vendor's words, and those that had to be inferred."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.connectors.sandbox.caller import CUSTOMERS, Caller, refusal
from tests.connectors.sandbox.conftest import Open

CUSTOMER = {"reference": "C-1", "name": "Ada"}


def _wrong_type(name: str) -> tuple[int, str, str]:
    return 400, "invalid_param_type", f"The type of parameter {name} you provided is not valid for this request."


def _absent(entity: str, identifier: str) -> tuple[int, str, str]:
    return 404, "not_found", f"The {entity} with the id {identifier} doesn't exist."


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reference": ""}, (400, "missing_param", "reference parameter is missing")),
        ({"name": ""}, (400, "missing_param", "name parameter is missing")),
        ({"name": "  "}, (400, "missing_param", "name parameter is missing")),
        ({"isSubCustomer": "true"}, (400, "missing_param", "parentCustomer parameter is missing")),
        ({"dueDateConfigType": "1"}, (400, "missing_param", "dueDateConfigNumber parameter is missing")),
        ({"creditLimit": "much"}, _wrong_type("creditLimit")),
        ({"billingLat": "nan"}, _wrong_type("billingLat")),
        ({"creditLimit": "1,5"}, _wrong_type("creditLimit")),
        ({"dueDateConfigNumber": "1.5"}, _wrong_type("dueDateConfigNumber")),
        ({"isActive": "yes"}, _wrong_type("isActive")),
        ({"useExternalId": "1"}, _wrong_type("useExternalId")),
        ({"categoryId": "jewelry"}, _wrong_type("categoryId")),
        ({"parentCustomer": "C-9"}, _wrong_type("parentCustomer")),
        ({"regionId": "north", "useExternalId": "true"}, _wrong_type("regionId")),
        ({"paymentTypes": '[{"id":"cash"}]'}, _wrong_type("payment type id")),
        ({"paymentTypes": '[{"reference":"cash"}]'}, _wrong_type("payment type id")),
        ({"paymentTypes": '[{"id":true}]'}, _wrong_type("payment type id")),
        ({"paymentTypes": "7"}, _wrong_type("paymentTypes")),
        ({"paymentTypes": "[7]"}, _wrong_type("paymentTypes")),
        ({"paymentTypes": "cash"}, _wrong_type("paymentTypes")),
        ({"paymentTypes": '[{"id":999}]'}, _absent("payment type", "999")),
        ({"categoryId": "77"}, _absent("customer category", "77")),
        ({"categoryId": "toys", "useExternalId": "true"}, _absent("customer category", "toys")),
        ({"customerSegmentationId": "77"}, _absent("customer segmentation", "77")),
        ({"userId": "77"}, _absent("user", "77")),
        ({"regionId": "77"}, _absent("region", "77")),
        ({"parentCustomer": "188911"}, _absent("parent customer", "188911")),
        ({"currency": "GmBP"}, (404, "not_found", "The currency with name GmBP doesn't exist.")),
        ({"currency": "CHF"}, (404, "not_found", "The currency with name CHF is not configured.")),
        ({"billingCountry": "Atlantis"}, (400, "save_failed", "Failed to save instance.")),
        ({"country": "XX"}, (400, "save_failed", "Failed to save instance.")),
        (
            {"dueDateConfigType": "3", "dueDateConfigNumber": "1"},
            (400, "save_failed", "Failed to save instance."),
        ),
        ({"imageFile": "logo.png"}, (400, "unsupported_file_type", "image format not supported.")),
        (
            {"colour": "red", "Name": "Ada"},
            (400, "invalid_param", "The parameters [Name, colour] you provided are not valid for this request."),
        ),
    ],
)
def test_create_refuses(api: Caller, fields: dict[str, str], expected: tuple[int, str, str]) -> None:
    """A create with one wrong thing is refused for that thing, and leaves no customer."""
    assert refusal(api.post(**(CUSTOMER | fields))) == expected
    assert api.get().json()["paging"]["total"] == 0


@pytest.mark.parametrize("absent", ["reference", "name"])
def test_create_needs_reference_and_name(api: Caller, absent: str) -> None:
    """A create without a reference or a name says which is missing."""
    fields = {name: value for name, value in CUSTOMER.items() if name != absent}
    assert refusal(api.post(**fields)) == (400, "missing_param", f"{absent} parameter is missing")


def test_upsert_needs_a_name_only_for_a_new_customer(api: Caller) -> None:
    """Name is required when the reference is unknown, and not when it is known."""
    assert refusal(api.upsert("C-1", phone="1")) == (400, "missing_param", "name parameter is missing")
    api.upsert("C-1", name="Ada")
    assert api.upsert("C-1", phone="1").status_code == 200


def test_upsert_needs_a_reference(api: Caller) -> None:
    """A reference path that ends with its slash is a missing reference."""
    assert refusal(api.upsert("", name="Ada")) == (400, "missing_param", "reference parameter is missing")


@pytest.mark.parametrize("name", ["name", "reference"])
def test_update_may_not_clear_what_is_required(api: Caller, name: str) -> None:
    """A customer keeps a name and a reference."""
    api.post(**CUSTOMER)
    assert refusal(api.post("/1", **{name: ""})) == (400, "missing_param", f"{name} parameter is missing")


def test_reference_is_unique(api: Caller) -> None:
    """A reference that another customer bears is refused on create and on update, one's own is not."""
    api.post(**CUSTOMER)
    api.post(reference="C-2", name="Bob")
    taken = (400, "not_unique", "reference already used")
    assert refusal(api.post(**CUSTOMER)) == taken
    assert refusal(api.post("/2", reference="C-1")) == taken
    assert api.post("/1", reference="C-1").status_code == 200


def test_customer_is_not_its_own_parent(api: Caller) -> None:
    """A customer under itself is a 404, as the page has it."""
    api.post(**CUSTOMER)
    expected = (404, "not_found", "The customer cannot be a subcustomer of itself.")
    assert refusal(api.post("/1", isSubCustomer="true", parentCustomer="1")) == expected
    assert refusal(api.upsert("C-1", isSubCustomer="true", parentCustomer="C-1")) == expected


def test_conditions_hold_for_the_saved_customer(api: Caller) -> None:
    """A parent or a number of days that the customer has already need not be sent again, nor be taken away."""
    api.upsert("P-1", name="Parent")
    api.upsert("C-1", name="Ada", parentCustomer="P-1", dueDateConfigNumber="30")
    assert api.upsert("C-1", isSubCustomer="true", dueDateConfigType="1").status_code == 200
    assert refusal(api.upsert("C-1", parentCustomer=""))[2] == "parentCustomer parameter is missing"
    assert refusal(api.upsert("C-1", dueDateConfigNumber=""))[2] == "dueDateConfigNumber parameter is missing"


def test_refused_update_changes_nothing(api: Caller) -> None:
    """An update with one good and one bad field is refused as a whole."""
    before = api.post(**CUSTOMER).json()
    assert api.post("/1", name="Bob", creditLimit="much").status_code == 400
    assert api.get("/1").json() == before


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [("/abc", _wrong_type("id")), ("/1.5", _wrong_type("id")), ("/2559", _absent("customer", "2559"))],
)
def test_customer_by_a_bad_id(api: Caller, method: str, path: str, expected: tuple[int, str, str]) -> None:
    """An id that is no number is a wrong type, one that is nobody's is not found."""
    assert refusal(api.request(method, f"{CUSTOMERS}{path}")) == expected


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_customer_by_an_unknown_reference(api: Caller, method: str) -> None:
    """A reference that is nobody's is not found."""
    assert refusal(api.request(method, f"{CUSTOMERS}/reference/C-9")) == _absent("customer", "C-9")


def test_parent_is_not_deleted(api: Caller) -> None:
    """A customer that others have as their parent stays."""
    api.upsert("P-1", name="Parent")
    api.upsert("C-1", name="Ada", isSubCustomer="true", parentCustomer="P-1")
    assert refusal(api.delete("/reference/P-1")) == (400, "delete_failed", "Failed to delete instance.")
    assert api.get("/reference/P-1").status_code == 200


def test_image_over_the_limit(api: Caller) -> None:
    """An image of more than 2 MiB is refused."""
    image = b"\x89PNG\r\n\x1a\n" + bytes(2 * 1024 * 1024)
    expected = (400, "exceeded_file_size", "image size should not exceed 2Mo")
    assert refusal(api.upsert("C-1", name="Ada", files={"imageFile": ("logo.png", image)})) == expected


def test_image_of_another_kind(api: Caller) -> None:
    """A file that is called png and is none is refused."""
    expected = (400, "unsupported_file_type", "image format not supported.")
    assert refusal(api.upsert("C-1", name="Ada", files={"imageFile": ("logo.png", b"%PDF-1.7")})) == expected


def test_unknown_parameters_may_be_ignored(open_api: Open) -> None:
    """With the switch, a parameter that nobody knows is not looked at."""
    assert open_api(unknown_parameters="ignore").upsert("C-1", name="Ada", colour="red").status_code == 201


def _send(api: Caller, **arguments: Any) -> httpx.Response:
    return api.request("POST", f"{CUSTOMERS}/reference/C-1", **arguments)


def test_json_bodies_are_not_offered(api: Caller) -> None:
    """A write takes forms alone."""
    assert _send(api, json={"name": "Ada"}).status_code == 415


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"name=%FF"),
        ("application/x-www-form-urlencoded", "name=é".encode()),
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"nonsense"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n--x--'),
    ],
)
def test_unreadable_bodies_are_refused(api: Caller, content_type: str, body: bytes) -> None:
    """A body that does not parse, or is no UTF-8, is a bad request and creates nobody."""
    assert _send(api, content=body, headers={"content-type": content_type}).status_code == 400
    assert api.app.vendor.customers("") == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v2.1/customers", "GET, POST"),
        ("DELETE", "/api/v2.1/customers", "GET, POST"),
        ("PATCH", "/api/v2.1/customers/1", "GET, POST, DELETE"),
        ("POST", "/api/v2.1/regions", "GET"),
    ],
)
def test_other_methods_are_not_allowed(api: Caller, method: str, path: str, allowed: str) -> None:
    """A known path says which methods it has."""
    answer = api.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v2.1", "/api/v2.1/orders", "/api/2/customers", "/api/v2.1/regions/1/2"]
)
def test_other_paths_are_not_found(api: Caller, path: str) -> None:
    """What is not there is a 404 in the usual form."""
    assert refusal(api.request("GET", path))[:2] == (404, "not_found")
