"""What stands beside the requests: customers put in without one, and the references that the journal knows."""

from __future__ import annotations

import pytest

from connectors.sandbox.fault import Faults, Forced, Strike
from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.keypro.caller import CUSTOMERS, KeyproCaller
from tests.connectors.sandbox.keypro.conftest import Open


def test_reference_is_known_by_id_and_from_the_body(api: KeyproCaller) -> None:
    """Creates and requests by id are noted under the customer's number; lists, nobodies and odd bodies have none."""
    api.post(customerNumber="C-1")
    api.patch(1, customerNumber="C-2")
    api.show(1)
    api.show(2)
    api.get(customerNumber="C-2")
    api.post()
    api.post(customerNumber=["C-1"])
    api.post(customerNumber=True)
    api.post(customerNumber=" ")
    api.request("POST", CUSTOMERS, content=b"x")
    api.delete(1)
    expected = ["C-1", "C-1", "C-2", None, None, None, None, None, None, None, "C-2"]
    assert [entry.reference for entry in api.app.journal.entries] == expected


def test_field_of_the_reference_is_a_setting(open_api: Open) -> None:
    """Another field can name customers in the journal, in forced faults, to strangers and to quick look-ups."""
    api = open_api(reference_field="identification")
    api.app.faults = Faults(forced={"I-2": Forced(status=422)}, strikes=(Strike(kind="stranger", next=1),))
    content = api.post(identification="I-1", customerNumber="C-1").json()
    assert (content["identification"], content["customerNumber"]) == ("I-1-other", "C-1")
    assert api.post(identification="I-2").status_code == 422
    assert [entry.reference for entry in api.app.journal.entries] == ["I-1", "I-2"]
    assert api.post(identification="I-1", customerNumber="C-2").status_code == 201
    found = api.get(identification="I-1").json()["Results"]
    assert [customer["id"] for customer in found] == [1, 2]


def test_only_changes_count_as_applied(api: KeyproCaller) -> None:
    """Creates, updates and deletions are applied; reads and refusals are not."""
    api.post(customerNumber="C-1")
    api.patch(1, note="x")
    api.patch(1, note=7)
    api.show(1)
    api.get()
    api.delete(1)
    api.delete(1)
    assert [entry.applied for entry in api.app.journal.entries] == [True, True, False, False, False, True, False]


def test_modified_time_of_ones_own(api: KeyproCaller, time: FakeTime) -> None:
    """Customers can be put in with any modified time or none; they are shown, ordered and filtered by it."""
    times: tuple[str | None, ...] = ("2020-01-02T00:00:00+02:00", None, "2020-01-01", "2020-01-01T22:00:00.000001Z")
    for modified in times:
        assert api.app.vendor.add({"dateModified": modified}).applied
    api.app.vendor.add({})
    shown = [customer["dateModified"] for customer in api.get().json()["Results"]]
    assert shown == [
        "2020-01-01T22:00:00.000000Z",
        None,
        "2020-01-01T00:00:00.000000Z",
        "2020-01-01T22:00:00.000001Z",
        "2026-03-01T12:00:00.700000Z",
    ]
    ordered = api.get(orderby="dateModified").json()["Results"]
    assert [customer["id"] for customer in ordered] == [3, 1, 4, 5, 2]
    later = api.get(dateModified__gt="2020-01-01T22:00:00Z").json()["Results"]
    assert [customer["id"] for customer in later] == [4, 5]
    time.seconds += 1
    assert api.patch(2).json()["dateModified"] == "2026-03-01T12:00:01.700000Z"


@pytest.mark.parametrize(
    "fields", [{"dateModified": "yesterday"}, {"dateModified": 7}, {"colour": "red"}, {"Type": 99}]
)
def test_customers_that_cannot_be_put_in(api: KeyproCaller, fields: dict[str, object]) -> None:
    """A seed that a create would refuse, or whose modified time is none, is refused by name."""
    answer = api.request("POST", "/sandbox/customers", json=[fields])
    assert (answer.status_code, list(answer.json())) == (400, list(fields))
    assert api.count() == 0


def test_customers_are_put_in_over_http_and_seen_as_they_are(api: KeyproCaller) -> None:
    """Seeds need no token and no journal, are visible at once, and the control list shows what a lag hides."""
    api.app.faults = Faults(read_lag_seconds=5)
    sent = [{"customerNumber": "C-1", "dateModified": None}, {"customerNumber": "C-2"}]
    answer = api.request("POST", "/sandbox/customers", json=sent, headers={"Authorization": ""})
    assert (answer.status_code, answer.json()) == (201, {"created": 2})
    assert [customer["id"] for customer in api.get().json()["Results"]] == [1, 2]
    api.post(customerNumber="C-3")
    assert [customer["id"] for customer in api.request("GET", "/sandbox/customers").json()] == [1, 2, 3]


def test_reset_forgets_customers_and_numbers(api: KeyproCaller) -> None:
    """After a reset there is nobody, every number is free, and ids go on."""
    api.post(customerNumber="C-1")
    api.app.reset()
    assert api.get().json()["Results"] == []
    assert api.post(customerNumber="C-1").json()["id"] == 2
