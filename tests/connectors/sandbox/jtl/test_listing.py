"""Lists: paging, envelope and filters of GET /customers."""

from __future__ import annotations

import pytest

from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.jtl.caller import JtlCaller, wrong
from tests.connectors.sandbox.jtl.conftest import OpenJtl


@pytest.fixture
def five(jtl: JtlCaller, time: FakeTime) -> JtlCaller:
    """Give five customers, created a minute apart, C-1 changed last."""
    for number, name in enumerate(["Ada", "Bob", "Cyd", "ADA", "Eve"], start=1):
        address = {"FirstName": name, "City": "Graz", "CountryIso": "AT", "EmailAddress": f"c{number}@mail.example"}
        jtl.create(
            Number=f"C-{number}",
            BillingAddress=address,
            CustomerGroupId=2 if number > 3 else 1,
            CustomerCategoryId=3 if number == 2 else None,
        )
        time.seconds += 60
    jtl.patch(1, BillingAddress={"City": "Turin"})
    return jtl


def _numbers(jtl: JtlCaller, **query: str | int) -> str:
    answer = jtl.get(**query)
    assert answer.status_code == 200, answer.text
    return "".join(customer["Number"][2:] for customer in answer.json()["Items"])


def _envelope(jtl: JtlCaller, **query: str | int) -> list[object]:
    content = jtl.get(**query).json()
    names = ("TotalItems", "PageNumber", "PageSize", "TotalPages", "NextPageNumber", "PreviousPageNumber")
    return [content[name] for name in (*names, "HasPreviousPage", "HasNextPage")]


def test_empty_list(jtl: JtlCaller) -> None:
    """Without customers there is the envelope with nothing in it, 100 to the page."""
    content = jtl.get().json()
    assert list(content) == [
        *("TotalItems", "PageNumber", "PageSize", "Items", "TotalPages", "NextPageNumber", "PreviousPageNumber"),
        *("HasPreviousPage", "HasNextPage"),
    ]
    assert content["Items"] == []
    assert _envelope(jtl) == [0, 1, 100, 0, 0, 1, False, False]


@pytest.mark.parametrize(
    ("page", "numbers", "envelope"),
    [
        (1, "12", [5, 1, 2, 3, 2, 1, False, True]),
        (2, "34", [5, 2, 2, 3, 3, 1, True, True]),
        (3, "5", [5, 3, 2, 3, 3, 2, True, False]),
        (7, "", [5, 7, 2, 3, 3, 6, True, False]),
    ],
)
def test_pages_and_their_envelopes(five: JtlCaller, page: int, numbers: str, envelope: list[object]) -> None:
    """Pages count from 1, the last one names itself as the next, the first one 1 as the previous; beyond is nobody."""
    assert _numbers(five, pageNumber=page, pageSize=2) == numbers
    assert _envelope(five, pageNumber=page, pageSize=2) == envelope


def test_page_that_just_ends_at_the_end_is_the_last(five: JtlCaller) -> None:
    """A page with the last customer on its last place has no next."""
    assert _envelope(five, pageSize=5) == [5, 1, 5, 1, 1, 1, False, False]


def test_items_are_the_whole_customers(five: JtlCaller) -> None:
    """A list shows a customer as the path of its id does."""
    assert five.get(number="C-2").json()["Items"] == [five.get("/2").json()]


def test_page_size_has_a_default_and_a_limit(open_jtl: OpenJtl) -> None:
    """Without pageSize a page has the default; a larger one than the limit is lowered, and says so."""
    jtl = open_jtl(page_size=2, page_size_limit=3)
    for number in range(4):
        jtl.create(Number=f"C-{number}")
    assert [_envelope(jtl)[2], len(_numbers(jtl))] == [2, 2]
    assert [_envelope(jtl, pageSize=1000)[2], len(_numbers(jtl, pageSize=1000))] == [3, 3]


def test_default_limit_is_a_thousand(jtl: JtlCaller) -> None:
    """A page has a thousand customers at most."""
    assert [_envelope(jtl, pageSize=size)[2] for size in (1000, 1001)] == [1000, 1000]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "12345"),
        ({"number": "C-2"}, "2"),
        ({"number": "c-2"}, ""),
        ({"number": "C-"}, ""),
        ({"number": ""}, "12345"),
        ({"groupId": "2"}, "45"),
        ({"groupId": "9"}, ""),
        ({"categoryId": "3"}, "2"),
        ({"searchKeyWord": "ada"}, "14"),
        ({"searchKeyWord": "c-3"}, "3"),
        ({"searchKeyWord": "turin"}, "1"),
        ({"searchKeyWord": "c5@mail"}, "5"),
        ({"searchKeyWord": ""}, "12345"),
        ({"searchkeyword": "ada"}, "12345"),
        ({"searchKeyWord": "ada", "groupId": "2"}, "4"),
        ({"number": "C-2", "groupId": "2"}, ""),
        ({"lastChangeFrom": "2026-03-01T12:03:00.7Z"}, "145"),
        ({"lastChangeFrom": "2026-03-01T12:03:00.8Z"}, "15"),
        ({"lastChangeTo": "2026-03-01T12:02:00.7Z"}, "23"),
        ({"lastChangeTo": "2026-03-01T12:02:00.6Z"}, "2"),
        ({"lastChangeFrom": "2026-03-01T14:01:00+02:00", "lastChangeTo": "2026-03-01T12:03:00"}, "23"),
        ({"lastChangeFrom": "2026-03-02"}, ""),
    ],
)
def test_filters(five: JtlCaller, query: dict[str, str], expected: str) -> None:
    """Lists are of the customers that the query asks for, by id; names of parameters are matched case and all."""
    assert _numbers(five, **query) == expected


def test_total_counts_what_the_filters_leave(five: JtlCaller) -> None:
    """The totals are of the selection, not of the page or of all customers."""
    assert _envelope(five, groupId=1, pageSize=2)[:4] == [3, 1, 2, 2]


def test_lists_follow_writes(five: JtlCaller) -> None:
    """A customer written or deleted between two equal requests shows in the second."""
    before = _numbers(five)
    five.delete(2)
    after_deletion = _numbers(five)
    five.create(Number="C-6")
    assert [before, after_deletion, _numbers(five)] == ["12345", "1345", "13456"]


@pytest.mark.parametrize("name", ["pageNumber", "pageSize"])
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "ten", "", "2147483648"])
def test_bad_paging(jtl: JtlCaller, name: str, text: str) -> None:
    """Pages and their sizes are whole numbers from 1 on."""
    assert wrong(jtl.get(**{name: text})) == [name]


def test_bad_filters_are_named_together(jtl: JtlCaller) -> None:
    """Ids that are no numbers and times that are none are refused in one answer."""
    answer = jtl.get(groupId="x", categoryId="1.0", lastChangeFrom="1985-01-01T", lastChangeTo="", number="C-1")
    assert wrong(answer) == ["categoryId", "groupId", "lastChangeFrom", "lastChangeTo"]


def test_last_change_filters_may_be_missing(open_jtl: OpenJtl) -> None:
    """A server without them takes no notice of them, wrong as they may be."""
    jtl = open_jtl(last_change_filter=False)
    jtl.create()
    assert _numbers(jtl, lastChangeFrom="2099-01-01T00:00:00Z", lastChangeTo="x") == "1"


def test_unknown_parameters_may_be_refused(open_jtl: OpenJtl) -> None:
    """With the setting, parameters that a read or a deletion does not have are named, missing filters among them."""
    jtl = open_jtl(last_change_filter=False, unknown_parameters="refuse")
    jtl.create()
    assert wrong(jtl.get(lastChangeFrom="2099-01-01T00:00:00Z", searchkeyword="x")) == [
        "lastChangeFrom",
        "searchkeyword",
    ]
    assert wrong(jtl.get("/1", expand="all")) == ["expand"]
    assert wrong(jtl.request("DELETE", "/customers/1?force=true")) == ["force"]
    assert wrong(jtl.request("GET", "/companies?page=1")) == ["page"]
    assert jtl.count() == 1


def test_unknown_parameters_are_ignored_by_default(jtl: JtlCaller) -> None:
    """What a read does not know changes nothing."""
    jtl.create()
    assert jtl.get("/1", expand="all").status_code == jtl.get(expand="all").status_code == 200
