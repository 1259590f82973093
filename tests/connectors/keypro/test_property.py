"""Fields and the properties that show them."""

from __future__ import annotations

import pytest

from connectors.keypro.property import FIELDS, Properties, read_id, read_reference
from connectors.protocol import ConfigurationError


def test_a_field_that_the_table_leaves_out_is_called_as_it_is() -> None:
    """The other fields have the names of the table, both ways."""
    properties = Properties({"customerName": "title"})
    assert [properties.name(field) for field in ("customerName", "note")] == ["title", "note"]
    assert [properties.field(name) for name in ("title", "note", "shoeSize")] == ["customerName", "note", "shoeSize"]


@pytest.mark.parametrize(
    "name", ["", "a b", "a,b", "a.b", "a__gt", "a=b", "a&b", "limit", "offset", "orderby", "srs", "a\x00"]
)
def test_a_name_that_no_filter_could_be_made_of_is_refused(name: str) -> None:
    """The field is named, not the name."""
    with pytest.raises(ConfigurationError, match="properties: note has a name that no property can have"):
        Properties({"note": name})


def test_two_fields_cannot_share_a_property() -> None:
    """Both are named; a field whose own name is given to another needs a name of its own."""
    with pytest.raises(ConfigurationError, match="customerName and phone2 have one name"):
        Properties({"phone2": "x", "customerName": "x"})
    with pytest.raises(ConfigurationError, match="have one name"):
        Properties({"note": "customerName"})
    assert Properties({"note": "customerName", "customerName": "note"}).name("note") == "customerName"


def test_a_customer_is_shown_by_field() -> None:
    """Properties that no field has keep their names, but for one that bears a field's; what is not shown is not."""
    properties = Properties({"customerName": "title"})
    shown = properties.rename({"title": "Ada", "customerName": "stranger", "shoeSize": 43, "note": None})
    assert shown == {"customerName": "Ada", "note": None, "shoeSize": 43}


def test_there_are_28_fields_in_the_documented_order() -> None:
    """Names with capitals come first, then the others, each by the alphabet."""
    assert len(FIELDS) == len(set(FIELDS)) == 28
    assert list(FIELDS) == sorted(FIELDS)


@pytest.mark.parametrize(
    ("value", "identity"),
    [(7, "7"), (0, "0"), ("7", "7"), (True, None), (-1, None), (None, None), ("", None), ("07", None), ("7 ", None)],
)
def test_ids_are_whole_numbers(value: object, identity: str | None) -> None:
    """A number, or its plain digits."""
    assert read_id(value) == identity


@pytest.mark.parametrize(
    ("value", "reference"),
    [("C-1", "C-1"), (" C-1 ", "C-1"), (17, "17"), ("Zoe\u0308", "Zoë"), (True, None), (None, None), ("", None)],
)
def test_references_are_compared_in_one_form(value: object, reference: str | None) -> None:
    """Text or a whole number, trimmed and composed; case stays."""
    assert read_reference(value) == reference
    assert read_reference("c-1") != read_reference("C-1")
