"""The built-in converters that take addresses apart; what they do not understand stays whole or is refused."""

from __future__ import annotations

import re

from mappings.converter import converter
from mappings.value import ConversionError

# A house number: 57, 3a, 12-14, 12/3/7, 10 bis. Before a street it has no blank within: in "100 A Street" it is 100.
_FURTHER = r"(?:\s?[-\u2013/+]\s?[0-9]{1,5}[a-zA-Z]?)*"
_BEHIND = rf"[0-9]{{1,5}}(?:\s?[a-zA-Z])?{_FURTHER}(?:\s(?:bis|ter|quater))?"
_BEFORE = rf"[0-9]{{1,5}}[a-zA-Z]?{_FURTHER}(?:\s(?:bis|ter|quater))?"
NUMBER_BEHIND = re.compile(
    rf"(?P<street>.*?[^\s,])[\s,]+(?:(?:nr|no|n°|nº|№)\.?\s*)?(?P<number>{_BEHIND})", re.IGNORECASE
)
NUMBER_BEFORE = re.compile(rf"(?P<number>{_BEFORE})[\s,]+(?!(?:bis|ter|quater)$)(?P<street>[^\W\d_].*)", re.IGNORECASE)
# Their number is no house's.
BOX = re.compile(
    r"(?:postfach|p\.?\s?o\.?\s?box|b\.?p\.?|cs|apartado|casella postale|postbus|boîte postale|pl)[.:]?\s*(?=[0-9])",
    re.IGNORECASE,
)
_LONGEST_STREET = 200

# 10115, 1012 AB, 114 55, 12-345, 1234-567, 12345-678, with a country's letters before; in Britain behind the town.
CODE_BEFORE = re.compile(
    r"(?:[A-Z]{1,3}-\s?)?(?P<code>[0-9]{4} ?[A-Z]{2}|[0-9]{5}-[0-9]{3}|[0-9]{4}-[0-9]{3}|[0-9]{2}-[0-9]{3}"
    r"|[0-9]{3} [0-9]{2}|[0-9]{3,6})(?:[\s,]+(?P<town>[^\W\d_].*))?"
)
CODE_BEHIND = re.compile(r"(?:(?P<town>.*[^\s,])[\s,]+)?(?P<code>[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2})")


@converter
def street_name(value: str) -> str:
    """Take the street from a street with its house number, which stands behind or before it.

    Examples::

        "Forsterstr. 57" -> "Forsterstr."
        "12 Main St" -> "Main St"
        "Straße des 17. Juni 135" -> "Straße des 17. Juni"
        "10 bis, rue de la Paix" -> "rue de la Paix"
        "Am Markt" -> "Am Markt"
        "Postfach 12" -> "Postfach 12"
    """
    return _street(value)[0]


@converter
def house_number(value: str) -> str | None:
    """Take the house number from a street with its house number; null where it has none.

    Examples::

        "Forsterstr. 57" -> "57"
        "Hauptstr. 12 a" -> "12 a"
        "Am Markt 3a-5" -> "3a-5"
        "Calle Mayor, nº 12" -> "12"
        "221B Baker Street" -> "221B"
        "1 rue du 8 mai 1945" -> "1"
        "Am Markt" -> None
        "Postfach 12" -> None
    """
    return _street(value)[1]


def _street(value: str) -> tuple[str, str | None]:
    text = " ".join(value.split())
    if BOX.match(text) or len(text) > _LONGEST_STREET:
        return text, None
    found = NUMBER_BEFORE.fullmatch(text) or NUMBER_BEHIND.fullmatch(text)
    return (found["street"], found["number"]) if found else (text, None)


@converter
def postal_code(value: str) -> str | None:
    """Take the postal code from a postal code and town in one; null where there is a town alone.

    Examples::

        "10115 Berlin" -> "10115"
        "D-10115 Berlin" -> "10115"
        "1012 AB Amsterdam" -> "1012 AB"
        "75008 Paris 08" -> "75008"
        "London SW1A 1AA" -> "SW1A 1AA"
        "00-950" -> "00-950"
        "Berlin" -> None
        "Springfield, IL 62704" -> ! "is not a postal code and a town"
    """
    return _place(value)[0]


@converter
def town(value: str) -> str | None:
    """Take the town from a postal code and town in one; null where there is a postal code alone.

    Examples::

        "10115 Berlin" -> "Berlin"
        "1012 AB Amsterdam" -> "Amsterdam"
        "114 55 Stockholm" -> "Stockholm"
        "London, SW1A 1AA" -> "London"
        "Berlin" -> "Berlin"
        "10115" -> None
        "Springfield, IL 62704" -> ! "is not a postal code and a town"
    """
    return _place(value)[1]


def _place(value: str) -> tuple[str | None, str | None]:
    text = " ".join(value.split())
    if found := CODE_BEFORE.fullmatch(text) or CODE_BEHIND.fullmatch(text):
        return found["code"], found["town"]
    if any(map(str.isdigit, text)):
        raise ConversionError("is not a postal code and a town")
    return None, text or None


@converter
def first_line(value: str) -> str | None:
    r"""Keep the first line that is not blank; null where all are.

    Examples::

        "12 Main St\nRear building" -> "12 Main St"
        "\r\n Anna \r\n" -> "Anna"
        " " -> None
    """
    return next(iter(_lines(value)), None)


@converter
def other_lines(value: str, separator: str = ", ") -> str | None:
    r"""Put all lines but the first on one, blank ones left out; null where there are none. The argument stands between.

    Examples::

        "12 Main St\nRear building\n\n2nd floor" -> "Rear building, 2nd floor"
        "12 Main St\nRear building\n2nd floor", "\n" -> "Rear building\n2nd floor"
        "12 Main St" -> None
    """
    return separator.join(_lines(value)[1:]) or None


@converter
def one_line(value: str, separator: str = ", ") -> str:
    r"""Put all lines on one, blank ones left out; the argument stands between.

    Examples::

        "12 Main St\r\n\r\nRear building " -> "12 Main St, Rear building"
        "12 Main St\nRear building", " / " -> "12 Main St / Rear building"
        "12 Main St" -> "12 Main St"
    """
    return separator.join(_lines(value))


def _lines(text: str) -> list[str]:
    return [line for line in map(str.strip, text.splitlines()) if line]
