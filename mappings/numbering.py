"""The built-in converters of numbers that an authority or a bank gives, checked by its rules (python-stdnum).

Nobody is asked whether a number is in use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from mappings.coding import Country, country_beside
from mappings.converter import converter, record_converter
from mappings.name import nearest
from mappings.value import ConversionError, canonical_text

if TYPE_CHECKING:
    from stdnum.util import NumberValidationModule

# The states whose numbers for value added tax begin with two letters of theirs (as VIES has them), and Great Britain.
EU_PREFIXES = frozenset(re.findall("..", "ATBEBGCYCZDEDKEEELESFIFRHRHUIEITLTLULVMTNLPLPTROSESISKXI"))
OWN_PREFIX = {"GR": "EL"}
KIND = re.compile(r"[a-z]{2}\.[a-z][a-z0-9_]*")

# The libraries are imported on first use: they take longer than a small job.


def _kind(text: str) -> str:
    """Check the name of a number that python-stdnum knows: a country and what it calls the number there."""
    from pkgutil import iter_modules

    import stdnum

    if not KIND.fullmatch(text):
        raise ValueError("the argument is a country and a kind of number there, such as fi.hetu or de.stnr")
    if not hasattr(_module(text), "validate"):
        country = text.partition(".")[0].removesuffix("_")
        folder = [f"{stdnum.__path__[0]}/{name}" for name in (country, f"{country}_")]
        known = [f"{country}.{each.name}" for each in iter_modules(folder)]
        raise ValueError(f"python-stdnum knows no number of this kind{nearest(text, known)}")
    return text


def _module(kind: str) -> NumberValidationModule | None:
    from stdnum import get_cc_module

    return get_cc_module(*kind.split("."))


NumberKind = Annotated[str, AfterValidator(_kind)]


@converter
def vat_number(value: str, country: Country | None = None) -> str:
    """Check a number for value added tax, and write it without blanks; the argument is the country where it names none.

    Those of the European Union and of Great Britain begin with their country's letters (Greece's with EL); others are
    written as in their country.

    Examples::

        "DE 136 695 976" -> "DE136695976"
        "136695976", "DE" -> "DE136695976"
        "atu13585627", "DE" -> "ATU13585627"
        "094259216", "Greece" -> "EL094259216"
        "GB 980 7806 84" -> "GB980780684"
        "CHE-107.787.577 MWST" -> "CHE107787577MWST"
        "1234567/M/A/E/001", "Tunisia" -> "1234567MAE001"
        "DE 136 695 978" -> ! "is not a number for value added tax"
        "136695976" -> ! "is not a number for value added tax"
        "" -> ! "is not a number for value added tax"
    """
    return _vat(value, country)


@record_converter
def vat_number_by_country(cells: tuple[str | None, str | None]) -> str | None:
    """Check a number for value added tax; the second column says its country where it names none. Else as `vat_number`.

    Examples::

        ["136695976", "Germany"] -> "DE136695976"
        ["ATU13585627", None] -> "ATU13585627"
        [None, "DE"] -> None
        ["136695976", "Austria"] -> ! "is not a number for value added tax"
    """
    number, country = cells
    return None if number is None else _vat(number, country_beside(country))


def _vat(value: str, country: str | None) -> str:
    from stdnum.exceptions import ValidationError

    text = re.sub(r"[\s\u200b]", "", value).upper()
    own = text[:2] if re.match("[A-Z]{2}", text) else None
    for code in (own, country):
        if code is not None:
            try:
                return _vat_of(text, OWN_PREFIX.get(code, code))
            except ValidationError:
                continue
    raise ConversionError("is not a number for value added tax")


def _vat_of(text: str, code: str) -> str:
    """Check a number by the rules of one country; raises stdnum's ValidationError."""
    from stdnum import get_cc_module
    from stdnum.eu import vat
    from stdnum.exceptions import InvalidComponent

    if code in EU_PREFIXES:
        return str(vat.validate(text if text.startswith(code) else code + text))
    module = get_cc_module(code.lower(), "vat")
    if module is None or code == "EU":
        raise InvalidComponent
    number = str(module.validate(text))
    return f"GB{number}" if code == "GB" else number


@converter
def tax_number(value: str, kind: NumberKind) -> str:
    """Check a number by the rules of its kind, and write it without separators; the argument is the kind.

    A kind is a country and python-stdnum's name of the number there: `de.stnr`, `fi.hetu`, `fi.ytunnus`, `tn.mf`.

    Examples::

        "131052-308T", "fi.hetu" -> "131052-308T"
        "2077474-0", "fi.ytunnus" -> "20774740"
        "18/181/508155", "de.stnr" -> "18181508155"
        "1234567/M/A/E/001", "tn.mf" -> "1234567MAE001"
        "131052-308U", "fi.hetu" -> ! "is not a number of this kind"
        "", "fi.hetu" -> ! "is not a number of this kind"
    """
    return _checked(value, _validator(kind), "is not a number of this kind")


def _validator(kind: str) -> Callable[[str], str]:
    module = _module(kind)
    assert module is not None, "checked when the job was read"
    return module.validate


def _checked(text: str, validate: Callable[[str], str], words: str) -> str:
    from stdnum.exceptions import ValidationError

    try:
        return str(validate(text))
    except ValidationError:
        raise ConversionError(words) from None


@converter
def iban(value: object) -> str | list[str]:
    """Check an international bank account number, or each of a list, and write it without blanks.

    Examples::

        "DE89 3704 0044 0532 0130 00" -> "DE89370400440532013000"
        ["at61 1904 3002 3457 3201"] -> ["AT611904300234573201"]
        "DE88 3704 0044 0532 0130 00" -> ! "is not an IBAN"
        "" -> ! "is not an IBAN"
    """
    from stdnum.iban import validate

    return _each(value, lambda text: _checked(text, validate, "is not an IBAN"))


@converter
def bic(value: object) -> str | list[str]:
    """Check the code of a bank (ISO 9362), or each of a list, and write it in capitals without blanks.

    Examples::

        "coba de ff xxx" -> "COBADEFFXXX"
        ["COBADEFF", "GIBAATWW"] -> ["COBADEFF", "GIBAATWW"]
        "COBADEF" -> ! "is not a BIC"
    """
    from stdnum.bic import validate

    return _each(value, lambda text: _checked(text, validate, "is not a BIC"))


def _each(value: object, check: Callable[[str], str]) -> str | list[str]:
    if isinstance(value, list | tuple):
        return [check(canonical_text(part)) for part in value]
    return check(canonical_text(value))
