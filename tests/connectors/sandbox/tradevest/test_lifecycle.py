"""What becomes of customers and updates after the answer: they are accepted first and validated later."""

from __future__ import annotations

import pytest

from connectors.sandbox.fault import Faults
from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.tradevest.caller import Caller, entities, entity, refusal
from tests.connectors.sandbox.tradevest.conftest import Open


def _status(api: Caller, customer_id: str) -> object:
    return api.show(customer_id).json()["customerStatus"]


def test_create_is_received_until_it_is_validated(open_api: Open, time: FakeTime) -> None:
    """A new customer is shown and listed at once, RECEIVED, and becomes CREATED in time, which moves modifiedOn."""
    api = open_api(validation_seconds=5)
    customer_id = api.created(1)
    time.seconds += 4.9
    received = api.show(customer_id).json()
    assert received["customerStatus"] == "RECEIVED"
    assert api.list().json()["data"] == [received]
    time.seconds += 0.1
    times = {"createdOn": "2026-03-01T12:00:00.700Z", "modifiedOn": "2026-03-01T12:00:05.700Z"}
    assert api.show(customer_id).json() == received | times | {"customerStatus": "CREATED"}


def test_received_customer_bars_its_entity(open_api: Open) -> None:
    """A second create is a 409 even before the first is validated."""
    api = open_api(validation_seconds=5)
    api.created(1)
    assert refusal(api.create(1))[0] == 409


def test_patch_is_seen_when_it_is_validated(open_api: Open, time: FakeTime) -> None:
    """An accepted PATCH shows the old labels for as long as a validation takes."""
    api = open_api(validation_seconds=5)
    customer_id = api.created(1, labels=["a"])
    time.seconds += 5
    before = api.show(customer_id).json()
    assert api.patch(customer_id, labels=["b"]).status_code == 202
    time.seconds += 4.9
    assert api.show(customer_id).json() == before
    assert entities(api.list(labels="a")) == [1]
    time.seconds += 0.1
    after = api.show(customer_id).json()
    assert (after["labels"], after["modifiedOn"]) == (["b"], "2026-03-01T12:00:10.700Z")
    assert entities(api.list(labels="a")) == []


def test_patch_of_a_received_customer(open_api: Open, time: FakeTime) -> None:
    """A PATCH that comes before the validation is over is accepted, and comes about after it."""
    api = open_api(validation_seconds=5)
    customer_id = api.created(1, labels=["a"])
    time.seconds += 2
    assert api.patch(customer_id, labels=["b"]).status_code == 202
    seen = []
    for _ in range(3):
        customer = api.show(customer_id).json()
        seen.append((customer["customerStatus"], customer["labels"]))
        time.seconds += 3
    assert seen == [("RECEIVED", ["a"]), ("CREATED", ["a"]), ("CREATED", ["b"])]


def test_invalid_customer_is_removed_later(open_api: Open, time: FakeTime) -> None:
    """A create that fails its validation is answered 200, turns INVALID, and is then gone from all reads."""
    api = open_api(validation_seconds=5, invalid_entities=frozenset({entity(1)}), invalid_kept_seconds=60)
    customer_id = api.created(1)
    assert _status(api, customer_id) == "RECEIVED"
    time.seconds += 5
    assert _status(api, customer_id) == "INVALID"
    time.seconds += 59
    assert entities(api.list(customerStatus="INVALID")) == [1]
    time.seconds += 1
    assert refusal(api.show(customer_id))[0] == 404
    assert refusal(api.patch(customer_id, labels=[]))[0] == 404
    assert api.list().json()["data"] == api.app.vendor.customers("") == []


def test_invalid_at_once(open_api: Open) -> None:
    """Without a time for the validation a failing create is INVALID from the start, and answered 200 all the same."""
    api = open_api(invalid_entities=frozenset({entity(1)}))
    assert _status(api, api.created(1)) == "INVALID"
    assert _status(api, api.created(2)) == "CREATED"


def test_invalid_customer_leaves_its_entity_free(open_api: Open) -> None:
    """An entity whose customer turned out INVALID can become a customer again."""
    api = open_api(invalid_entities=frozenset({entity(1)}))
    assert api.created(1) != api.created(1)


def test_patch_of_an_invalid_customer_comes_to_nothing(open_api: Open, time: FakeTime) -> None:
    """It is accepted like any other, and never seen: asynchronous failures show in no answer."""
    api = open_api(validation_seconds=5, invalid_entities=frozenset({entity(1)}))
    customer_id = api.created(1, labels=["a"])
    assert api.patch(customer_id, labels=["b"]).status_code == 202
    time.seconds += 10
    customer = api.show(customer_id).json()
    assert (customer["customerStatus"], customer["labels"]) == ("INVALID", ["a"])


@pytest.mark.parametrize("status", ["ACTIVE", "REVIEW", "SUSPENDED_COMPLIANCE", "SOMETHING_NEW"])
def test_status_of_a_validated_customer_is_a_setting(open_api: Open, time: FakeTime, status: str) -> None:
    """A customer can be shown under any word, known or not, and be found by it; a PATCH keeps it."""
    api = open_api(status={entity(1): status}, validation_seconds=5)
    customer_id = api.created(1)
    assert _status(api, customer_id) == "RECEIVED"
    api.patch(customer_id, labels=["a"])
    time.seconds += 5
    assert _status(api, customer_id) == status
    assert entities(api.list(customerStatus=status)) == [1]


def test_seeded_customer_needs_no_validation(open_api: Open) -> None:
    """A customer that is added without a request is what it is at once, with times and a status of its own."""
    api = open_api(validation_seconds=5)
    times = {"createdOn": "2020-01-01T00:00:00.123456789Z", "modifiedOn": None}
    fields = {"entityId": entity(1), "entityType": "LEGAL_ENTITY", "labels": ["a"]}
    assert api.app.vendor.add({**fields, **times, "customerStatus": "ESTATE"}).applied
    assert api.app.vendor.add({**fields, "entityId": entity(2)}).applied
    first, second = api.list().json()["data"]
    assert {name: first[name] for name in times} == times
    assert (first["customerStatus"], second["customerStatus"]) == ("ESTATE", "CREATED")
    assert second["modifiedOn"] == second["createdOn"] == "2026-03-01T12:00:00.7000Z"


def test_seed_is_held_to_the_rules_of_a_create(api: Caller) -> None:
    """A seed that a create would refuse is refused, over HTTP as well, and the ones before it are there."""
    fields = {"entityId": entity(1), "entityType": "LEGAL_ENTITY"}
    made = api.request("POST", "/sandbox/customers", json=[fields, fields])
    assert refusal(made)[0] == 409
    assert not api.app.vendor.add({**fields, "entityId": "7"}).applied
    assert len(api.app.vendor.customers("")) == 1


def test_read_lag_hides_new_customers(api: Caller, time: FakeTime) -> None:
    """Within the lag a new customer is neither shown nor listed, and its entity is taken all the same."""
    api.app.faults = Faults(read_lag_seconds=5)
    customer_id = api.created(1)
    assert refusal(api.show(customer_id))[0] == 404
    assert entities(api.list()) == entities(api.list(entityId=entity(1))) == []
    assert refusal(api.create(1))[0] == 409
    assert api.patch(customer_id, labels=["a"]).status_code == 202
    assert len(api.app.vendor.customers("")) == 1
    time.seconds += 5
    assert api.show(customer_id).json()["labels"] == ["a"]


def test_read_lag_shows_the_version_before(api: Caller, time: FakeTime) -> None:
    """Within the lag an update is not seen; what was written before the lag came is."""
    customer_id = api.created(1, labels=["a"])
    api.app.faults = Faults(read_lag_seconds=5)
    api.patch(customer_id, labels=["b"])
    time.seconds += 4
    api.patch(customer_id, labels=["c"])
    seen = []
    for _ in range(3):
        seen.append(api.show(customer_id).json()["labels"])
        time.seconds += 4
    assert seen == [["a"], ["b"], ["c"]]


def test_reset_forgets_customers(api: Caller) -> None:
    """After a reset nobody is there, and entities are free."""
    customer_id = api.created(1)
    api.app.reset()
    api.log_in()
    assert refusal(api.show(customer_id))[0] == 404
    assert api.create(1).status_code == 200
