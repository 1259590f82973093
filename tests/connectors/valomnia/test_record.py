"""Customers as flat records, and records as pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from connectors.api.body import parse_exactly
from connectors.valomnia.listing import Entry
from connectors.valomnia.record import DOCUMENTED, Records, cursor_after

STAMP = "2016-08-16T09:02:13Z"


def page_of(*records: Mapping[str, object], form: Records | None = None) -> Any:
    """Make a page of records, each with an id and a date unless it says otherwise."""
    entries = [Entry.of({"id": number, "lastUpdated": STAMP, **record}) for number, record in enumerate(records)]
    return (form or Records()).page(entries, None)


def first(records: pd.DataFrame) -> dict[str, object]:
    """Give the first record without what is absent."""
    return {str(name): value for name, value in records.iloc[0].to_dict().items() if value is not ...}


def test_members_of_objects_are_columns() -> None:
    """Objects are flattened with dots and without links, lists of objects to their references and ids."""
    category = {"id": 2, "reference": "jewelry", "name": "Home", "href": "/api/v1.0/customerCategories/2"}
    kinds = [{"id": 7, "reference": "cash", "href": "/7"}, {"id": 8, "href": "/8"}]
    shown = first(page_of({"customerCategory": category, "paymentTypes": kinds, "contacts": []}).records)
    assert shown == {
        "id": 0,
        "lastUpdated": STAMP,
        "customerCategory.id": 2,
        "customerCategory.reference": "jewelry",
        "customerCategory.name": "Home",
        "paymentTypes.id": [7, 8],
        "paymentTypes.reference": ["cash", None],
        "contacts.id": [],
        "contacts.reference": [],
    }


def test_an_object_that_is_null_is_null_in_each_member() -> None:
    """A parent that is null is null under all its columns, and absent where the key is absent."""
    records = page_of({"parentCustomer": None}, {}).records
    assert records["parentCustomer.reference"].tolist() == [None, ...]
    assert "parentCustomer" not in records


def test_absent_null_and_empty_differ() -> None:
    """A key that is left out is `...`, null is null, and an empty text is one."""
    emails = page_of({}, {"email": None}, {"email": ""}).records["email"]
    assert emails.tolist() == [..., None, ""]


def test_texts_are_text_columns() -> None:
    """A column of text and null alone has the text type; any other holds plain values."""
    records = page_of({"name": "Zoë", "isActive": True}, {"name": None, "isActive": False}).records
    assert records["name"].dtype == "str"
    assert records["name"].isna().tolist() == [False, True]
    assert records["isActive"].tolist() == [True, False]
    assert records.index.equals(pd.RangeIndex(2))


def test_half_a_character_is_left_to_the_checks() -> None:
    """A text that has no UTF-8 form does not stop the page."""
    assert page_of({"name": "\ud800"}).records["name"].tolist() == ["\ud800"]


def test_columns_are_the_documented_ones_and_the_examples() -> None:
    """What an example has beyond the documentation comes after it; what a later record adds is left out."""
    form = Records([{"id": 1, "loyalty": {"points": 3, "href": "/x"}, "tags": ["a"]}])
    assert form.columns == (*DOCUMENTED, "loyalty.points", "tags")
    records = page_of({"loyalty": None, "tags": [], "surprise": 1}, form=form).records
    assert tuple(records) == form.columns
    assert records["loyalty.points"].isna().tolist() == [True]
    assert records["tags"].tolist() == [[]]
    assert len(set(form.columns)) == len(form.columns)


def test_records_without_id_or_date_are_unreadable() -> None:
    """They are in the page with their flaw; one without an id is named by what it holds, the same each time."""
    page = page_of({"id": None, "name": "A"}, {"id": True}, {"id": ""}, {"lastUpdated": "2016"}, {"lastUpdated": 7}, {})
    assert {n: flaw.code for n, flaw in page.unreadable.items()} == {
        0: "missing_key",
        1: "missing_key",
        2: "missing_key",
        3: "cursor_missing",
        4: "cursor_missing",
    }
    assert len(set(page.keys)) == 6
    assert page.keys[0] == page_of({"id": None, "name": "A"}).keys[0]
    assert page.versions[3:] == ["", "", "2016-08-16T09:02:13.000000Z"]


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+10:00"])
def test_times_beyond_the_calendar_are_unreadable(text: str) -> None:
    """A time that has no place in UTC stops nothing."""
    assert page_of({"lastUpdated": text}).unreadable[0].code == "cursor_missing"


def test_a_last_update_that_has_not_come_is_no_version() -> None:
    """After the server's own time, to the second, it cannot be ordered; without that time it is taken as it stands."""
    answered = datetime(2016, 8, 16, 9, 2, 13, tzinfo=UTC)
    texts = ["2016-08-16T09:02:13.999Z", "2016-08-16T09:02:14Z", "2999-12-31T00:00:00Z"]
    records = [{"id": number, "lastUpdated": text} for number, text in enumerate(texts)]
    page = Records().page([Entry.of(record, answered) for record in records], None)
    assert page.versions == ["2016-08-16T09:02:13.999000Z", "", ""]
    assert page.unreadable == {}
    assert page.notice == "2 records are dated after the source's clock"
    assert "" not in (Records().page([Entry.of(record) for record in records], None).versions or [""])


def test_cursors_stay_behind_the_servers_clock() -> None:
    """A cursor is the greatest date, at most the server's time, and none where either is unknown."""
    dated = [Entry.of({"id": 1, "lastUpdated": STAMP}), Entry.of({"id": 2, "lastUpdated": None})]
    early, late = datetime(2016, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    assert cursor_after(dated, late) == "2016-08-16T09:02:13.000000Z"
    assert cursor_after(dated, early) == "2016-01-01T00:00:00.000000Z"
    assert cursor_after(dated[1:], late) is None
    assert cursor_after(dated, None) is None


def test_numbers_keep_their_digits() -> None:
    """Decimals are what the answer writes; whole numbers are whole; one of a million digits is not written out."""
    content = parse_exactly(b'{"creditLimit": 0.10, "n": 9007199254740993, "huge": 1e1000000}')
    assert content == {"creditLimit": Decimal("0.10"), "n": 9007199254740993, "huge": float("inf")}
    assert str(content["creditLimit"]) == "0.10"


def test_digests_see_any_value() -> None:
    """Two showings of a customer have one digest where every value is the same, whatever the order of the keys."""
    one, other, third = (Entry.of(json.loads(text)) for text in ('{"id":1,"a":2}', '{"a":2,"id":1}', '{"id":1,"a":3}'))
    assert one.digest == other.digest != third.digest


def test_a_record_nested_beyond_reason_cannot_be_read() -> None:
    """A list in a list, 900 deep, costs its own record and no other one anything."""
    deep: object = "x"
    for _ in range(900):
        deep = [deep]
    page = page_of({"comment": deep, "name": "A"}, {"name": "B"})
    assert [refusal.code for refusal in page.unreadable.values()] == ["invalid_value"]
    assert list(page.unreadable) == [0]
    assert page.records["name"].tolist() == ["A", "B"]
