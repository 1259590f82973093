"""Canonical text and the states of a cell."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from mappings.value import ABSENT, ConversionError, absences, canonical_text, nulls, tidy


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (np.bool_(0), "false"),
        (7, "7"),
        (np.int64(7), "7"),
        (7.0, "7"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e22, "10000000000000000000000"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (dt.date(2024, 2, 29), "2024-02-29"),
        (dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC), "2024-02-29T12:00:00+00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_a_value_has_one_text(value: object, text: str) -> None:
    """Every plain value is written in exactly one way, without exponent or a needless fraction."""
    assert canonical_text(value) == text


@pytest.mark.parametrize("value", [float("inf"), Decimal("-Infinity"), Decimal("NaN"), b"x", [1], {}])
def test_what_has_no_plain_text_is_refused(value: object) -> None:
    """Infinities, bytes and containers have no text, and the error does not show them."""
    with pytest.raises(ConversionError) as caught:
        canonical_text(value)
    assert str(value) not in str(caught.value)


def test_the_three_states_are_kept_apart() -> None:
    """Absent is not null, null is not empty, and empty is a value."""
    column = pd.Series([ABSENT, None, "", "a"], dtype=object)
    assert absences(column).tolist() == [True, False, False, False]
    assert nulls(column).tolist() == [False, True, False, False]


def test_a_column_of_texts_gets_the_fast_type() -> None:
    """Texts and nulls become the text type; a lone surrogate or another type leaves objects."""
    assert tidy(np.array(["a", None], dtype=object)).dtype == "str"
    assert tidy(np.array(["a\ud800", None], dtype=object)).dtype == object
    assert tidy(np.array(["a", 1], dtype=object)).dtype == object
