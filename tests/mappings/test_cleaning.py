"""Cleaning up and cutting: what comes out is clean, is a part of what went in, and stays as it is a second time."""

from __future__ import annotations

import re
import unicodedata

import pandas as pd
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from mappings.cleaning import clean, truncate
from mappings.column import apply_whole
from mappings.converter import ConversionError

# Letters that compose, break lines, join, direct or are not seen, of several scripts, and emoji of several parts.
TRICKY = st.text(
    st.sampled_from(
        "aE e\u0301\u0308\u0323\u0304\r\n\t\x00\x07\x0b\x0c\x7f\x85\x9b\u00a0\u00ad\u061c\u180e\u200b"
        "\u200c\u200d\u200e\u2028\u202a\u202e\u2060\u2066\ufeff\u1100\u1161\u11a8\u06cc\u0647\u0627\u0653"
        "\u05d9\u05b4\ufb1d\u0915\u094d\u212b\u2126\u2329\ufe0f\U0001f469\U0001f373\U0001f1e9\U0001f1ea\U0001f3fb"
    ),
    max_size=30,
)
TEXTS = TRICKY | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"  # a word that is spelt with a non-joiner


def column(*values: str | None) -> pd.Series:
    """Make a column of text."""
    return pd.Series(values, dtype="str")


@given(st.lists(TEXTS | st.none(), max_size=4))
def test_cleaned_text_is_clean_and_stays_so(texts: list[str | None]) -> None:
    """It is NFC, holds nothing unseen and is not empty; cleaned again it is the same; nulls stay in their places."""
    once = clean(column(*texts))
    assert [text for text, before in zip(once, texts, strict=True) if before is None and pd.notna(text)] == []
    for text in once.dropna():
        assert text
        assert unicodedata.is_normalized("NFC", text)
        assert not UNSEEN.search(text)
    pd.testing.assert_series_equal(clean(once), once)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_text_is_cleaned_alike_whatever_stands_beside_it(texts: list[str]) -> None:
    """The short ways for columns that are plain change no result."""
    together = clean(column(*texts))
    for place, text in enumerate(texts):
        alone = clean(column(text)).iloc[0]
        assert (pd.isna(alone) and pd.isna(together.iloc[place])) or alone == together.iloc[place]


@pytest.mark.parametrize("text", [FAMILY, PERSIAN, "Zo\u00eb\u00a0M\u00fcller", "a\tb\nc", "\u5c71\u7530"])
def test_what_is_meant_stays(text: str) -> None:
    """Emoji of several parts, Persian spelling, fixed blanks, tabs and line feeds are no dirt."""
    assert clean(column(text)).iloc[0] == text


def test_the_labels_of_records_stay() -> None:
    """A column comes back with the labels with which it went in."""
    labelled = pd.Series(["a\u200b", "bcd"], index=[7, 3], dtype="str")
    assert clean(labelled).to_dict() == {7: "a", 3: "bcd"}
    assert truncate(labelled, 2).to_dict() == {7: "a\u200b", 3: "bc"}


@given(TEXTS, st.integers(1, 12))
def test_a_cut_text_is_the_beginning_of_it_in_whole_characters(text: str, length: int) -> None:
    """It is not longer than asked for, ends between characters, and what is short enough stays as it is."""
    try:
        cut = truncate(column(text), length).iloc[0]
    except ConversionError:
        whole = regex.match(r"\X", text)
        assert whole is not None
        assert len(whole[0]) > length or not text[:length].strip()
        return
    if len(text) <= length:
        assert cut == text
        return
    assert 0 < len(cut) <= length
    assert text.startswith(cut)
    ends = {found.end() for found in regex.finditer(r"\X", text)}
    rest = text[len(cut) : length]
    assert len(cut) in ends or rest[:1].isspace()
    assert truncate(column(cut), length).iloc[0] == cut


def test_half_a_character_costs_its_own_record_alone() -> None:
    """A lone surrogate cannot be cleaned or cut; the others of its page are, and the words are ours."""
    broken = pd.Series(["a\u200b", "\ud83d", None], dtype=object)
    for function in (clean.function, lambda cells: truncate(cells, 1)):
        cells, failures = apply_whole(broken, function)
        assert cells.tolist()[0] == "a"
        assert {at: str(error) for at, error in failures.items()} == {1: "holds half of a character"}
        assert all(isinstance(error, ConversionError) for error in failures.values())


@pytest.mark.parametrize("argument", [0, -1, True, "5", 2.5, None])
def test_a_length_is_a_whole_number_from_one_on(argument: object) -> None:
    """Any other is a mistake of the job, said before any record."""
    with pytest.raises(ValueError, match="truncate"):
        truncate.bind(argument)
