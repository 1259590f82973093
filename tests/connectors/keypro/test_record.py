"""Customers as records."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.keypro.property import FIELDS, Properties
from connectors.keypro.record import Entry, Records
from connectors.protocol import Refusal

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = Properties({"customerName": "title"})


def entry(answered: datetime | None = NOON, **customer: object) -> Entry:
    """Read a customer."""
    return Entry.of({"id": 7, "dateModified": "2026-02-28T10:00:00.5+02:00", **customer}, NAMES, answered)


def test_columns_are_the_fields_and_what_else_is_shown() -> None:
    """The documented fields come first in any case; a property that no column has is left out of the pages."""
    assert Records().columns == FIELDS
    records = Records([NAMES.rename({"title": "Ada", "shoeSize": 43, "Address": {"id": 1, "city": "Bern"}})])
    assert records.columns == (*FIELDS, "Address.id", "Address.city", "shoeSize")
    page = records.page([entry(title="Ada", shoeSize=43, later=1, note=None)], None)
    (shown,) = page.records.to_dict("records")
    assert (shown["customerName"], shown["shoeSize"], shown["phone2"]) == ("Ada", 43, ...)
    assert "later" not in shown


def test_a_version_is_the_last_update_in_utc() -> None:
    """To the last digit."""
    page = Records().page([entry()], "c")
    assert (page.keys, page.versions, page.cursor) == (["7"], ["2026-02-28T08:00:00.500000Z"], "c")
    assert (page.unreadable, page.notice) == ({}, None)


@pytest.mark.parametrize("updated", [None, "", "yesterday", "2026-02-28T10:00:00", 5, "0001-01-01T00:00:00+02:00"])
def test_no_last_update_is_told(updated: object) -> None:
    """Missing, unreadable, without a zone: the record is there, is `cursor_missing`, and has no version."""
    page = Records().page([entry(dateModified=updated)], None)
    assert page.unreadable == {
        0: Refusal("cursor_missing", "dateModified", "dateModified is missing, or no time with a zone")
    }
    assert page.versions == [""]


@pytest.mark.parametrize("identity", [None, "x", True, ...])
def test_no_id_is_told(identity: object) -> None:
    """The record is named by what it holds, the same each time and for each another."""
    shown = [entry(id=identity, note=note) for note in ("a", "b", "a")]
    page = Records().page(shown, None)
    assert {refusal.code for refusal in page.unreadable.values()} == {"missing_key"}
    assert page.keys[0] == page.keys[2] != page.keys[1]


def test_an_update_that_has_not_come_yet_orders_nothing() -> None:
    """Dated after the server's own second it has no version, and the page says how many; within that second it has."""
    page = Records().page(
        [entry(dateModified="2026-03-01T12:00:01Z"), entry(dateModified="2026-03-01T12:00:00.999Z")], None, "odd"
    )
    assert page.versions == ["", "2026-03-01T12:00:00.999000Z"]
    assert page.notice == "odd; 1 record is dated after the source's clock"
    assert not page.unreadable
    assert entry(None, dateModified="2999-01-01T00:00:00Z").ahead is False
