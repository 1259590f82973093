"""The constants around customers: listed by group, and checked where a customer refers to them."""

from __future__ import annotations

import pytest

from connectors.sandbox.keypro.constant import Constant
from tests.connectors.sandbox.keypro.caller import KeyproCaller, refusal
from tests.connectors.sandbox.keypro.conftest import Open

COLOURS = (
    Constant(groupname="colour", id=8, txt="Red", num_value=2, availability_start_ts="2024-01-01T00:00:00Z"),
    Constant(groupname="colour", id=7, txt="blue", num_value=1.5, num_value2=4, available=False),
    Constant(groupname="colour", id=9, txt="Grey", logical_txt="GREY", availability_end_ts="2024-06-01T00:00:00Z"),
    Constant(groupname="shape", id=4, txt="Round"),
)


@pytest.mark.parametrize("group", ["customertype", "customerstatus", "language", "restrictedtype"])
def test_groups_are_bare_arrays(api: KeyproCaller, group: str) -> None:
    """A group is an array of its entries with the documented keys, without pages around it."""
    answer = api.constants(group)
    assert answer.status_code == 200
    entries = answer.json()
    assert len(entries) >= 2
    for entry in entries:
        assert list(entry) == [
            *("availability_end_ts", "availability_start_ts", "available", "groupname", "id", "logical_txt"),
            *("num_value", "num_value2", "txt"),
        ]
        assert entry["groupname"] == group


def test_unknown_group_is_empty(api: KeyproCaller) -> None:
    """A group that nobody knows has no entries."""
    answer = api.constants("colour")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [7, 8, 9]),
        ({"id": 8}, [8]),
        ({"not__id": 8}, [7, 9]),
        ({"id__gte": 8}, [8, 9]),
        ({"txt__icontains": "R"}, [8, 9]),
        ({"logical_txt__isnull": "false"}, [9]),
        ({"available": "true"}, [8, 9]),
        ({"num_value__lt": 2}, [7]),
        ({"num_value2": "4.0"}, [7]),
        ({"groupname": "shape"}, []),
        ({"availability_start_ts__lte": "2024-01-01T02:00:00+02:00"}, [8]),
        ({"availability_end_ts__gt": "2024-01-01"}, [9]),
        ({"orderby": "-id"}, [9, 8, 7]),
        ({"orderby": "num_value"}, [7, 8, 9]),
        ({"orderby": "-available,txt"}, [9, 8, 7]),
        ({"orderby": "availability_start_ts"}, [8, 7, 9]),
    ],
)
def test_entries_are_filtered_and_ordered(open_api: Open, query: dict[str, str | int], expected: list[int]) -> None:
    """Groups take the filters, `not__` and `orderby` of lists; without an order they are by id."""
    entries = open_api(constants=COLOURS).constants("colour", **query).json()
    assert [entry["id"] for entry in entries] == expected


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"limit": 1}, "Unknown parameter."),
        ({"offset": 0}, "Unknown parameter."),
        ({"srs": "epsg:3067"}, "Unknown parameter."),
        ({"customerName": "x"}, "Unknown parameter."),
        ({"id": "x"}, "A valid integer is required."),
        ({"orderby": "name"}, 'Invalid field "name".'),
    ],
)
def test_bad_parameters(api: KeyproCaller, query: dict[str, str | int], reason: str) -> None:
    """Groups have no pages, and no fields but their own."""
    (name,) = query
    assert refusal(api.constants("language", **query)) == (400, {name: [reason]})


def test_customers_refer_to_the_groups_of_the_settings(open_api: Open) -> None:
    """Which group a field takes its ids from is a setting; a field without one takes any number."""
    api = open_api(constants=COLOURS, constant_groups={"Type": "colour", "apartment": "shape"})
    assert api.post(Type=7, Status=99, Language=99, RestrictedType=99, apartment=4).status_code == 201
    wrong = {
        name: [f'Invalid pk "{value}" - object does not exist.'] for name, value in (("Type", 4), ("apartment", 7))
    }
    assert refusal(api.post(Type=4, apartment=7)) == (400, wrong)


def test_addresses_and_apartments_are_not_looked_at(api: KeyproCaller) -> None:
    """No page lists addresses or apartments, so any number names one."""
    assert api.post(Address=123456, apartment=654321, waterDbId=1).status_code == 201
