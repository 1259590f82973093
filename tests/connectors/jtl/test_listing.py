"""What an answer to a list request must show before it is used, and how one is asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from connectors.api.inquiry import UnfitError
from connectors.api.transport import Reply
from connectors.jtl.listing import Entry, Part, Window, read_window
from connectors.jtl.name import DOCUMENTED, property_name, respell
from connectors.jtl.record import Records
from connectors.protocol import CredentialsError, PermanentError

DATE = "Sun, 01 Mar 2026 12:00:00 GMT"


def read(count: int, part: Part, **envelope: object) -> Window:
    """Read a list of so many customers as the answer to a request for a part."""
    items = [{"Id": number} for number in range(count)]
    content = {"Items": items, "TotalItems": 10, "PageNumber": part.number, "PageSize": part.size, **envelope}
    return read_window(Reply(200, {"Date": DATE}, json.dumps(content).encode()), part)


def test_the_request() -> None:
    """Pages count from 1; the filter by last change is there only where it is asked for."""
    since = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
    assert Part(3, 70).target("/customers") == "/customers?pageNumber=3&pageSize=70"
    assert Part().target("/c", since) == ("/c?pageNumber=1&pageSize=100&lastChangeFrom=2026-03-01T12%3A00%3A00.000005Z")


@pytest.mark.parametrize(
    ("count", "part", "envelope"),
    [
        (4, Part(1, 4), {"HasNextPage": True}),
        (4, Part(2, 4), {}),
        (2, Part(3, 4), {"HasNextPage": False}),
        (0, Part(9, 4), {"HasNextPage": False}),
        (2, Part(9, 4), {"HasNextPage": False, "PageNumber": 3}),
        (3, Part(1, 4), {"PageSize": 3}),
    ],
)
def test_answers_that_fit(count: int, part: Part, envelope: dict[str, object]) -> None:
    """Whole pages, the rest at the end, nobody behind it or the last page once more, and fewer than asked for."""
    window = read(count, part, **envelope)
    assert len(window.entries) == count
    assert window.answered == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert window.is_last is (envelope.get("HasNextPage") is False)


@pytest.mark.parametrize(
    ("count", "part", "envelope", "words"),
    [
        (3, Part(1, 4), {}, "incomplete_extract: 3 customers are shown where 10"),
        (0, Part(1, 4), {}, "incomplete_extract"),
        (4, Part(3, 4), {}, "incomplete_extract"),
        (4, Part(1, 4), {"HasNextPage": False}, "contradicts"),
        (2, Part(3, 4), {"HasNextPage": True}, "contradicts"),
        (4, Part(1, 4), {"PageSize": 5}, "page size"),
        (4, Part(2, 4), {"PageNumber": 1}, "another page"),
        (4, Part(1, 4), {"Items": [{"Id": 1}] * 4}, "twice"),
        (4, Part(1, 4), {"Items": [1, 2, 3, 4]}, "no list"),
        (4, Part(1, 4), {"Items": None}, "no list"),
        (4, Part(1, 4), {"TotalItems": None}, "length and its place"),
        (4, Part(1, 4), {"TotalItems": -1}, "length and its place"),
        (4, Part(1, 4), {"PageSize": 0}, "length and its place"),
        (4, Part(1, 4), {"PageNumber": True}, "length and its place"),
    ],
)
def test_answers_that_contradict_themselves(count: int, part: Part, envelope: dict[str, object], words: str) -> None:
    """They are asked for again; nothing is concluded from them."""
    with pytest.raises(UnfitError, match=words):
        read(count, part, **envelope)


@pytest.mark.parametrize(("status", "kind"), [(403, CredentialsError), (402, PermanentError), (404, PermanentError)])
def test_answers_that_are_no_list(status: int, kind: type[Exception]) -> None:
    """Other statuses mean what they mean everywhere."""
    with pytest.raises(kind, match=f"jtl: list: status {status}"):
        read_window(Reply(status, {}, b""), Part())


def test_names_are_the_documented_ones_whatever_the_casing() -> None:
    """Also those of nested objects and of lists; unknown names stay, and the documented spelling wins."""
    shown = {
        "id": 1,
        "billingaddress": {"city": "Graz", "vatId": "ATU1", "planet": "Earth"},
        "shipmentAddress": None,
        "otherAddresses": {"otherbillingaddresses": [{"CITY": "Bern"}, None]},
        "website": "second",
        "Website": "first",
        "Shoe": {"Size": 43},
    }
    assert respell(shown) == {
        "Id": 1,
        "BillingAddress": {"City": "Graz", "VatID": "ATU1", "planet": "Earth"},
        "Shipmentaddress": None,
        "OtherAddresses": {"OtherBillingAddresses": [{"City": "Bern"}, None]},
        "Website": "first",
        "Shoe": {"Size": 43},
    }
    assert property_name("$.otherAddresses.OtherBillingAddresses[0].city") == (
        "OtherAddresses.OtherBillingAddresses.City"
    )
    assert property_name("Planet.City") == "Planet.City"
    assert len(property_name("x" * 500)) == 100


def test_a_record_has_the_documented_columns() -> None:
    """What is null is null in all its members, lists keep each member as a list, and what is not shown is Ellipsis."""
    billing = [{"City": "Bern", "Id": 5}, {"City": None}]
    shown = {
        "Id": 1,
        "BillingAddress": {"City": "Graz"},
        "CustomAddress": None,
        "OtherAddresses": {"OtherBillingAddresses": billing, "OtherShippingAddresses": []},
        "LastChange": "2026-03-01T12:00:00.1234567+00:00",
    }
    records = Records([{"Extra": 1}], dated=True)
    assert records.columns == (*DOCUMENTED, "Extra")
    page = records.page([Entry.of(shown)], None)
    record = page.records.iloc[0]
    assert record["BillingAddress.City"] == "Graz"
    assert record["BillingAddress.State"] is ...
    assert record["CustomAddress.City"] is None or record["CustomAddress.City"] != record["CustomAddress.City"]
    assert record["OtherAddresses.OtherBillingAddresses.City"] == ["Bern", None]
    assert record["OtherAddresses.OtherShippingAddresses.City"] == []
    assert record["OtherAddresses.OtherCustomerAddresses.City"] is ...
    assert record["Extra"] is ...
    assert (page.versions, page.unreadable) == (["2026-03-01T12:00:00.123456Z"], {})


def test_what_a_record_may_lack() -> None:
    """Without an id, or the last change that it is found by, it is unreadable; one of the future has no version."""
    answered = datetime(2026, 3, 1, 12, tzinfo=UTC)
    texts = ["2026-03-01T12:00:00.9Z", "2026-03-01T12:00:01Z", None, "2026-03-01T12:00:00"]
    entries = [Entry.of({"Id": number, "LastChange": text}, answered) for number, text in enumerate(texts)]
    entries.append(Entry.of({"LastChange": texts[0]}, answered))
    page = Records(dated=True).page(entries, None)
    assert page.versions == ["2026-03-01T12:00:00.900000Z", "", "", "", "2026-03-01T12:00:00.900000Z"]
    codes = {position: refusal.code for position, refusal in page.unreadable.items()}
    assert codes == {2: "cursor_missing", 3: "cursor_missing", 4: "missing_key"}
    assert page.notice == "1 record is dated after the source's clock"
    assert page.keys[4].startswith("no id ")
    whole = Records(dated=False).page(entries, "5")
    assert (whole.versions, whole.notice, list(whole.unreadable)) == (None, None, [4])
