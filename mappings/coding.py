"""The built-in converters to ISO codes of countries, languages and currencies. They look up and never guess."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from mappings.converter import converter
from mappings.value import ConversionError

# The tables are imported on first use: reading them takes longer than a small job.


def _argument(text: str) -> str:
    from mappings.country import find_country

    code = find_country(text)
    if code is None:
        raise ValueError("the argument is not a country")
    return code


Country = Annotated[str, AfterValidator(_argument)]
"""A converter's argument that names a country, by its code or name."""


def country_beside(text: str | None) -> str | None:
    """Find the country in the column beside a value; None where that is blank, ConversionError where it is none."""
    if text is None or not text.strip():
        return None
    from mappings.country import find_country

    code = find_country(text)
    if code is None:
        raise ConversionError("stands beside what is not a country")
    return code


@converter
def country_code(value: str) -> str:
    """Find the ISO 3166-1 alpha-2 code for a code of two or three letters or a country's name; no guesses.

    Names are the English ones of ISO 3166 and the other names in `mappings.country`.

    Examples::

        "de" -> "DE"
        "USA" -> "US"
        "UK" -> "GB"
        " Germany " -> "DE"
        "Österreich" -> "AT"
        "Venezuela" -> "VE"
        "Korea, Republic of" -> "KR"
        "Atlantis" -> ! "is not a country"
        "" -> ! "is not a country"
    """
    from mappings.country import find_country

    code = find_country(value)
    if code is None:
        raise ConversionError("is not a country")
    return code


@converter
def language_code(value: str) -> str:
    """Find the ISO 639-1 code for a code of two or three letters, a locale or a language's name; no guesses.

    Names are the English ones of ISO 639 and the other names in `mappings.language`. Where a target wants capitals, as
    JTL-Wawi does, `upper` follows.

    Examples::

        "DE" -> "de"
        "ger" -> "de"
        "deu" -> "de"
        "de-AT" -> "de"
        "pt_BR.UTF-8" -> "pt"
        "zh-Hant-TW" -> "zh"
        " German " -> "de"
        "Français" -> "fr"
        "Griechisch" -> "el"
        "Klingon" -> ! "is not a language that has a code of two letters"
        "" -> ! "is not a language that has a code of two letters"
    """
    from mappings.language import find_language

    code = find_language(value)
    if code is None:
        raise ConversionError("is not a language that has a code of two letters")
    return code


@converter
def currency_code(value: str) -> str:
    """Find the ISO 4217 code for a code of three letters or digits, a currency's name or a sign; no guesses.

    Names are the English ones of ISO 4217 and the other names and signs in `mappings.currency`. What several currencies
    are called is refused.

    Examples::

        "eur" -> "EUR"
        "978" -> "EUR"
        " Euro " -> "EUR"
        "€" -> "EUR"
        "Swiss Franc" -> "CHF"
        "zł" -> "PLN"
        "US$" -> "USD"
        "$" -> ! "could be several currencies; name its code"
        "kr" -> ! "could be several currencies; name its code"
        "DEM" -> ! "is not a currency"
        "" -> ! "is not a currency"
    """
    from mappings.currency import AMBIGUOUS, find_currency, spoken

    code = find_currency(value)
    if code is None:
        several = spoken(value) in AMBIGUOUS
        raise ConversionError("could be several currencies; name its code" if several else "is not a currency")
    return code
