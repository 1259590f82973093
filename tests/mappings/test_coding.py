"""Codes: each code of the standards stands for itself, and what is found is found again by its code."""

from __future__ import annotations

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import currency, language
from mappings.coding import currency_code, language_code
from mappings.converter import ConversionError, Converter


def test_every_language_is_found_by_each_of_its_codes_and_its_name() -> None:
    """Two letters, both kinds of three, the English name, and a locale of it."""
    for each in pycountry.languages:
        if code := getattr(each, "alpha_2", None):
            names = [code, code.upper(), each.alpha_3, each.name, f"{code}-DE", f"{code}_Latn_DE.UTF-8"]
            assert {language_code(name) for name in names} == {code}


def test_every_currency_is_found_by_its_codes() -> None:
    """Letters and figures; what is none (XXX, XTS) is refused."""
    for each in pycountry.currencies:
        if each.alpha_3 not in currency.NONE_AT_ALL:
            assert currency_code(each.alpha_3.lower()) == currency_code(each.numeric) == each.alpha_3
    with pytest.raises(ConversionError):
        currency_code("XXX")


@pytest.mark.parametrize(
    ("names", "convert"), [(language.OTHER_NAMES, language_code), (currency.OTHER_NAMES, currency_code)]
)
def test_every_other_name_is_found(names: dict[str, str], convert: Converter) -> None:
    """No name of the lists contradicts another or the standard."""
    assert {name: convert(name) for name in names} == dict(names)
    assert all(convert(code) == code for code in names.values())


@pytest.mark.parametrize("name", sorted(currency.AMBIGUOUS))
def test_what_several_currencies_are_called_is_refused(name: str) -> None:
    """With words that say what to do."""
    with pytest.raises(ConversionError, match="name its code"):
        currency_code(name)


@pytest.mark.parametrize("convert", [language_code, currency_code])
@given(text=st.text(max_size=8) | st.from_regex("[a-zA-Z]{2,3}([-_][A-Za-z]{2,4})?", fullmatch=True))
def test_a_found_code_stays(convert: Converter, text: str) -> None:
    """Whatever the text: a code that is found again, or a refusal."""
    try:
        code = convert(text)
    except ConversionError:
        return
    assert convert(code) == code
