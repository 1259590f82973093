"""Names that are misspelt, and names that are one."""

from __future__ import annotations

import pytest

from mappings.name import folded, nearest


def test_the_nearest_name_is_suggested() -> None:
    """A misspelt name gets the nearest known one, in its own spelling; one that resembles nothing gets none."""
    assert nearest("billingcty", ["billingCity", "city"]) == "; did you mean billingCity?"
    assert nearest("zzzzzz", ["name"]) == ""


@pytest.mark.parametrize("name", ["E-Mail", "e_mail", "EMAIL", " e.mail ", "É-mail"])
def test_case_accents_and_separators_make_no_other_name(name: str) -> None:
    """Every spelling of a name is the same one."""
    assert folded(name) == "email"


def test_a_sharp_s_is_a_double_one() -> None:
    """German names may be written with or without it."""
    assert folded("Straße") == folded("STRASSE") == "strasse"
