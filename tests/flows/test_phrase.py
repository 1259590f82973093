"""Counts are said as people say them."""

from __future__ import annotations

import pytest

from flows.ledger.record import Counts
from flows.phrase import counted, sent_and_rejects, tally


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "reject", "0 rejects"),
        (1, "reject", "1 reject"),
        (3001, "customer", "3,001 customers"),
        (1, "retry", "1 retry"),
        (2, "retry", "2 retries"),
        (2, "later completed run", "2 later completed runs"),
    ],
)
def test_a_number_with_its_noun(number: int, noun: str, said: str) -> None:
    """One is singular, all else plural; thousands have a comma."""
    assert counted(number, noun) == said


def test_what_became_of_customers() -> None:
    """Only outcomes that occurred are named; one reject is not several."""
    counts = Counts(extracted=1200, created=588, updated=412, invalid=1, unchanged=199)
    assert tally(counts) == "588 created, 412 updated, 199 unchanged, 1 invalid"
    assert tally(Counts()) == "no customer"
    assert sent_and_rejects(counts) == "1,000 sent, 199 unchanged, 1 reject"
