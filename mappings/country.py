"""Countries by code or name, looked up exactly (without case, accents and dots). Never guesses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import pycountry

from mappings.name import spoken

# Names in daily use that ISO 3166 does not list: short English ones, and what countries call themselves.
OTHER_NAMES: Mapping[str, str] = {
    "UK": "GB", "Great Britain": "GB", "Britain": "GB", "England": "GB", "Scotland": "GB", "Wales": "GB",
    "Northern Ireland": "GB", "America": "US", "United States of America": "US", "Holland": "NL",
    "The Netherlands": "NL", "Republic of Ireland": "IE", "Eire": "IE", "Czech Republic": "CZ", "Slovak Republic": "SK",
    "Russia": "RU", "South Korea": "KR", "North Korea": "KP", "Turkey": "TR", "Ivory Coast": "CI", "Cape Verde": "CV",
    "Swaziland": "SZ", "Macedonia": "MK", "Burma": "MM", "Vatican": "VA", "Vatican City": "VA", "Syria": "SY",
    "Iran": "IR", "Laos": "LA", "Brunei": "BN", "Palestine": "PS", "Macau": "MO",
    "Deutschland": "DE", "Allemagne": "DE", "Österreich": "AT", "Autriche": "AT", "Schweiz": "CH", "Suisse": "CH",
    "Svizzera": "CH", "Belgique": "BE", "België": "BE", "Belgien": "BE", "Nederland": "NL", "Niederlande": "NL",
    "Pays-Bas": "NL", "Frankreich": "FR", "Italia": "IT", "Italien": "IT", "Italie": "IT", "España": "ES",
    "Spanien": "ES", "Espagne": "ES", "Danmark": "DK", "Dänemark": "DK", "Sverige": "SE", "Schweden": "SE",
    "Norge": "NO", "Norwegen": "NO", "Suomi": "FI", "Finnland": "FI", "Ísland": "IS", "Polska": "PL", "Polen": "PL",
    "Česko": "CZ", "Tschechien": "CZ", "Slovensko": "SK", "Magyarország": "HU", "Ungarn": "HU", "Slovenija": "SI",
    "Hrvatska": "HR", "Kroatien": "HR", "România": "RO", "Rumänien": "RO", "Eesti": "EE", "Latvija": "LV",
    "Lietuva": "LT", "Grossbritannien": "GB", "Großbritannien": "GB", "Vereinigtes Königreich": "GB",
    "Royaume-Uni": "GB", "Irland": "IE", "Griechenland": "GR", "Ellada": "GR", "Türkei": "TR", "Brasil": "BR",
    "Vereinigte Staaten": "US", "Vereinigte Staaten von Amerika": "US", "États-Unis": "US", "Estados Unidos": "US",
    "Tunisie": "TN", "Maroc": "MA", "Algérie": "DZ", "Luxemburg": "LU", "Liechtenstein": "LI",
}  # fmt: skip # a table: it reads in rows


def find_country(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of a code or name, None where there is no exact match."""
    return _codes().get(spoken(text))


@cache
def _codes() -> Mapping[str, str]:
    codes = {spoken(name): country.alpha_2 for country in pycountry.countries for name in _names(country)}
    return codes | {spoken(name): code for name, code in OTHER_NAMES.items()}


def _names(country: pycountry.db.Country) -> Iterator[str]:
    yield country.alpha_2
    yield country.alpha_3
    for attribute in ("name", "official_name", "common_name"):
        name = getattr(country, attribute, "")
        if name:
            yield name
            last, comma, first = name.partition(", ")
            if comma:  # "Korea, Republic of" is also the Republic of Korea
                yield f"{first} {last}"
