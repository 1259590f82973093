"""Create, show, update and delete, as the vendor's pages have them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.keypro.caller import CUSTOMERS, KeyproCaller
from tests.connectors.sandbox.keypro.conftest import Open

FIELDS = (
    *("Address", "Language", "RestrictedType", "Status", "Type", "apartment", "cooperativeDate", "cooperativeMember"),
    *("cooperativeReimbursementDate", "cooperativeSum", "country", "customerEmail", "customerName"),
    *("customerNameExtension", "customerNumber", "customerPhone", "dateModified", "id", "identification"),
    *("invoiceCountry", "invoiceName", "isEditable", "isSmsDisabled", "note", "phone2", "sms2"),
    *("socialSecurityNumber", "waterDbId"),
)
AINO: dict[str, object] = {
    "Address": 5001,
    "Language": 21,
    "RestrictedType": 31,
    "Status": 11,
    "Type": 1,
    "apartment": 77,
    "cooperativeDate": "2020-02-29",
    "cooperativeMember": True,
    "cooperativeReimbursementDate": "2025-12-31",
    "cooperativeSum": 120.5,
    "country": "FI",
    "customerEmail": "aino@example.com",
    "customerName": "Aino",
    "customerNameExtension": "c/o Mill",
    "customerNumber": "C-1",
    "customerPhone": "+358 40 1",
    "identification": "meter 7",
    "invoiceCountry": "SE",
    "invoiceName": "Mill Ltd",
    "isEditable": False,
    "isSmsDisabled": True,
    "note": "",
    "phone2": "+358 40 2",
    "sms2": False,
    "socialSecurityNumber": "id-1",
    "waterDbId": 9,
}


def test_create_answers_the_whole_customer(api: KeyproCaller) -> None:
    """A create is answered 201 with the 28 fields in the order of the page, as they were sent."""
    answer = api.post(**AINO)
    assert answer.status_code == 201
    assert answer.json() == {**AINO, "id": 1, "dateModified": "2026-03-01T12:00:00.700000Z"}
    assert tuple(answer.json()) == FIELDS


def test_new_customer_is_null_where_nothing_is_said(api: KeyproCaller) -> None:
    """No field is required; what a create does not say is null."""
    content = api.post().json()
    assert {name for name in FIELDS if content[name] is not None} == {"id", "dateModified"}


def test_show_answers_the_customer(api: KeyproCaller) -> None:
    """A customer is shown under its id as it was answered when written."""
    created = api.post(**AINO)
    shown = api.show(1)
    assert (shown.status_code, shown.json()) == (200, created.json())


def test_update_changes_the_given_fields(api: KeyproCaller, time: FakeTime) -> None:
    """A partial update answers 200 with the full customer; what it does not name stays, the modified time moves."""
    before = api.post(**AINO).json()
    time.seconds += 0.25
    answer = api.patch(1, customerName="Aino Mill", cooperativeSum=3)
    assert answer.status_code == 200
    changed = {"customerName": "Aino Mill", "cooperativeSum": 3, "dateModified": "2026-03-01T12:00:00.950000Z"}
    assert answer.json() == api.show(1).json() == before | changed


@pytest.mark.parametrize("body", [{}, {"customerName": "Aino"}])
def test_update_that_changes_nothing_touches(api: KeyproCaller, time: FakeTime, body: dict[str, object]) -> None:
    """The modified time moves with every update, an empty one included."""
    before = api.post(**AINO).json()
    time.seconds += 60
    assert api.patch(1, **body).json() == before | {"dateModified": "2026-03-01T12:01:00.700000Z"}


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in ("id", "dateModified")])
def test_null_clears(api: KeyproCaller, name: str) -> None:
    """An explicit null clears any field that can be written."""
    api.post(**AINO)
    answer = api.patch(1, **{name: None})
    assert (answer.status_code, answer.json()[name]) == (200, None)


@pytest.mark.parametrize("name", ["id", "dateModified"])
@pytest.mark.parametrize("value", [7, "1999-01-01T00:00:00Z", None, {}])
def test_read_only_fields_are_not_looked_at(api: KeyproCaller, name: str, value: object) -> None:
    """A body may hold id and modified time, as answers do, and changes neither."""
    created = api.post(**{"customerNumber": "C-1", name: value}).json()
    updated = api.patch(1, **{name: value}).json()
    assert created == updated
    assert (updated["id"], updated["dateModified"]) == (1, "2026-03-01T12:00:00.700000Z")


def test_answer_can_be_sent_back(api: KeyproCaller) -> None:
    """A customer as answered is a body for an update."""
    before = api.post(**AINO).json()
    assert api.patch(1, **before).json() == before


def test_delete_is_answered_without_a_body(api: KeyproCaller) -> None:
    """A deletion is 204 and for good."""
    api.post(**AINO)
    answer = api.delete(1)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    assert api.show(1).status_code == api.delete(1).status_code == 404


def test_ids_are_not_used_again(api: KeyproCaller) -> None:
    """A customer that is deleted and created again has another id."""
    api.post(customerNumber="C-1")
    api.delete(1)
    assert api.post(customerNumber="C-1").json()["id"] == 2


def test_refused_create_uses_no_id(api: KeyproCaller) -> None:
    """Ids go to customers, not to requests."""
    assert api.post(Type="x").status_code == 400
    assert api.post().json()["id"] == 1


@pytest.mark.parametrize(("trims", "name"), [(True, "Aino"), (False, " Aino\n")])
def test_blanks_around_text_are_trimmed_unless_switched_off(open_api: Open, trims: bool, name: str) -> None:  # noqa: FBT001 - a parameter of the test
    """Text loses the blanks around it, as the framework has it by default."""
    assert open_api(trims_text=trims).post(customerName=" Aino\n").json()["customerName"] == name


def test_text_keeps_every_character(api: KeyproCaller) -> None:
    """Umlauts, emoji, quotes and line ends come back as they were sent."""
    text = 'Äijälä & Söhne = 100% "+" \\ 😀\r\n2. rivi'
    assert api.post(customerName=text).json()["customerName"] == text


@pytest.mark.parametrize("number", [0, -3, 12.5, 1e3, 10**20])
def test_numbers_stay_numbers(api: KeyproCaller, number: float) -> None:
    """A sum is answered as the number that it was."""
    answered = json.loads(api.post(cooperativeSum=number).text)["cooperativeSum"]
    assert (answered, type(answered)) == (number, type(number))


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_may_say_its_charset(api: KeyproCaller, content_type: str) -> None:
    """A content type counts without its parameters and case."""
    answer = api.request("POST", CUSTOMERS, content=b"{}", headers={"content-type": content_type})
    assert answer.status_code == 201


def test_last_of_a_double_key_wins(api: KeyproCaller) -> None:
    """A body with the same key twice holds the second."""
    body = b'{"customerName": "Aino", "customerName": "Eino"}'
    answer = api.request("POST", CUSTOMERS, content=body, headers={"content-type": "application/json"})
    assert answer.json()["customerName"] == "Eino"


def test_keys_are_a_setting(open_api: Open) -> None:
    """A field that the settings call otherwise is read, shown, filtered, ordered and refused under that key."""
    api = open_api(names={"customerNumber": "number", "id": "pk", "dateModified": "modifiedTs"})
    created = api.post(number="C-1").json()
    assert {"number", "pk", "modifiedTs"} < set(created)
    assert {"customerNumber", "id", "dateModified"}.isdisjoint(created)
    assert api.post(customerNumber="C-2").json() == {"customerNumber": ["Unknown field."]}
    assert api.post(number="C-1").json() == {"number": ["customer with this number already exists."]}
    assert api.get(number="C-1", orderby="-modifiedTs", pk__gte=1).json()["Results"] == [created]
    assert api.app.journal.entries[0].reference == "C-1"


def test_types_are_a_setting(open_api: Open) -> None:
    """A number that is a whole number on this server is one in bodies, filters and the journal."""
    api = open_api(kinds={"customerNumber": "integer"})
    assert api.post(customerNumber="C-1").json() == {"customerNumber": ["A valid integer is required."]}
    assert api.post(customerNumber=17).json()["customerNumber"] == 17
    assert len(api.get(customerNumber__lt=18).json()["Results"]) == 1
    assert api.app.journal.entries[1].reference == "17"


def _mask(api: KeyproCaller) -> dict[str, Any]:
    api.post(**AINO | {"customerNumber": "C-1", "RestrictedType": 31})
    content: dict[str, Any] = api.post(**AINO | {"customerNumber": "C-2", "RestrictedType": 32}).json()
    return content


def test_protected_fields_are_masked_where_the_setting_says_so(open_api: Open) -> None:
    """Customers of a masked restricted type show the seven protected fields as null, and keep what is in them."""
    api = open_api(masked=(32,))
    masked = {name for name, value in _mask(api).items() if value is None}
    assert masked == {
        *("customerEmail", "customerName", "customerNameExtension", "customerPhone", "invoiceName", "phone2"),
        "socialSecurityNumber",
    }
    assert api.show(1).json()["customerName"] == "Aino"
    assert api.patch(2, RestrictedType=31).json()["customerName"] == "Aino"


def test_masked_fields_cannot_be_searched(open_api: Open) -> None:
    """A filter tells nothing about what is masked."""
    api = open_api(masked=(32,))
    _mask(api)
    assert [customer["id"] for customer in api.get(customerName="Aino").json()["Results"]] == [1]
    assert [customer["id"] for customer in api.get(customerName__isnull="true").json()["Results"]] == [2]


def test_nothing_is_masked_by_default(api: KeyproCaller) -> None:
    """What the protection does is not documented, so a restricted customer shows everything."""
    assert None not in _mask(api).values()
