"""Labels as a resource of their own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from connectors.sandbox.fault import Faults
from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.tradevest.caller import LABELS, Caller, entity, problems, refusal
from tests.connectors.sandbox.tradevest.conftest import Open

NOBODY = "99999999-9999-4999-8999-999999999999"


def _counts(api: Caller) -> dict[str, int]:
    content = api.request("GET", LABELS).json()
    assert all(item.keys() == {"label", "customersCount"} for item in content)
    return {item["label"]: item["customersCount"] for item in content}


def _rename(api: Caller, label: str, name: object) -> httpx.Response:
    return api.request("PATCH", f"{LABELS}/{quote(label, safe='')}", json={"name": name})


def _put_on(api: Caller, label: str, body: Any) -> httpx.Response:
    return api.request("PATCH", f"{LABELS}/{label}/customers", json=body)


def _accepted(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.content) == (202, b"")


@pytest.fixture
def two(api: Caller) -> tuple[str, str]:
    """Give two customers, with a label of their own and one that they share."""
    return api.created(1, labels=["both", "a/b"]), api.created(2, labels=["zoo", "both"])


@pytest.mark.usefixtures("two")
def test_labels_are_counted(api: Caller) -> None:
    """Labels are a bare array, in alphabetical order, each with the number of its customers."""
    assert list(_counts(api).items()) == [("a/b", 1), ("both", 2), ("zoo", 1)]


def test_label_that_is_there_twice_counts_once(api: Caller) -> None:
    """A label counts customers, however often one of them bears it."""
    api.created(1, labels=["a", "a"])
    assert _counts(api) == {"a": 1}


def test_label_of_invalid_customers_is_not_found(open_api: Open, time: FakeTime) -> None:
    """A label that only customers without a future bear cannot be changed, whether they are still shown or not."""
    api = open_api(invalid_entities=frozenset({entity(1)}), invalid_kept_seconds=60)
    api.created(1, labels=["a"])
    for expected in ({"a": 1}, {}):
        assert _counts(api) == expected
        assert refusal(api.request("DELETE", f"{LABELS}/a"))[0] == 404
        time.seconds += 60


def test_nobodys_labels(api: Caller) -> None:
    """Without labels there is an empty array."""
    assert api.request("GET", LABELS).json() == []


def test_rename(api: Caller, two: tuple[str, str]) -> None:
    """A label gets another name in its place; where that was borne already, it is borne once."""
    assert _accepted(_rename(api, "a/b", "c"))
    assert api.show(two[0]).json()["labels"] == ["both", "c"]
    assert _accepted(_rename(api, "both", "zoo"))
    assert [api.show(customer_id).json()["labels"] for customer_id in two] == [["zoo", "c"], ["zoo"]]


def test_delete(api: Caller, two: tuple[str, str]) -> None:
    """A deleted label is gone from all customers."""
    assert _accepted(api.request("DELETE", f"{LABELS}/both"))
    assert [api.show(customer_id).json()["labels"] for customer_id in two] == [["a/b"], ["zoo"]]


def test_put_on_customers(api: Caller, two: tuple[str, str]) -> None:
    """A label is put on all that are named and do not bear it yet, and need not be known before."""
    assert _accepted(_put_on(api, "zoo", [two[0].upper(), two[1]]))
    assert _accepted(_put_on(api, "new", [two[1], two[1]]))
    labels = [api.show(customer_id).json()["labels"] for customer_id in two]
    assert labels == [["both", "a/b", "zoo"], ["zoo", "both", "new"]]


def test_put_on_fails_as_a_whole(api: Caller, two: tuple[str, str]) -> None:
    """One customer that is unknown or has 16 labels already is enough to put the label on none."""
    full = api.created(3, labels=[f"label-{number}" for number in range(16)])
    answer = _put_on(api, "new", [two[0], full, NOBODY])
    assert problems(answer) == {"[1]": ["SIZE"], "[2]": ["CUSTOMER"]}
    assert "new" not in _counts(api)
    assert _accepted(_put_on(api, "label-3", [full]))


@pytest.mark.usefixtures("two")
def test_unknown_label_is_not_found(api: Caller) -> None:
    """A label that nobody bears can be neither renamed nor deleted."""
    assert refusal(_rename(api, "lost", "found"))[0] == 404
    assert refusal(api.request("DELETE", f"{LABELS}/lost"))[0] == 404


@pytest.mark.usefixtures("two")
def test_bad_label_requests(api: Caller) -> None:
    """Names and ids are checked, and bodies are of the documented kind."""
    assert problems(_rename(api, "both", "")) == {"name": ["SIZE"]}
    assert problems(_rename(api, "both", None)) == {"name": ["NOT_NULL"]}
    assert problems(_put_on(api, "both", ["7", None])) == {"[0]": ["UUID"], "[1]": ["NOT_NULL"]}
    assert problems(_put_on(api, "", [])) == {"labelName": ["SIZE"]}
    assert refusal(_put_on(api, "both", {}))[0] == 400
    assert list(_counts(api)) == ["a/b", "both", "zoo"]


def test_changes_are_seen_when_they_are_validated(open_api: Open, time: FakeTime) -> None:
    """Label requests are accepted like a PATCH, and seen as late."""
    api = open_api(validation_seconds=5)
    api.created(1, labels=["a"])
    time.seconds += 5
    _rename(api, "a", "b")
    assert _counts(api) == {"a": 1}
    time.seconds += 5
    assert _counts(api) == {"b": 1}


def test_labels_lag_like_other_reads(api: Caller, time: FakeTime) -> None:
    """Within the lag, labels are those before, and writes see the truth."""
    customer_id = api.created(1, labels=["a"])
    api.app.faults = Faults(read_lag_seconds=5)
    _put_on(api, "b", [customer_id])
    assert _counts(api) == {"a": 1}
    assert _accepted(api.request("DELETE", f"{LABELS}/b"))
    time.seconds += 5
    assert _counts(api) == {"a": 1}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "", "GET"), ("GET", "/both", "PATCH, DELETE"), ("POST", "/both/customers", "PATCH")],
)
def test_other_methods_are_not_allowed(api: Caller, method: str, path: str, allowed: str) -> None:
    """Each path of the labels says which methods it has."""
    answer = api.request(method, f"{LABELS}{path}")
    assert (refusal(answer)[0], answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/both/entities", "/both/customers/7"])
def test_other_paths_are_not_found(api: Caller, path: str) -> None:
    """What is not there is a 404."""
    assert refusal(api.request("PATCH", f"{LABELS}{path}", json=[]))[0] == 404
