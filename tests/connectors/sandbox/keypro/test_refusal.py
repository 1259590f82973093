"""Every documented error, in the vendor's words, and those that had to be inferred."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.sandbox.keypro.caller import CUSTOMERS, KeyproCaller, refusal
from tests.connectors.sandbox.keypro.conftest import Open

INTEGER = "A valid integer is required."
NUMBER = "A valid number is required."
BOOLEAN = "Not a valid boolean."
TEXT = "Not a valid string."
DATE = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
UNKNOWN = "Unknown field."
NOT_FOUND = (404, "Not found.")
JSON = {"content-type": "application/json"}


def _absent(constant_id: int) -> str:
    return f'Invalid pk "{constant_id}" - object does not exist.'


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("Address", "5", INTEGER),
        ("apartment", 1.0, INTEGER),
        ("apartment", True, INTEGER),
        ("waterDbId", [], INTEGER),
        ("waterDbId", 2**31, "Ensure this value is less than or equal to 2147483647."),
        ("waterDbId", -(2**31) - 1, "Ensure this value is greater than or equal to -2147483648."),
        ("Type", "1", INTEGER),
        ("Type", 99, _absent(99)),
        ("Type", 11, _absent(11)),
        ("Status", 1, _absent(1)),
        ("Language", 99, _absent(99)),
        ("RestrictedType", 99, _absent(99)),
        ("cooperativeSum", "12.5", NUMBER),
        ("cooperativeSum", False, NUMBER),
        ("cooperativeMember", "true", BOOLEAN),
        ("isEditable", 1, BOOLEAN),
        ("isSmsDisabled", "", BOOLEAN),
        ("sms2", 0, BOOLEAN),
        ("cooperativeDate", "2026-02-30", DATE),
        ("cooperativeDate", "2026-2-3", DATE),
        ("cooperativeDate", "2026-02-03T00:00:00Z", DATE),
        ("cooperativeReimbursementDate", "", DATE),
        ("cooperativeReimbursementDate", 20260203, DATE),
        ("customerName", 7, TEXT),
        ("customerNumber", 10443, TEXT),
        ("note", True, TEXT),
        ("country", {}, TEXT),
        ("note", "a\0b", "Null characters are not allowed."),
        ("customername", "Aino", UNKNOWN),
        ("", None, UNKNOWN),
    ],
)
def test_wrong_value_is_refused(api: KeyproCaller, name: str, value: object, text: str) -> None:
    """A create or update with one wrong field names it, with a list of one reason, and changes nothing."""
    expected = (400, {name: [text]})
    assert refusal(api.post(customerEmail="a@example.com", **{name: value})) == expected
    assert api.count() == 0
    before = api.post().json()
    assert refusal(api.patch(1, customerEmail="a@example.com", **{name: value})) == expected
    assert api.show(1).json() == before


def test_all_wrong_fields_are_told_at_once(api: KeyproCaller) -> None:
    """Each field that failed has its own entry, a number that is taken included."""
    api.post(customerNumber="C-1")
    answer = api.post(customerNumber="C-1", Type=99, sms2="no", colour="red", customerName="Aino")
    assert refusal(answer) == (
        400,
        {
            "customerNumber": ["customer with this customerNumber already exists."],
            "Type": [_absent(99)],
            "sms2": [BOOLEAN],
            "colour": [UNKNOWN],
        },
    )


def test_unknown_properties_may_be_ignored(open_api: Open) -> None:
    """With the switch, a property that nobody knows is not looked at."""
    answer = open_api(unknown_properties="ignore").post(customerName="Aino", colour="red")
    assert answer.status_code == 201
    assert "colour" not in answer.json()


def test_read_only_fields_may_be_refused(open_api: Open) -> None:
    """With the switch, writing id or modified time is an error."""
    wrong = {"id": ["This field is read only."], "dateModified": ["This field is read only."]}
    assert refusal(open_api(read_only="refuse").post(id=1, dateModified=None)) == (400, wrong)


def test_required_fields_are_a_setting(open_api: Open) -> None:
    """A required field must be in a create, may be left out of an update, and is never null or blank."""
    api = open_api(required=("customerName", "Type"))
    required = ["This field is required."]
    assert refusal(api.post()) == (400, {"customerName": required, "Type": required})
    wrong = {"customerName": ["This field may not be blank."], "Type": ["This field may not be null."]}
    assert refusal(api.post(customerName="  ", Type=None)) == (400, wrong)
    assert api.post(customerName="Aino", Type=1).status_code == 201
    assert api.patch(1, note="x").status_code == 200
    assert refusal(api.patch(1, customerName=None)) == (400, {"customerName": ["This field may not be null."]})


def test_lengths_are_a_setting(open_api: Open) -> None:
    """A limit counts characters, after the blanks around them are gone."""
    api = open_api(max_length=3)
    assert api.post(customerName=" Äi😀 ").status_code == 201
    wrong = {"customerName": ["Ensure this field has no more than 3 characters."]}
    assert refusal(api.post(customerName="Aino")) == (400, wrong)


def test_text_has_no_limit_by_default(api: KeyproCaller) -> None:
    """No page names a length."""
    assert api.post(note="x" * 100_000).status_code == 201


TAKEN = {"customerNumber": ["customer with this customerNumber already exists."]}


@pytest.mark.parametrize(("mode", "status"), [("400", 400), ("409", 409)])
def test_taken_number_is_refused(open_api: Open, mode: str, status: int) -> None:
    """A number that another customer bears is refused on create and update; one's own is not, nor one that is free."""
    api = open_api(unique_number=mode)
    api.post(customerNumber="C-1")
    api.post(customerNumber="C-2")
    assert refusal(api.post(customerNumber="C-1")) == refusal(api.patch(2, customerNumber=" C-1 ")) == (status, TAKEN)
    assert api.patch(1, customerNumber="C-1").status_code == 200
    assert api.post(customerNumber="c-1").status_code == 201
    api.patch(1, customerNumber="C-9")
    assert api.patch(2, customerNumber="C-1").status_code == 200
    api.delete(2)
    assert api.post(customerNumber="C-1").status_code == 201


def test_conflict_waits_for_the_fields(open_api: Open) -> None:
    """Where a taken number is 409, wrong fields come first, as 400."""
    api = open_api(unique_number="409")
    api.post(customerNumber="C-1")
    assert refusal(api.post(customerNumber="C-1", Type="x")) == (400, {"Type": [INTEGER]})


def test_numbers_may_be_taken_twice_where_the_setting_says_so(open_api: Open) -> None:
    """With the switch off, two customers bear one number, and both are found by it."""
    api = open_api(unique_number="off")
    assert [api.post(customerNumber="C-1").status_code for _ in range(2)] == [201, 201]
    api.post(customerNumber="C-2")
    assert [customer["id"] for customer in api.get(customerNumber="C-1").json()["Results"]] == [1, 2]


def test_customers_without_a_number_do_not_collide(api: KeyproCaller) -> None:
    """No number is no one's number."""
    assert [api.post(customerNumber=None).status_code for _ in range(2)] == [201, 201]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("customer_id", ["2559", "abc", "1.5", "-1", "%31x", "9" * 30, "%D9%A1"])
def test_customer_that_is_not_there(api: KeyproCaller, method: str, customer_id: str) -> None:
    """An id that is nobody's, or none at all, is not found in the documented words, whatever the body is."""
    api.post()
    assert refusal(api.request(method, f"{CUSTOMERS}{customer_id}/", content=b"nonsense")) == NOT_FOUND


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/customers"),
        ("POST", "/customers"),
        ("GET", "/customers/1"),
        ("PATCH", "/customers/1"),
        ("DELETE", "/customers/1"),
        ("GET", "/customers//"),
        ("GET", "/customers/1/2/"),
        ("GET", "//customers/"),
        ("GET", "/api/v2/customers/"),
        ("GET", "/txt_constants/groupname/language"),
        ("GET", "/txt_constants/groupname/"),
        ("GET", "/txt_constants/"),
        ("GET", "/apartments/"),
        ("GET", "/"),
    ],
)
def test_other_paths_are_not_found(api: KeyproCaller, method: str, path: str) -> None:
    """A path without its last slash, like any unknown one, is a 404 and changes nothing."""
    api.post()
    assert refusal(api.request(method, path, json={} if method != "GET" else None)) == NOT_FOUND
    assert api.count() == 1


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", CUSTOMERS, "GET, POST"),
        ("PATCH", CUSTOMERS, "GET, POST"),
        ("DELETE", CUSTOMERS, "GET, POST"),
        ("PUT", f"{CUSTOMERS}1/", "GET, PATCH, DELETE"),
        ("POST", f"{CUSTOMERS}1/", "GET, PATCH, DELETE"),
        ("POST", "/txt_constants/groupname/language/", "GET"),
    ],
)
def test_other_methods_are_not_allowed(api: KeyproCaller, method: str, path: str, allowed: str) -> None:
    """A known path refuses the methods that no page names, and says which it has."""
    api.post()
    answer = api.request(method, path)
    assert refusal(answer) == (405, f'Method "{method}" not allowed.')
    assert answer.headers["allow"] == allowed
    assert api.count() == 1


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_bodies_that_are_no_json_by_name(api: KeyproCaller, content_type: str) -> None:
    """A body of another type is unsupported, even where JSON is in it."""
    for method, path in (("POST", CUSTOMERS), ("PATCH", f"{CUSTOMERS}1/")):
        api.app.vendor.add({})
        answer = api.request(method, path, content=b"{}", headers={"content-type": content_type})
        assert refusal(answer) == (415, f'Unsupported media type "{content_type}" in request.')
    assert api.request("POST", CUSTOMERS).status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}x",
        b'{"a": }',
        b'{"customerName": "\xff"}',
        b'{"cooperativeSum": NaN}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_unreadable_bodies_are_refused(api: KeyproCaller, body: bytes) -> None:
    """A body that does not parse, or is no UTF-8, is a bad request and creates nobody."""
    status, text = refusal(api.request("POST", CUSTOMERS, content=body, headers=JSON))
    assert (status, text[:19]) == (400, "JSON parse error - ")
    assert api.count() == 0


@pytest.mark.parametrize(
    ("body", "kind"), [(b"[{}]", "list"), (b'"x"', "str"), (b"7", "int"), (b"null", "NoneType"), (b"true", "bool")]
)
def test_json_that_is_no_object(api: KeyproCaller, body: bytes, kind: str) -> None:
    """A write takes one object; a list of them is no bulk write."""
    expected: Any = {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]}
    assert refusal(api.request("POST", CUSTOMERS, content=body, headers=JSON)) == (400, expected)
    assert api.count() == 0


def test_number_too_large_to_show_is_refused(api: KeyproCaller) -> None:
    """A sum that is infinite once read is no number."""
    answer = api.request("POST", CUSTOMERS, content=b'{"cooperativeSum": 1e999}', headers=JSON)
    assert refusal(answer) == (400, {"cooperativeSum": [NUMBER]})


def test_half_a_character_is_refused(api: KeyproCaller) -> None:
    """A surrogate without its other half is no text; a whole pair is."""
    answer = api.request("POST", CUSTOMERS, content=rb'{"note": "x\ud83d"}', headers=JSON)
    assert refusal(answer) == (400, {"note": ["Surrogate characters are not allowed: U+D83D."]})
    whole = api.request("POST", CUSTOMERS, content=rb'{"note": "\ud83d\ude00"}', headers=JSON)
    assert whole.json()["note"] == "😀"
