"""Lists: filters, limits and opaque cursors."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.tradevest.caller import Caller, entities, entity, problems
from tests.connectors.sandbox.tradevest.conftest import Open

TYPES = ("NATURAL_PERSON", "LEGAL_ENTITY", "JOINT_PERSON")


@pytest.fixture
def full_api(open_api: Open) -> Caller:
    """Give six customers of all types, every second one active, with a label for each number that divides theirs."""
    api = open_api(status={entity(number): "ACTIVE" for number in (2, 4, 6)})
    for number in range(1, 7):
        labels = [f"by {divisor}" for divisor in (1, 2, 3) if number % divisor == 0]
        api.created(number, entityType=TYPES[number % 3], labels=labels)
    return api


def _cursor(api: Caller, **query: Any) -> Any:
    return api.list(**query).json()["pagination"]["cursor"]


def test_empty_list(api: Caller) -> None:
    """Without customers there is an envelope with nothing in it, 20 to the page."""
    assert api.list().json() == {"data": [], "pagination": {"limit": 20, "cursor": ""}}


def test_list_shows_customers_as_they_are(full_api: Caller) -> None:
    """An item of a list is the customer as it is shown alone, in the order of creation."""
    data = full_api.list().json()["data"]
    assert data == [full_api.show(customer["customerId"]).json() for customer in data]
    assert entities(full_api.list()) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"entityId": entity(4)}, [4]),
        ({"entityId": entity(7)}, []),
        ({"customerStatus": "ACTIVE"}, [2, 4, 6]),
        ({"customerStatus": "CREATED"}, [1, 3, 5]),
        ({"customerStatus": "REJECTED"}, []),
        ({"customerType": "LEGAL_ENTITY"}, [1, 4]),
        ({"labels": "by 2"}, [2, 4, 6]),
        ({"labels": ["by 2", "by 3"]}, [6]),
        ({"labels": ["by 3", "by 3"]}, [3, 6]),
        ({"labels": "by"}, []),
        ({"labels": "by 2,by 3"}, []),
        ({"labels": "BY 2"}, []),
        ({"customerStatus": "ACTIVE", "customerType": "NATURAL_PERSON", "labels": ["by 1"]}, [6]),
        ({"entityId": entity(4), "customerStatus": "CREATED"}, []),
        ({"colour": "red"}, [1, 2, 3, 4, 5, 6]),
        ({"limit": 2}, [1, 2]),
        ({"limit": ["5", "3"]}, [1, 2, 3]),
    ],
)
def test_filters(full_api: Caller, query: dict[str, Any], expected: list[int]) -> None:
    """Filters narrow the list together, repeated labels to those that have them all."""
    assert entities(full_api.list(**query)) == expected


def test_entity_is_found_in_any_case(api: Caller) -> None:
    """A uuid in capitals finds the same entity."""
    api.created(entityId="abcdefab-0000-4000-8000-000000000001")
    assert entities(api.list(entityId="ABCDEFAB-0000-4000-8000-000000000001")) == [1]


@pytest.mark.parametrize("filters", [{}, {"labels": ["by 1"]}, {"customerStatus": "ACTIVE", "labels": ["by 2"]}])
def test_cursors_lead_through_the_list(full_api: Caller, filters: dict[str, Any]) -> None:
    """Following the cursors shows every customer once, the last page says so, and the limit may change on the way."""
    wanted = entities(full_api.list(**filters))
    first = full_api.list(limit=1, **filters)
    cursor, seen = first.json()["pagination"]["cursor"], entities(first)
    while cursor:
        page = full_api.list(cursor=cursor, limit=2, **filters)
        assert page.json()["pagination"]["limit"] == 2
        cursor = page.json()["pagination"]["cursor"]
        seen += entities(page)
    assert seen == wanted


def test_cursor_within_one_entity(open_api: Open) -> None:
    """The customers of one entity, where it may have several, are paged like any other list."""
    api = open_api(duplicate_entity="allow")
    ids = [api.created(1) for _ in range(3)]
    cursor = _cursor(api, limit=2, entityId=entity(1))
    rest = api.list(cursor=cursor, limit=2, entityId=entity(1)).json()
    assert [customer["customerId"] for customer in rest["data"]] == ids[2:]
    assert rest["pagination"]["cursor"] == ""


def test_page_that_just_ends_is_the_last(full_api: Caller) -> None:
    """A list as long as its limit has no cursor that would lead to an empty page."""
    assert _cursor(full_api, limit=6) == ""
    assert _cursor(full_api, limit=5) != ""
    assert _cursor(full_api, limit=2, customerType="LEGAL_ENTITY") == ""


@pytest.mark.parametrize(
    ("end_cursor", "pagination"),
    [("empty", {"limit": 20, "cursor": ""}), ("absent", {"limit": 20}), ("null", {"limit": 20, "cursor": None})],
)
def test_end_of_the_list_is_a_setting(open_api: Open, end_cursor: str, pagination: dict[str, Any]) -> None:
    """The last page's cursor is empty, absent or null."""
    assert open_api(end_cursor=end_cursor).list().json()["pagination"] == pagination


def test_empty_cursor_is_none(full_api: Caller) -> None:
    """An empty cursor asks for the first page."""
    assert entities(full_api.list(cursor="", limit=2)) == [1, 2]


def test_cursor_stands_behind_a_customer(open_api: Open, time: FakeTime) -> None:
    """Customers that go while a list is read move nobody out of it, and one that comes is at its end."""
    api = open_api(invalid_entities=frozenset({entity(1), entity(2)}), invalid_kept_seconds=60)
    for number in range(1, 6):
        api.created(number)
    cursor = _cursor(api, limit=2)
    time.seconds += 60
    api.created(6)
    assert entities(api.list(cursor=cursor)) == [3, 4, 5, 6]


def test_cursors_are_opaque(full_api: Caller, open_api: Open) -> None:
    """A cursor is no number in disguise, has nothing in common with the next, and is good in its own sandbox alone."""
    raw = [base64.urlsafe_b64decode(_cursor(full_api, limit=limit)) for limit in (1, 2)]
    assert all(len(cursor) == 24 for cursor in raw)
    assert sum(left == right for left, right in zip(*raw, strict=True)) < 8
    assert problems(open_api().list(cursor=_cursor(full_api, limit=1))) == {"cursor": ["CURSOR"]}


@pytest.mark.parametrize(
    "filters",
    [
        {"entityId": entity(4)},
        {"customerStatus": "ACTIVE"},
        {"customerType": "LEGAL_ENTITY"},
        {"labels": "by 2"},
        {"labels": ["by 1", "by 2"]},
        {},
    ],
)
def test_cursor_is_of_its_filters_alone(full_api: Caller, filters: dict[str, Any]) -> None:
    """A cursor with other filters than those it was made with is refused."""
    cursor = _cursor(full_api, limit=1, labels="by 1")
    assert problems(full_api.list(cursor=cursor, **filters)) == {"cursor": ["CURSOR"]}


def test_order_of_labels_is_no_other_filter(full_api: Caller) -> None:
    """The same labels the other way round go on with the same list."""
    cursor = _cursor(full_api, limit=1, labels=["by 1", "by 2"])
    assert entities(full_api.list(cursor=cursor, labels=["by 2", "by 1"])) == [4, 6]


@pytest.mark.parametrize("cursor", ["2", "MjA=", "nonsense!", "AAAA" * 8, "é", "http://elsewhere.invalid/"])
def test_unreadable_cursor_is_refused(full_api: Caller, cursor: str) -> None:
    """A cursor that nobody was given is refused."""
    assert problems(full_api.list(cursor=cursor)) == {"cursor": ["CURSOR"]}


def test_cursor_that_was_changed_is_refused(full_api: Caller) -> None:
    """No byte of a cursor can be another."""
    raw = base64.urlsafe_b64decode(_cursor(full_api, limit=1))
    for place in range(len(raw)):
        changed = bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]])
        answer = full_api.list(cursor=base64.urlsafe_b64encode(changed).decode())
        assert problems(answer) == {"cursor": ["CURSOR"]}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"limit": "0"}, {"limit": ["MIN"]}),
        ({"limit": "-1"}, {"limit": ["MIN"]}),
        ({"limit": "101"}, {"limit": ["MAX"]}),
        ({"limit": "ten"}, {"limit": ["TYPE"]}),
        ({"limit": ""}, {"limit": ["TYPE"]}),
        ({"limit": "2.0"}, {"limit": ["TYPE"]}),
        ({"limit": "9" * 5000}, {"limit": ["TYPE"]}),
        ({"entityId": "7"}, {"entityId": ["UUID"]}),
        ({"entityId": ""}, {"entityId": ["UUID"]}),
        ({"customerStatus": "LOST"}, {"customerStatus": ["ENUM"]}),
        ({"customerStatus": "active"}, {"customerStatus": ["ENUM"]}),
        ({"customerType": "PERSON"}, {"customerType": ["ENUM"]}),
        ({"labels": ""}, {"labels[0]": ["SIZE"]}),
        ({"labels": ["a"] * 17}, {"labels": ["SIZE"]}),
        (
            {"limit": "0", "entityId": "7", "customerType": "x", "cursor": "x"},
            {"limit": ["MIN"], "entityId": ["UUID"], "customerType": ["ENUM"]},
        ),
    ],
)
def test_bad_queries(api: Caller, query: dict[str, Any], expected: dict[str, list[str]]) -> None:
    """A query that cannot be understood is refused with every wrong parameter, even without customers."""
    assert problems(api.list(**query)) == expected


def test_limits_of_the_limit(full_api: Caller, open_api: Open) -> None:
    """The largest limit is still allowed, and is a setting."""
    assert full_api.list(limit=100).status_code == 200
    api = open_api(limit_maximum=1000)
    assert api.list(limit=1000).json()["pagination"]["limit"] == 1000
    assert problems(api.list(limit=1001)) == {"limit": ["MAX"]}


def test_default_page_has_twenty(api: Caller) -> None:
    """Without a limit a page has 20 customers."""
    for number in range(21):
        api.created(number)
    assert entities(api.list()) == list(range(20))
    assert entities(api.list(cursor=_cursor(api))) == [20]


def test_limit_may_be_required(open_api: Open) -> None:
    """With the switch, a list without a limit is refused, as the page marks it."""
    api = open_api(limit_required=True)
    assert problems(api.list()) == {"limit": ["NOT_NULL"]}
    assert api.list(limit=1).status_code == 200


def test_unknown_parameters_may_be_refused(open_api: Open) -> None:
    """With the switch, a parameter that the page does not have is refused."""
    api = open_api(unknown_query="refuse")
    assert problems(api.list(colour="red", label="x")) == {"colour": ["UNKNOWN"], "label": ["UNKNOWN"]}
    assert api.list(limit=1, labels=["a"]).status_code == 200
