"""The built-in converters that read numbers and truth values; as in `recipe`, their examples are their tests."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from mappings.converter import converter
from mappings.value import ConversionError, exact_decimal

# What yes and no, true and false are called, each language's with and without its accents.
WORDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "English": (frozenset({"true", "yes", "on", "y", "t"}), frozenset({"false", "no", "off", "n", "f"})),
    "German": (frozenset({"ja", "wahr", "an", "ein", "j"}), frozenset({"nein", "falsch", "aus"})),
    "French": (frozenset({"oui", "vrai"}), frozenset({"non", "faux"})),
    "Italian": (frozenset({"sì", "si", "vero"}), frozenset({"no", "falso"})),
    "Spanish": (frozenset({"sí", "si", "verdadero"}), frozenset({"no", "falso"})),
    "Portuguese": (frozenset({"sim", "verdadeiro"}), frozenset({"não", "nao", "falso"})),
    "Dutch": (frozenset({"ja", "waar"}), frozenset({"nee", "onwaar"})),
    "Finnish": (frozenset({"kyllä", "kylla", "tosi"}), frozenset({"ei", "epätosi", "epatosi"})),
    "Swedish, Danish and Norwegian": (
        frozenset({"ja", "sant", "sand", "sann"}),
        frozenset({"nej", "nei", "falskt", "falsk", "usann", "usant"}),
    ),
    "Polish": (frozenset({"tak", "prawda"}), frozenset({"nie", "fałsz", "falsz"})),
}
TRUE = frozenset({"1"}).union(*(yes for yes, _ in WORDS.values()))
FALSE = frozenset({"0"}).union(*(no for _, no in WORDS.values()))

# What people write between groups of three digits besides point and comma: blanks of several widths, apostrophes.
GROUP_MARK = re.compile("(?<=[0-9])[ \u00a0\u2009\u202f'\u2019](?=[0-9]{3}(?![0-9]))")
PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)")
GROUPED = {mark: re.compile(rf"[+-]?[0-9]{{1,3}}(?:{re.escape(mark)}[0-9]{{3}})+") for mark in ".,"}
AMBIGUOUS = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")


@converter
def decimal(value: object, mark: Literal[".", ","] | None = None) -> Decimal:
    """Read a number with point or comma and thousands marks; the argument names the decimal mark.

    Without it both marks are understood, and what could be either is refused. Never goes through binary floats.

    Examples::

        "12.50" -> Decimal("12.50")
        "12,50" -> Decimal("12.50")
        "1.234,56" -> Decimal("1234.56")
        "1,234,567.8" -> Decimal("1234567.8")
        "1'234.50" -> Decimal("1234.50")
        "1 234" -> Decimal("1234")
        "-0,5" -> Decimal("-0.5")
        "0.125" -> Decimal("0.125")
        "1.234", "," -> Decimal("1234")
        "1.234", "." -> Decimal("1.234")
        "1.234" -> ! "could be a decimal or thousands; name the decimal mark"
        "1,23,4" -> ! "is not a number"
        "12 34" -> ! "is not a number"
        "12,3.456", "," -> ! "is not a number"
        "1e5" -> ! "is not a number"
        "NaN" -> ! "is not a number"
        "" -> ! "is not a number"
    """
    match value:
        case bool():
            raise ConversionError("is not a number")
        case int() | Decimal():
            number = Decimal(value)
        case float():
            number = exact_decimal(value)
        case str():
            number = _read_decimal(GROUP_MARK.sub("", value.strip()), mark)
        case _:
            raise ConversionError("is not a number")
    if not number.is_finite():
        raise ConversionError("is not a number")
    return number


def _read_decimal(text: str, mark: Literal[".", ","] | None) -> Decimal:
    if mark is None and AMBIGUOUS.fullmatch(text):
        raise ConversionError("could be a decimal or thousands; name the decimal mark")
    mark = mark or _decimal_mark(text)
    group = "," if mark == "." else "."
    whole, _, fraction = text.partition(mark)
    if GROUPED[group].fullmatch(whole):
        whole = whole.replace(group, "")
    plain = f"{whole}.{fraction}" if mark in text else whole
    if not PLAIN_NUMBER.fullmatch(plain):
        raise ConversionError("is not a number")
    return Decimal(plain)


def _decimal_mark(text: str) -> Literal[".", ","]:
    """Take the mark that comes last for the decimal one, unless it comes more than once."""
    last: Literal[".", ","] = "," if text.rfind(",") > text.rfind(".") else "."
    other: Literal[".", ","] = "." if last == "," else ","
    return other if text.count(last) > 1 else last


@converter
def integer(value: object) -> int:
    """Read a whole number of plain digits.

    Examples::

        "7" -> 7
        " 007 " -> 7
        "-3" -> -3
        "7.0" -> ! "is not a whole number"
        "1e5" -> ! "is not a whole number"
        "9007199254740993" -> 9007199254740993
    """
    if isinstance(value, bool):
        raise ConversionError("is not a whole number")
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,64}", value.strip()):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float | Decimal) and value == value // 1:
        return int(value)
    raise ConversionError("is not a whole number")


@converter
def boolean(value: object) -> bool:
    """Read yes and no, true and false in the languages of `WORDS`, on and off, 1 and 0.

    Examples::

        "Yes" -> True
        "ja" -> True
        "VRAI" -> True
        "Sì" -> True
        "verdadero" -> True
        "sim" -> True
        "waar" -> True
        "kyllä" -> True
        "tak" -> True
        "TRUE" -> True
        "não" -> False
        "onwaar" -> False
        "ei" -> False
        "nej" -> False
        "nie" -> False
        "0" -> False
        "Nein" -> False
        "non" -> False
        "maybe" -> ! "is neither yes nor no"
        "" -> ! "is neither yes nor no"
    """
    word = str(value).strip().casefold() if isinstance(value, str | bool | int) else ""
    word = unicodedata.normalize("NFC", word)
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ConversionError("is neither yes nor no")
