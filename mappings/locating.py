"""The built-in converters that read coordinates in degrees; they know no map."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from mappings.converter import converter
from mappings.value import ConversionError, exact_decimal

_FIGURE = r"[0-9]{1,3}(?:[.,][0-9]{1,20})?"
PLAIN_DEGREES = re.compile(rf"(?P<sign>[+-]?)(?P<degrees>{_FIGURE})\s*[°º]?")
SEXAGESIMAL = re.compile(
    rf"(?P<sign>[+-]?)(?P<degrees>[0-9]{{1,3}})\s*[°º]\s*(?P<minutes>{_FIGURE})\s*['′’]\s*"  # noqa: RUF001 - as people write minutes
    rf"(?:(?P<seconds>{_FIGURE})\s*(?:[\"″”]|''))?"
)
# Two coordinates in one cell: by semicolon, by comma and blank, by comma where points are decimal, by blank alone.
PAIRS = (
    re.compile(r"(?P<north>[^;]+);(?P<east>[^;]+)"),
    re.compile(r"(?P<north>[^,]+),\s+(?P<east>[^,]+)"),
    re.compile(r"(?P<north>[^,]*\.[^,]*),(?P<east>[^,]*\.[^,]*)"),
    re.compile(r"(?P<north>[+-]?[0-9]+[.,][0-9]+[°º]?)\s+(?P<east>[+-]?[0-9]+[.,][0-9]+[°º]?)"),
    re.compile(r"(?P<north>.*[NS])\s*(?P<east>\S.*[EW])"),
)
_PLACES = Decimal("1e-7")  # a centimetre
_LONGEST = 200  # of a pair with all its figures; a search through more would take as its square
_MINUTES = 60


@converter
def latitude(value: object) -> Decimal:
    r"""Read degrees north: decimal, or degrees, minutes and seconds; of a pair of coordinates the first.

    Examples::

        "52.5200" -> Decimal("52.5200")
        "52,52" -> Decimal("52.52")
        "33.8688 S" -> Decimal("-33.8688")
        "52.52, 13.405" -> Decimal("52.52")
        "52,52; 13,405" -> Decimal("52.52")
        "52° 31' 12\" N" -> Decimal("52.52")
        "52°31'12\"N 13°24'18\"E" -> Decimal("52.52")
        "91" -> ! "lies beyond 90 degrees"
        "13.405 E" -> ! "is not a latitude"
        "Berlin" -> ! "is not a latitude"
    """
    return _coordinate(value, "north")


@converter
def longitude(value: object) -> Decimal:
    r"""Read degrees east: decimal, or degrees, minutes and seconds; of a pair of coordinates the second.

    Examples::

        "13.405" -> Decimal("13.405")
        "W 0.1278" -> Decimal("-0.1278")
        "52.52, 13.405" -> Decimal("13.405")
        "52°31'12\"N 13°24'18\"E" -> Decimal("13.405")
        "181" -> ! "lies beyond 180 degrees"
        "52.52 N" -> ! "is not a longitude"
        "" -> ! "is not a longitude"
    """
    return _coordinate(value, "east")


_AXES: dict[str, tuple[str, str, int]] = {"north": ("latitude", "NS", 90), "east": ("longitude", "EW", 180)}


def _coordinate(value: object, axis: Literal["north", "east"]) -> Decimal:
    name, letters, most = _AXES[axis]
    degrees = _degrees(value, axis, letters)
    if degrees is None:
        raise ConversionError(f"is not a {name}")
    if abs(degrees) > most:
        raise ConversionError(f"lies beyond {most} degrees")
    return degrees


def _degrees(value: object, axis: str, letters: str) -> Decimal | None:
    match value:
        case bool():
            return None
        case int():
            return Decimal(value)
        case Decimal():
            return value if value.is_finite() else None
        case float():
            return exact_decimal(value)
        case str() if len(value) <= _LONGEST:
            return _read_degrees(_part(value.strip().upper().replace("\N{MINUS SIGN}", "-"), axis), letters)
        case _:
            return None


def _part(text: str, axis: str) -> str:
    """Take one coordinate of a pair; what is no pair is one coordinate."""
    found = next(filter(None, (pair.fullmatch(text) for pair in PAIRS)), None)
    return found[axis].strip() if found else text


def _read_degrees(text: str, letters: str) -> Decimal | None:
    """Read one coordinate with or without its letter of direction; None where it is none."""
    letter = next((each for each in letters if text.startswith(each) or text.endswith(each)), "")
    bare = (
        text.removeprefix(letter).strip() if letter and text.startswith(letter) else text.removesuffix(letter).strip()
    )
    found = PLAIN_DEGREES.fullmatch(bare) or SEXAGESIMAL.fullmatch(bare)
    if found is None or (letter and found["sign"]):
        return None
    degrees = _sum(found.groupdict())
    south_or_west = found["sign"] == "-" or (letter and letter == letters[1])
    return degrees if degrees is None or not south_or_west else -degrees


def _sum(parts: dict[str, str | None]) -> Decimal | None:
    """Add degrees, minutes and seconds; None where there are 60 of the smaller ones."""
    degrees, minutes, seconds = (_figure(parts.get(name)) for name in ("degrees", "minutes", "seconds"))
    if minutes >= _MINUTES or seconds >= _MINUTES:
        return None
    if parts.get("minutes") is None:
        return degrees
    rounded = (degrees + minutes / 60 + seconds / 3600).quantize(_PLACES)
    return Decimal(format(rounded.normalize(), "f"))


def _figure(text: str | None) -> Decimal:
    return Decimal((text or "0").replace(",", "."))
