"""Names of persons: no word is lost, made up or put twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.converter import ConversionError
from mappings.naming import PersonName, split_name

WORDS = st.sampled_from(
    ["Anna", "Maria", "Smith", "von", "de", "la", "Dr.", "rer.", "nat.", "Prof.", "Frau", "Mr", "Jr.", "y", "PhD"]
)


def words_of(name: PersonName) -> list[str]:
    """List the words of all parts."""
    return [word for part in astuple(name) for word in part.split()]


@given(st.lists(WORDS | st.text(st.characters(exclude_characters=","), min_size=1, max_size=6), max_size=7))
def test_every_word_is_in_one_part(words: list[str]) -> None:
    """The four parts together are the words of the name."""
    text = " ".join(words)
    name = split_name(text)
    assert Counter(words_of(name)) == Counter(text.split())
    assert bool(name.last) == bool(text.split())


@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(WORDS, min_size=1, max_size=4))
def test_behind_a_comma_every_word_is_kept_as_well(before: list[str], behind: list[str]) -> None:
    """Family name first: the words are the same, and the family name is not empty."""
    name = split_name(f"{' '.join(before)}, {' '.join(behind)}")
    assert Counter(words_of(name)) == Counter(before + behind)
    assert name.last


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("HERR HANS VON DER HEIDE", ("HERR", "", "HANS", "VON DER HEIDE")),
        ("Smith, Herr Dr. Anna", ("Herr", "Dr.", "Anna", "Smith")),
        ("Frau Prof. Dr. rer. nat. Anna Maria Schmidt", ("Frau", "Prof. Dr. rer. nat.", "Anna Maria", "Schmidt")),
        ("Anna Smith, PhD", ("", "", "Anna", "Smith PhD")),
        ("Dick Van Dyke", ("", "", "Dick", "Van Dyke")),
        ("John Ben Smith", ("", "", "John Ben", "Smith")),
        ("Yo-Yo Ma", ("", "", "Yo-Yo", "Ma")),
        ("M. Night Shyamalan", ("", "", "M. Night", "Shyamalan")),
        ("Frau", ("", "", "", "Frau")),
        ("", ("", "", "", "")),
    ],
)
def test_names_of_many_kinds(text: str, parts: tuple[str, str, str, str]) -> None:
    """Salutations, titles with their faculties, particles in capitals, degrees behind; a word alone is a name."""
    assert split_name(text) == PersonName(*parts)


@pytest.mark.parametrize("text", ["Smith, Anna, London", ", Anna", "Smith,", ","])
def test_commas_that_make_no_sense_are_refused(text: str) -> None:
    """Which part is which would be a guess."""
    with pytest.raises(ConversionError):
        split_name(text)
