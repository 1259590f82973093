"""Personal values in a target's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.redaction import redact
from mappings.system import System

CUSTOMER: dict[str, object] = {
    "reference": "C-1",
    "name": "Marie's Jewelry & Söhne",
    "email": "marie@example.com",
    "phone": "030-0074321",
    "city": "X",
    "country": "IS",
    "fax": None,
    "isActive": True,
}


@pytest.mark.parametrize(
    ("description", "kept"),
    [
        ("name parameter is missing", "name parameter is missing"),
        ("The customer Marie's Jewelry & Söhne is known", "The customer [name] is known"),
        ("MARIE'S JEWELRY &amp; SÖHNE exists", "[name] exists"),
        ("Jewelry is not allowed", "[name] is not allowed"),
        ("So\u0308hne", "[name]"),
        ("<marie@example.com> and other@example.org", "<[email]> and [email]"),
        ("call 030-0074321.", "call [phone]."),
        ("The city X of EXPORT", "The city [city] of EXPORT"),
        ("IS is an island", "[country] is an island"),
        ("customer C-1 is true", "customer C-1 is true"),
        ("bell\x07 and\nline", "bell\\x07 and\\nline"),
    ],
)
def test_personal_values_are_replaced_by_their_field(valomnia: System, description: str, kept: str) -> None:
    """Values of personal fields go in every spelling; references, other fields and the target's own words stay."""
    assert redact(description, CUSTOMER, valomnia) == kept


def test_a_value_that_the_sender_cut_is_found(valomnia: System) -> None:
    """The beginning of a value at the end of a cut text goes as well."""
    assert redact("duplicate of 030-0074", CUSTOMER, valomnia) == "duplicate of [phone]"


def test_entries_of_a_list_are_personal_each(tradevest: System) -> None:
    """Numbers and owners of bank accounts go, wherever they stand in their lists; banks and labels stay."""
    values: dict[str, object] = {
        "refAccounts.iban": ["DE00500105170000000001", "FR00500105170000000002"],
        "refAccounts.ownerName": ["Anna Smith", None],
        "labels": ["gold"],
    }
    kept = redact("FR00500105170000000002 of anna smith is gold", values, tradevest)
    assert kept == "[refAccounts.iban] of [refAccounts.ownerName] is gold"


def test_the_text_is_cut_after_values_are_replaced(valomnia: System) -> None:
    """No half value remains at the cut, and no more than 200 characters."""
    text = redact("x" * 190 + " 030-0074321 " + "y" * 100, CUSTOMER, valomnia)
    assert len(text) == 200
    assert "030" not in text


@given(
    name=st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=4),
    before=st.sampled_from(["", "Der ", "q="]),
    after=st.sampled_from(["", " ist da", "; sei so gut"]),
)
def test_no_name_is_ever_left(valomnia: System, name: str, before: str, after: str) -> None:
    """A value that stands by itself is replaced, and nothing around it."""
    assert redact(f"{before}{name}{after}", {"name": name}, valomnia) == f"{before}[name]{after}"
