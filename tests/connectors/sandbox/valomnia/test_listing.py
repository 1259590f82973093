"""Lists: paging, sorting and filters of chapter 11.1, and the lists around it."""

from __future__ import annotations

import pytest

from tests.connectors.sandbox.caller import Caller, FakeTime, refusal
from tests.connectors.sandbox.conftest import Open


@pytest.fixture
def full_api(api: Caller, time: FakeTime) -> Caller:
    """Give five customers, created a minute apart, C-1 updated last."""
    for number, name in enumerate(["Ada", "Bob", "Cyd", "ada", "Eve"], start=1):
        api.upsert(
            f"C-{number}", name=name, categoryId="jewelry" if number > 3 else "retail", isActive=str(number < 5).lower()
        )
        time.seconds += 60
    api.upsert("C-1", city="Turin")
    return api


def _references(api: Caller, **query: str | int) -> list[str]:
    answer = api.get(**query)
    assert answer.status_code == 200, answer.text
    return [customer["reference"][2:] for customer in answer.json()["data"]]


def test_empty_list(api: Caller) -> None:
    """Without customers there is an envelope with nothing in it, 100 to the page."""
    paging = {"total": 0, "max": 100, "offset": 0, "previous": None, "next": None}
    assert api.get().json() == {"paging": paging, "data": []}


def test_next_has_the_documented_form(full_api: Caller) -> None:
    """The link to the next page repeats max, offset, sort and order, in that order."""
    paging = full_api.get(max=2).json()["paging"]
    assert list(paging) == ["total", "max", "offset", "previous", "next"]
    assert paging["next"] == "/api/v2.1/customers?max=2&offset=2&sort=dateCreated&order=asc"
    assert paging["previous"] is None


def test_pages_lead_from_one_to_the_next(full_api: Caller) -> None:
    """Following next shows every customer once, and the last page has none."""
    path, seen, previous = "?max=2", [], []
    while path is not None:
        content = full_api.get(path).json()
        seen += [customer["reference"] for customer in content["data"]]
        previous.append(content["paging"]["previous"])
        link = content["paging"]["next"]
        path = link and link.removeprefix("/api/v2.1/customers")
    assert seen == ["C-1", "C-2", "C-3", "C-4", "C-5"]
    assert previous[1:] == [
        "/api/v2.1/customers?max=2&offset=0&sort=dateCreated&order=asc",
        "/api/v2.1/customers?max=2&offset=2&sort=dateCreated&order=asc",
    ]


def test_default_page_has_a_hundred(api: Caller) -> None:
    """Without max a page has 100 customers."""
    for number in range(101):
        api.upsert(f"C-{number}", name="Ada")
    assert len(api.get().json()["data"]) == 100


def test_page_limit_is_a_setting(open_api: Open) -> None:
    """A limit lowers a larger max, and says so in the paging."""
    api = open_api(page_limit=2)
    for number in range(3):
        api.upsert(f"C-{number}", name="Ada")
    content = api.get(max=1000).json()
    assert (len(content["data"]), content["paging"]["max"]) == (2, 2)


def test_offset_behind_the_end(full_api: Caller) -> None:
    """Behind the last customer there is an empty page that leads nowhere, and a page that just ends there does too."""
    assert full_api.get(max=5).json()["paging"]["next"] is None
    content = full_api.get(offset=50).json()
    assert content["data"] == []
    assert content["paging"]["next"] is None


def test_filters_in_next_are_a_setting(open_api: Open) -> None:
    """Whether links repeat the filters is unknown, so they do when the switch is on, encoded."""
    plain, repeating = open_api(), open_api(filters_in_next=True)
    for api in (plain, repeating):
        for number in range(3):
            api.upsert(f"C-{number}", name="Ada & Co")
    assert plain.get(max=2, name="Ada &*").json()["paging"]["next"].endswith("&order=asc")
    assert repeating.get(max=2, name="Ada &*").json()["paging"]["next"].endswith("&order=asc&name=Ada+%26%2A")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sort": "name"}, "12354"),
        ({"sort": "name", "order": "desc"}, "45321"),
        ({"order": "desc"}, "54321"),
        ({"sort": "lastUpdated", "order": "desc"}, "15432"),
        ({"sort": "id"}, "12345"),
        ({"sort": "city", "order": "desc"}, "12345"),
        ({"sort": "categoryReference"}, "45123"),
        ({"sort": "customerSegmentationReference"}, "12345"),
        ({"reference": "C-2"}, "2"),
        ({"reference": "c-2"}, ""),
        ({"reference": "C-*"}, "12345"),
        ({"reference": "*-2"}, "2"),
        ({"reference": "*-*"}, "12345"),
        ({"reference": "*"}, "12345"),
        ({"reference": "-"}, ""),
        ({"name": "*d*"}, "134"),
        ({"name": "A*"}, "1"),
        ({"name": "*b"}, "2"),
        ({"categoryReference": "jewel*"}, "45"),
        ({"categoryReference": "retail"}, "123"),
        ({"isActive": "false"}, "5"),
        ({"isActive": "true"}, "1234"),
        ({"isActive": "true", "name": "*d*", "reference": "C-4"}, "4"),
        ({"dateCreated_gt": "2026-03-01T12:02:00Z"}, "45"),
        ({"dateCreated_gte": "2026-03-01T12:02:00Z"}, "345"),
        ({"dateCreated_lt": "2026-03-01T12:02:00Z"}, "12"),
        ({"dateCreated_lte": "2026-03-01T12:02:00Z"}, "123"),
        ({"lastUpdated_gt": "2026-03-01T12:04:00Z"}, "1"),
        ({"lastUpdated_gte": "2026-03-01T12:04:00Z"}, "15"),
        ({"lastUpdated_lt": "2026-03-01T12:02:00Z"}, "2"),
        ({"lastUpdated_lte": "2026-03-01T12:02:00Z"}, "23"),
        ({"lastUpdated_gte": "2026-03-01T12:01:00Z", "lastUpdated_lt": "2026-03-01T12:03:00Z"}, "23"),
    ],
)
def test_sorting_and_filters(full_api: Caller, query: dict[str, str], expected: str) -> None:
    """Lists are in the order and of the customers that the query asks for."""
    assert "".join(_references(full_api, **query)) == expected


def test_total_counts_what_the_filters_leave(full_api: Caller) -> None:
    """The total is of the selection, not of the page or of all customers."""
    assert full_api.get(isActive="true", max=1).json()["paging"]["total"] == 4


def test_lists_follow_writes(full_api: Caller) -> None:
    """A customer written or deleted between two equal requests shows in the second."""
    before = _references(full_api)
    full_api.delete("/reference/C-2")
    after_deletion = _references(full_api)
    full_api.upsert("C-6", name="Fay")
    assert [before, after_deletion, _references(full_api)] == [list("12345"), list("1345"), list("13456")]


UNKNOWN = "The parameters [{}] you provided are not valid for this request."
MISTYPED = "The type of parameter {} you provided is not valid for this request."
UNDATED = "Invalid datetime filter (not ISO-8601 formatted): [{}]"


@pytest.mark.parametrize(
    ("query", "error", "description"),
    [
        ({"dateCreated_gta": "x"}, "invalid_param", UNKNOWN.format("dateCreated_gta")),
        ({"a": "1", "max": "1", "b": "2"}, "invalid_param", UNKNOWN.format("a, b")),
        ({"sort": "customerCategory"}, "invalid_param", UNKNOWN.format("sort")),
        ({"order": "up"}, "invalid_param", UNKNOWN.format("order")),
        ({"max": "0"}, "invalid_param_type", MISTYPED.format("max")),
        ({"max": "ten"}, "invalid_param_type", MISTYPED.format("max")),
        ({"offset": "-1"}, "invalid_param_type", MISTYPED.format("offset")),
        ({"isActive": "1"}, "invalid_param_type", MISTYPED.format("isActive")),
    ],
)
def test_bad_queries(api: Caller, query: dict[str, str], error: str, description: str) -> None:
    """A query that cannot be understood is refused in the vendor's words, even without customers."""
    assert refusal(api.get(**query)) == (400, error, description)


@pytest.mark.parametrize("text", ["2016-08-1Z", "2026-02-30T00:00:00Z", "2026-02-01T00:00:00+00:00", "2026-02-01", ""])
def test_bad_dates(api: Caller, text: str) -> None:
    """A date filter that is not of the documented form, or no day at all, is quoted in the refusal."""
    assert refusal(api.get(lastUpdated_gt=text)) == (400, "invalid_datetime_format", UNDATED.format(text))


@pytest.mark.parametrize(
    ("resource", "keys"),
    [
        (
            "customerCategories",
            "id name isRoot parentId parentCategory reference description image organization dateCreated lastUpdated",
        ),
        ("paymentTypes", "id name reference isActive organization dateCreated lastUpdated"),
        ("regions", "id name organization dateCreated lastUpdated"),
    ],
)
def test_lists_around_customers(api: Caller, resource: str, keys: str) -> None:
    """Categories, payment types and regions are listed and shown with their documented keys."""
    content = api.request("GET", f"/api/v2.1/{resource}", params={"max": 1}).json()
    entity = content["data"][0]
    assert set(entity) == set(keys.split())
    assert content["paging"]["next"] == f"/api/v2.1/{resource}?max=1&offset=1&sort=dateCreated&order=asc"
    assert api.request("GET", f"/api/v2.1/{resource}/{entity['id']}").json() == entity


def test_entities_by_reference(api: Caller) -> None:
    """Categories and payment types are found by reference, filtered by it, and missed in the vendor's words."""
    shown = api.request("GET", "/api/v2.1/paymentTypes/reference/cash").json()
    listed = api.request("GET", "/api/v2.1/paymentTypes", params={"reference": "*ash"}).json()["data"]
    assert listed == [shown]
    missed = api.request("GET", "/api/v2.1/customerCategories/reference/toys")
    assert refusal(missed) == (404, "not_found", "The customer category with the id toys doesn't exist.")


def test_regions_have_no_reference_filter(api: Caller) -> None:
    """The page of regions has filters by date and name alone."""
    assert refusal(api.request("GET", "/api/v2.1/regions", params={"reference": "x"}))[1] == "invalid_param"
    named = api.request("GET", "/api/v2.1/regions", params={"name": "New*"}).json()["data"]
    assert [region["id"] for region in named] == [3]
