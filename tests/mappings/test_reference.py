"""The one normalisation of references."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.reference import normalise, unsafe


def texts(*values: str | None) -> pd.Series:
    """Make a text column."""
    return pd.Series(list(values), dtype="str")


def test_references_are_trimmed_and_composed() -> None:
    """White space at the ends goes, both forms of é become one, and case stays."""
    column = normalise(texts(" A1\t", "a1", "Cafe\u0301", "Caf\u00e9", None, "\u00a0x", ""))
    assert column.fillna("null").tolist() == ["A1", "a1", "Café", "Café", "null", "x", ""]
    assert column.dtype == "str"


def test_the_index_of_the_column_stays() -> None:
    """Normalising keeps the column aligned with its frame."""
    assert normalise(pd.Series(["a "], index=[7], dtype="str")).index.tolist() == [7]


def test_one_odd_cell_does_not_spare_the_others() -> None:
    """In a column with a number or a broken character every other reference is normalised all the same."""
    column = normalise(pd.Series(["a ", None, 7, "x\ud800 ", "e\u0301"], dtype=object))
    assert column.fillna("null").tolist() == ["a", "null", 7, "x\ud800 ", "é"]


def test_where_case_means_nothing_it_goes() -> None:
    """Two spellings of one reference become one, in a column with an odd cell as well."""
    assert normalise(texts(" A1\t", "a1", "CAFE\u0301", None), "lower").fillna("null").tolist() == [
        "a1",
        "a1",
        "café",
        "null",
    ]
    odd = normalise(pd.Series(["A ", None, 7, "X\ud800 "], dtype=object), "lower")
    assert odd.fillna("null").tolist() == ["a", "null", 7, "X\ud800 "]


@given(
    st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"])))), st.sampled_from([None, "lower"])
)
def test_normalising_twice_changes_nothing(values: list[str | None], case: Literal["lower"] | None) -> None:
    """Normalising is idempotent and its result is NFC, whether case goes or stays."""
    once = normalise(texts(*values), case)
    assert normalise(once, case).equals(once)
    assert all(unicodedata.is_normalized("NFC", text) for text in once.dropna())


@pytest.mark.parametrize(
    "reference", [".", "..", "a\x00b", "a\nb", "\x7f", "\u0085", "A1\u200b", "\ufeffA1", "a\u202eb"]
)
def test_unsafe_references_are_marked(reference: str) -> None:
    """Dots alone, control characters and invisible ones cannot be sent."""
    assert unsafe(texts(reference)).tolist() == [True]


@pytest.mark.parametrize(
    "reference", ["A1", "...", "a.b", ".a", "a b", "a/b", "a%2Fb", "Ünï", "客戶", "\U0001f600", None]
)
def test_other_references_are_safe(reference: str | None) -> None:
    """Everything that survives an address by quoting is allowed; null is another check's."""
    assert unsafe(texts(reference)).tolist() == [False]
