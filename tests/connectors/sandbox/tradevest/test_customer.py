"""Creating, showing and updating customers: sections of roles/customers and roles/schemas."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.tradevest.caller import (
    CUSTOMERS,
    REQUESTOR,
    Caller,
    entities,
    entity,
    problems,
    refusal,
)
from tests.connectors.sandbox.tradevest.conftest import Open

ACCOUNT = {
    "bankName": "Example Bank",
    "iban": "DE02120300000000202051",
    "bic": "BYLADEM1001",
    "type": "PRIMARY",
    "ownerName": "Ada Example",
}
NOBODY = "99999999-9999-4999-8999-999999999999"
NOT_FOUND = (404, "NOT_FOUND", "NOT_FOUND_ERROR")
EXISTS = (409, "CONFLICT", "ALREADY_EXISTS_ERROR")


def test_create_answers_the_id_alone(api: Caller) -> None:
    """A create is 200, not 201, with the id of the customer and nothing else."""
    answer = api.create()
    assert answer.status_code == 200
    assert answer.json().keys() == {"customerId"}
    assert str(uuid.UUID(answer.json()["customerId"])) == answer.json()["customerId"]


def test_customer_has_the_documented_keys(api: Caller) -> None:
    """A customer is shown with its entity, its accounts, its labels, its status and its times."""
    customer_id = api.created(1, entityType="JOINT_PERSON", refAccounts=[ACCOUNT], labels=["b", "a"])
    assert api.show(customer_id).json() == {
        "customerId": customer_id,
        "customerStatus": "CREATED",
        "signedDocumentsRelatedToCustomer": [],
        "createdOn": "2026-03-01T12:00:00.700Z",
        "modifiedOn": "2026-03-01T12:00:00.700Z",
        "cancellationDate": None,
        "entityId": entity(1),
        "entityType": "JOINT_PERSON",
        "refAccounts": [ACCOUNT],
        "labels": ["b", "a"],
    }


def test_what_was_not_sent_is_empty(api: Caller) -> None:
    """Accounts and labels are optional, and so are three keys of an account."""
    assert api.show(api.created(1)).json()["refAccounts"] == []
    assert api.show(api.created(2)).json()["labels"] == []
    account = {"iban": ACCOUNT["iban"], "ownerName": "Ada"}
    shown = api.show(api.created(3, refAccounts=[account])).json()["refAccounts"]
    assert shown == [{"bankName": None, "bic": None, "type": None, **account}]


@pytest.mark.parametrize("kind", ["NATURAL_PERSON", "LEGAL_ENTITY", "JOINT_PERSON"])
def test_every_entity_type_is_taken(api: Caller, kind: str) -> None:
    """The three documented types can be customers."""
    assert api.show(api.created(1, entityType=kind)).json()["entityType"] == kind


def test_ids_are_matched_in_any_case(api: Caller) -> None:
    """A uuid in capitals names the same entity and the same customer, and is shown in small letters."""
    customer_id = api.created(entityId="ABCDEFAB-0000-4000-8000-00000000000A")
    assert api.show(customer_id.upper()).json()["entityId"] == "abcdefab-0000-4000-8000-00000000000a"
    assert refusal(api.create(entityId="abcdefab-0000-4000-8000-00000000000a")) == EXISTS


def test_times_have_three_to_nine_digits(api: Caller, time: FakeTime) -> None:
    """Times are ISO-8601 in UTC with Z, with fractions of all lengths that samples show, alike within a customer."""
    ids = [api.created(number) for number in range(7)]
    time.seconds += 0.00001
    for customer_id in ids:
        api.patch(customer_id, labels=["x"])
    shown = [api.show(customer_id).json() for customer_id in ids]
    for name, latest in (("createdOn", "700000123"), ("modifiedOn", "700010123")):
        fractions = [re.fullmatch(r"2026-03-01T12:00:00\.([0-9]{3,9})Z", customer[name]) for customer in shown]
        assert [found and found[1] for found in fractions] == [latest[:digits] for digits in range(3, 10)]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"entityId": None}, {"entityId": ["NOT_NULL"]}),
        ({"entityId": ""}, {"entityId": ["UUID"]}),
        ({"entityId": "C-1"}, {"entityId": ["UUID"]}),
        ({"entityId": 7}, {"entityId": ["UUID"]}),
        ({"entityId": entity(1).replace("-", "")}, {"entityId": ["UUID"]}),
        ({"entityId": entity(1) + "\n"}, {"entityId": ["UUID"]}),
        ({"entityType": None}, {"entityType": ["NOT_NULL"]}),
        ({"entityType": "PERSON"}, {"entityType": ["ENUM"]}),
        ({"entityType": "natural_person"}, {"entityType": ["ENUM"]}),
        ({"entityType": ["NATURAL_PERSON"]}, {"entityType": ["ENUM"]}),
        ({"labels": None}, {"labels": ["NOT_NULL"]}),
        ({"labels": "a"}, {"labels": ["TYPE"]}),
        ({"labels": {}}, {"labels": ["TYPE"]}),
        ({"labels": ["a"] * 17}, {"labels": ["SIZE"]}),
        ({"labels": ["a", ""]}, {"labels[1]": ["SIZE"]}),
        ({"labels": ["a", None]}, {"labels[1]": ["NOT_NULL"]}),
        ({"labels": [7]}, {"labels[0]": ["TYPE"]}),
        ({"refAccounts": ACCOUNT}, {"refAccounts": ["TYPE"]}),
        ({"refAccounts": [ACCOUNT, "x"]}, {"refAccounts[1]": ["TYPE"]}),
        ({"refAccounts": [None]}, {"refAccounts[0]": ["NOT_NULL"]}),
        ({"refAccounts": [{}]}, {"refAccounts[0].iban": ["NOT_NULL"], "refAccounts[0].ownerName": ["NOT_NULL"]}),
        ({"colour": "red"}, {"colour": ["UNKNOWN"]}),
        ({"refAccounts": [{**ACCOUNT, "BIC": "x"}]}, {"refAccounts[0].BIC": ["UNKNOWN"]}),
        (
            {"entityId": None, "entityType": "x", "labels": [""], "a" * 300: 1},
            {"entityId": ["NOT_NULL"], "entityType": ["ENUM"], "labels[0]": ["SIZE"], "a" * 255: ["UNKNOWN"]},
        ),
    ],
)
def test_create_refuses(api: Caller, sent: dict[str, Any], expected: dict[str, list[str]]) -> None:
    """A create is refused with every wrong field and its code, and leaves no customer."""
    assert problems(api.create(1, **sent)) == expected
    assert api.list().json()["data"] == []


@pytest.mark.parametrize("name", ["entityId", "entityType"])
def test_create_needs_its_entity(api: Caller, name: str) -> None:
    """What is required and was not sent is refused like null."""
    body = {"entityId": entity(1), "entityType": "LEGAL_ENTITY"}
    del body[name]
    assert problems(api.request("POST", CUSTOMERS, json=body)) == {name: ["NOT_NULL"]}


@pytest.mark.parametrize(
    ("name", "value", "codes"),
    [
        ("iban", "", ["PATTERN"]),
        ("iban", "de02120300000000202051", ["PATTERN"]),
        ("iban", "DE02 1203 0000 0000 2020 51", ["PATTERN"]),
        ("iban", "DE" + "1" * 13, ["PATTERN"]),
        ("iban", "DE" + "1" * 14, []),
        ("iban", "DE" + "1" * 31, []),
        ("iban", "DE" + "1" * 32, ["SIZE", "PATTERN"]),
        ("iban", "DE02120300000000202051\n", ["PATTERN"]),
        ("iban", None, ["NOT_NULL"]),
        ("bic", "BYLADEM1", []),
        ("bic", "BYLADEM", ["SIZE", "PATTERN"]),
        ("bic", "BYLADEM10", ["PATTERN"]),
        ("bic", "BYLADEM10011", ["SIZE", "PATTERN"]),
        ("bic", "1YLADEM1001", ["PATTERN"]),
        ("bic", None, ["NOT_NULL"]),
        ("type", "OTHER", []),
        ("type", "SECONDARY", ["ENUM"]),
        ("bankName", "", ["SIZE", "PATTERN"]),
        ("bankName", "   ", ["PATTERN"]),
        ("bankName", "x" * 255, []),
        ("bankName", "x" * 256, ["SIZE"]),
        ("ownerName", " \t", ["PATTERN"]),
        ("ownerName", "Ada\nExample", ["PATTERN"]),
        ("ownerName", "x" * 256, ["SIZE"]),
        ("ownerName", 7, ["TYPE"]),
    ],
)
def test_accounts_are_held_to_their_limits(api: Caller, name: str, value: object, codes: list[str]) -> None:
    """Each key of an account has its documented length and form, and is named with its place in the array."""
    answer = api.create(1, refAccounts=[ACCOUNT, {**ACCOUNT, name: value}])
    if codes:
        assert problems(answer) == {f"refAccounts[1].{name}": codes}
    else:
        assert answer.status_code == 200


def test_sixteen_labels_are_taken(api: Caller) -> None:
    """The limit itself is still allowed, for a create as well as for a PATCH."""
    labels = [f"label-{number}" for number in range(16)]
    customer_id = api.created(1, labels=labels)
    assert api.show(customer_id).json()["labels"] == labels
    assert api.patch(customer_id, labels=labels[::-1]).status_code == 202


def test_unknown_properties_may_be_ignored(open_api: Open) -> None:
    """With the switch, a property that no schema has is not looked at, on either level."""
    api = open_api(unknown_properties="ignore")
    customer_id = api.created(1, colour="red", refAccounts=[{**ACCOUNT, "BIC": "x"}])
    assert api.show(customer_id).json()["refAccounts"] == [ACCOUNT]
    assert api.patch(customer_id, colour="red", labels=["a"]).status_code == 202


def test_entity_is_a_customer_once(api: Caller) -> None:
    """A second create for an entity is a 409, whatever else it says, and changes nothing."""
    customer_id = api.created(1, labels=["a"])
    before = api.show(customer_id).json()
    assert refusal(api.create(1, labels=["b"], entityType="LEGAL_ENTITY")) == EXISTS
    assert api.list().json()["data"] == [before]


def test_wrong_fields_come_before_the_conflict(api: Caller) -> None:
    """A create that is wrong and a duplicate is told what is wrong."""
    api.created(1)
    assert problems(api.create(1, labels=[""])) == {"labels[0]": ["SIZE"]}


def test_duplicates_may_be_allowed(open_api: Open) -> None:
    """With the switch, an entity becomes another customer each time."""
    api = open_api(duplicate_entity="allow")
    assert api.created(1) != api.created(1)
    assert entities(api.list(entityId=entity(1))) == [1, 1]


def test_known_entities_are_a_setting(open_api: Open) -> None:
    """Where the entities are known, another one, or one of another type, is refused."""
    api = open_api(entities={entity(1): "LEGAL_ENTITY"})
    assert problems(api.create(2, entityType="LEGAL_ENTITY")) == {"entityId": ["ENTITY"]}
    assert problems(api.create(1, entityType="NATURAL_PERSON")) == {"entityId": ["ENTITY"]}
    assert api.create(1, entityType="LEGAL_ENTITY").status_code == 200


def test_create_takes_a_requestor(api: Caller) -> None:
    """A Requestor-ID is welcome on a create, unless it is no uuid."""
    body = {"entityId": entity(1), "entityType": "NATURAL_PERSON"}
    wrong = api.request("POST", CUSTOMERS, json=body, headers={"Requestor-ID": "me"})
    assert problems(wrong) == {"Requestor-ID": ["UUID"]}
    assert api.request("POST", CUSTOMERS, json=body, headers=REQUESTOR).status_code == 200


def test_create_may_need_a_requestor(open_api: Open) -> None:
    """With the switch, a create without a Requestor-ID is refused together with what else is wrong."""
    api = open_api(requestor_on_create=True)
    assert problems(api.create(1, labels=[""])) == {"Requestor-ID": ["NOT_NULL"], "labels[0]": ["SIZE"]}
    body = {"entityId": entity(1), "entityType": "NATURAL_PERSON"}
    assert api.request("POST", CUSTOMERS, json=body, headers=REQUESTOR).status_code == 200


@pytest.mark.parametrize("status", [202, 200, 204])
def test_patch_replaces_the_labels(open_api: Open, time: FakeTime, status: int) -> None:
    """A PATCH answers nothing under its status, replaces the labels, and moves modifiedOn alone."""
    api = open_api(patch_status=status)
    customer_id = api.created(1, labels=["a", "b"])
    before = api.show(customer_id).json()
    time.seconds += 60
    answer = api.patch(customer_id, labels=["c", "b"])
    assert (answer.status_code, answer.content) == (status, b"")
    expected = before | {"labels": ["c", "b"], "modifiedOn": "2026-03-01T12:01:00.700Z"}
    assert api.show(customer_id).json() == expected


def test_patch_clears_the_labels(api: Caller) -> None:
    """An empty array takes all labels away."""
    customer_id = api.created(1, labels=["a"])
    api.patch(customer_id, labels=[])
    assert api.show(customer_id).json()["labels"] == []


def test_patch_without_labels_changes_nothing(api: Caller, time: FakeTime) -> None:
    """Labels are optional in a PATCH, and without them all stays as it is."""
    customer_id = api.created(1, labels=["a"])
    before = api.show(customer_id).json()
    time.seconds += 60
    assert api.patch(customer_id).status_code == 202
    assert api.show(customer_id).json() == before
    assert [entry.applied for entry in api.app.journal.entries if entry.method == "PATCH"] == [False]


def test_patch_may_add_to_the_labels(open_api: Open) -> None:
    """With the switch, a PATCH adds its labels behind those there are, up to the limit."""
    api = open_api(labels_merge=True)
    customer_id = api.created(1, labels=["a", "b"])
    api.patch(customer_id, labels=["c", "a"])
    assert api.show(customer_id).json()["labels"] == ["a", "b", "c"]
    assert problems(api.patch(customer_id, labels=[f"l-{n}" for n in range(14)])) == {"labels": ["SIZE"]}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"labels": None}, {"labels": ["NOT_NULL"]}),
        ({"labels": "a"}, {"labels": ["TYPE"]}),
        ({"labels": [""]}, {"labels[0]": ["SIZE"]}),
        ({"labels": ["a"] * 17}, {"labels": ["SIZE"]}),
        ({"labels": [], "refAccounts": []}, {"refAccounts": ["UNKNOWN"]}),
        ({"entityId": entity(1), "entityType": "x"}, {"entityId": ["UNKNOWN"], "entityType": ["UNKNOWN"]}),
    ],
)
def test_patch_takes_labels_only(api: Caller, sent: dict[str, Any], expected: dict[str, list[str]]) -> None:
    """A PATCH with anything but good labels is refused, and changes nothing."""
    customer_id = api.created(1, labels=["a"])
    before = api.show(customer_id).json()
    assert problems(api.patch(customer_id, **sent)) == expected
    assert api.show(customer_id).json() == before


@pytest.mark.parametrize(("requestor", "code"), [(None, "NOT_NULL"), ("me", "UUID"), ("", "UUID")])
def test_patch_needs_a_requestor(api: Caller, requestor: str | None, code: str) -> None:
    """A PATCH without a Requestor-ID, or with one that is no uuid, is refused and changes nothing."""
    customer_id = api.created(1)
    headers = {} if requestor is None else {"Requestor-ID": requestor}
    answer = api.request("PATCH", f"{CUSTOMERS}/{customer_id}", json={"labels": ["a"]}, headers=headers)
    assert problems(answer) == {"Requestor-ID": [code]}
    assert api.show(customer_id).json()["labels"] == []


def test_unknown_customer_is_not_found(api: Caller) -> None:
    """An id that is nobody's is a 404 with an ErrorMessage, to show and to update."""
    assert refusal(api.show(NOBODY)) == NOT_FOUND
    assert refusal(api.patch(NOBODY, labels=[])) == NOT_FOUND


@pytest.mark.parametrize("customer_id", ["7", "reference", entity(1)[:-1], f"{entity(1)}x", "%FF", "a%2Fb"])
def test_path_wants_a_uuid(api: Caller, customer_id: str) -> None:
    """A path with an id that is no uuid is refused for it."""
    assert problems(api.show(customer_id)) == {"customerId": ["UUID"]}
    assert problems(api.patch(customer_id, labels=[])) == {"customerId": ["UUID"]}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"entityId"', "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'"text"', "application/json", 400),
        (b'{"entityType": NaN}', "application/json", 400),
        (b'{"labels": ["\xff"]}', "application/json", 400),
        (rb'{"labels": ["\uD800"]}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
    ],
)
def test_bodies_are_json_objects(api: Caller, body: bytes, content_type: str, status: int) -> None:
    """A body that is no JSON object is refused as a whole, without details, and creates nobody."""
    customer_id = api.created(1)
    for method, path in (("POST", CUSTOMERS), ("PATCH", f"{CUSTOMERS}/{customer_id}")):
        answer = api.request(method, path, content=body, headers={"content-type": content_type, **REQUESTOR})
        assert refusal(answer)[0] == status
        assert ("validationString" in answer.json()) == (status == 400)
        assert "errorDetails" not in answer.json()
    assert len(api.app.vendor.customers("")) == 1


def test_text_stays_as_it_was_sent(api: Caller) -> None:
    """A charset in the content type does no harm, and letters of any language, escaped or not, come back."""
    body = '{"entityId": "%s", "entityType": "LEGAL_ENTITY", "labels": ["Zo\\u00eb", "\\ud83d\\ude00", "ü,/ "]}'
    headers = {"content-type": "application/json; charset=utf-8"}
    api.request("POST", CUSTOMERS, content=(body % entity(1)).encode(), headers=headers)
    assert api.list().json()["data"][0]["labels"] == ["Zoë", "\N{GRINNING FACE}", "ü,/ "]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "", "GET, POST"),
        ("DELETE", "", "GET, POST"),
        ("PATCH", "", "GET, POST"),
        ("DELETE", f"/{NOBODY}", "GET, PATCH"),
        ("POST", f"/{NOBODY}", "GET, PATCH"),
        ("PUT", f"/{NOBODY}", "GET, PATCH"),
    ],
)
def test_other_methods_are_not_allowed(api: Caller, method: str, path: str, allowed: str) -> None:
    """A known path says which methods it has; there is no DELETE."""
    answer = api.request(method, f"{CUSTOMERS}{path}")
    assert refusal(answer) == (405, "METHOD_NOT_ALLOWED", "METHOD_NOT_ALLOWED_ERROR")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/roles", "/roles/proxies", f"/roles/customers/{NOBODY}/labels", "/customers"])
def test_other_paths_are_not_found(api: Caller, path: str) -> None:
    """What is not there is a 404 in the usual form."""
    assert refusal(api.request("GET", path)) == NOT_FOUND
