"""Currencies by code, name or sign, looked up exactly (without case, accents and dots). Never guesses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache

import pycountry

from mappings.name import spoken

__all__ = ["AMBIGUOUS", "find_currency", "spoken"]

# Names and signs in daily use that mean one currency alone.
OTHER_NAMES: Mapping[str, str] = {
    "€": "EUR", "Euros": "EUR", "US$": "USD", "USD$": "USD", "US-Dollar": "USD", "US Dollars": "USD", "A$": "AUD",
    "AU$": "AUD", "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "R$": "BRL", "Real": "BRL",
    "British Pound": "GBP", "Pounds Sterling": "GBP", "Sterling": "GBP", "Schweizer Franken": "CHF", "Franken": "CHF",
    "SFr": "CHF", "Franc suisse": "CHF", "zł": "PLN", "Złoty": "PLN", "Kč": "CZK", "Czech Crown": "CZK", "Ft": "HUF",
    "₺": "TRY", "₴": "UAH", "₽": "RUB", "₹": "INR", "₪": "ILS", "฿": "THB", "₫": "VND", "₦": "NGN",
    "Renminbi": "CNY", "Yuan": "CNY", "RMB": "CNY", "Japanese Yen": "JPY", "Svensk krona": "SEK",
    "Svenska kronor": "SEK", "Dansk krone": "DKK", "Danske kroner": "DKK", "Norsk krone": "NOK",
    "Norske kroner": "NOK", "Dinar tunisien": "TND", "Dirham marocain": "MAD",
}  # fmt: skip # a table: it reads in rows
_SEVERAL = (
    "$ £ ¥ ₩ C$ kr Dollar Dollars Pound Pounds Peso Pesos Franc Francs Fr Krone Kroner Krona Kronor Crown Rupee Dinar"
    " Dirham Rial Riyal Lira Shilling Leu Lei"
)
AMBIGUOUS: frozenset[str] = frozenset(map(spoken, (*_SEVERAL.split(), "Bolívar Soberano")))
"""What several currencies are called."""

# Codes that ISO 4217 keeps for no currency and for tests.
NONE_AT_ALL = frozenset({"XXX", "XTS"})


def find_currency(text: str) -> str | None:
    """Return the ISO 4217 code of a code, name or sign, None where there is no exact match or more than one."""
    return _codes().get(spoken(text))


@cache
def _codes() -> Mapping[str, str]:
    found: dict[str, set[str]] = defaultdict(set)
    for currency in pycountry.currencies:
        if currency.alpha_3 not in NONE_AT_ALL:
            for name in (currency.alpha_3, currency.numeric, currency.name):
                found[spoken(name)].add(currency.alpha_3)
    for name, code in OTHER_NAMES.items():
        found[spoken(name)].add(code)
    return {name: codes.pop() for name, codes in found.items() if len(codes) == 1 and name not in AMBIGUOUS}
