"""What columns' names mean."""

from __future__ import annotations

from collections import defaultdict

import pytest

from mappings.synonym import PARTS, PLACES, SYNONYMS, meanings, names
from mappings.vocabulary import ADDRESS_PARTS, VOCABULARY


def test_synonyms_are_of_known_words() -> None:
    """Every word with synonyms is one of the vocabulary, and every part of an address is known."""
    assert SYNONYMS.keys() <= VOCABULARY.keys()
    assert PARTS.keys() <= ADDRESS_PARTS.keys()
    assert {f"{place}.{part}" for place in PLACES for part in PARTS} <= VOCABULARY.keys()


def test_no_name_has_two_meanings() -> None:
    """A name stands for one word alone, however it is spelt."""
    words = defaultdict(set)
    for name, word in names():
        words[name].add(word)
    assert {name: word for name, word in words.items() if len(word) > 1} == {}


@pytest.mark.parametrize(
    ("column", "word"),
    [
        ("customer_no", "reference"),
        ("CustomerID", "reference"),
        ("Kundennummer", "reference"),
        ("Kunden-Nr.", "reference"),
        ("id", "id"),
        ("E-Mail", "email"),
        ("customerEmail", "email"),
        ("Straße", "billing.street"),
        ("plz", "billing.postal_code"),
        ("Ort", "billing.city"),
        ("rechnung_ort", "billing.city"),
        ("Ville de livraison", "shipping.city"),
        ("ship_to_zip", "shipping.postal_code"),
        ("Vorname", "first_name"),
        ("Puhelin", "phone"),
        ("partita iva", "vat_number"),
        ("credit_limit", "credit_limit"),
        ("billing.country", "billing.country"),
        ("gesperrt", None),
        ("customer_", None),
        ("", None),
        ("_", None),
    ],
)
def test_a_column_means_what_it_is_called(column: str, word: str | None) -> None:
    """Names in several languages are known in every spelling, with the table's own name before them or not."""
    assert meanings([column]).get(column) == word


def test_a_plain_address_beside_a_billing_address_could_be_any() -> None:
    """`city` alone is the billing address's; beside `billing_city` it is not guessed at."""
    assert meanings(["city", "ship_city"]) == {"city": "billing.city", "ship_city": "shipping.city"}
    assert meanings(["city", "billing_city"]) == {"billing_city": "billing.city"}
