"""JSON bodies: exact numbers, dotted names, and what cannot be sent."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.api.body import UnsendableError, member, nest, parse, parse_exactly, shows, write
from connectors.protocol import ConfigurationError

NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(NESTED)
def test_what_is_written_is_read_again(value: object) -> None:
    """Plain values come back as they were."""
    assert json.loads(write(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1234567890123456.78"), "1234567890123456.78"),
        (Decimal("1E+3"), "1000"),
        (0.1, "0.1"),
        (date(2026, 11, 21), '"2026-11-21"'),
        ([Decimal(2), None], "[2,null]"),
        ({"a": {"b": "ü"}}, '{"a":{"b":"ü"}}'),
    ],
)
def test_numbers_and_dates_are_written_exactly(value: object, text: str) -> None:
    """No exponent, no rounding, no escapes that nobody needs."""
    assert write(value) == text.encode()


@pytest.mark.parametrize(
    ("value", "code", "place"),
    [
        ({"a": {"b": "x\ud800"}}, "invalid_text", "a.b"),
        ({"a": ["ok", "x\udfff"]}, "invalid_text", "a"),
        ({"a": Decimal("NaN")}, "invalid_value", "a"),
        ({"a": {"c": float("inf")}}, "invalid_value", "a.c"),
    ],
)
def test_what_json_cannot_say_is_refused_by_its_name(value: object, code: str, place: str) -> None:
    """V12: half a character and a number without end cost their customer a reason, and no request."""
    with pytest.raises(UnsendableError) as caught:
        write(value)
    assert (caught.value.refusal.code, caught.value.refusal.field) == (code, place)


def test_a_kind_that_json_has_not_is_our_own_mistake() -> None:
    """The message names the member and the kind, and not the value."""
    with pytest.raises(ConfigurationError, match="photo holds a bytes"):
        write({"photo": b"canary"})


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_told_from_null(body: bytes) -> None:
    """Ellipsis where the body is none, None where it is null; only objects are objects."""
    assert parse(body) is ...
    assert parse(b"null") is None
    assert parse_exactly(body) is None
    assert parse_exactly(b"[]") is None


def test_decimals_are_read_as_they_are_written() -> None:
    """Digits are not rounded, and an exponent that would take gigabytes stays a float."""
    assert parse_exactly(b'{"a": 0.10, "b": 1e999999999}') == {"a": Decimal("0.10"), "b": float("inf")}


def test_dotted_names_are_nested_and_found() -> None:
    """`A.B` is the member B of the object A; a member of what is null is null, and what is not there is `...`."""
    content = nest({"A.B": 1, "A.C.D": 2, "E": 3})
    assert content == {"A": {"B": 1, "C": {"D": 2}}, "E": 3}
    assert [member(content, name) for name in ("A.B", "A.C.D", "E", "A.X", "E.F")] == [1, 2, 3, ..., ...]
    assert member({"A": None}, "A.B") is None


@pytest.mark.parametrize(
    ("shown", "sent", "same"),
    [
        (5000, Decimal("5000.00"), True),
        (True, 1, False),
        (1, True, False),
        (None, "", True),
        ("", None, True),
        (0, None, False),
        (" x ", "x", True),
        ("2026-11-21", date(2026, 11, 21), True),
        ([1, 2], [1, 2], True),
        ([2, 1], [1, 2], False),
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({}, {"a": 1}, False),
        ("5", 5, False),
    ],
)
def test_what_is_shown_proves_what_was_sent_or_not(shown: object, sent: object, *, same: bool) -> None:
    """Numbers by their value, truth by itself, a null for what was cleared."""
    assert shows(shown, sent) is same
