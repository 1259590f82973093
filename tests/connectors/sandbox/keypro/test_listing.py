"""Lists: paging, order and filters as the vendor's page on the list of customers has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.keypro.caller import CUSTOMERS, KeyproCaller
from tests.connectors.sandbox.keypro.conftest import Open

FIVE: tuple[dict[str, object], ...] = (
    {"customerName": "Aino", "Type": 1, "cooperativeSum": 10, "cooperativeDate": "2020-01-01"},
    {"customerName": "Bo", "Type": 2, "cooperativeSum": 2.5, "cooperativeDate": "2021-01-01", "sms2": True},
    {"customerName": "aino", "Type": 1, "cooperativeSum": -3, "sms2": False, "note": ""},
    {"customerName": "Cai Åström", "Type": 2, "note": "*"},
    {"customerName": None, "Type": 1, "cooperativeDate": "2020-06-30", "note": "a,b&c=d"},
)


@pytest.fixture
def five(api: KeyproCaller, time: FakeTime) -> KeyproCaller:
    """Give five customers, a minute apart, of whom C-1 was modified last."""
    for number, fields in enumerate(FIVE, start=1):
        assert api.post(customerNumber=f"C-{number}", **fields).status_code == 201
        time.seconds += 60
    api.patch(1, country="FI")
    return api


def _found(api: KeyproCaller, query: Mapping[str, Any] | str) -> str:
    answer = api.get(query) if isinstance(query, str) else api.get(**query)
    assert answer.status_code == 200, answer.text
    return "".join(str(customer["id"]) for customer in answer.json()["Results"])


def test_empty_list(api: KeyproCaller) -> None:
    """Without customers there are exactly the three documented keys."""
    answer = api.get()
    assert answer.json() == {"Next": None, "Prev": None, "Results": []}
    assert list(answer.json()) == ["Next", "Prev", "Results"]


def test_list_shows_whole_customers(five: KeyproCaller) -> None:
    """A list has the same objects as single answers."""
    assert five.get().json()["Results"] == [five.show(number).json() for number in range(1, 6)]


def test_pages_lead_from_one_to_the_next(five: KeyproCaller) -> None:
    """Following Next shows every customer once; both links are absolute, and null at the ends."""
    link, seen, previous = f"http://town.test{CUSTOMERS}?limit=2", "", []
    while link is not None:
        content = five.request("GET", link).json()
        seen += "".join(str(customer["id"]) for customer in content["Results"])
        previous.append(content["Prev"])
        link = content["Next"]
    assert seen == "12345"
    assert previous == [None, *(f"http://town.test{CUSTOMERS}?limit=2&offset={offset}" for offset in (0, 2))]


def test_links_repeat_the_query(five: KeyproCaller) -> None:
    """A link says limit and offset, and repeats order, coordinates and filters, encoded."""
    content = five.get(limit=1, offset=1, orderby="-Type,id", srs="epsg:3067", customerName__icontains="å ö&").json()
    assert content == {
        "Next": None,
        "Prev": f"http://town.test{CUSTOMERS}?limit=1&offset=0&orderby=-Type%2Cid&srs=epsg%3A3067"
        "&customerName__icontains=%C3%A5+%C3%B6%26",
        "Results": [],
    }
    assert five.get(limit=1, not__id=1).json()["Next"].endswith("?limit=1&offset=1&not__id=1")


def test_links_may_leave_the_filters_out(open_api: Open) -> None:
    """With the switch, a link leads to the next page of another list: filters are gone, the order stays."""
    api = open_api(filters_in_links=False)
    for _ in range(3):
        api.post(Type=1)
    link = api.get(limit=1, Type=1, orderby="-id").json()["Next"]
    assert link == f"http://town.test{CUSTOMERS}?limit=1&offset=1&orderby=-id"


def test_links_follow_the_caller(five: KeyproCaller) -> None:
    """Links name the host that was called."""
    link = five.request("GET", CUSTOMERS, params={"limit": 1}, headers={"host": "127.0.0.1:8081"}).json()["Next"]
    assert link == f"http://127.0.0.1:8081{CUSTOMERS}?limit=1&offset=1"


def test_prefix_is_a_setting(open_api: Open) -> None:
    """Under a prefix, paths without it are unknown, and links have it."""
    api = open_api(prefix="/api/v2")
    assert api.get().status_code == 404
    for number in range(2):
        body = {"customerNumber": f"C-{number}"}
        assert api.request("POST", f"/api/v2{CUSTOMERS}", json=body).status_code == 201
    assert api.request("PATCH", "/api/v2/customers/1/", json={}).status_code == 200
    assert api.request("GET", "/api/v2/txt_constants/groupname/language/").status_code == 200
    link = api.request("GET", f"/api/v2{CUSTOMERS}?limit=1").json()["Next"]
    assert link == "http://town.test/api/v2/customers/?limit=1&offset=1"
    assert api.app.journal.entries[1].reference == "C-0"


def test_default_page_has_a_hundred(api: KeyproCaller) -> None:
    """Without a limit a page has 100 customers, and its link says so."""
    for _ in range(101):
        api.app.vendor.add({})
    content = api.get().json()
    assert len(content["Results"]) == 100
    assert content["Next"] == f"http://town.test{CUSTOMERS}?limit=100&offset=100"


def test_limits_are_settings(open_api: Open) -> None:
    """The default and the most of a page are settings; a larger limit is lowered, and the link says to what."""
    api = open_api(default_limit=1, max_limit=2)
    for _ in range(4):
        api.app.vendor.add({})
    assert len(api.get().json()["Results"]) == 1
    content = api.get(limit=1000).json()
    assert (len(content["Results"]), content["Next"][-16:]) == (2, "limit=2&offset=2")


def test_offset_behind_the_end(five: KeyproCaller) -> None:
    """Behind the last customer is an empty page that leads back alone; a page that just ends leads no further."""
    assert five.get(limit=5).json()["Next"] is None
    content = five.get(offset=50).json()
    assert (content["Next"], content["Results"]) == (None, [])
    assert content["Prev"] == f"http://town.test{CUSTOMERS}?limit=100&offset=0"


@pytest.mark.parametrize(
    ("envelope", "keys"),
    [
        ("documented", ["Next", "Prev", "Results"]),
        ("lower", ["next", "previous", "results", "count"]),
        ("sibling", ["Next", "Previous", "Results", "Total"]),
    ],
)
def test_envelope_is_a_setting(open_api: Open, envelope: str, keys: list[str]) -> None:
    """The keys around a page are those of the setting; the total, where there is one, counts the selection."""
    api = open_api(envelope=envelope)
    for number in range(3):
        api.post(Type=1 + (number == 1))
    content = api.get(limit=1, offset=1, Type=1).json()
    assert list(content) == keys
    assert content[keys[0]] is None
    assert content[keys[1]] == f"http://town.test{CUSTOMERS}?limit=1&offset=0&Type=1"
    assert [customer["id"] for customer in content[keys[2]]] == [3]
    assert [content[key] for key in keys[3:]] == [2] * (len(keys) - 3)


def test_bare_list_ends_with_a_short_page(open_api: Open) -> None:
    """Without an envelope there is the array alone, and no link."""
    api = open_api(envelope="bare")
    for _ in range(3):
        api.post()
    pages = [api.get(limit=2, offset=offset).json() for offset in (0, 2, 4)]
    assert [[customer["id"] for customer in page] for page in pages] == [[1, 2], [3], []]


@pytest.mark.parametrize(
    ("orderby", "expected"),
    [
        ("id", "12345"),
        ("-id", "54321"),
        ("customerName", "12435"),
        ("-customerName", "53421"),
        ("Type", "13524"),
        ("-Type", "24135"),
        ("Type,-id", "53142"),
        ("-Type,-id", "42531"),
        ("-Type,customerName", "24135"),
        ("cooperativeSum", "32145"),
        ("-cooperativeSum", "45123"),
        ("cooperativeDate", "15234"),
        ("dateModified", "23451"),
        ("-dateModified", "15432"),
        ("sms2", "32145"),
    ],
)
def test_order(five: KeyproCaller, orderby: str, expected: str) -> None:
    """A list is in the order of one or several fields, each reversed by a minus; ties are by id, nulls last upwards."""
    assert _found(five, {"orderby": orderby}) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"customerName": "Aino"}, "1"),
        ({"customerName__exact": "Aino"}, "1"),
        ({"customerName": "ai"}, ""),
        ({"customerName__startswith": "Ai"}, "1"),
        ({"customerName__istartswith": "aI"}, "13"),
        ({"customerName__endswith": "o"}, "123"),
        ({"customerName__iendswith": "ÖM"}, "4"),
        ({"customerName__contains": "ai"}, "34"),
        ({"customerName__icontains": "AI"}, "134"),
        ({"customerName__isnull": "true"}, "5"),
        ({"customerName__isnull": "false"}, "1234"),
        ({"note": ""}, "3"),
        ({"note": "*"}, "4"),
        ({"note": "a,b&c=d"}, "5"),
        ({"customerNumber": "C-2"}, "2"),
        ({"customerNumber": "c-2"}, ""),
        ({"customerNumber": " C-2"}, ""),
        ({"customerNumber__isnull": "false"}, "12345"),
        ({"customerNumber__startswith": "C-"}, "12345"),
        ({"id": 3}, "3"),
        ({"id__gt": 3}, "45"),
        ({"id__gte": 3}, "345"),
        ({"id__lt": 3}, "12"),
        ({"id__lte": 3}, "123"),
        ({"id__isnull": "true"}, ""),
        ({"Type": 2}, "24"),
        ({"Address__isnull": "true"}, "12345"),
        ({"cooperativeSum": "2.50"}, "2"),
        ({"cooperativeSum__lt": "10"}, "23"),
        ({"cooperativeSum__gte": "-3e0"}, "123"),
        ({"cooperativeDate": "2020-01-01"}, "1"),
        ({"cooperativeDate__gt": "2020-01-01"}, "25"),
        ({"cooperativeDate__lte": "2020-06-30"}, "15"),
        ({"cooperativeDate__isnull": "true"}, "34"),
        ({"sms2": "true"}, "2"),
        ({"sms2": "false"}, "3"),
        ({"sms2__isnull": "true"}, "145"),
        ({"dateModified": "2026-03-01T12:02:00.7Z"}, "3"),
        ({"dateModified__gt": "2026-03-01T12:02:00.700Z"}, "145"),
        ({"dateModified__gte": "2026-03-01T12:02:00.700000Z"}, "1345"),
        ({"dateModified__gte": "2026-03-01T14:02:00.700+02:00"}, "1345"),
        ({"dateModified__gte": "2026-03-01T12:02:00.700"}, "1345"),
        ({"dateModified__gte": "2026-03-01T12:03"}, "145"),
        ({"dateModified__gte": "2026-03-02"}, ""),
        ({"dateModified__lt": "2026-03-01T12:02:00.700Z"}, "2"),
        ({"dateModified__lte": "2026-03-01T12:02:00.700Z"}, "23"),
        ({"dateModified__gte": "2026-03-01T12:01:00Z", "dateModified__lt": "2026-03-01T12:04:00Z"}, "234"),
        ({"not__id": 5}, "1234"),
        ({"not__customerName": "Aino"}, "2345"),
        ({"not__customerNumber": "C-2"}, "1345"),
        ({"not__cooperativeSum__gt": 0}, "345"),
        ({"not__customerName__isnull": "true"}, "1234"),
        ({"Type": 1, "not__customerName__istartswith": "a"}, "5"),
        ({"srs": "epsg:3067"}, "12345"),
        ("?Type=2&Type=1", "135"),
        ("?customerNumber=C-2&customerNumber=C-3", "3"),
    ],
)
def test_filters(five: KeyproCaller, query: Mapping[str, Any] | str, expected: str) -> None:
    """A list has the customers that pass every filter; of a parameter given twice the last counts."""
    if isinstance(query, Mapping):
        query = {name: text for name, text in query.items() if text is not None}
    assert _found(five, query) == expected


def test_filters_order_and_pages_together(five: KeyproCaller) -> None:
    """A page is cut from the filtered and ordered list."""
    assert _found(five, {"Type": 1, "orderby": "-id", "limit": 1, "offset": 1}) == "3"


def test_lists_follow_writes(five: KeyproCaller) -> None:
    """A customer written or deleted between two equal requests shows in the second."""
    before = _found(five, {"Type": 2})
    five.delete(2)
    five.patch(3, Type=2)
    after = _found(five, {"Type": 2})
    five.post(Type=2)
    assert [before, after, _found(five, {"Type": 2})] == ["24", "34", "346"]


def test_look_up_follows_the_number(five: KeyproCaller) -> None:
    """A customer is found by the number it bears now, whoever bore it before."""
    five.patch(2, customerNumber="C-9")
    assert [_found(five, {"customerNumber": number}) for number in ("C-2", "C-9")] == ["", "2"]
    five.patch(3, customerNumber="C-2")
    assert _found(five, {"customerNumber": "C-2"}) == "3"
