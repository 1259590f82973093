"""Languages by code, locale or name, looked up exactly (without case, accents and dots). Never guesses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

import pycountry

from mappings.name import spoken

# `de-AT`, `zh-Hant-TW`, `pt_BR.UTF-8`: a language, and where or how it is written (RFC 5646, POSIX).
LOCALE = re.compile(r"([a-z]{2,3})(?:[-_](?:[a-z]{4}|[a-z]{2}|[0-9]{3}))+(?:\.[\w-]+)?")

# What ISO 639 calls otherwise or not at all: what languages call themselves, and names in neighbouring ones.
OTHER_NAMES: Mapping[str, str] = {
    "Greek": "el", "Malay": "ms", "Swahili": "sw", "Nepali": "ne", "Occitan": "oc", "Farsi": "fa", "Flemish": "nl",
    "Castilian": "es", "Mandarin": "zh", "Bangla": "bn",
    "Deutsch": "de", "Englisch": "en", "Französisch": "fr", "Italienisch": "it", "Spanisch": "es",
    "Portugiesisch": "pt", "Niederländisch": "nl", "Polnisch": "pl", "Tschechisch": "cs", "Slowakisch": "sk",
    "Ungarisch": "hu", "Slowenisch": "sl", "Kroatisch": "hr", "Rumänisch": "ro", "Bulgarisch": "bg",
    "Griechisch": "el", "Türkisch": "tr", "Russisch": "ru", "Ukrainisch": "uk", "Dänisch": "da", "Schwedisch": "sv",
    "Norwegisch": "no", "Finnisch": "fi", "Estnisch": "et", "Lettisch": "lv", "Litauisch": "lt", "Arabisch": "ar",
    "Chinesisch": "zh", "Japanisch": "ja",
    "Français": "fr", "Anglais": "en", "Allemand": "de", "Italien": "it", "Espagnol": "es", "Portugais": "pt",
    "Néerlandais": "nl", "Arabe": "ar", "Italiano": "it", "Inglese": "en", "Tedesco": "de", "Francese": "fr",
    "Spagnolo": "es", "Español": "es", "Castellano": "es", "Inglés": "en", "Alemán": "de", "Francés": "fr",
    "Português": "pt", "Inglês": "en", "Alemão": "de", "Nederlands": "nl", "Vlaams": "nl", "Engels": "en",
    "Duits": "de", "Frans": "fr", "Suomi": "fi", "Ruotsi": "sv", "Englanti": "en", "Saksa": "de", "Venäjä": "ru",
    "Svenska": "sv", "Dansk": "da", "Norsk": "no", "Bokmål": "nb", "Nynorsk": "nn", "Íslenska": "is", "Polski": "pl",
    "Čeština": "cs", "Slovenčina": "sk", "Slovenščina": "sl", "Magyar": "hu", "Hrvatski": "hr", "Română": "ro",
    "Български": "bg", "Ελληνικά": "el", "Türkçe": "tr", "Русский": "ru", "Українська": "uk", "Eesti": "et",
    "Latviešu": "lv", "Lietuvių": "lt", "Català": "ca", "Euskara": "eu", "Galego": "gl", "Cymraeg": "cy",
    "Gaeilge": "ga", "Lëtzebuergesch": "lb", "العربية": "ar", "中文": "zh", "日本語": "ja", "한국어": "ko",
}  # fmt: skip # a table: it reads in rows


def find_language(text: str) -> str | None:
    """Return the ISO 639-1 code of a code, a locale or a name, None where there is no exact match."""
    locale = LOCALE.fullmatch(text.strip().casefold())
    return _codes().get(locale[1] if locale else spoken(text))


@cache
def _codes() -> Mapping[str, str]:
    written = [language for language in pycountry.languages if hasattr(language, "alpha_2")]
    codes = {spoken(name): language.alpha_2 for language in written for name in _names(language)}
    return codes | {spoken(name): code for name, code in OTHER_NAMES.items()}


def _names(language: pycountry.db.Data) -> Iterator[str]:
    for attribute in ("alpha_2", "alpha_3", "bibliographic", "name", "common_name"):
        if name := getattr(language, attribute, ""):
            yield name
